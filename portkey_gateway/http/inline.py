"""Images and documents given by URL, found in a request and replaced by their data once it was fetched: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from portkey_gateway.conversation.content import PDF_TYPE, Media, load_bytes, tool_result_block, user_block
from portkey_gateway.conversation.request import CacheControl, ChatRequest, ContentBlock, Message
from portkey_gateway.errors import ContentError

_PLAIN_TEXT: Final = "text/plain"


def media_urls(request: ChatRequest) -> list[str]:
    """List the ``http(s)`` URLs of images and documents in a request, each once, in order."""
    return list(dict.fromkeys(url for block in _blocks(request) if (url := _media_url(block))))


def decode_fetched(url: str, content: bytes, content_type: str) -> Media:
    """Take what a URL gave for an image, a PDF or, if it says so itself, a plain text.

    Args:
        url: where it came from.
        content: the response body.
        content_type: the response's ``Content-Type``.

    Raises:
        ContentError: if it is none of these; a login page instead of an image, say.
    """
    is_plain_text = content_type.partition(";")[0].strip().lower() == _PLAIN_TEXT
    try:
        return load_bytes(content, media_type=_PLAIN_TEXT if is_plain_text else None)
    except ContentError as error:
        raise ContentError(f"{url[:200]!r} gave {content_type or 'nothing'!r}: {error.message}") from None


def inline_media(request: ChatRequest, fetched: Mapping[str, Media], *, for_claude: bool) -> ChatRequest:
    """Return the request with the data of some URLs in the place of the URLs; cache breakpoints move along.

    Args:
        request: the request, which is left as it is.
        fetched: what was found, by URL.
        for_claude: whether Claude's own forms may be used.

    Raises:
        ContentError: if a plain text stands where an image was promised.
    """
    messages: list[Message] = []
    for message in request["messages"]:
        content = message.get("content")
        if isinstance(content, list):
            in_tool = message["role"] == "tool"
            blocks = [_replaced(block, fetched, in_tool=in_tool, for_claude=for_claude) for block in content]
            messages.append(cast("Message", {**message, "content": blocks}))
        else:
            messages.append(message)
    return cast("ChatRequest", {**request, "messages": messages})


def _replaced(
    block: ContentBlock, fetched: Mapping[str, Media], *, in_tool: bool, for_claude: bool
) -> Mapping[str, Any]:
    url = _media_url(block)
    media = fetched.get(url) if url else None
    if media is None:
        return block
    if block["type"] in {"image_url", "image"} and media.kind != "image" and media.media_type != PDF_TYPE:
        raise ContentError(f"{str(url)[:200]!r} is no image but a text; give it as a document")
    mark = cast("CacheControl | None", block.get("cache_control"))
    return tool_result_block(media, mark) if in_tool else user_block(media, mark, for_claude=for_claude)


def _blocks(request: ChatRequest) -> Iterator[ContentBlock]:
    for message in request["messages"]:
        content = message.get("content")
        if message["role"] in {"user", "tool"} and isinstance(content, list):
            yield from content


def _media_url(block: ContentBlock) -> str | None:
    url: Any = None
    if block["type"] == "image_url":
        url = block["image_url"]["url"]
    elif block["type"] == "file":
        url = block["file"].get("file_url")
    elif block["type"] in {"image", "document"}:
        url = cast("Mapping[str, Any]", block)["source"].get("url")
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) else None
