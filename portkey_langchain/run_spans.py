"""What LangChain tells of a run at its start and end → the name and attributes of its span. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_messages
from langchain_core.outputs import ChatGeneration, Generation, LLMResult

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.spans import Attribute, Described, OpenSpan
from portkey_langchain.marks import GATEWAY_MARK, PROMPT_MARK

_ROLES: Final = {"human": "user", "ai": "assistant"}


class RunStart(NamedTuple):
    """What LangChain tells when a run starts."""

    name: str
    given: Any
    """Its input, in the form of its kind."""
    serialized: Mapping[str, Any]
    metadata: Mapping[str, Any]
    parent: OpenSpan | None
    is_root: bool
    more: Mapping[str, Any]
    """Whatever else was told."""


def is_ours(metadata: Mapping[str, Any] | None) -> bool:
    """Whether a model's run is one of ours, which tells of its call itself."""
    return GATEWAY_MARK in (metadata or {})


def describe_chain(run: RunStart) -> Described:
    """A chain, a graph or a step of one; an agent where LangChain says that it begins."""
    agent = run.metadata.get("lc_agent_name")
    shared = {} if agent is None else {semconv.AGENT_NAME: agent}
    if run.metadata.get("ls_integration") == "langchain_create_agent" and _begins_agent(run):
        named = {semconv.OPERATION: "invoke_agent", **shared}
        messages = _messages_in(run.given)
        content = {semconv.INPUT_MESSAGES: messages} if messages else {semconv.INPUT_VALUE: run.given}
        return Described(f"invoke_agent {agent or run.name}", named, content)
    if run.is_root:
        shared |= {semconv.OPERATION: "invoke_workflow", semconv.WORKFLOW_NAME: run.name}
    return Described(run.name, shared, {semconv.INPUT_VALUE: run.given})


def conclude_chain(span: OpenSpan, outputs: Any) -> Described:
    """What a chain or an agent returned."""
    if span.attributes.get(semconv.OPERATION) == "invoke_agent" and (messages := _messages_in(outputs)):
        return Described(content={semconv.OUTPUT_MESSAGES: messages[-1:]})
    return Described(content={semconv.OUTPUT_VALUE: outputs})


def describe_tool(run: RunStart) -> Described:
    """A call of a tool."""
    attributes = {
        semconv.OPERATION: "execute_tool",
        semconv.TOOL_NAME: run.name,
        semconv.TOOL_TYPE: "function",
        semconv.TOOL_DESCRIPTION: _text(run.serialized.get("description")),
        semconv.TOOL_CALL_ID: run.more.get("tool_call_id"),
        semconv.AGENT_NAME: run.metadata.get("lc_agent_name"),
    }
    arguments = run.more.get("inputs")
    content = {semconv.TOOL_CALL_ARGUMENTS: run.given if arguments is None else arguments}
    return Described(f"execute_tool {run.name}", attributes, content)


def conclude_tool(_: OpenSpan, output: Any) -> Described:
    """What a tool returned."""
    result = output.content if isinstance(output, ToolMessage) else output
    failed = isinstance(output, ToolMessage) and output.status == "error"
    return Described(
        attributes={semconv.ERROR_TYPE: "tool_error" if failed else None}, content={semconv.TOOL_CALL_RESULT: result}
    )


def describe_retriever(run: RunStart) -> Described:
    """A question to a retriever."""
    return Described(f"retrieval {run.name}", {semconv.OPERATION: "retrieval"}, {semconv.RETRIEVAL_QUERY: run.given})


def conclude_retriever(_: OpenSpan, documents: Sequence[Document]) -> Described:
    """What a retriever found."""
    return Described(content={semconv.RETRIEVAL_DOCUMENTS: documents})


def describe_call(run: RunStart) -> Described:
    """A call of ours, which tells of itself once it is made."""
    model, prompt = run.metadata.get("ls_model_name"), run.metadata.get(PROMPT_MARK)
    attributes = {
        semconv.OPERATION: "chat",
        # Which model a prompt of the library is asked of, only the answer tells.
        semconv.REQUEST_MODEL: None if prompt else model,
        semconv.AGENT_NAME: run.metadata.get("lc_agent_name"),
    }
    return Described(f"chat {prompt or model or run.name}", attributes, kind="client")


def describe_model(run: RunStart) -> Described:
    """A call of a model that is not ours; what it was given are messages, or prompts as text."""
    metadata = run.metadata
    is_chat = not isinstance(run.given[0] if run.given else "", str)
    operation = "chat" if is_chat else "text_completion"
    provider, model = metadata.get("ls_provider"), metadata.get("ls_model_name")
    attributes = {
        semconv.OPERATION: operation,
        semconv.PROVIDER: provider and semconv.provider_name(str(provider)),
        semconv.REQUEST_MODEL: model,
        semconv.REQUEST_TEMPERATURE: metadata.get("ls_temperature"),
        semconv.REQUEST_MAX_TOKENS: metadata.get("ls_max_tokens"),
        semconv.REQUEST_STOP_SEQUENCES: metadata.get("ls_stop"),
        semconv.AGENT_NAME: metadata.get("lc_agent_name"),
        semconv.THROUGH_GATEWAY: semconv.goes_through_gateway(str(run.serialized)),
    }
    messages = [message for each in run.given for message in each] if is_chat else run.given
    return Described(f"{operation} {model or run.name}", attributes, {semconv.INPUT_MESSAGES: messages}, "client")


