"""What LlamaIndex tells of one of its spans at its start and end → the name and attributes of ours. Pure."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from llama_index.core.agent.workflow.base_agent import BaseWorkflowAgent
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.base.response.schema import AsyncStreamingResponse, StreamingResponse
from llama_index.core.chat_engine.types import StreamingAgentChatResponse
from llama_index.core.tools.types import ToolOutput
from workflows import Context, Workflow
from workflows.events import StartEvent, StopEvent

from portkey_gateway.chat_completions.usage import decode_usage
from portkey_gateway.embedder import GatewayEmbedder
from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.spans import Attribute, Described, OpenSpan
from portkey_llamaindex.fold import (
    CHAT_METHODS,
    is_embedding,
    is_model_call,
    is_reranking,
    is_tool_call,
)

if TYPE_CHECKING:
    from portkey_gateway.chat_completions.wire import WireUsage

_STREAMS: Final = (
    Generator,
    AsyncGenerator,
    StreamingResponse,
    AsyncStreamingResponse,
    StreamingAgentChatResponse,
)


class SpanStart(NamedTuple):
    """What LlamaIndex tells when a span starts."""

    name: str
    """Of the class and the method."""
    instance: Any
    """Whose method was called; ``None`` for functions and for the steps of workflows."""
    arguments: Mapping[str, Any]
    """What it was called with, by the names of the parameters."""
    parent: OpenSpan | None
    is_root: bool

    @property
    def method(self) -> str:
        """The name of the method or function."""
        return self.name.rpartition(".")[2]

    @property
    def given(self) -> dict[str, Any]:
        """The arguments, those beyond the signature among them, without what only the framework needs."""
        given = dict(self.arguments)
        more = given.pop("kwargs", None)
        if more and isinstance(more, Mapping):
            given |= more
        return {name: value for name, value in given.items() if not isinstance(value, Context)}

    @property
    def subject(self) -> Any:
        """The arguments, or the one that there is."""
        given = self.given
        return next(iter(given.values())) if len(given) == 1 and not self.arguments.get("kwargs") else given


def describe_call(model: Any, parent: OpenSpan | None) -> Described:
    """A call of ours, which tells of itself once it is made."""
    attributes = {
        semconv.OPERATION: "chat",
        semconv.REQUEST_MODEL: model.model,
        semconv.AGENT_NAME: parent.attributes.get(semconv.AGENT_NAME) if parent else None,
    }
    return Described(f"chat {model.model}", attributes, kind="client")


def describe(span: SpanStart) -> Described:
    """Tell what a span is."""
    kind: Any = type(span.instance)
    return _describer(kind, span.method)(span)


@functools.lru_cache(maxsize=1024)
def _describer(kind: Any, method: str) -> Callable[[SpanStart], Described]:
    known: dict[Callable[[SpanStart], Described], bool] = {
        _describe_model: is_model_call(kind, method),
        # Ours tell of their requests themselves.
        _describe_embedding: is_embedding(kind, method) and not issubclass(kind, GatewayEmbedder),
        _describe_retriever: issubclass(kind, BaseRetriever) and method in {"retrieve", "aretrieve"},
        _describe_tool: is_tool_call(kind, method),
        _describe_workflow: issubclass(kind, Workflow) and method == "run",
        _describe_reranker: is_reranking(kind, method),
    }
    return next((describer for describer, is_so in known.items() if is_so), _describe_step)


def is_stream(result: Any) -> bool:
    """Whether the rest of what a call returned is said later."""
    kind: Any = type(result)
    return _is_stream(kind)


@functools.lru_cache(maxsize=1024)
def _is_stream(kind: Any) -> bool:
    return issubclass(kind, _STREAMS)


def conclude(span: OpenSpan, instance: Any, result: Any) -> Described:
    """Tell what a span's call returned; what a stream will say is not known when its call returns."""
    if result is None or is_stream(result):
        return Described()
    if isinstance(instance, BaseEmbedding):
        return Described(attributes={semconv.EMBEDDING_DIMENSIONS: _dimensions(result)})
    operation = span.attributes.get(semconv.OPERATION)
    if operation in semconv.MODEL_OPERATIONS:
        return conclude_model(span, result)
    if operation == "execute_tool" and isinstance(result, ToolOutput):
        error = "tool_error" if result.is_error else None
        return Described(attributes={semconv.ERROR_TYPE: error}, content={semconv.TOOL_CALL_RESULT: result})
    if operation == "invoke_agent" and isinstance(answer := _agents_answer(result), ChatMessage):
        return Described(content={semconv.OUTPUT_MESSAGES: [answer]})
    name = semconv.RETRIEVAL_DOCUMENTS if operation == "retrieval" else semconv.OUTPUT_VALUE
    return Described(content={name: result})


