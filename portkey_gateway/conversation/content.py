"""Content blocks from bytes, base64, paths and URLs. What is none that a model could read is an error here."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import string
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from portkey_gateway.conversation.media_types import (
    IMAGE_TYPES,
    PDF_TYPE,
    TEXT_TYPE,
    MediaKind,
    kind_of,
    settle_media_type,
)
from portkey_gateway.conversation.request import CacheControl, MediaBlock, TextBlock
from portkey_gateway.errors import ContentError

# 32 base64 characters are 24 bytes: enough for every magic number, the longest of which end at byte 12.
_SNIFFED_BASE64_LENGTH = 32
# No header of an image that is sent as it was given is longer: data:image/jpeg;base64,
_LONGEST_HEADER = 32


@dataclass(frozen=True, slots=True)
class Media:
    """An image, a document, a sound or a video on its way to a message: its data, or the URL where it lies."""

    kind: MediaKind
    media_type: str
    """Such as ``image/png``; for a URL what its owner said of it, else a guess from its name."""
    data: str = ""
    """Base64 without line breaks; for ``text/plain`` the text itself."""
    url: str = ""
    """An ``http(s)`` URL, where there is no data."""
    name: str = ""
    """A file name or title, where one is known."""
    given: str = ""
    """The data URL of an image that can be sent as it was given, in the place of its data."""

    @property
    def data_url(self) -> str:
        """The data as a ``data:`` URL without further parameters (the gateway drops an image that has any)."""
        return self.given or f"data:{self.media_type};base64,{self.data}"


def text_block(text: str, cache_control: CacheControl | None = None) -> TextBlock:
    """Build a text block."""
    block: TextBlock = {"type": "text", "text": text}
    if cache_control:
        block["cache_control"] = cache_control
    return block


def load_bytes(data: bytes, *, media_type: str | None = None, name: str = "") -> Media:
    """Take an image, a PDF, a plain text, a sound or a video from its bytes.

    Args:
        data: the file's content.
        media_type: what is said of it, for texts and for formats that their bytes do not tell.
        name: a file name or title.

    Raises:
        ContentError: if the bytes are none of these.
    """
    settled = settle_media_type(data, media_type) if data else None
    if settled is None:
        raise _unknown_bytes(data[:12], media_type, name)
    if not settled.startswith("text/"):
        return Media(kind_of(settled), settled, data=base64.b64encode(data).decode("ascii"), name=name)
    try:
        return Media("document", TEXT_TYPE, data=data.decode("utf-8"), name=name)
    except UnicodeDecodeError as error:
        raise ContentError(f"the text of {_called(name)} is not UTF-8 (byte {error.start}): decode it first") from None


def load_base64(data: str, *, media_type: str | None = None, name: str = "") -> Media:
    """Take an image, a PDF, a sound or a video (or with ``media_type="text/plain"`` a text) from base64.

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
    settled = settle_media_type(start, media_type) if start else None
    if settled is None:
        raise _unknown_bytes(start[:12], media_type, name)
    return Media(kind_of(settled), settled, data=text, name=name)


def load_path(path: str | Path, *, media_type: str | None = None) -> Media:
    """Take an image, a PDF, a plain text, a sound or a video from a file.

    Args:
        path: where it lies.
        media_type: what is said of it, in the place of a guess from the file's name.

    Raises:
        ContentError: if it cannot be read, or is none of these.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ContentError(f"the file {str(path)!r} cannot be read: {error.strerror or error}") from error
    return load_bytes(data, media_type=media_type or mimetypes.guess_type(str(path))[0], name=Path(path).name)


def load_url(url: str, *, kind: MediaKind = "image", media_type: str | None = None, as_given: bool = False) -> Media:
    """Take media from a ``data:`` URL, or refer to them by an ``http(s)`` URL, or one of Google's storage (``gs``).

    Args:
        url: of any of these.
        kind: what an ``http(s)`` URL leads to.
        media_type: what is said of it.
        as_given: whether the data URL of an image may stay whole (``given``), where nothing in it has to be mended.

    Raises:
        ContentError: if the URL is of none of these kinds, or its data is nothing that a model could read.
    """
    if url.startswith("data:"):
        if as_given and (settled := _type_as_given(url)):
            return Media("image", settled, given=url)
        header, comma, data = url.partition(",")
        declared, *parameters = header.removeprefix("data:").split(";")
        if not comma or "base64" not in parameters:
            raise ContentError(f"the data URL {header[:60]!r} must hold base64: data:image/png;base64,…")
        return load_base64(data, media_type=declared or media_type)
    scheme, _, rest = url.partition(":")
    if scheme.lower() in {"http", "https", "gs"} and rest.startswith("//"):
        guessed = mimetypes.guess_type(url.partition("?")[0])[0]
        known = media_type or guessed or (PDF_TYPE if kind == "document" else "")
        return Media(kind, known, url=f"{scheme.lower()}:{rest}")
    raise ContentError(
        f"{url[:60]!r} is neither a data: URL nor an http(s) URL; for a file, read it and give its base64"
    )


def media_block(media: Media, cache_control: CacheControl | None = None) -> MediaBlock:
    """Build the block of some media, for any message.

    Args:
        media: its data, or where it lies.
        cache_control: a cache breakpoint on this block.
    """
    block: MediaBlock = {"type": media.kind, "source": {"type": "url", "url": media.url}}
    if media.url and media.media_type and media.kind in {"audio", "video"}:
        block["source"]["media_type"] = media.media_type
    if media.given:
        block["source"] = {"type": "data_url", "media_type": media.media_type, "url": media.given}
    elif media.data:
        source_type: Literal["text", "base64"] = "text" if media.media_type == TEXT_TYPE else "base64"
        block["source"] = {"type": source_type, "media_type": media.media_type, "data": media.data}
    if media.name and media.kind == "document":
        block["title"] = media.name
    if cache_control:
        block["cache_control"] = cache_control
    return block


def _type_as_given(url: str) -> str | None:
    """The type of an image whose data URL says it and can be sent as it is; ``None`` if it has to be read."""
    end = url.find(",", 0, _LONGEST_HEADER) + 1
    start = url[end : end + _SNIFFED_BASE64_LENGTH]
    try:
        settled = settle_media_type(base64.b64decode(start, validate=True), None)
    except ValueError:
        return None
    is_plain = url.isascii() and (len(url) - end) % 4 == 0 and not any(space in url for space in string.whitespace)
    return settled if is_plain and settled in IMAGE_TYPES and url[:end] == f"data:{settled};base64," else None


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
        f"the data of {_called(name)} (starts with {start!r}{declared}) is no image, no PDF, no sound and no video "
        "that can be told by its beginning, nor a text with a text/… media type; name its type, or convert it first"
    )
