"""LlamaIndex messages and tools → the gateway's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from io import IOBase
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
from llama_index.core.tools.types import BaseTool
from pydantic_core import to_json

from portkey_gateway.caching import encode_cache_control
from portkey_gateway.content import (
    Media,
    load_base64,
    load_bytes,
    load_path,
    load_url,
    text_block,
    tool_result_block,
    user_block,
)
from portkey_gateway.errors import ContentError, EncodingError, PortkeyWarning
from portkey_gateway.wire import CacheControl, ContentBlock, Message, Tool, ToolCall

_ROLES: Final[dict[MessageRole, Literal["system", "developer", "user", "assistant", "tool"]]] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "developer",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}
# What DocumentBlock calls a document that nobody named.
_UNNAMED: Final = "input_document"

RenderMedia = Callable[[Media], ContentBlock]


def encode_messages(messages: Sequence[ChatMessage], *, for_claude: bool) -> list[Message]:
    """Encode a conversation.

    Args:
        messages: what LlamaIndex hands over.
        for_claude: whether Claude's own forms may be used (documents, media in tool messages, thinking).

    Raises:
        EncodingError: if a message or one of its blocks cannot be sent; the text names it.
    """
    return [_encode(message, f"messages[{index}]", for_claude=for_claude) for index, message in enumerate(messages)]


def encode_tool(tool: BaseTool) -> Tool:
    """Encode a tool; Claude takes longer descriptions than the 1024 characters that LlamaIndex allows OpenAI."""
    return cast("Tool", tool.metadata.to_openai_tool(skip_length_check=True))


def _encode(message: ChatMessage, where: str, *, for_claude: bool) -> Message:
    role = _ROLES[message.role]
    if role == "assistant":
        return _encode_assistant(message, where, for_claude=for_claude)
    encoded: Message = {"role": role}
    if role == "tool":
        tool_call_id = message.additional_kwargs.get("tool_call_id")
        if not tool_call_id:
            raise EncodingError(f"{where} is a tool message without additional_kwargs['tool_call_id']")
        encoded["tool_call_id"] = str(tool_call_id)
    encoded["content"] = _simplified(_encode_blocks(message, where, _media_renderer(role, where, for_claude)))
    return encoded


def _media_renderer(role: str, where: str, for_claude: bool) -> RenderMedia:
    """How a message of this role carries images and documents."""
    if role == "user":
        return lambda media: user_block(media, for_claude=for_claude)
    if role == "tool" and for_claude:
        return tool_result_block

    def refuse(media: Media) -> ContentBlock:
        raise ContentError(f"{where} holds an {media.kind}, and a {role} message takes text only here")

    return refuse


def _encode_blocks(message: ChatMessage, where: str, render: RenderMedia) -> list[ContentBlock]:
    encoded: list[ContentBlock] = []
    for index, block in enumerate(message.blocks):
        path = f"{where}.blocks[{index}]"
        if isinstance(block, CachePoint):
            _mark_last(encoded, block, path)
        else:
            encoded.extend(_encode_block(block, path, render))
    return encoded


def _encode_block(block: Any, path: str, render: RenderMedia) -> Iterable[ContentBlock]:
    if isinstance(block, TextBlock):
        return [text_block(block.text)] if block.text else []
    if isinstance(block, CitableBlock):
        inner = [part for piece in block.content for part in _encode_block(piece, path, render)]
        return [text_block(f"{block.title} ({block.source}):"), *inner]
    if isinstance(block, CitationBlock):
        return _encode_block(block.cited_content, path, render)
    try:
        if isinstance(block, ImageBlock):
            return [render(_load_image(block))]
        if isinstance(block, DocumentBlock):
            return [render(_load_document(block))]
    except ContentError as error:
        raise ContentError(f"{path}: {error.message}") from error.__cause__
    raise ContentError(f"{path} is a {type(block).__name__}, which the gateway cannot carry to a model here")


def _load_image(block: ImageBlock) -> Media:
    # LlamaIndex holds bytes as base64 already; decoding and encoding 5 MB again would cost 24 ms.
    if isinstance(block.image, bytes):
        return load_base64(block.image.decode("ascii"), media_type=block.image_mimetype)
    return _load_elsewhere(block.image, block.path, block.url, "image", block.image_mimetype)


def _load_document(block: DocumentBlock) -> Media:
    name = block.title if block.title and block.title != _UNNAMED else ""
    if isinstance(block.data, bytes):
        # A plain text has no magic number to guess its type from.
        media_type = block.document_mimetype or "text/plain"
        return load_base64(block.data.decode("ascii"), media_type=media_type, name=name)
    return _load_elsewhere(block.data, block.path, block.url, "document", block.document_mimetype)


def _load_elsewhere(
    stream: IOBase | None, path: Any, url: Any, kind: Literal["image", "document"], media_type: str | None
) -> Media:
    if stream is not None:
        stream.seek(0)
        return load_bytes(stream.read(), media_type=media_type)
    if path is not None:
        return load_path(path)
    if url is not None:
        return load_url(str(url), kind=kind, media_type=media_type)
    raise ContentError(f"the {kind} block is empty: give data, a path or a url")


def _mark_last(encoded: list[ContentBlock], point: CachePoint, path: str) -> None:
    """A ``CachePoint`` marks the block before it."""
    if not encoded:
        raise EncodingError(f"{path} is a CachePoint with nothing before it in its message: put it after a block")
    if encoded[-1]["type"] == "file":
        warnings.warn(
            "the gateway drops cache_control on this document; put the CachePoint after a text block",
            PortkeyWarning,
            stacklevel=2,
        )
        return
    encoded[-1] = cast("ContentBlock", {**encoded[-1], "cache_control": _cache_control(point, path)})


def _cache_control(point: CachePoint, path: str) -> CacheControl:
    mark = {"type": point.cache_control.type}
    # Five minutes are Anthropic's default and LlamaIndex's; saying so would be one more thing for a gateway to drop.
    if point.cache_control.ttl != "5m":
        mark["ttl"] = point.cache_control.ttl
    return encode_cache_control(mark, where=path)


def _encode_assistant(message: ChatMessage, where: str, *, for_claude: bool) -> Message:
    encoded: Message = {"role": "assistant"}
    texts: list[ContentBlock] = []
    in_order: list[ContentBlock] = []
    calls: dict[str, ToolCall] = {}
    refuse = _media_renderer("assistant", where, for_claude)
    for index, block in enumerate(message.blocks):
        path = f"{where}.blocks[{index}]"
        if isinstance(block, ToolCallBlock):
            call = _tool_call(block.tool_call_id or "", block.tool_name, block.tool_kwargs)
            calls[call["id"]] = call
        elif isinstance(block, ThinkingBlock):
            if for_claude and (thinking := _encode_thinking(block)):
                in_order.append(thinking)
        elif isinstance(block, CachePoint) and calls:
            next(reversed(calls.values()))["cache_control"] = _cache_control(block, path)
        elif isinstance(block, CachePoint):
            _mark_last(texts, block, path)
            in_order[-1] = texts[-1]
        else:
            rendered = list(_encode_block(block, path, refuse))
            texts.extend(rendered)
            in_order.extend(rendered)
    for call in _legacy_tool_calls(message):
        calls.setdefault(call["id"], call)
    encoded["content"] = _simplified(texts)
    if len(in_order) > len(texts):
        # There is thinking: the gateway sends these on as they are, in place of content.
        encoded["content_blocks"] = in_order
    if calls:
        encoded["tool_calls"] = list(calls.values())
    return encoded


def _encode_thinking(block: ThinkingBlock) -> ContentBlock | None:
    """Only Claude signs its reasoning, and Anthropic refuses what is not signed: another's is left out."""
    if data := block.additional_information.get("data"):
        return {"type": "redacted_thinking", "data": data}
    if signature := block.additional_information.get("signature"):
        return {"type": "thinking", "thinking": block.content or "", "signature": signature}
    return None


def _legacy_tool_calls(message: ChatMessage) -> Iterable[ToolCall]:
    """Tool calls as other LLM classes keep them: OpenAI's dicts or objects in ``additional_kwargs``."""
    for call in message.additional_kwargs.get("tool_calls") or ():
        as_dict = call if isinstance(call, dict) else call.model_dump()
        function = as_dict["function"]
        yield _tool_call(as_dict["id"], function["name"], function["arguments"])


def _tool_call(call_id: str, name: str, args: dict[str, Any] | str) -> ToolCall:
    arguments = args if isinstance(args, str) else to_json(args).decode()
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments or "{}"}}


def _simplified(blocks: list[ContentBlock]) -> str | list[ContentBlock]:
    """One plain text is said as a string, which every provider takes."""
    if not blocks:
        return ""
    if len(blocks) == 1 and blocks[0]["type"] == "text" and "cache_control" not in blocks[0]:
        return blocks[0]["text"]
    return blocks
