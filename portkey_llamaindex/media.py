"""LlamaIndex's blocks of media → ``Media``, without decoding and encoding large data again."""

from __future__ import annotations

from collections.abc import Sequence
from io import IOBase
from pathlib import Path
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


def load_media(block: MediaBlock, files_from: Sequence[str] = ()) -> Media:
    """Take what a block holds from wherever it lies.

    Args:
        block: what a message shows.
        files_from: the folders whose files may be read; a block that was loaded with a message that somebody else
            wrote cannot be told from one that the program made.

    Raises:
        ContentError: if it cannot be read, or is nothing that a model could read.
    """
    if isinstance(block, DocumentBlock):
        return _load_document(block, files_from)
    if isinstance(block, ImageBlock):
        return _load(block.image, block, kind="image", media_type=block.image_mimetype, files_from=files_from)
    if isinstance(block, VideoBlock):
        return _load(block.video, block, kind="video", media_type=block.video_mimetype, files_from=files_from)
    said = f"audio/{block.format}" if block.format else None
    return _load(block.audio, block, kind="audio", media_type=said, files_from=files_from)


def _load_document(block: DocumentBlock, files_from: Sequence[str]) -> Media:
    name = block.title if block.title and block.title != _UNNAMED else ""
    said = block.document_mimetype
    return _load(block.data, block, kind="document", media_type=said, name=name, files_from=files_from)


def _load(
    given: bytes | IOBase | None,
    block: MediaBlock,
    *,
    kind: MediaKind,
    media_type: str | None,
    files_from: Sequence[str],
    name: str = "",
) -> Media:
    known = media_type or (_UNKNOWN_DOCUMENT if kind == "document" else None)
    # LlamaIndex holds bytes as base64 already; decoding and encoding 5 MB again would cost 24 ms.
    if isinstance(given, bytes):
        return load_base64(given.decode("ascii"), media_type=known, name=name)
    if given is not None:
        return load_bytes(_read(given), media_type=known, name=name)
    if block.path is not None:
        return _load_file(Path(block.path), media_type, files_from)
    if block.url is not None:
        return load_url(str(block.url), kind=kind, media_type=media_type)
    raise ContentError(f"the {kind} block is empty: give data, a path or a url")


def _load_file(path: Path, media_type: str | None, files_from: Sequence[str]) -> Media:
    # Resolved, so that no link and no ".." leads out of a folder.
    file = path.resolve()
    if not any(file.is_relative_to(Path(folder).resolve()) for folder in files_from):
        raise ContentError(
            f"the file {str(path)!r} is not read, since whoever wrote the message may have named it: say "
            "files_from=['folder'] if files of a folder may be read, or give the block what is in it"
        )
    return load_path(file, media_type=media_type)


def _read(stream: IOBase) -> bytes:
    # The same block may be sent turn after turn.
    if stream.seekable():
        stream.seek(0)
    data = stream.read()
    if not isinstance(data, bytes):
        raise ContentError("the stream of a content block holds text: open the file in binary mode")
    return data
