"""LlamaIndex's own objects → plain values for a trace; messages in the form of OpenTelemetry's conventions. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.base.response.schema import PydanticResponse, Response
from llama_index.core.chat_engine.types import AgentChatResponse
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate, SelectorPromptTemplate
from llama_index.core.schema import BaseComponent, BaseNode, NodeWithScore, QueryBundle
from llama_index.core.tools import ToolOutput
from workflows.events import Event, StopEvent

from portkey_llamaindex.prompt import PortkeyPromptTemplate


@singledispatch
def plain(value: Any) -> Any:
    """Make a plain value of one of LlamaIndex's objects; any other value stays as it is."""
    return value


@plain.register
def _(message: ChatMessage) -> Any:
    return {"role": message.role.value, "parts": list(_parts(message))}


@plain.register
def _(response: ChatResponse) -> Any:
    return plain(response.message)


@plain.register
def _(response: CompletionResponse) -> Any:
    return response.text


@plain.register(Response)
@plain.register(PydanticResponse)
@plain.register(AgentChatResponse)
def _(response: Response | PydanticResponse | AgentChatResponse) -> Any:
    return response.response


@plain.register
def _(query: QueryBundle) -> Any:
    return query.query_str


@plain.register
def _(found: NodeWithScore) -> Any:
    return {**plain(found.node), "score": found.score}


@plain.register
def _(node: BaseNode) -> Any:
    return {"id": node.node_id, "content": node.get_content(), "metadata": node.metadata}


@plain.register
def _(output: ToolOutput) -> Any:
    return output.content


@plain.register
def _(event: Event) -> Any:
    if type(event) is StopEvent:
        return plain(event.result)
    # An agent's output repeats the provider's raw answer.
    fields = {name: getattr(event, name) for name in type(event).model_fields if name != "raw"}
    return {**fields, **dict(event.items())}


@plain.register
def _(prompt: PromptTemplate) -> Any:
    return prompt.template


@plain.register
def _(prompt: ChatPromptTemplate) -> Any:
    return [plain(message) for message in prompt.message_templates]


@plain.register
def _(prompt: PortkeyPromptTemplate) -> Any:
    return prompt.prompt_id


@plain.register
def _(prompt: SelectorPromptTemplate) -> Any:
    return plain(prompt.default_template)


@plain.register
def _(component: BaseComponent) -> Any:
    # Models and indices: what they are made of is no content, and holds keys.
    return f"<{type(component).__qualname__}>"


def _parts(message: ChatMessage) -> Iterator[dict[str, Any]]:
    answered = message.additional_kwargs.get("tool_call_id")
    if message.role.value == "tool":
        yield {"type": "tool_call_response", "id": answered, "response": message.content}
        return
    for block in message.blocks:
        if isinstance(block, TextBlock):
            if block.text:
                yield {"type": "text", "content": block.text}
        elif isinstance(block, ThinkingBlock):
            yield {"type": "reasoning", "content": block.content}
        elif isinstance(block, ToolCallBlock):
            named = {"id": block.tool_call_id, "name": block.tool_name, "arguments": block.tool_kwargs}
            yield {"type": "tool_call", **named}
        else:
            # The data of images and files is long, and of no use in a trace.
            yield {"type": block.block_type}