def conclude_model(span: OpenSpan, response: Any) -> Described:
    """Tell what a model answered, and what it used; of a step on the way to it, what it gave."""
    if span.attributes.get(semconv.OPERATION) not in semconv.MODEL_OPERATIONS:
        return Described(content={semconv.OUTPUT_VALUE: response})
    message = getattr(response, "message", None)
    # A chat made of a completion keeps in its message what the completion had beside its text.
    beside = [getattr(each, "additional_kwargs", None) or {} for each in (message, response)]
    told = {**beside[0], **beside[1], **_mapping(getattr(response, "raw", None))}
    attributes: dict[str, Attribute | None] = {
        semconv.RESPONSE_ID: _text(told.get("id")),
        semconv.RESPONSE_MODEL: _text(told.get("model")),
        semconv.FINISH_REASONS: _finish_reasons(told) or None,
        **_usage(told),
    }
    answer = message or ChatMessage(getattr(response, "text", None), role="assistant")
    return Described(attributes=attributes, content={semconv.OUTPUT_MESSAGES: [answer]})


def _describe_model(span: SpanStart) -> Described:
    around = span.parent.attributes if span.parent else {}
    if around.get(semconv.OPERATION) in semconv.MODEL_OPERATIONS or around.get(semconv.INSIDE_MODEL):
        return Described(span.name, {semconv.INSIDE_MODEL: True}, {semconv.INPUT_VALUE: span.subject})
    llm, is_chat = span.instance, span.method in CHAT_METHODS
    operation, model = "chat" if is_chat else "text_completion", llm.metadata.model_name
    sent = [getattr(llm, name, None) for name in ("api_base", "base_url", "default_headers", "additional_headers")]
    attributes = {
        semconv.OPERATION: operation,
        semconv.PROVIDER: _provider(llm),
        semconv.REQUEST_MODEL: _text(model),
        semconv.REQUEST_TEMPERATURE: _number(getattr(llm, "temperature", None)),
        semconv.REQUEST_MAX_TOKENS: _number(getattr(llm, "max_tokens", None)),
        semconv.THROUGH_GATEWAY: semconv.goes_through_gateway(str(sent)),
    }
    prompt = span.arguments.get("args") or [span.given.get("prompt")]
    messages = span.arguments.get("messages") or [ChatMessage(str(prompt[0] or ""))]
    return Described(f"{operation} {model}", attributes, {semconv.INPUT_MESSAGES: list(messages)}, "client")


def _describe_embedding(span: SpanStart) -> Described:
    model = span.instance.model_name
    attributes = {
        semconv.OPERATION: "embeddings",
        semconv.PROVIDER: _provider(span.instance),
        semconv.REQUEST_MODEL: _text(model),
    }
    return Described(f"embeddings {model}", attributes, {semconv.INPUT_VALUE: span.subject}, "client")


def _describe_retriever(span: SpanStart) -> Described:
    content = {semconv.RETRIEVAL_QUERY: span.subject}
    return Described(f"retrieval {type(span.instance).__name__}", {semconv.OPERATION: "retrieval"}, content)


def _describe_reranker(span: SpanStart) -> Described:
    content = {semconv.INPUT_VALUE: span.subject}
    return Described(f"rerank {type(span.instance).__name__}", {semconv.OPERATION: "rerank"}, content)


def _describe_tool(span: SpanStart) -> Described:
    metadata, around = span.instance.metadata, span.parent.attributes if span.parent else {}
    attributes = {
        semconv.OPERATION: "execute_tool",
        semconv.TOOL_NAME: metadata.name,
        semconv.TOOL_TYPE: "function",
        semconv.TOOL_DESCRIPTION: _text(metadata.description),
        # An agent's step knows what the tool itself is not told.
        semconv.TOOL_CALL_ID: around.get(semconv.TOOL_CALL_ID),
        semconv.AGENT_NAME: around.get(semconv.AGENT_NAME),
    }
    return Described(f"execute_tool {metadata.name}", attributes, {semconv.TOOL_CALL_ARGUMENTS: span.given})


