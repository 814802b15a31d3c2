"""``instrument()``: what LlamaIndex does around the calls of models, and those calls, exported as OpenTelemetry spans.

At Portkey the gateway's own log is the span of a call; any other receiver gets one (``portkey_gateway.tracing.watch``).
The ids that calls send (``portkey_llamaindex.instrumentation``) are those of the spans here, so that all form one tree.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
    LLMCompletionStartEvent,
)
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent
from llama_index_instrumentation.dispatcher import active_instrument_tags
from llama_index_instrumentation.event_handlers import BaseEventHandler
from llama_index_instrumentation.span import BaseSpan
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from pydantic import SecretStr
from typing_extensions import override

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.context import TraceContext
from portkey_gateway.tracing.fold import Detail
from portkey_gateway.tracing.spans import Described, OpenSpan
from portkey_gateway.tracing.steps import Calls, Tracing
from portkey_llamaindex import spans
from portkey_llamaindex.agents import AgentSpans
from portkey_llamaindex.fold import is_gateway_call
from portkey_llamaindex.instrumentation import Place, enter_place, own_trace, read_tags
from portkey_llamaindex.plain import plain
from portkey_llamaindex.spans import SpanStart

if TYPE_CHECKING:
    from portkey_gateway.tracing.receiver import Receiver


class SpanTracer(BaseSpanHandler[BaseSpan]):
    """Makes a span of every span of LlamaIndex; of those of our own calls, only where they are wanted."""

    # What is private of pydantic's it searches for at every look, and there are several at every span.
    __slots__ = ("_agents", "_tracing")

    def __init__(self, tracing: Tracing) -> None:
        super().__init__()
        self._tracing = tracing
        self._agents = AgentSpans(tracing)

    @override
    def new_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        try:
            # Of the run of a workflow LlamaIndex tells no tags.
            tags = active_instrument_tags.get() if tags is None else tags
            arguments = bound_args.arguments
            place = enter_place(id_, parent_span_id, tags, instance, arguments)
            own = _own_trace(place)
            name = own.span_name or ""
            if parent_span_id and place.turn and place.outer:
                event = arguments.get("ev")
                self._agents.enter(parent_span_id, place.outer.trace, place.turn, event, read_tags(tags))
            around_key = place.turn.key if place.turn else parent_span_id
            if not self._tracing.folds and parent_span_id and not place.is_in_call:
                # Where the span really stands, folded or not.
                around = _own_trace(place.outer) if place.outer else own_trace(parent_span_id)
                around_id = place.turn.span_id if place.turn else around.span_id
                context = TraceContext(place.trace.trace_id, own.span_id, around_id, name)
            elif place.is_folded:
                self._tracing.fold(id_, name, around_key, spans.told_by_step(instance, arguments))
                return
            else:
                context = place.trace
            kind: Any = type(instance)
            is_call = is_gateway_call(kind, name.rpartition(".")[2])

            def described(parent: OpenSpan | None) -> Described:
                if is_call:
                    return spans.describe_call(instance, parent)
                is_root = parent_span_id is None
                return spans.describe(SpanStart(name, instance, arguments, parent, is_root=is_root))

            self._tracing.start(
                id_, context, described, parent_key=around_key, labels=read_tags(tags), awaits_call=is_call
            )
        except Exception as error:  # noqa: BLE001 whatever is wrong with a span, the user's call goes on
            self._tracing.unnoticed.note(error)

    @override
    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        result: Any | None = None,
        **kwargs: Any,
    ) -> None:
        try:
            self._agents.leave(id_)
            is_stream = spans.is_stream(result) and isinstance(result, (Generator, AsyncGenerator))
            if is_stream and (span := self._tracing.open.touch(id_)) and span.ends_apart:
                self._tracing.end_with(result, id_)
                return
            self._tracing.end(id_, lambda span: spans.conclude(span, instance, result))
        except Exception as error:  # noqa: BLE001 as above
            self._tracing.unnoticed.note(error)

    @override
    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        err: BaseException | None = None,
        **kwargs: Any,
    ) -> None:
        error = err or RuntimeError("LlamaIndex dropped the span")
        self._agents.leave(id_, error)
        self._tracing.fail(id_, error)

    @override
    def close(self) -> None:
        """What LlamaIndex calls when its dispatcher shuts down."""
        self._tracing.close()


def _own_trace(place: Place) -> TraceContext:
    """A span by its own id and name, whether it is folded or not."""
    return own_trace(place.span_id) if place.is_folded else place.trace


class EventTracer(BaseEventHandler):
    """Hears how the streams of models end, and that workflows are cancelled: their spans do not tell."""

    __slots__ = ("_heard", "_tracing")

    def __init__(self, tracing: Tracing) -> None:
        super().__init__()
        self._tracing = tracing
        self._heard: dict[str, Callable[[str, Any], None]] = {
            LLMChatStartEvent.__name__: self._announce,
            LLMCompletionStartEvent.__name__: self._announce,
            LLMChatEndEvent.__name__: self._end,
            LLMCompletionEndEvent.__name__: self._end,
            ExceptionEvent.__name__: self._fail,
            # LlamaIndex's workflows keep the class to themselves.
            "SpanCancelledEvent": self._cancel,
        }

    @override
    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        hear = self._heard.get(type(event).__name__)
        if hear and event.span_id:
            with self._tracing.unnoticed:
                hear(event.span_id, event)

    def _announce(self, span_id: str, _: Any) -> None:
        self._tracing.open.amend(span_id, lambda span: span._replace(ends_apart=True))

    def _end(self, span_id: str, event: Any) -> None:
        self._tracing.end(span_id, lambda span: spans.conclude_model(span, event.response))

    def _fail(self, span_id: str, event: Any) -> None:
        self._tracing.fail(span_id, event.exception)

    def _cancel(self, span_id: str, _: Any) -> None:
        told = {semconv.OUTCOME: "cancelled"}
        self._tracing.open.amend(span_id, lambda span: span._replace(attributes={**span.attributes, **told}))


class Instrumentation:
    """What ``instrument()`` started; also a context manager that closes it."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self.is_closed = False
        self._handlers: Final = (SpanTracer(tracing), EventTracer(tracing))

    @property
    def receiver(self) -> Receiver | None:
        """Where the spans go."""
        return self._tracing.export.receiver if self._tracing.export else None

    @property
    def lost(self) -> int:
        """How many spans were lost: they could not be sent, or never ended."""
        return self._tracing.lost

    def flush(self) -> None:
        """Send the spans that wait, and return when that is done."""
        self._tracing.flush()

    def close(self) -> None:
        """Hear of no more spans; send those that wait, and what is not over (``unfinished``). So it ends at exit."""
        self.is_closed = True
        root = get_dispatcher()
        root.span_handlers = [each for each in root.span_handlers if each is not self._handlers[0]]
        root.event_handlers = [each for each in root.event_handlers if each is not self._handlers[1]]
        self._tracing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        root = get_dispatcher()
        root.add_span_handler(self._handlers[0])
        root.add_event_handler(self._handlers[1])


