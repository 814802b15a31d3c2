"""Content blocks from bytes, base64, paths and URLs. What is none that a model could read is an error here."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import string
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from portkey_gateway.conversation.request import CacheControl, MediaBlock, TextBlock
from portkey_gateway.errors import ContentError

IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Image formats that Claude reads (Anthropic, "Vision")."""
PDF_TYPE: Final = "application/pdf"
TEXT_TYPE: Final = "text/plain"

_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", PDF_TYPE),
)
# 32 base64 characters are 24 bytes: enough for every magic number above and for WebP's, which ends at byte 12.
_SNIFFED_BASE64_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Media:
    """An image or a document on its way to a message: its data, or the URL where it lies."""

    kind: Literal["image", "document"]
    media_type: str
    """Such as ``image/png``; for a URL what its owner said of it, else a guess from its name."""
    data: str = ""
    """Base64 without line breaks; for ``text/plain`` the text itself."""
    url: str = ""
    """An ``http(s)`` URL, where there is no data."""
    name: str = ""
    """A file name or title, where one is known."""

    @property
    def data_url(self) -> str:
        """The data as a ``data:`` URL without further parameters (the gateway drops an image that has any)."""
        return f"data:{self.media_type};base64,{self.data}"


def sniff_media_type(data: bytes) -> str | None:
    """Tell the media type of an image or PDF from its first bytes; ``None`` for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for magic, media_type in _MAGIC if data.startswith(magic)), None)


def text_block(text: str, cache_control: CacheControl | None = None) -> TextBlock:
    """Build a text block."""
    block: TextBlock = {"type": "text", "text": text}
    if cache_control:
        block["cache_control"] = cache_control
    return block


def load_bytes(data: bytes, *, media_type: str | None = None, name: str = "") -> Media:
    """Take an image, a PDF or a plain text from its bytes.

    Args:
        data: the file's content.
        media_type: used for plain text; for images and PDFs the bytes themselves tell.
        name: a file name or title.

    Raises:
        ContentError: if the bytes are none of these.
    """
    sniffed = sniff_media_type(data)
    if sniffed:
        return _media(sniffed, base64.b64encode(data).decode("ascii"), name)
    if data and media_type and media_type.startswith("text/"):
        try:
            return Media("document", "text/plain", data=data.decode("utf-8"), name=name)
        except UnicodeDecodeError as error:
            raise ContentError(
                f"the text of {_called(name)} is not UTF-8 (byte {error.start}): decode it first"
            ) from None
    raise _unknown_bytes(data[:12], media_type, name)


def load_base64(data: str, *, media_type: str | None = None, name: str = "") -> Media:
    """Take an image or a PDF (or with ``media_type="text/plain"`` a text) from base64.

    Only the beginning is decoded, to see what it is: a large image is not decoded and encoded again.

    Raises:
        ContentError: if it is not base64, or none of these.
    """
    if data.startswith("data:"):
        return replace(load_url(data, media_type=media_type), name=name)
    # Looking for white space costs a third of taking it out, and hardly any base64 has some.
    text = "".join(data.split()) if any(space in data for space in string.whitespace) else data
    if not text.isascii() or len(text) % 4 == 1:
        raise _not_base64(text, name)
    text += "=" * (-len(text) % 4)
    if media_type and media_type.startswith("text/"):
        return load_bytes(_decode_base64(text, name), media_type=media_type, name=name)
    start = _decode_base64(text[:_SNIFFED_BASE64_LENGTH], name)
    sniffed = sniff_media_type(start)
    if sniffed is None:
        raise _unknown_bytes(start[:12], media_type, name)
    return _media(sniffed, text, name)


def load_path(path: str | Path, *, media_type: str | None = None) -> Media:
    """Take an image, a PDF or a plain text from a file.

    Args:
        path: where it lies.
        media_type: used for plain text, in the place of a guess from the file's name.

    Raises:
        ContentError: if it cannot be read, or is none of these.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ContentError(f"the file {str(path)!r} cannot be read: {error.strerror or error}") from error
    return load_bytes(data, media_type=media_type or mimetypes.guess_type(str(path))[0], name=Path(path).name)


def load_url(url: str, *, kind: Literal["image", "document"] = "image", media_type: str | None = None) -> Media:
    """Take an image or a document from a ``data:`` URL, or refer to one by an ``http(s)`` URL.

    Raises:
        ContentError: if the URL is of neither kind, or its data is no image and no document.
    """
    if url.startswith("data:"):
        header, comma, data = url.partition(",")
        declared, *parameters = header.removeprefix("data:").split(";")
        if not comma or "base64" not in parameters:
            raise ContentError(f"the data URL {header[:60]!r} must hold base64: data:image/png;base64,…")
        return load_base64(data, media_type=declared or media_type)
    scheme, _, rest = url.partition(":")
    if scheme.lower() in {"http", "https"} and rest.startswith("//"):
        guessed = mimetypes.guess_type(url.partition("?")[0])[0]
        known = media_type or guessed or ("" if kind == "image" else PDF_TYPE)
        return Media(kind, known, url=f"{scheme.lower()}:{rest}")
    raise ContentError(
        f"{url[:60]!r} is neither a data: URL nor an http(s) URL; for a file, read it and give its base64"
    )


def media_block(media: Media, cache_control: CacheControl | None = None) -> MediaBlock:
    """Build the block of an image or a document, for any message.

    Args:
        media: its data, or where it lies.
        cache_control: a cache breakpoint on this block.
    """
    block: MediaBlock = {"type": media.kind, "source": {"type": "url", "url": media.url}}
    if media.data:
        source_type: Literal["text", "base64"] = "text" if media.media_type == TEXT_TYPE else "base64"
        block["source"] = {"type": source_type, "media_type": media.media_type, "data": media.data}
    if media.name and media.kind == "document":
        block["title"] = media.name
    if cache_control:
        block["cache_control"] = cache_control
    return block


def _media(media_type: str, data: str, name: str) -> Media:
    return Media("image" if media_type in IMAGE_TYPES else "document", media_type, data=data, name=name)


def _decode_base64(data: str, name: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise _not_base64(data, name) from None


def _not_base64(data: str, name: str) -> ContentError:
    return ContentError(f"the data of {_called(name)} is not base64: {data[:24]!r}…")


def _called(name: str) -> str:
    return repr(name) if name else "a content block"


def _unknown_bytes(start: bytes, media_type: str | None, name: str) -> ContentError:
    declared = f", declared as {media_type}" if media_type else ""
    return ContentError(
        f"the data of {_called(name)} (starts with {start!r}{declared}) is not an image that Claude "
        "reads (PNG, JPEG, GIF or WebP), nor a PDF, nor a text with a text/… media type; convert it first"
    )
