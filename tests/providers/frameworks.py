"""One way to ask a model of either framework, and one form of what it answers, so that both share their questions."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from llama_index.core.base.llms.types import (
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.langchain import ask as langchain_ways
from tests.llamaindex import ways as llamaindex_ways
from tests.llamaindex.media import PDF, PNG

Way = Literal["invoke", "ainvoke", "stream", "astream"]
Part = str | bytes
"""A text, or the bytes of a PNG or a PDF."""

LOOK: Final[dict[str, Any]] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look at a place.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
    },
}
"""A tool."""


@dataclass(frozen=True, slots=True)
class HeardCall:
    """A tool call of an answer."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer."""

    text: str
    thinking: str
    calls: tuple[HeardCall, ...]
    facts: Mapping[str, Any]
    """``finish_reason`` and the like."""
    tokens: tuple[int, int] | None
    """Input and output."""
    message: Any
    """The framework's own, to go on with."""


class Framework(Protocol):
    """A framework's model."""

    model: Any

    def system(self, *texts: str) -> Any: ...
    def user(self, *parts: Part) -> Any: ...
    def assistant(self, text: str) -> Any: ...
    def called(self, *calls: HeardCall) -> Any: ...
    def result(self, call: HeardCall, *parts: Part) -> Any: ...
    def ask(self, way: Way, messages: Sequence[Any], **more: Any) -> Heard: ...
    def give(self, way: Way, schema: type[BaseModel], text: str, **more: Any) -> BaseModel: ...
    def stored(self, message: Any) -> Any: ...


class LangChain:
    """``ChatPortkey``."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.model: Any = ChatPortkey(**options)

    def system(self, *texts: str) -> BaseMessage:
        return SystemMessage(texts[0] if len(texts) == 1 else [*map(_langchain_part, texts)])

    def user(self, *parts: Part) -> BaseMessage:
        [first, *rest] = parts
        return HumanMessage(first if isinstance(first, str) and not rest else [*map(_langchain_part, parts)])

    def assistant(self, text: str) -> BaseMessage:
        return AIMessage(text)

    def called(self, *calls: HeardCall) -> BaseMessage:
        told = [{"name": call.name, "args": {**call.arguments}, "id": call.id, "type": "tool_call"} for call in calls]
        return AIMessage("", tool_calls=told)

    def result(self, call: HeardCall, *parts: Part) -> BaseMessage:
        [first, *rest] = parts
        content: Any = first if isinstance(first, str) and not rest else [*map(_langchain_part, parts)]
        return ToolMessage(content, tool_call_id=call.id, name=call.name)

    def ask(self, way: Way, messages: Sequence[Any], *, tools: Sequence[Any] = (), **more: Any) -> Heard:
        model: Any = self.model
        if tools:
            choice = {"tool_choice": more.pop("tool_choice")} if "tool_choice" in more else {}
            model = model.bind_tools(tools, **choice)
        answer: AIMessage = getattr(langchain_ways, way)(model, [*messages], **more)
        usage = answer.usage_metadata
        return Heard(
            text=answer.text,
            thinking="".join(
                block.get("reasoning", "") for block in answer.content_blocks if block["type"] == "reasoning"
            ),
            calls=tuple(HeardCall(call["id"] or "", call["name"], call["args"]) for call in answer.tool_calls),
            facts=answer.response_metadata,
            tokens=(usage["input_tokens"], usage["output_tokens"]) if usage else None,
            message=answer,
        )

    def give(self, way: Way, schema: type[BaseModel], text: str, **more: Any) -> BaseModel:
        chain = self.model.with_structured_output(schema, **more)
        match way:
            case "invoke" | "ainvoke":
                given: Any = getattr(_Plain, way)(chain, text)
            case _:
                given = getattr(_Plain, way)(chain, text)[-1]
        assert isinstance(given, BaseModel)
        return given

    def stored(self, message: BaseMessage) -> BaseMessage:
        [again] = messages_from_dict(json.loads(json.dumps(messages_to_dict([message]))))
        return again


class LlamaIndex:
    """``Portkey``."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.model: Any = Portkey(**options)

    def system(self, *texts: str) -> ChatMessage:
        return ChatMessage(role=MessageRole.SYSTEM, blocks=[TextBlock(text=text) for text in texts])

    def user(self, *parts: Part) -> ChatMessage:
        return ChatMessage(role=MessageRole.USER, blocks=[*map(_llamaindex_part, parts)])

    def assistant(self, text: str) -> ChatMessage:
        return ChatMessage(role=MessageRole.ASSISTANT, content=text)

    def called(self, *calls: HeardCall) -> ChatMessage:
        told = [
            ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs={**call.arguments}) for call in calls
        ]
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=told)

    def result(self, call: HeardCall, *parts: Part) -> ChatMessage:
        known = {"tool_call_id": call.id, "name": call.name}
        return ChatMessage(role=MessageRole.TOOL, blocks=[*map(_llamaindex_part, parts)], additional_kwargs=known)

    def ask(self, way: Way, messages: Sequence[Any], **more: Any) -> Heard:
        answer = llamaindex_ways.ask(self.model, _LLAMAINDEX[way], [*messages], **more)
        calls = self.model.get_tool_calls_from_response(answer, error_on_no_tool_call=False)
        usage = answer.raw.get("usage")
        blocks = answer.message.blocks
        return Heard(
            text="".join(block.text for block in blocks if isinstance(block, TextBlock)),
            thinking="".join(block.content or "" for block in blocks if isinstance(block, ThinkingBlock)),
            calls=tuple(HeardCall(call.tool_id, call.tool_name, call.tool_kwargs) for call in calls),
            facts=answer.raw,
            tokens=(usage["input_tokens"], usage["output_tokens"]) if usage else None,
            message=answer.message,
        )

    def give(self, way: Way, schema: type[BaseModel], text: str, **more: Any) -> BaseModel:
        assert not more
        method = getattr(self.model, _PREDICTING[way])
        given = llamaindex_ways.call(method, schema, PromptTemplate("{question}"), question=text)[-1]
        assert isinstance(given, schema)
        return given

    def stored(self, message: ChatMessage) -> ChatMessage:
        return ChatMessage.model_validate_json(message.model_dump_json())


