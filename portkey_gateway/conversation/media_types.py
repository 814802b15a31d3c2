"""What a file is: told by its first bytes, or by what is said of it where these do not tell. Pure."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

MediaKind: TypeAlias = Literal["image", "document", "audio", "video"]

IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Image formats that Claude reads (Anthropic, "Vision"), and OpenAI (its guide "Images and vision")."""
PDF_TYPE: Final = "application/pdf"
TEXT_TYPE: Final = "text/plain"

_KINDS: Final[dict[str, MediaKind]] = {"image": "image", "audio": "audio", "video": "video"}
# What these are is told by their beginning alone, whatever else is said of them.
_SURE: Final = IMAGE_TYPES | {PDF_TYPE}
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", PDF_TYPE),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"FLV\x01", "video/x-flv"),
)
# RIFF and ISO media files say at the ninth byte what they hold.
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}
_BRANDS: Final = {
    b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif", b"M4A ": "audio/mp4",
    b"qt  ": "video/quicktime", b"3gp4": "video/3gpp", b"3gp5": "video/3gpp",
}  # fmt: skip


def sniff_media_type(data: bytes) -> str | None:
    """Tell the media type of a file from its first twelve bytes; ``None`` if they do not tell."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "video/mp4")
    return next((media_type for magic, media_type in _MAGIC if data.startswith(magic)), None)


def settle_media_type(data: bytes, declared: str | None) -> str | None:
    """Tell what a file is that a model may take; ``None`` if it is none of these.

    Args:
        data: its first bytes.
        declared: what is said of it; believed where the bytes do not tell surely.
    """
    sniffed = sniff_media_type(data)
    said = (declared or "").partition(";")[0].strip().lower()
    if sniffed in _SURE:
        return sniffed
    if said.startswith("text/"):
        return said
    # What should begin otherwise is not what is said.
    return sniffed if said in _SURE or said.partition("/")[0] not in _KINDS else said


def kind_of(media_type: str) -> MediaKind:
    """Tell which kind of block holds a file of this type."""
    return _KINDS.get(media_type.partition("/")[0], "document")