def instrument(
    *,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    api_key: SecretStr | str | None = None,
    base_url: str | None = None,
    capture_content: bool | None = None,
    metadata_keys: Sequence[str] | None = None,
    calls: Calls = "auto",
    detail: Detail = "named",
) -> Instrumentation:
    """Export what LlamaIndex does, by OpenTelemetry: workflows, agents, queries, tools, retrievers, other models.

    Calls of ``Portkey`` and ``PortkeyEmbedding`` belong to the same tree: at Portkey the gateway's own log is their
    span, any other receiver gets one of each, with tokens and cost. Spans go out in the background, and at exit; at
    most 2048 wait, and a loss is counted (``lost``) and logged once. It never breaks a call.

    Call it once for each receiver, such as Portkey and a collector of your own. What was instrumented before for the
    same receiver is closed: no span is exported twice.

    Example:
        ```python
        from portkey_llamaindex import instrument

        instrument()  # PORTKEY_API_KEY from the environment
        ```

    Args:
        endpoint: an OTLP/HTTP receiver, with its ``/v1/traces``. If none is given, OpenTelemetry's variables
            (``OTEL_EXPORTER_OTLP_ENDPOINT`` …) name it; else it is the gateway's own, ``{base_url}/otel/v1/traces``.
        headers: further headers for the receiver.
        api_key: the Portkey API key, for the gateway only; read from ``PORTKEY_API_KEY``.
        base_url: the gateway, with its ``/v1``; read from ``PORTKEY_BASE_URL``, else the hosted gateway.
        capture_content: whether spans hold inputs, outputs and the texts of errors; by default true, unless
            ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` says ``false``.
        metadata_keys: the only tags (``instrument_tags``) to export, if given.
        calls: whether calls of ours are exported too; by default (``auto``) to any receiver but Portkey.
        detail: ``all`` exports every span of LlamaIndex; by default (``named``) those that nobody would name are folded
            into the span around them, such as ``SentenceSplitter._parse_nodes``.

    Returns:
        What was started: ``flush()`` sends what waits, ``close()`` ends it, ``lost`` counts.

    Raises:
        ImportError: if OpenTelemetry is not installed, naming the extra ``otel``.
        ValueError: if spans are to go to the hosted gateway and there is no API key; or if ``calls`` or ``detail``
            is none of its values.
    """
    tracing = Tracing.to_receiver(
        convert=plain,
        endpoint=endpoint,
        headers=headers,
        api_key=api_key,
        base_url=base_url,
        capture_content=capture_content,
        metadata_keys=metadata_keys,
        calls=calls,
        detail=detail,
    )
    started = Instrumentation(tracing)
    # What was closed is closed again: whoever restores a list of handlers puts it back.
    for before in [each for each in _running if each.is_closed or each.receiver == started.receiver]:
        before.close()
        _running.remove(before)
    _running.append(started)
    started._start()  # noqa: SLF001 nobody else starts one
    return started


_running: list[Instrumentation] = []