def conclude_model(_: OpenSpan, result: LLMResult) -> Described:
    """What a model answered, and what it used."""
    generations = [generation for prompt in result.generations for generation in prompt]
    messages = [each.message for each in generations if isinstance(each, ChatGeneration)]
    answers = [message for message in messages if isinstance(message, AIMessage)]
    about = [
        {**(each.generation_info or {}), **(each.message.response_metadata if isinstance(each, ChatGeneration) else {})}
        for each in generations
    ]
    attributes: dict[str, Attribute | None] = {
        semconv.RESPONSE_ID: _first(about, "id"),
        semconv.RESPONSE_MODEL: _first(about, "model_name", "model") or _first([result.llm_output or {}], "model_name"),
        semconv.FINISH_REASONS: list(_finish_reasons(about)) or None,
        **_usage(answers, result),
    }
    return Described(attributes=attributes, content={semconv.OUTPUT_MESSAGES: messages or generations})


def plain(value: Any) -> Any:
    """Make a plain value of one of LangChain's own objects; messages in the form of the conventions."""
    if isinstance(value, BaseMessage):
        return {"role": _ROLES.get(value.type, value.type), "parts": list(_parts(value))}
    if isinstance(value, Document):
        return {"id": value.id, "content": value.page_content, "metadata": value.metadata}
    if isinstance(value, Generation):
        return value.text
    return value


def _begins_agent(run: RunStart) -> bool:
    # ``create_agent`` has marked its run; what runs inside inherits the mark.
    name = run.metadata.get("lc_agent_name")
    if name is None:
        return "langgraph_node" not in run.metadata
    if run.is_root or run.parent is None:
        return run.is_root
    around = run.parent.attributes
    # An agent may ask one of the same name, by a tool.
    is_asked: bool = around.get(semconv.OPERATION) == "execute_tool" and run.name == name
    return is_asked or around.get(semconv.AGENT_NAME) != name


def _messages_in(state: Any) -> list[BaseMessage]:
    messages = state.get("messages") if isinstance(state, Mapping) else None
    return convert_to_messages(messages) if isinstance(messages, list) else []


def _parts(message: BaseMessage) -> Iterator[dict[str, Any]]:
    if isinstance(message, ToolMessage):
        yield {"type": "tool_call_response", "id": message.tool_call_id, "response": message.content}
        return
    blocks = [message.content] if isinstance(message.content, str) else message.content
    for block in blocks:
        if isinstance(block, str) or block.get("type") == "text":
            text = block if isinstance(block, str) else block.get("text")
            if text:
                yield {"type": "text", "content": text}
        elif block.get("type") in {"thinking", "reasoning"}:
            yield {"type": "reasoning", "content": block.get("thinking") or block.get("reasoning")}
        elif block.get("type") not in {"tool_use", "tool_call", "function_call"}:
            # The data of images and files is long, and of no use in a trace.
            yield {"type": str(block.get("type"))}
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            yield {"type": "tool_call", "id": call["id"], "name": call["name"], "arguments": call["args"]}


def _usage(answers: Sequence[AIMessage], result: LLMResult) -> dict[str, Attribute | None]:
    told = [answer.usage_metadata for answer in answers if answer.usage_metadata]
    if not told:
        legacy = (result.llm_output or {}).get("token_usage") or {}
        return {
            semconv.USAGE_INPUT_TOKENS: legacy.get("prompt_tokens"),
            semconv.USAGE_OUTPUT_TOKENS: legacy.get("completion_tokens"),
        }
    inputs = [usage.get("input_token_details", {}) for usage in told]
    return {
        semconv.USAGE_INPUT_TOKENS: sum(usage["input_tokens"] for usage in told),
        semconv.USAGE_OUTPUT_TOKENS: sum(usage["output_tokens"] for usage in told),
        semconv.USAGE_CACHE_READ_TOKENS: sum(details.get("cache_read") or 0 for details in inputs) or None,
        semconv.USAGE_CACHE_WRITE_TOKENS: sum(map(_written_tokens, inputs)) or None,
        semconv.USAGE_REASONING_TOKENS: sum(
            usage.get("output_token_details", {}).get("reasoning") or 0 for usage in told
        )
        or None,
    }


def _written_tokens(details: Mapping[str, Any]) -> int:
    """What was written to the prompt cache: what is told by its time to live stands under no other name."""
    names = ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    return sum(details.get(name) or 0 for name in names)


def _finish_reasons(about: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for facts in about:
        if isinstance(reason := facts.get("finish_reason") or facts.get("stop_reason"), str):
            yield reason


def _first(about: Sequence[Mapping[str, Any]], *names: str) -> str | None:
    found = (facts.get(name) for facts in about for name in names)
    return next((value for value in found if isinstance(value, str)), None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
