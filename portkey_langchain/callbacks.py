"""LangChain's callbacks → where a call stands in its Portkey trace, and its labels. Nothing to set up.

A handler that LangChain adds to every run by itself (``register_configure_hook``) notes which run belongs to which, and
in whose name a chat model starts. The model then picks up what belongs to its call; embeddings, of which LangChain
tells nobody, pick up the run in which they are called. ``stream`` gets no run manager from
langchain-core 1.7; but the handler runs in the caller's own context (``run_inline``), so the id it leaves in
a ``ContextVar`` is seen there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.messages import BaseMessage
from langchain_core.runnables.config import RunnableConfig, var_child_runnable_config
from langchain_core.tracers.context import register_configure_hook
from typing_extensions import override

from portkey_gateway.tracing.context import (
    MAX_RUNS,
    RunTree,
    TraceContext,
    active_span,
    beside,
    in_active_span,
    new_span_id,
    new_trace_id,
)
from portkey_gateway.tracing.session import SESSION_LABEL, SESSION_LABELS, find_session
from portkey_langchain.fold import is_unnamed

_INTERNAL_TAGS: Final = ("seq:step:", "map:key:", "graph:step:", "langsmith:")
_SPAN_BITS: Final = 2**64 - 1

RunKind: TypeAlias = Literal["chain", "chat", "other"]
"""Chains may be folded, and chat models ask."""
_Place: TypeAlias = tuple[str, str, str | None, str | None]
"""Where a run stands: the fields of its ``TraceContext``, which is only made of those that are asked for."""


@dataclass(slots=True)
class RunLabels:
    """What LangChain knows of one call of a model."""

    trace: TraceContext
    metadata: Mapping[str, Any]
    """Metadata of the run, and its tags under ``tags``."""
    in_run: bool = True
    """Whether the call is one of a run that LangChain tells of, or is made in one."""
    is_taken: bool = False
    """Whether it has sent a request."""


# What is made in every call is a tuple: a class with names takes several times as long to make.

_Latest: TypeAlias = tuple[int, "_Latest | None"]
"""The chat model's run that started last in a context, and the one before it that was not over by then."""


class _Retrieval(NamedTuple):
    """A retriever at work: alone of all runs it sets no config for what it calls."""

    key: int
    labels: RunLabels
    config: RunnableConfig | None
    """What LangChain had set for the run around it."""
    outer: _Retrieval | None