def _describe_workflow(span: SpanStart) -> Described:
    workflow, start = span.instance, span.arguments.get("start_event")
    if not isinstance(workflow, BaseWorkflowAgent):
        name = type(workflow).__name__
        attributes = {semconv.OPERATION: "invoke_workflow", semconv.WORKFLOW_NAME: name}
        return Described(span.name, attributes, {semconv.INPUT_VALUE: start})
    attributes = {semconv.OPERATION: "invoke_agent", semconv.AGENT_NAME: workflow.name}
    return Described(f"invoke_agent {workflow.name}", attributes, _agents_input(start))


def told_by_step(instance: Any, arguments: Mapping[str, Any]) -> dict[str, Attribute | None]:
    """What a step of an agent's workflow tells of what happens in it: which agent acts, and on which call of a tool."""
    event = arguments.get("ev") if instance is None else None
    if event is None:
        return {}
    return {
        semconv.AGENT_NAME: _text(getattr(event, "current_agent_name", None)),
        semconv.TOOL_CALL_ID: _text(getattr(event, "tool_id", None)),
    }


def _describe_step(span: SpanStart) -> Described:
    """A step of a workflow, or any other call."""
    attributes = told_by_step(span.instance, span.arguments)
    if span.is_root:
        attributes |= {semconv.OPERATION: "invoke_workflow", semconv.WORKFLOW_NAME: span.name}
    return Described(span.name, attributes, {semconv.INPUT_VALUE: span.subject})


def _agents_input(start: Any) -> dict[str, Any]:
    if not isinstance(start, StartEvent):
        return {}
    asked, history = start.get("user_msg"), start.get("chat_history") or []
    last = [ChatMessage(asked) if isinstance(asked, str) else asked] if asked else []
    return {semconv.INPUT_MESSAGES: [*history, *last]}


def _agents_answer(result: Any) -> Any:
    output = result.result if isinstance(result, StopEvent) else result
    return getattr(output, "response", None)


def _provider(model: Any) -> str:
    """LlamaIndex's packages are named ``llama_index.llms.<provider>`` and ``llama_index.embeddings.<provider>``."""
    package = type(model).__module__.split(".")
    is_integration = package[0] == "llama_index" and package[1] != "core"
    return semconv.provider_name(package[2] if is_integration else model.class_name())


def _mapping(raw: Any) -> dict[str, Any]:
    """The provider's own answer; most are pydantic models or dictionaries."""
    if isinstance(raw, Mapping):
        return dict(raw)
    names = ("id", "model", "choices", "stop_reason", "usage")
    return {name: getattr(raw, name) for name in names if hasattr(raw, name)}


def _finish_reasons(told: Mapping[str, Any]) -> list[str]:
    choices = told.get("choices")
    chosen = [_field(choice, "finish_reason") for choice in choices] if isinstance(choices, list) else []
    return [reason for reason in [*chosen, told.get("stop_reason")] if isinstance(reason, str)]


def _usage(told: Mapping[str, Any]) -> dict[str, Attribute | None]:
    """Usage as OpenAI or Anthropic tell it, or as LlamaIndex's own token counter reads it off ``additional_kwargs``."""
    usage: Any = told.get("usage") or told
    if _field(usage, "input_tokens") is not None:
        read, written = _field(usage, "cache_read_input_tokens") or 0, _field(usage, "cache_creation_input_tokens") or 0
        return {
            # Anthropic's input_tokens leaves out what was cached; the conventions' does not.
            semconv.USAGE_INPUT_TOKENS: _field(usage, "input_tokens") + read + written,
            semconv.USAGE_OUTPUT_TOKENS: _field(usage, "output_tokens"),
            semconv.USAGE_CACHE_READ_TOKENS: read or None,
            semconv.USAGE_CACHE_WRITE_TOKENS: written or None,
        }
    if _field(usage, "prompt_tokens") is None:
        return {}
    decoded = decode_usage(cast("WireUsage", usage if isinstance(usage, Mapping) else usage.model_dump()))
    return {
        semconv.USAGE_INPUT_TOKENS: decoded.input_tokens,
        semconv.USAGE_OUTPUT_TOKENS: decoded.output_tokens,
        semconv.USAGE_CACHE_READ_TOKENS: decoded.cache_read_tokens or None,
        semconv.USAGE_REASONING_TOKENS: decoded.reasoning_tokens or None,
    }


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _dimensions(vectors: Any) -> int | None:
    first = vectors[0] if isinstance(vectors, list) and vectors and isinstance(vectors[0], list) else vectors
    return len(first) if isinstance(first, list) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, (int, float)) else None
