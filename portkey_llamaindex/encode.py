"""LlamaIndex messages → the gateway's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from pydantic_core import to_json

from portkey_gateway.caching.breakpoints import encode_cache_control
from portkey_gateway.conversation.content import Media, media_block, text_block
from portkey_gateway.conversation.request import CacheControl, ContentBlock, Message, ToolCall
from portkey_gateway.errors import ContentError, EncodingError
from portkey_llamaindex.media import load_document, load_image
from portkey_llamaindex.tools import whole_arguments

Role = Literal["system", "developer", "user", "assistant", "tool"]

_ROLES: Final[dict[MessageRole, Role]] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "developer",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}


def encode_messages(messages: Sequence[ChatMessage]) -> list[Message]:
    """Encode a conversation.

    Args:
        messages: what LlamaIndex hands over.

    Raises:
        EncodingError: if a message or one of its blocks cannot be sent; the text names it.
    """
    return [
        _MessageEncoder(f"messages[{index}]", _ROLES[message.role]).encode(message)
        for index, message in enumerate(messages)
    ]


@dataclass(frozen=True, slots=True)
class _MessageEncoder:
    """Encodes one message; ``where`` names it in errors."""

    where: str
    role: Role

    def encode(self, message: ChatMessage) -> Message:
        if self.role == "assistant":
            return self._encode_assistant(message)
        encoded: Message = {"role": self.role}
        if self.role == "tool":
            encoded["tool_call_id"] = self._tool_call_id(message)
        blocks: list[ContentBlock] = []
        for index, block in enumerate(message.blocks):
            path = f"{self.where}.blocks[{index}]"
            if isinstance(block, CachePoint):
                self._mark(blocks, _cache_control(block, path), path)
            else:
                blocks.extend(self._encode_block(block, path))
        # As CachePoint was written before LlamaIndex had it.
        if mark := message.additional_kwargs.get("cache_control"):
            self._mark(blocks, encode_cache_control(mark, where=self.where), self.where)
        encoded["content"] = _simplified(blocks)
        return encoded

    def _encode_assistant(self, message: ChatMessage) -> Message:
        blocks: list[ContentBlock] = []
        calls: list[ToolCall] = []
        marked: Sequence[ContentBlock | ToolCall] = blocks
        for index, block in enumerate(message.blocks):
            path = f"{self.where}.blocks[{index}]"
            if isinstance(block, CachePoint):
                self._mark(marked, _cache_control(block, path), path)
            elif isinstance(block, ToolCallBlock):
                calls.append(_tool_call(block.tool_call_id, block.tool_name, block.tool_kwargs, path))
                marked = calls
            elif isinstance(block, ThinkingBlock):
                blocks.extend(self._encode_thinking(block))
                marked = blocks
            elif not isinstance(block, CitationBlock):  # a citation repeats what the text before it rests on
                blocks.extend(self._encode_block(block, path))
                marked = blocks
        encoded: Message = {"role": "assistant", "content": _simplified(blocks)}
        if calls := calls or self._other_tool_calls(message):
            encoded["tool_calls"] = calls
        return encoded

    def _encode_block(self, block: Any, path: str) -> Iterable[ContentBlock]:
        if isinstance(block, TextBlock):
            return [text_block(block.text)] if block.text else []
        if isinstance(block, CitableBlock):
            inner = [part for piece in block.content for part in self._encode_block(piece, path)]
            return [text_block(f"{block.title} ({block.source}):"), *inner]
        if isinstance(block, CitationBlock):
            return self._encode_block(block.cited_content, path)
        if isinstance(block, ImageBlock | DocumentBlock):
            try:
                return [self._render(load_image(block) if isinstance(block, ImageBlock) else load_document(block))]
            except ContentError as error:
                raise ContentError(f"{path}: {error.message}") from error.__cause__
        raise ContentError(f"{path} is a {type(block).__name__}, which a {self.role} message cannot carry to a model")

    def _render(self, media: Media) -> ContentBlock:
        if self.role in {"user", "tool"}:
            return media_block(media)
        raise ContentError(f"a {self.role} message cannot carry this {media.kind}: show it in a user message")

    def _encode_thinking(self, block: ThinkingBlock) -> Iterable[ContentBlock]:
        """Only Claude signs its reasoning, and Anthropic refuses what is not signed: another's is left out."""
        if data := block.additional_information.get("data"):
            return [{"type": "redacted_thinking", "data": data}]
        if signature := block.additional_information.get("signature"):
            return [{"type": "thinking", "thinking": block.content or "", "signature": signature}]
        return []

    def _mark(self, blocks: Sequence[ContentBlock | ToolCall], mark: CacheControl, path: str) -> None:
        """Set a cache breakpoint on the last block."""
        if not blocks:
            raise EncodingError(f"{path} marks nothing for the cache: put the CachePoint after a block that is sent")
        last = cast("dict[str, Any]", blocks[-1])
        if last["type"] in {"thinking", "redacted_thinking"}:
            raise EncodingError(f"{path} marks thinking for the cache, which Anthropic refuses: mark the block before")
        last["cache_control"] = mark

    def _tool_call_id(self, message: ChatMessage) -> str:
        tool_call_id = message.additional_kwargs.get("tool_call_id")
        if not tool_call_id:
            raise EncodingError(f"{self.where} is a tool message without additional_kwargs['tool_call_id']")
        return str(tool_call_id)

    def _other_tool_calls(self, message: ChatMessage) -> list[ToolCall]:
        """Tool calls as other LLM classes keep them: dicts or objects in ``additional_kwargs``."""
        calls = []
        for index, call in enumerate(message.additional_kwargs.get("tool_calls") or ()):
            path = f"{self.where}.additional_kwargs['tool_calls'][{index}]"
            given = call if isinstance(call, Mapping) else call.model_dump()
            # OpenAI's form, else Anthropic's.
            function = given.get("function") or given
            arguments = function.get("arguments", function.get("input", {}))
            calls.append(_tool_call(given.get("id"), function.get("name"), arguments, path))
        return calls


def _cache_control(point: CachePoint, path: str) -> CacheControl:
    mark = {"type": point.cache_control.type}
    # Five minutes are Anthropic's default and LlamaIndex's; saying so would be one more thing for a gateway to drop.
    if point.cache_control.ttl != "5m":
        mark["ttl"] = point.cache_control.ttl
    return encode_cache_control(mark, where=path)


def _tool_call(call_id: str | None, name: str | None, arguments: dict[str, Any] | str, path: str) -> ToolCall:
    if not call_id or not name:
        raise EncodingError(f"{path} is a tool call without {'a name' if call_id else 'an id'}: its result needs both")
    sent = whole_arguments(arguments)
    if sent is None:
        # The model gets to see what it wrote, as JSON: the gateway fails with 500 on anything else.
        sent = {"invalid_arguments": arguments}
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": to_json(sent).decode()}}


def _simplified(blocks: list[ContentBlock]) -> str | list[ContentBlock]:
    """One plain text is said as a string, which every provider takes."""
    if not blocks:
        return ""
    if len(blocks) == 1 and blocks[0]["type"] == "text" and "cache_control" not in blocks[0]:
        return blocks[0]["text"]
    return blocks
