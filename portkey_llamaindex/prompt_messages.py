"""Messages in OpenAI's form, as Portkey's library keeps them → LlamaIndex's. Blocks may be OpenAI's or Anthropic's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from portkey_gateway.conversation.media import as_media
from portkey_gateway.errors import ContentError, InvalidResponseError
from portkey_llamaindex.tools import whole_arguments

_ROLES: Final = frozenset(role.value for role in MessageRole)


def decode_messages(messages: list[dict[str, Any]]) -> list[ChatMessage]:
    """Decode the messages of a rendered prompt.

    Raises:
        InvalidResponseError: if LlamaIndex has nothing for a role.
        ContentError: if it has nothing for a block; the text names it.
    """
    return [_decode(message, f"messages[{index}]") for index, message in enumerate(messages)]


def _decode(message: Mapping[str, Any], where: str) -> ChatMessage:
    role = message.get("role")
    if role not in _ROLES:
        raise InvalidResponseError(f"the prompt's {where} has the role {role!r}, which LlamaIndex does not know")
    content = message.get("content")
    given = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    blocks: list[ContentBlock] = []
    for index, block in enumerate(given):
        blocks.extend(_blocks(block, f"{where}.content[{index}]"))
    for call in message.get("tool_calls") or ():
        function = call["function"]
        blocks.append(_call(call.get("id"), function["name"], function.get("arguments")))
    answered = {"tool_call_id": message["tool_call_id"]} if message.get("tool_call_id") else {}
    return ChatMessage(role=MessageRole(role), blocks=blocks, additional_kwargs=answered)


def _blocks(block: Mapping[str, Any], where: str) -> Iterator[ContentBlock]:
    """A block, and the cache point behind it where it bears a mark."""
    decode = _DECODERS.get(str(block.get("type")))
    if decode is None:
        raise ContentError(f"the prompt's {where} is of type {block.get('type')!r}, for which LlamaIndex has no block")
    yield decode(block, where)
    if mark := block.get("cache_control"):
        yield CachePoint(cache_control=CacheControl(**mark))


def _text(block: Mapping[str, Any], _where: str) -> ContentBlock:
    return TextBlock(text=block["text"])


def _media(block: Mapping[str, Any], where: str) -> ContentBlock:
    media: Mapping[str, Any] = block if "source" in block else as_media(block, where)
    source: Mapping[str, Any] = media["source"]
    data, media_type = str(source.get("data") or ""), source.get("media_type")
    if media["type"] == "image":
        detail = (block.get("image_url") or {}).get("detail")
        if data:
            return ImageBlock(image=data.encode(), image_mimetype=media_type, detail=detail)
        return ImageBlock(url=source.get("url"), detail=detail)
    if source["type"] == "file":
        raise ContentError(f"the prompt's {where} is an uploaded file, for which LlamaIndex has no block")
    if data:
        return DocumentBlock(data=data.encode(), document_mimetype=media_type, title=media.get("title"))
    return DocumentBlock(url=source.get("url"), title=media.get("title"))


def _thinking(block: Mapping[str, Any], _where: str) -> ContentBlock:
    more = {name: block[name] for name in ("signature", "data") if block.get(name)}
    return ThinkingBlock(content=block.get("thinking"), additional_information=more)


def _tool_use(block: Mapping[str, Any], _where: str) -> ContentBlock:
    return _call(block.get("id"), block["name"], block.get("input"))


def _call(call_id: str | None, name: str, arguments: Any) -> ToolCallBlock:
    whole = whole_arguments(arguments)
    return ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments if whole is None else whole)


_DECODERS: Final[Mapping[str, Callable[[Mapping[str, Any], str], ContentBlock]]] = {
    "text": _text,
    "image_url": _media,
    "image": _media,
    "file": _media,
    "document": _media,
    "thinking": _thinking,
    "redacted_thinking": _thinking,
    "tool_use": _tool_use,
}
