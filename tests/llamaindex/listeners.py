"""Handlers that keep what LlamaIndex's instrumentation tells them."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.span import SimpleSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler


class Events(BaseEventHandler):
    """Keeps all events."""

    seen: ClassVar[list[BaseEvent]] = []

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        assert not kwargs
        self.seen.append(event)

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.seen]


class Spans(BaseSpanHandler[SimpleSpan]):
    """Keeps what becomes of every span, and what it shows of its call."""

    seen: ClassVar[list[tuple[str, str]]] = []
    shown: ClassVar[list[str]] = []

    def new_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> SimpleSpan:
        self.seen.append(("new", f"{type(instance).__name__} {id_.partition('-')[0]}"))
        self.shown.append(f"{bound_args} {instance!r} {tags} {kwargs}")
        return SimpleSpan(id_=id_, parent_id=parent_span_id)

    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        result: Any | None = None,
        **kwargs: Any,
    ) -> SimpleSpan | None:
        return self._ended("exit", id_, bound_args, instance, result, kwargs)

    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        err: BaseException | None = None,
        **kwargs: Any,
    ) -> SimpleSpan | None:
        return self._ended("drop", id_, bound_args, instance, err, kwargs)

    def _ended(self, how: str, id_: str, *shown: Any) -> SimpleSpan | None:
        self.seen.append((how, id_.partition("-")[0]))
        self.shown.append(f"{shown}")
        return self.open_spans.get(id_)
