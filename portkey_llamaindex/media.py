"""LlamaIndex's image and document blocks → ``Media``, without decoding and encoding large data again."""

from __future__ import annotations

from io import IOBase
from typing import Any, Final, Literal

from llama_index.core.base.llms.types import DocumentBlock, ImageBlock

from portkey_gateway.conversation.content import Media, load_base64, load_bytes, load_path, load_url
from portkey_gateway.errors import ContentError

# What DocumentBlock calls a document that nobody named.
_UNNAMED: Final = "input_document"
# A plain text has no magic number to tell its type by; images and PDFs have, and theirs wins.
_UNKNOWN_DOCUMENT: Final = "text/plain"


def load_image(block: ImageBlock) -> Media:
    """Take the image of a block from wherever it lies.

    Raises:
        ContentError: if it cannot be read, or is no image that Claude reads.
    """
    # LlamaIndex holds bytes as base64 already; decoding and encoding 5 MB again would cost 24 ms.
    if isinstance(block.image, bytes):
        return load_base64(block.image.decode("ascii"), media_type=block.image_mimetype)
    return _load(block.image, block.path, block.url, kind="image", media_type=block.image_mimetype)


def load_document(block: DocumentBlock) -> Media:
    """Take the PDF or text of a block from wherever it lies.

    Raises:
        ContentError: if it cannot be read, or is neither.
    """
    name = block.title if block.title and block.title != _UNNAMED else ""
    if isinstance(block.data, bytes):
        media_type = block.document_mimetype or _UNKNOWN_DOCUMENT
        return load_base64(block.data.decode("ascii"), media_type=media_type, name=name)
    return _load(block.data, block.path, block.url, kind="document", media_type=block.document_mimetype, name=name)


def _load(
    stream: IOBase | None,
    path: Any,
    url: Any,
    *,
    kind: Literal["image", "document"],
    media_type: str | None,
    name: str = "",
) -> Media:
    if stream is not None:
        known = media_type or (_UNKNOWN_DOCUMENT if kind == "document" else None)
        return load_bytes(_read(stream), media_type=known, name=name)
    if path is not None:
        return load_path(path)
    if url is not None:
        return load_url(str(url), kind=kind, media_type=media_type)
    raise ContentError(f"the {kind} block is empty: give data, a path or a url")


def _read(stream: IOBase) -> bytes:
    # The same block may be sent turn after turn.
    if stream.seekable():
        stream.seek(0)
    data = stream.read()
    if not isinstance(data, bytes):
        raise ContentError("the stream of a content block holds text: open the file in binary mode")
    return data
