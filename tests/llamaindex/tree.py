"""The tree of LlamaIndex's spans beside the headers that the gateway got."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from llama_index_instrumentation.span import BaseSpan
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from pydantic import Field

from tests.support.recording import RecordingServer, Request

# LlamaIndex looks at every attribute of an agent, also at those that pydantic renamed.
agents_warn = pytest.mark.filterwarnings(
    "ignore:The `__fields(_set)?__` attribute is deprecated",
    "ignore:Accessing the 'model_(computed_)?fields' attribute",
    "ignore:is_running called from within a step",
)


class Tree(BaseSpanHandler[BaseSpan]):
    """Notes every span as LlamaIndex tells it to any handler, by the ids that the gateway is to see."""

    parents: dict[str, str | None] = Field(default_factory=dict)
    names: dict[str, str] = Field(default_factory=dict)

    def new_span(
        self,
        id_: str,
        bound_args: Any,  # noqa: ARG002 LlamaIndex's signature
        instance: Any = None,  # noqa: ARG002 LlamaIndex's signature
        parent_span_id: str | None = None,
        tags: Any = None,  # noqa: ARG002 LlamaIndex's signature
        **kwargs: Any,  # noqa: ARG002 LlamaIndex's signature
    ) -> None:
        self.parents[_digits(id_)] = _digits(parent_span_id) if parent_span_id else None
        self.names[_digits(id_)] = id_[:-37]

    def prepare_to_exit_span(
        self, id_: str, bound_args: Any, instance: Any = None, result: Any = None, **kwargs: Any
    ) -> None: ...

    def prepare_to_drop_span(
        self, id_: str, bound_args: Any, instance: Any = None, err: Any = None, **kwargs: Any
    ) -> None: ...

    def place(self, request: Request) -> str:
        """Check that a call stands in the tree where LlamaIndex put it, though the steps around it may be folded.

        Returns:
            The name of its root.
        """
        [span] = [digits for digits in self.parents if digits[16:] == portkey(request, "span-id")]
        assert portkey(request, "span-name") == self.names[span]
        around = {parent[16:] for parent in self.around(span)}
        if around:
            assert portkey(request, "parent-span-id") in around
        else:
            assert "x-portkey-parent-span-id" not in request.headers
        root = self.root(span)
        assert portkey(request, "trace-id") == root
        assert request.header("traceparent") == f"00-{root}-{span[16:]}-01"
        return self.names[root]

    def around(self, span: str) -> list[str]:
        """The spans around a span, from the inside out."""
        parent = self.parents[span]
        return [parent, *self.around(parent)] if parent else []

    def root(self, span: str) -> str:
        return [span, *self.around(span)][-1]


def _digits(span_id: str) -> str:
    return UUID(span_id[-36:]).hex


def portkey(request: Request, name: str) -> str:
    return request.header(f"x-portkey-{name}")


def metadata(request: Request) -> dict[str, str]:
    decoded = json.loads(portkey(request, "metadata"))
    assert isinstance(decoded, dict)
    return decoded


def traces(server: RecordingServer) -> set[str]:
    return {portkey(request, "trace-id") for request in server.requests}
