"""OpenAI's blocks of images and documents as the conversation's own, and what Claude takes of them: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from portkey_gateway.conversation.content import load_url, media_block
from portkey_gateway.conversation.media_types import IMAGE_TYPES, PDF_TYPE, TEXT_TYPE
from portkey_gateway.conversation.request import MediaBlock, Source
from portkey_gateway.errors import ContentError


def check_for_claude(block: Mapping[str, Any], where: str) -> None:
    """Check that Claude takes a block, as far as it holds media.

    Raises:
        ContentError: if it is a sound, a video or an image in a format that Claude does not read.
    """
    kind, source = block["type"], block.get("source")
    if kind in {"audio", "video"}:
        raise ContentError(f"{where} is a block of type {kind!r}, which Claude does not take")
    if kind == "image" and isinstance(source, Mapping) and source.get("type") == "base64":
        media_type = source.get("media_type")
        if media_type not in IMAGE_TYPES:
            raise ContentError(
                f"{where} is an image of type {media_type}, which does not reach Claude: convert it to PNG, JPEG, GIF "
                "or WebP"
            )


def check_for_result(block: Mapping[str, Any], where: str) -> None:
    """Check that some model takes a block in a tool's result; no gateway carries more there than Claude takes.

    Raises:
        ContentError: if none does.
    """
    check_for_claude(block, f"{where} (of a tool's result)")


def as_media(block: Mapping[str, Any], where: str) -> MediaBlock:
    """Turn an ``image_url`` or ``file`` block into an ``image`` or ``document``; a mark on it is kept.

    Args:
        block: of either type.
        where: its place, for the error text.

    Raises:
        ContentError: if it holds neither data nor a URL nor a file's id.
    """
    made = _from_image_url(block["image_url"]) if block["type"] == "image_url" else _from_file(block["file"], where)
    if mark := block.get("cache_control"):
        made["cache_control"] = mark
    return made


def with_data(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the block with its data alone, as Anthropic takes them, where it holds the data URL that was given."""
    source = block.get("source")
    if not isinstance(source, Mapping) or source.get("type") != "data_url":
        return block
    _, _, data = source["url"].partition(",")
    return {**block, "source": {"type": "base64", "media_type": source["media_type"], "data": data}}


def _from_image_url(image_url: Mapping[str, Any]) -> MediaBlock:
    url = str(image_url["url"])
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    media_type, _, data = url.removeprefix("data:").partition(";base64,")
    source: Source = {"type": "base64", "media_type": media_type, "data": data}
    return {"type": "document" if media_type == PDF_TYPE else "image", "source": source}


def _from_file(file: Mapping[str, Any], where: str) -> MediaBlock:
    media_type = file.get("mime_type") or PDF_TYPE
    name = file.get("filename") or ""
    source: Source
    if str(file.get("file_data", "")).startswith("data:"):
        return media_block(replace(load_url(file["file_data"], kind="document"), name=name))
    if file.get("file_id"):
        source = {"type": "file", "file_id": file["file_id"]}
    elif file.get("file_url"):
        source = {"type": "url", "url": file["file_url"]}
    elif file.get("file_data") is not None:
        kind = "text" if media_type == TEXT_TYPE else "base64"
        source = cast("Source", {"type": kind, "media_type": media_type, "data": file["file_data"]})
    else:
        raise ContentError(f"{where}.file needs file_data, file_url or file_id")
    made: MediaBlock = {"type": "document", "source": source}
    if name:
        made["title"] = name
    return made
