"""LlamaIndex's spans → where a call stands in its Portkey trace, and its labels. Nothing to set up.

A span handler, which importing this module adds to LlamaIndex's root dispatcher, notes the place of every span that is
entered. It notes it in a ``ContextVar``: so it goes wherever ``active_span_id`` goes, into tasks and LlamaIndex's
threads, never to another run, and is gone with the context. That also holds for calls that come after the end of the
span they belong to, as those of a chat engine that streams.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypedDict, TypeVar
from uuid import NAMESPACE_OID, uuid5

from llama_index.core.base.response.schema import AsyncStreamingResponse, StreamingResponse
from llama_index.core.callbacks.base import global_stack_trace_ids
from llama_index.core.response_synthesizers.base import BaseSynthesizer
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import active_instrument_tags
from llama_index_instrumentation.span import BaseSpan, active_span_id
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from typing_extensions import override

from portkey_gateway.tracing.context import TraceContext, in_active_span, new_span_id, new_trace_id
from portkey_llamaindex.fold import is_gateway_call, is_model_call, is_unnamed
from portkey_llamaindex.turns import Turn, Turns

MAX_DEPTH: Final = 1000
"""Spans within spans that one context remembers, some 400 bytes each; Python does not call deeper."""

# "RetrieverQueryEngine.query-6f1c…": the dispatcher ends a span's id with a random UUID.
_RANDOM_END: Final = re.compile(r"-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_END_CHARS: Final = 37

_END: Final = object()
ItemT = TypeVar("ItemT")


class Place(NamedTuple):  # of every span: a frozen class takes several times as long to make
    """Where a span stands."""

    span_id: str
    """LlamaIndex's id of the span."""
    trace: TraceContext
    """Of a span that is folded: where the one around it stands."""
    outer: Place | None = None
    """The span around it."""
    depth: int = 0
    """How many spans around it are remembered."""
    is_folded: bool = False
    """Whether nobody would name it, so that what is in it belongs to the span around it."""
    is_model: bool = False
    """Whether it is a call of a model, or a step of one."""
    is_call: bool = False
    """Whether it is a call of ours, or folded into one."""
    turns: Turns | None = None
    """Of the run of a workflow of agents: whose turn it is."""
    turn: Turn | None = None
    """Of a step of such a workflow: whose turn it is in it."""

    @property
    def inside(self) -> str | None:
        """The id of the span that what is in it belongs to.

        A call of ours has a span only where it sends a request itself; a subclass's that asks ``super()`` has none.
        """
        return self.trace.parent_span_id if self.is_call else self.trace.span_id

    @property
    def is_in_call(self) -> bool:
        """Whether it is in a call of ours, as a subclass's that asks ``super()``."""
        return self.outer is not None and self.outer.is_call


class Labels(TypedDict):
    """Keyword arguments of the client's methods."""

    trace: TraceContext | None
    metadata: Mapping[str, Any]