class RunHandler(BaseCallbackHandler):
    """Notes every run from its start to its end. Used by our classes themselves; add it nowhere."""

    run_inline = True

    def __init__(self) -> None:
        # By the number of a run's id, here and below: a UUID makes its hash in Python.
        self._tree = RunTree[_Place]()
        # Calls run in tasks and threads with contexts of their own: what is over here must be over everywhere.
        self._calls: OrderedDict[int, RunLabels] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, run_id: UUID | None) -> RunLabels | None:
        """Take what is known of a call that now begins; ``None`` if LangChain told nothing of it.

        A run may send several requests, as a subclass's does that asks again: the later ones stand beside the first.

        Args:
            run_id: the model's run; without one it is the one that started last in this context.
        """
        if run_id is not None:
            call = self._calls.get(run_id.int)
        else:
            call = self._calls.get(latest[0]) if (latest := self._alive()) else None
        if call is None:
            return None
        with self._lock:
            was_taken, call.is_taken = call.is_taken, True
        return replace(call, trace=beside(call.trace)) if was_taken else call

    def begin(self, run_id: UUID) -> None:
        """Of the runs that started in this context, the one of this id now asks."""
        latest = _latest.get()
        if latest is None or latest[0] != run_id.int:
            _latest.set((run_id.int, self._alive()))

    def _alive(self) -> _Latest | None:
        """The chat model's run of this context that is not over and started last."""
        latest = _latest.get()
        while latest is not None and latest[0] not in self._calls:
            latest = latest[1]
        return latest

    def here(self, name: str) -> RunLabels:
        """Tell where a call stands that LangChain tells nobody of, as it does not of embeddings.

        It belongs to the run in which it is made: a retriever, a chain, a tool, or a node of a graph.

        Args:
            name: of the call.
        """
        span_id, config = new_span_id(), var_child_runnable_config.get()
        retrieval = self._retrieval()
        # Whatever began inside the retriever, and is not over, has put a config of its own there.
        if retrieval and retrieval.config is config:
            around: TraceContext | None = retrieval.labels.trace
            metadata = retrieval.labels.metadata
        else:
            around = self._run_of(config)
            metadata = read_labels(config.get("tags"), config.get("metadata")) if config else {}
        if around is None:
            trace = in_active_span(TraceContext(new_trace_id(), span_id, None, name))
            return RunLabels(trace, metadata, in_run=False)
        return RunLabels(TraceContext(around.trace_id, span_id, around.span_id, name), metadata)

    def _run_of(self, config: RunnableConfig | None) -> TraceContext | None:
        """The run that a config was made for."""
        run_id = _made_for(config) if config else None
        place = self._tree.around(run_id.int) if run_id else None
        return TraceContext(*place) if place else None

    def _retrieval(self) -> _Retrieval | None:
        """The innermost retriever of this context that is not done: the end of a run may be told in another one."""
        retrieval = _retrieval.get()
        while retrieval is not None and self._tree.get(retrieval.key) is None:
            retrieval = retrieval.outer
        return retrieval

    @override
    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self._start(serialized, kwargs, "chain")

    @override
    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        self._start(serialized, kwargs, "other")

    @override
    def on_retriever_start(self, serialized: Any, query: str, **kwargs: Any) -> None:
        run_id: UUID = kwargs["run_id"]
        trace = TraceContext(*self._start(serialized, kwargs, "other"))
        labels = RunLabels(trace, read_labels(kwargs.get("tags"), kwargs.get("metadata")))
        _retrieval.set(_Retrieval(run_id.int, labels, var_child_runnable_config.get(), self._retrieval()))

    @override
    def on_llm_start(self, serialized: Any, prompts: list[str], **kwargs: Any) -> None:
        self._start(serialized, kwargs, "other")

    @override
    def on_chat_model_start(self, serialized: Any, messages: list[list[BaseMessage]], **kwargs: Any) -> None:
        self._start_call(serialized, kwargs)
        self.begin(kwargs["run_id"])

    def start(self, serialized: Mapping[str, Any] | None, told: Mapping[str, Any], kind: RunKind) -> TraceContext:
        """Note a run, if nobody did yet: other handlers may hear of it first.

        A chain that nobody would name is folded into the run around it: what runs in it belongs to that.

        Args:
            serialized: as LangChain tells it.
            told: what else it tells, by its names.
            kind: of the run.

        Returns:
            Where the run stands in its trace; of one that is folded, where the run around it stands.
        """
        if kind == "chat":
            return self._start_call(serialized, told).trace
        return TraceContext(*self._start(serialized, told, kind))

    def _start_call(self, serialized: Mapping[str, Any] | None, told: Mapping[str, Any]) -> RunLabels:
        # In the tree it has no place: LangChain makes no manager of runs inside it, as it does of all others.
        key: int = told["run_id"].int
        if known := self._calls.get(key):
            return known
        trace = TraceContext(*self._place(serialized, told, "chat"))
        call = RunLabels(trace, read_labels(told.get("tags"), told.get("metadata")))
        with self._lock:
            self._calls[key] = call
            if len(self._calls) > MAX_RUNS:
                self._calls.popitem(last=False)
        return call

    def _start(self, serialized: Mapping[str, Any] | None, told: Mapping[str, Any], kind: RunKind) -> _Place:
        run_id: UUID = told["run_id"]
        if known := self._tree.get(run_id.int):
            return known
        return self._tree.start(run_id.int, self._place(serialized, told, kind))

    def _place(self, serialized: Mapping[str, Any] | None, told: Mapping[str, Any], kind: RunKind) -> _Place:
        key: int = told["run_id"].int
        parent: UUID | None = told.get("parent_run_id")
        metadata: Mapping[str, Any] | None = told.get("metadata")
        name = told.get("name") or run_name(serialized, None)
        # Of a run's id only the end is random (uuid7 begins with the time): that is its span's.
        span_id, around_id = f"{key & _SPAN_BITS:016x}", None
        if parent is None:
            trace_id = f"{key:032x}"
            if active := active_span():
                trace_id, around_id = active
        elif around := self._tree.around(parent.int):
            run_type, tags = told.get("run_type"), told.get("tags")
            if kind == "chain" and is_unnamed(name or "", run_type=run_type, tags=tags, metadata=metadata):
                return around
            trace_id, around_id, *_ = around
        elif call := self._calls.get(parent.int):
            trace_id, around_id = str(call.trace.trace_id), call.trace.span_id
        else:
            trace_id = parent.hex
            around_id = trace_id[16:]
        named = metadata.get("trace_id") if metadata else None
        return named if isinstance(named, str) else trace_id, span_id, around_id, name

    @override
    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._end_model(run_id)

    @override
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._end_model(run_id)

    def _end_model(self, run_id: UUID) -> None:
        if self._calls.pop(run_id.int, None) is None:
            self._tree.forget(run_id.int)

    @override
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._tree.end(run_id.int)

    @override
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._tree.end(run_id.int)

    @override
    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._tree.end(run_id.int)

    @override
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._tree.end(run_id.int)

    @override
    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._tree.end(run_id.int)

    @override
    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._tree.end(run_id.int)


def run_name(serialized: Mapping[str, Any] | None, name: str | None) -> str | None:
    """What a run is called: as it was named, else its class."""
    return name or (serialized or {}).get("name")


def read_labels(tags: Sequence[str] | None, metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The metadata of a run, with its tags under ``tags``; LangChain's own tags and the trace id are left out.

    The conversation that the configuration around the run names (``configurable``) is a label, too: LangGraph makes
    metadata of it, LangChain does not.
    """
    labels = dict(metadata) if metadata else {}
    labels.pop("trace_id", None)
    if (session := configured_session()) and labels.keys().isdisjoint(SESSION_LABELS):
        labels[SESSION_LABEL] = session
    if tags and (given := [tag for tag in tags if not tag.startswith(_INTERNAL_TAGS)]):
        labels["tags"] = given
    return labels


def configured_session(run_id: UUID | None = None) -> str | None:
    """The conversation that the configuration around what begins now names.

    Args:
        run_id: whose configuration it has to be; by default anybody's.
    """
    config = var_child_runnable_config.get()
    configured = config.get("configurable") if config else None
    if not config or not configured or (run_id and _made_for(config) != run_id):
        return None
    return find_session(configured)


def _made_for(config: RunnableConfig) -> UUID | None:
    """The run that a config was made for."""
    callbacks = config.get("callbacks")
    return callbacks.parent_run_id if isinstance(callbacks, BaseCallbackManager) else None


RUNS: Final = RunHandler()
"""The process's one handler."""

_retrieval: ContextVar[_Retrieval | None] = ContextVar("portkey_retrieval", default=None)
_latest: ContextVar[_Latest | None] = ContextVar("portkey_latest_model_run", default=None)
register_configure_hook(ContextVar("portkey_runs", default=RUNS), inheritable=True)
