"""LlamaIndex's blocks of media → ``Media``, without decoding and encoding large data again."""

from __future__ import annotations

from io import IOBase
from typing import Final, TypeAlias

from llama_index.core.base.llms.types import AudioBlock, DocumentBlock, ImageBlock, VideoBlock

from portkey_gateway.conversation.content import Media, load_base64, load_bytes, load_path, load_url
from portkey_gateway.conversation.media_types import MediaKind
from portkey_gateway.errors import ContentError

# What DocumentBlock calls a document that nobody named.
_UNNAMED: Final = "input_document"
# A plain text has no magic number to tell its type by; images and PDFs have, and theirs wins.
_UNKNOWN_DOCUMENT: Final = "text/plain"


MediaBlock: TypeAlias = ImageBlock | DocumentBlock | AudioBlock | VideoBlock


def load_media(block: MediaBlock) -> Media:
    """Take what a block holds from wherever it lies.

    Raises:
        ContentError: if it cannot be read, or is nothing that a model could read.
    """
    if isinstance(block, DocumentBlock):
        return _load_document(block)
    if isinstance(block, ImageBlock):
        return _load(block.image, block, kind="image", media_type=block.image_mimetype)
    if isinstance(block, VideoBlock):
        return _load(block.video, block, kind="video", media_type=block.video_mimetype)
    return _load(block.audio, block, kind="audio", media_type=f"audio/{block.format}" if block.format else None)


def _load_document(block: DocumentBlock) -> Media:
    name = block.title if block.title and block.title != _UNNAMED else ""
    return _load(block.data, block, kind="document", media_type=block.document_mimetype, name=name)


def _load(
    given: bytes | IOBase | None, block: MediaBlock, *, kind: MediaKind, media_type: str | None, name: str = ""
) -> Media:
    known = media_type or (_UNKNOWN_DOCUMENT if kind == "document" else None)
    # LlamaIndex holds bytes as base64 already; decoding and encoding 5 MB again would cost 24 ms.
    if isinstance(given, bytes):
        return load_base64(given.decode("ascii"), media_type=known, name=name)
    if given is not None:
        return load_bytes(_read(given), media_type=known, name=name)
    if block.path is not None:
        return load_path(block.path, media_type=media_type)
    if block.url is not None:
        return load_url(str(block.url), kind=kind, media_type=media_type)
    raise ContentError(f"the {kind} block is empty: give data, a path or a url")


def _read(stream: IOBase) -> bytes:
    # The same block may be sent turn after turn.
    if stream.seekable():
        stream.seek(0)
    data = stream.read()
    if not isinstance(data, bytes):
        raise ContentError("the stream of a content block holds text: open the file in binary mode")
    return data
