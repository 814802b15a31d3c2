"""Media given by URL, found in a request and replaced by their data once it was fetched: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from portkey_gateway.conversation.content import Media, load_bytes, media_block
from portkey_gateway.conversation.media_types import PDF_TYPE, TEXT_TYPE, kind_of
from portkey_gateway.conversation.request import ChatRequest, ContentBlock, Message
from portkey_gateway.errors import ContentError
from portkey_gateway.secret_names import shown_url

# What was said of the media, whatever it is made of.
_KEPT: Final = frozenset({"cache_control", "citations", "context", "detail", "title"})


def media_urls(request: ChatRequest) -> list[str]:
    """List the ``http(s)`` URLs of media in a request, each once, in order."""
    return list(dict.fromkeys(url for block in _blocks(request) if (url := _media_url(block))))


def decode_fetched(url: str, content: bytes, content_type: str) -> Media:
    """Take what a URL gave for an image, a PDF, a sound, a video or, if it says so itself, a plain text.

    Args:
        url: where it came from.
        content: the response body.
        content_type: the response's ``Content-Type``.

    Raises:
        ContentError: if it is none of these; a login page instead of an image, say.
    """
    said = content_type.partition(";")[0].strip().lower()
    try:
        return load_bytes(content, media_type=said if said == TEXT_TYPE or kind_of(said) != "document" else None)
    except ContentError as error:
        raise ContentError(f"{shown_url(url)!r} gave {content_type or 'nothing'!r}: {error.message}") from None


def inline_media(request: ChatRequest, fetched: Mapping[str, Media]) -> ChatRequest:
    """Return the request with the data of some URLs in the place of the URLs; cache breakpoints move along.

    Args:
        request: the request, which is left as it is.
        fetched: what was found, by URL.

    Raises:
        ContentError: if a plain text stands where an image was promised.
    """
    return cast("ChatRequest", {**request, "messages": [_with_media(each, fetched) for each in request["messages"]]})


def _with_media(message: Message, fetched: Mapping[str, Media]) -> Message:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return cast("Message", {**message, "content": [_replaced(block, fetched) for block in content]})


def _replaced(block: ContentBlock, fetched: Mapping[str, Media]) -> ContentBlock:
    url = _media_url(block)
    media = fetched.get(url) if url else None
    if media is None:
        return block
    if block["type"] in {"image_url", "image"} and media.kind != "image" and media.media_type != PDF_TYPE:
        raise ContentError(f"{shown_url(str(url))!r} is no image but a text; give it as a document")
    kept = {name: value for name, value in block.items() if name in _KEPT}
    if block["type"] == "image_url" and "detail" in block["image_url"]:
        kept["detail"] = block["image_url"]["detail"]
    return cast("ContentBlock", {**media_block(media), **kept})


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
    elif block["type"] in {"image", "document", "audio", "video"}:
        url = cast("Mapping[str, Any]", block)["source"].get("url")
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) else None