class _Plain:
    """A chain of LangChain's, asked in each of the four ways."""

    @staticmethod
    def invoke(chain: Any, text: str) -> Any:
        return chain.invoke(text)

    @staticmethod
    def ainvoke(chain: Any, text: str) -> Any:
        return llamaindex_ways.call(chain.ainvoke, text)[0]

    @staticmethod
    def stream(chain: Any, text: str) -> Any:
        return [*chain.stream(text)]

    @staticmethod
    def astream(chain: Any, text: str) -> Any:
        async def collect() -> Any:
            return [each async for each in chain.astream(text)]

        return llamaindex_ways.call(collect)[0]


_LLAMAINDEX: Final = {"invoke": "chat", "ainvoke": "achat", "stream": "stream_chat", "astream": "astream_chat"}
_PREDICTING: Final = {
    "invoke": "structured_predict",
    "ainvoke": "astructured_predict",
    "stream": "stream_structured_predict",
    "astream": "astream_structured_predict",
}
FRAMEWORKS: Final[dict[str, type[LangChain | LlamaIndex]]] = {"langchain": LangChain, "llamaindex": LlamaIndex}

any_way = pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
whole_or_streamed = pytest.mark.parametrize("way", ["invoke", "stream"])
streamed = pytest.mark.parametrize("way", ["stream", "astream"])


def is_streamed(way: Way) -> bool:
    return "stream" in way


def arguments(text: str) -> Any:
    """The arguments of a call as a provider receives them."""
    return json.loads(text)


def _langchain_part(part: Part) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    data = base64.b64encode(part).decode()
    if part == PNG:
        return {"type": "image", "base64": data, "mime_type": "image/png"}
    assert part == PDF
    return {"type": "file", "base64": data, "mime_type": "application/pdf"}


def _llamaindex_part(part: Part) -> TextBlock | ImageBlock | DocumentBlock:
    if isinstance(part, str):
        return TextBlock(text=part)
    if part == PNG:
        return ImageBlock(image=part, image_mimetype="image/png")
    assert part == PDF
    return DocumentBlock(data=base64.b64encode(part), document_mimetype="application/pdf")
