"""LangChain content blocks → the gateway's, by the block's ``type``.

Understood are LangChain's standard blocks (v1) and their v0 forms, OpenAI's chat completions blocks and Anthropic's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from portkey_gateway.caching import encode_cache_control
from portkey_gateway.content import (
    Media,
    load_base64,
    load_bytes,
    load_url,
    text_block,
    tool_result_block,
    user_block,
)
from portkey_gateway.errors import ContentError
from portkey_gateway.wire import CacheControl, ContentBlock, RedactedThinkingBlock, TextBlock, ThinkingBlock

Block = Mapping[str, Any]


def content_blocks(content: str | list[str | dict[str, Any]]) -> list[Block]:
    """List a message's content as blocks: text as a text block, ``non_standard`` blocks unwrapped."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [_unwrapped(block) for block in content]


def encode_user_block(block: Block, *, where: str, for_claude: bool) -> ContentBlock:
    """Encode a block of a user message.

    Raises:
        ContentError: if nobody can send it.
    """
    mark = cache_control(block, where=where)
    if (text := _text(block, where)) is not None:
        return text_block(text, mark)
    return user_block(_media(block, where), mark, for_claude=for_claude)


def encode_tool_result_block(block: Block, *, where: str, for_claude: bool) -> ContentBlock:
    """Encode a block of a tool message.

    Raises:
        ContentError: if nobody can send it.
    """
    mark = cache_control(block, where=where)
    if (text := _text(block, where)) is not None:
        return text_block(text, mark)
    media = _media(block, where)
    if not for_claude:
        raise ContentError(
            f"{where} is an {media.kind}: only Claude takes one in a tool message; put it in a user message after it"
        )
    return tool_result_block(media, mark)


def encode_text_block(block: Block, *, where: str) -> TextBlock:
    """Encode a block of a message that holds only text: system and developer messages.

    Raises:
        ContentError: if it is anything else.
    """
    text = _text(block, where)
    if text is None:
        raise ContentError(f"{where} is a {block.get('type')!r} block: a system message takes text only")
    return text_block(text, cache_control(block, where=where))


def encode_thinking_block(block: Block) -> ThinkingBlock | RedactedThinkingBlock | None:
    """Encode Claude's reasoning for its replay; ``None`` for any other block, and for another provider's reasoning.

    Only Claude signs its reasoning, and Anthropic refuses what is not signed.
    """
    kind = block.get("type")
    if kind == "redacted_thinking":
        return {"type": "redacted_thinking", "data": block["data"]}
    if kind == "thinking":
        thinking, signature = block.get("thinking", ""), block.get("signature")
    elif kind == "reasoning":
        thinking, signature = block.get("reasoning", ""), (block.get("extras") or {}).get("signature")
    else:
        return None
    return {"type": "thinking", "thinking": thinking, "signature": signature} if signature else None


def cache_control(block: Block, *, where: str) -> CacheControl | None:
    """The cache breakpoint on a block, if it has one; in standard blocks it stands under ``extras``.

    Raises:
        EncodingError: if it is not in Anthropic's form.
    """
    mark = block.get("cache_control") or (block.get("extras") or {}).get("cache_control")
    return encode_cache_control(mark, where=where) if mark else None


def _unwrapped(block: str | dict[str, Any]) -> Block:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    value = block.get("value")
    return value if block.get("type") == "non_standard" and isinstance(value, dict) else block


def _text(block: Block, where: str) -> str | None:
    if block.get("type") not in {"text", "input_text", "output_text"}:
        return None
    text = block.get("text")
    if not isinstance(text, str):
        raise ContentError(f"{where} is a text block whose text is {text!r}: it must be a string")
    return text


def _media(block: Block, where: str) -> Media:
    load = _LOADERS.get(str(block.get("type")))
    if load is None:
        known = ", ".join(["text", *_LOADERS])
        raise ContentError(f"{where} is a {block.get('type')!r} block, which the gateway cannot carry; known: {known}")
    try:
        return load(block)
    except KeyError as error:
        raise ContentError(f"{where} is a {block['type']!r} block without {error.args[0]!r}") from None
    except ContentError as error:
        raise ContentError(f"{where}: {error.message}") from error.__cause__


def _load_image_url(block: Block) -> Media:
    value = block["image_url"]
    return load_url(value if isinstance(value, str) else value["url"])


def _load_image(block: Block) -> Media:
    return _load(block, "image")


def _load_document(block: Block) -> Media:
    return _load(block, "document")


def _load_file(block: Block) -> Media:
    file = block.get("file")
    if not isinstance(file, Mapping):
        return _load(block, "document")
    # OpenAI's form: the data is a data URL; the gateway's own takes raw base64.
    if "file_url" in file:
        return load_url(file["file_url"], kind="document", media_type=file.get("mime_type"))
    name = file.get("filename", "")
    if file.get("mime_type") == "text/plain" and not file["file_data"].startswith("data:"):
        return Media("document", "text/plain", data=file["file_data"], name=name)
    return load_base64(file["file_data"], media_type=file.get("mime_type"), name=name)


def _load_plain_text(block: Block) -> Media:
    if "text" in block:
        return Media("document", "text/plain", data=block["text"], name=block.get("title", ""))
    return _load({"mime_type": "text/plain", **block}, "document")


def _load(block: Block, kind: Literal["image", "document"]) -> Media:
    """Load from Anthropic's ``source``, a v1 block (``base64``, ``url``) or a v0 block (``source_type``, ``data``)."""
    source = block.get("source")
    if isinstance(source, Mapping):
        return _load_source(source, kind, _name(block))
    media_type = block.get("mime_type")
    if (data := block.get("base64") or block.get("data")) is not None:
        if isinstance(data, bytes):
            return load_bytes(data, media_type=media_type, name=_name(block))
        return load_base64(data, media_type=media_type, name=_name(block))
    if block.get("source_type") == "text":
        return Media("document", "text/plain", data=block["text"], name=_name(block))
    if "file_id" in block or (block.get("id") and "url" not in block):
        raise ContentError("a file id cannot travel through the gateway; give the data or a URL")
    return load_url(block["url"], kind=kind, media_type=media_type)


def _load_source(source: Block, kind: Literal["image", "document"], name: str) -> Media:
    if source["type"] == "base64":
        return load_base64(source["data"], media_type=source.get("media_type"), name=name)
    if source["type"] == "text":
        return Media("document", "text/plain", data=source["data"], name=name)
    if source["type"] == "url":
        return load_url(source["url"], kind=kind, media_type=source.get("media_type"))
    raise ContentError(f"a source of type {source['type']!r} cannot travel through the gateway; give base64 or a url")


def _name(block: Block) -> str:
    extras = block.get("extras") or {}
    return str(block.get("title") or block.get("filename") or extras.get("title") or extras.get("filename") or "")


_LOADERS: dict[str, Callable[[Block], Media]] = {
    "image": _load_image,
    "image_url": _load_image_url,
    "file": _load_file,
    "document": _load_document,
    "text-plain": _load_plain_text,
}
