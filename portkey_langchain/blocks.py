"""LangChain content blocks → the gateway's, by the block's ``type``.

Understood are LangChain's standard blocks (v1) and their v0 forms, OpenAI's chat completions blocks and Anthropic's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from portkey_gateway.caching.breakpoints import encode_cache_control
from portkey_gateway.conversation.content import (
    Media,
    load_base64,
    load_bytes,
    load_url,
    text_block,
    tool_result_block,
    user_block,
)
from portkey_gateway.conversation.request import (
    CacheControl,
    ContentBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
)
from portkey_gateway.errors import ContentError

Block = Mapping[str, Any]


def content_blocks(content: str | list[str | dict[str, Any]]) -> list[Block]:
    """List a message's content as blocks: text as a text block, ``non_standard`` blocks unwrapped.

    Raises:
        ContentError: if it is neither text nor a list of blocks.
    """
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [_unwrapped(block) for block in content]


def encode_user_block(block: Block, *, where: str, for_claude: bool, inlined: bool = False) -> ContentBlock:
    """Encode a block of a user message.

    Args:
        block: what LangChain hands over.
        where: its place, for the error text.
        for_claude: whether Claude's own forms may be used.
        inlined: whether media given by URL will travel as data, where the gateway keeps a cache breakpoint.

    Raises:
        ContentError: if nobody can send it.
    """
    mark = cache_control(block, where=where)
    if (text := _text(block, where)) is not None:
        return text_block(text, mark)
    media = _media(block, where)
    if inlined and mark and media.url:
        return cast("ContentBlock", {**user_block(media, for_claude=for_claude), "cache_control": mark})
    return user_block(media, mark, for_claude=for_claude)


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
            f"{where} shows media ({media.kind}): only Claude takes that in a tool message; put it in a user message "
            "after it"
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
    """Encode Claude's reasoning for its replay; ``None`` for what Anthropic would refuse: reasoning without a proof."""
    if block.get("type") == "redacted_thinking":
        data = block.get("data")
        return {"type": "redacted_thinking", "data": data} if isinstance(data, str) else None
    thinking = block.get("thinking") or block.get("reasoning") or ""
    signature = block.get("signature") or _extras(block).get("signature")
    if not isinstance(thinking, str) or not isinstance(signature, str):
        return None
    return {"type": "thinking", "thinking": thinking, "signature": signature}


def cache_control(block: Block, *, where: str) -> CacheControl | None:
    """The cache breakpoint on a block, if it has one; in standard blocks it stands under ``extras``.

    Raises:
        EncodingError: if it is not in Anthropic's form.
    """
    mark = block.get("cache_control") or _extras(block).get("cache_control")
    return encode_cache_control(mark, where=where) if mark else None


def required_text(block: Block, name: str, *, where: str = "a content block") -> str:
    """The text under ``name``.

    Raises:
        ContentError: if there is none.
    """
    value = block.get(name)
    if not isinstance(value, str):
        raise ContentError(f"{where} needs {name!r} as text; got {type(value).__name__}")
    return value


def _unwrapped(block: Any) -> Block:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if not isinstance(block, dict) or not isinstance(block.get("type"), str | None):
        raise ContentError(f"content must be text or a list of content blocks, each with a type; got {block!r:.100}")
    value = block.get("value")
    return value if block.get("type") == "non_standard" and isinstance(value, dict) else block


def _extras(block: Block) -> Block:
    """What LangChain's standard blocks keep of a provider's own keys."""
    extras = block.get("extras")
    return extras if isinstance(extras, Mapping) else {}


def _text(block: Block, where: str) -> str | None:
    is_text = block.get("type") in {"text", "input_text", "output_text"}
    return required_text(block, "text", where=where) if is_text else None


def _media(block: Block, where: str) -> Media:
    load = _LOADERS.get(str(block.get("type")))
    if load is None:
        known = ", ".join(["text", *_LOADERS])
        raise ContentError(f"{where} is a {block.get('type')!r} block, which the gateway cannot carry; known: {known}")
    try:
        return load(block)
    except ContentError as error:
        raise ContentError(f"{where}: {error.message}") from error.__cause__


def _load_image_url(block: Block) -> Media:
    value = block.get("image_url")
    return load_url(required_text(value if isinstance(value, Mapping) else {"url": value, **block}, "url"))


def _load_image(block: Block) -> Media:
    return _load(block, "image")


def _load_document(block: Block) -> Media:
    return _load(block, "document")


def _load_file(block: Block) -> Media:
    file = block.get("file")
    if not isinstance(file, Mapping):
        return _load(block, "document")
    # OpenAI's form: the data is a data URL; the gateway's own takes raw base64.
    name, media_type = str(file.get("filename") or ""), file.get("mime_type")
    if "file_url" in file:
        return load_url(required_text(file, "file_url"), kind="document", media_type=media_type)
    if "file_id" in file:
        raise _file_id_error()
    data = required_text(file, "file_data")
    if media_type == "text/plain" and not data.startswith("data:"):
        return Media("document", "text/plain", data=data, name=name)
    return load_base64(data, media_type=media_type, name=name)


def _load_plain_text(block: Block) -> Media:
    if "text" in block:
        return Media("document", "text/plain", data=required_text(block, "text"), name=_name(block))
    return _load({"mime_type": "text/plain", **block}, "document")


def _load(block: Block, kind: Literal["image", "document"]) -> Media:
    """Load from Anthropic's ``source``, a v1 block (``base64``, ``url``) or a v0 block (``source_type``, ``data``)."""
    source = block.get("source")
    if isinstance(source, Mapping):
        return _load_source(source, kind, _name(block))
    media_type = block.get("mime_type")
    for name in ("base64", "data"):
        if block.get(name) is not None:
            return _load_data(block, name, media_type, _name(block))
    if block.get("source_type") == "text":
        return _load_plain_text(block)
    if "file_id" in block or ("id" in block and "url" not in block):
        raise _file_id_error()
    return load_url(required_text(block, "url"), kind=kind, media_type=media_type)


def _load_source(source: Block, kind: Literal["image", "document"], name: str) -> Media:
    if source.get("type") == "base64":
        return _load_data(source, "data", source.get("media_type"), name)
    if source.get("type") == "text":
        return Media("document", "text/plain", data=required_text(source, "data"), name=name)
    if source.get("type") == "url":
        return load_url(required_text(source, "url"), kind=kind, media_type=source.get("media_type"))
    raise ContentError(
        f"a source of type {source.get('type')!r} cannot travel through the gateway; give base64 or a url"
    )


def _load_data(block: Block, key: str, media_type: str | None, name: str) -> Media:
    data = block.get(key)
    if isinstance(data, bytes):
        return load_bytes(data, media_type=media_type, name=name)
    return load_base64(required_text(block, key), media_type=media_type, name=name)


def _file_id_error() -> ContentError:
    return ContentError("a file id cannot travel through the gateway; give the data or a URL")


def _name(block: Block) -> str:
    extras = _extras(block)
    return str(block.get("title") or block.get("filename") or extras.get("title") or extras.get("filename") or "")


_LOADERS: dict[str, Callable[[Block], Media]] = {
    "image": _load_image,
    "image_url": _load_image_url,
    "file": _load_file,
    "document": _load_document,
    "text-plain": _load_plain_text,
}