class PlaceHandler(BaseSpanHandler[BaseSpan]):
    """Notes the place of every span that is entered. Used by ``Portkey`` itself; add it nowhere."""

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
        """Note the place; the handler itself keeps nothing, so there is nothing to close."""
        # Of the run of a workflow LlamaIndex tells no tags.
        tags = active_instrument_tags.get() if tags is None else tags
        enter_place(id_, parent_span_id, tags, instance, bound_args.arguments)

    @override
    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        result: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep a streamed answer of an index in its place: it calls the model when it is read, after the query."""
        if not isinstance(result, (StreamingResponse, AsyncStreamingResponse)):
            return
        # A synthesizer of the user's own may give any iterator, which is left alone.
        if not isinstance(instance, BaseSynthesizer):
            return
        if isinstance(result, StreamingResponse):
            if isinstance(result.response_gen, Generator):
                result.response_gen = kept_in_place(result.response_gen)
        elif isinstance(result.response_gen, AsyncGenerator):
            result.response_gen = akept_in_place(result.response_gen)

    @override
    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        err: BaseException | None = None,
        **kwargs: Any,
    ) -> None:
        """Nothing is kept of a span, so there is nothing to drop."""


def enter_place(
    span_id: str, parent_span_id: str | None, tags: Mapping[str, Any], instance: Any, arguments: Mapping[str, Any]
) -> Place:
    """Note the place of a span that is entered now, if nobody did yet: handlers are told one after the other.

    Args:
        span_id: LlamaIndex's id of the span.
        parent_span_id: the same of the span around it.
        tags: what ``instrument_tags`` holds; a ``trace_id`` among them names the trace.
        instance: whose method was called.
        arguments: what it was called with.
    """
    known = _place.get()
    if known is not None and known.span_id == span_id:
        return known
    trace = own_trace(span_id)
    outer, name = None, trace.span_name or ""
    method = name.rpartition(".")[2]
    kind: Any = type(instance)
    is_model, is_call = is_model_call(kind, method), is_gateway_call(kind, method)
    is_folded, turn = False, None
    if parent_span_id is None:
        trace = in_active_span(trace)
    else:
        outer = _locate(parent_span_id)
        # Into a call of ours that is a root nothing can be folded: the call itself may have no span.
        is_folded = is_unnamed(name, instance, arguments) and not (outer.is_call and outer.outer is None)
        # What a model calls of itself on its way to an answer; a call through the gateway has a place of its own.
        is_folded = is_folded or (is_model and outer.is_model and not (is_call or outer.is_call))
        is_model, is_call = (outer.is_model, outer.is_call) if is_folded else (is_model, is_call)
        around = outer.trace
        if is_folded and outer.turns and (turn := outer.turns.at(arguments.get("ev"))):
            around = TraceContext(around.trace_id, turn.span_id, outer.inside, turn.agent)
        trace = around if is_folded else TraceContext(around.trace_id, trace.span_id, outer.inside, trace.span_name)
        if outer.depth >= MAX_DEPTH:
            outer = outer._replace(outer=None, depth=0)
    if isinstance(named := tags.get("trace_id"), str):
        trace = replace(trace, trace_id=named)
    depth, turns = outer.depth + 1 if outer else 0, Turns.in_run(instance, method)
    place = Place(span_id, trace, outer, depth, is_folded, is_model, is_call, turns, turn)
    _place.set(place)
    return place


def read_tags(tags: Mapping[str, Any]) -> dict[str, Any]:
    """The labels among what ``instrument_tags`` holds."""
    return {str(name): value for name, value in tags.items() if name != "trace_id"}


def call_labels(trace_id: str | None, span_name: str | None, metadata: Mapping[str, Any]) -> Labels:
    """Read where the call being made now stands, and how it is labelled; to be read before a stream is returned.

    Labels are what ``instrument_tags`` holds, under its own keys, and the traces of ``callback_manager`` around the
    call under ``traces``.

    Args:
        trace_id: the trace that the user chose for the model; it wins over the spans'.
        span_name: the same for the name.
        metadata: the model's own labels; of a key in both, the model's value wins over a tag's.
    """
    # The innermost is the model's own call.
    labels = _labels(metadata, global_stack_trace_ids.get()[:-1])
    active = active_span_id.get()
    if active is None:
        return {"trace": None, "metadata": labels}
    trace = _locate(active).trace
    if trace_id or span_name:
        trace = replace(trace, trace_id=trace_id or trace.trace_id, span_name=span_name or trace.span_name)
    return {"trace": trace, "metadata": labels}


def embedding_labels(trace_id: str | None, span_name: str, metadata: Mapping[str, Any]) -> Labels:
    """Read where texts are being embedded, and how the call is labelled.

    A span of LlamaIndex may take several calls, so each stands below it. The arguments are those of ``call_labels``.
    """
    labels = _labels(metadata, global_stack_trace_ids.get())
    active = active_span_id.get()
    own = TraceContext(trace_id or new_trace_id(), new_span_id(), None, span_name)
    if active is None:
        return {"trace": in_active_span(own) if trace_id is None else own, "metadata": labels}
    place = _locate(active)
    trace = replace(own, trace_id=trace_id or place.trace.trace_id, parent_span_id=place.inside)
    return {"trace": trace, "metadata": labels}


def _labels(metadata: Mapping[str, Any], traces: list[str]) -> Mapping[str, Any]:
    tags = read_tags(active_instrument_tags.get())
    return {"traces": traces, **tags, **metadata} if traces else {**tags, **metadata}


def own_trace(span_id: str) -> TraceContext:
    """A span as the root of its trace: only its id is known."""
    if _RANDOM_END.fullmatch(end := span_id[-_END_CHARS:]):
        name, digits = span_id[:-_END_CHARS], end.replace("-", "")
    else:
        name, digits = span_id, uuid5(NAMESPACE_OID, span_id).hex
    return TraceContext(digits, digits[16:], None, name)


def _locate(span_id: str) -> Place:
    """The place of a span that this context is, or was lately, in; of any other nothing but its id is known."""
    place = _place.get()
    while place is not None and place.span_id != span_id:
        place = place.outer
    return place or Place(span_id, own_trace(span_id))


def kept_in_place(stream: Generator[ItemT, None, None]) -> Generator[ItemT, None, None]:
    """A stream that calls a model when it is read: as if it were read here."""
    return _kept(stream, _surroundings())


def akept_in_place(stream: AsyncGenerator[ItemT, None]) -> AsyncGenerator[ItemT, None]:
    """Async twin of ``kept_in_place``."""
    return _kept_async(stream, _surroundings())


def _surroundings() -> list[tuple[ContextVar[Any], Any]]:
    """What a call reads of its context."""
    carried: tuple[ContextVar[Any], ...] = (_place, active_span_id, active_instrument_tags, global_stack_trace_ids)
    return [(variable, variable.get()) for variable in carried]


@contextmanager
def _within(surroundings: list[tuple[ContextVar[Any], Any]]) -> Iterator[None]:
    tokens = [(variable, variable.set(value)) for variable, value in surroundings]
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)


def _kept(
    stream: Generator[ItemT, None, None], surroundings: list[tuple[ContextVar[Any], Any]]
) -> Generator[ItemT, None, None]:
    with closing(stream):
        while True:
            with _within(surroundings):
                item: Any = next(stream, _END)
            if item is _END:
                return
            yield item


async def _kept_async(
    stream: AsyncGenerator[ItemT, None], surroundings: list[tuple[ContextVar[Any], Any]]
) -> AsyncGenerator[ItemT, None]:
    async with aclosing(stream):
        while True:
            with _within(surroundings):
                item: Any = await anext(stream, _END)
            if item is _END:
                return
            yield item


_place: ContextVar[Place | None] = ContextVar("portkey_place", default=None)
get_dispatcher().add_span_handler(PlaceHandler())
