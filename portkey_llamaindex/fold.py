"""Which spans of LlamaIndex's nobody would name: they are folded into the span around them. Pure.

LlamaIndex puts a span around nearly every method. What a person names are agents and workflows, the steps of a workflow
of one's own, queries and chats, retrievers, rerankers, synthesizers, tools, models, embedding models, and functions
that the user put a span around. A root is never folded; that is for whoever asks to know.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.chat_engine.types import BaseChatEngine
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.response_synthesizers.base import BaseSynthesizer
from llama_index.core.tools.types import AsyncBaseTool, BaseTool
from llama_index_instrumentation import DispatcherSpanMixin
from workflows import Workflow

from portkey_gateway.caller import GatewayCaller
from portkey_gateway.model import GatewayModel

CHAT_METHODS: Final = frozenset({"chat", "achat", "stream_chat", "astream_chat"})
COMPLETION_METHODS: Final = frozenset({"complete", "acomplete", "stream_complete", "astream_complete"})
MODEL_METHODS: Final = CHAT_METHODS | COMPLETION_METHODS

_NAMED: Final[tuple[tuple[type[Any], frozenset[str]], ...]] = (
    (BaseLLM, MODEL_METHODS),
    (BaseRetriever, frozenset({"retrieve", "aretrieve"})),
    (BaseQueryEngine, frozenset({"query", "aquery"})),
    (BaseChatEngine, CHAT_METHODS),
    (BaseSynthesizer, frozenset({"synthesize", "asynthesize"})),
    (Workflow, frozenset({"run"})),
)
_FRAMEWORK: Final = ("llama_index.", "workflows.", "portkey_llamaindex.")
_AGENTS_STEPS: Final = frozenset({"BaseWorkflowAgent", "AgentWorkflow"})
"""The classes whose steps are the same in every agent."""


# Of pydantic's classes it takes long to tell what they are, and every span asks.


@functools.lru_cache(maxsize=1024)
def is_model_call(kind: Any, method: str) -> bool:
    """Whether a span is a call of a model, ours or not; one that asks another model for an object is none.

    Args:
        kind: the class of whose method it is, here and below.
        method: the name of that.
    """
    return issubclass(kind, BaseLLM) and not issubclass(kind, StructuredLLM) and method in MODEL_METHODS


@functools.lru_cache(maxsize=1024)
def is_gateway_call(kind: Any, method: str) -> bool:
    """Whether a span is a call of ``Portkey``, which tells of itself once it is made."""
    return issubclass(kind, GatewayModel) and method in MODEL_METHODS


def is_tool_call(kind: Any, method: str) -> bool:
    """Whether a span is a call of a tool; one that has ``call`` calls it from ``__call__``."""
    return issubclass(kind, BaseTool) and _is_tool_method(kind, method)


def is_embedding(kind: Any, method: str) -> bool:
    """Whether a span is a call of an embedding model, as its users make them."""
    return issubclass(kind, BaseEmbedding) and not method.startswith("_")


def is_reranking(kind: Any, method: str) -> bool:
    """Whether a span is that of a reranker: what else LlamaIndex does to what was retrieved nobody would name."""
    return issubclass(kind, BaseNodePostprocessor) and _is_reranking(kind, method)


def is_unnamed(name: str, instance: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether a span is one that nobody would name.

    Args:
        name: of the class and the method, or of a function.
        instance: whose method it is; ``None`` for functions and for the steps of workflows.
        arguments: what was given.
    """
    owner, _, method = name.rpartition(".")
    if instance is None:
        # A function of the user's, or a step of a workflow, which takes an event.
        return "ev" in arguments and owner in _AGENTS_STEPS
    kind: Any = type(instance)
    return _is_unnamed_method(kind, method)


@functools.lru_cache(maxsize=1024)
def _is_unnamed_method(kind: Any, method: str) -> bool:
    is_frameworks = any(method in vars(base) and base.__module__.startswith(_FRAMEWORK) for base in kind.__mro__)
    # Around any other method it was the user who put a span.
    return is_frameworks and issubclass(kind, (DispatcherSpanMixin, Workflow)) and not _is_named(kind, method)


def _is_named(kind: type[Any], method: str) -> bool:
    if issubclass(kind, StructuredLLM):
        return False
    if issubclass(kind, BaseTool):
        return _is_tool_method(kind, method)
    if issubclass(kind, BaseEmbedding):
        # Ours tell of their requests themselves.
        return not method.startswith("_") and not issubclass(kind, GatewayCaller)
    if issubclass(kind, BaseNodePostprocessor):
        return _is_reranking(kind, method)
    return any(issubclass(kind, named) and method in methods for named, methods in _NAMED)


def _is_reranking(kind: type[Any], method: str) -> bool:
    return "rerank" in kind.__name__.lower() and method in {"_postprocess_nodes", "_apostprocess_nodes"}


def _is_tool_method(kind: type[Any], method: str) -> bool:
    return method in {"call", "acall"} or (method == "__call__" and not issubclass(kind, AsyncBaseTool))
