"""LangChain's blocks of media → the conversation's.

Understood are LangChain's standard blocks (v1) and their v0 forms, OpenAI's chat completions blocks, Anthropic's and,
for media of any kind, Google's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Final, TypeAlias, cast

from langchain_core.messages import BaseMessage

from portkey_gateway.conversation.content import Media, load_base64, load_bytes, load_url, media_block
from portkey_gateway.conversation.media_types import MediaKind, kind_of
from portkey_gateway.conversation.request import MediaBlock, Source
from portkey_gateway.errors import ContentError

Block: TypeAlias = Mapping[str, Any]

_content: Final = attrgetter("content")
_DETAILS: Final = ("title", "context", "citations")


def encode_media(block: Block, *, where: str) -> MediaBlock:
    """Encode a block of an image, a document, a sound or a video; a cache breakpoint on it is left to the caller.

    Raises:
        ContentError: if it is none of these, or holds no data, URL or file id.
    """
    load = _LOADERS.get(str(block.get("type")))
    if load is None:
        known = ", ".join(["text", *_LOADERS])
        raise ContentError(f"{where} is a block of type {block.get('type')!r}, which no model takes; known: {known}")
    try:
        encoded = _by_reference(block) or media_block(load(block))
    except ContentError as error:
        raise ContentError(f"{where}: {error.message}") from error.__cause__
    if encoded["type"] == "document":
        said = {
            **{name: extras_of(block).get(name) for name in _DETAILS},
            **{n: block[n] for n in _DETAILS if n in block},
        }
        encoded = cast("MediaBlock", {**encoded, **{name: value for name, value in said.items() if value}})
    elif detail := _detail(block):
        encoded["detail"] = detail
    return encoded


def with_media_types(messages: Sequence[BaseMessage]) -> list[BaseMessage] | None:
    """The messages with the media type of each image that is data without one; ``None`` where all have theirs.

    LangChain refuses such a block while it tells its tracers of a call, without saying which it is
    (``convert_to_openai_image_block``, langchain-core 1.7.2).

    Raises:
        ContentError: naming the block, if the data is nothing that a model could read.
    """
    # Most of a long conversation is said in texts alone.
    if list not in map(type, map(_content, messages)):
        return None
    typed = {}
    for index, message in enumerate(messages):
        blocks = message.content
        untyped = [place for place, block in enumerate(blocks) if _lacks_type(block)] if type(blocks) is list else []
        if untyped:
            told: list[Any] = [*blocks]
            for place in untyped:
                where = f"messages[{index}].content[{place}]"
                told[place] = {**told[place], "mime_type": _type_of(told[place], where)}
            typed[index] = message.model_copy(update={"content": told})
    return [typed.get(index, message) for index, message in enumerate(messages)] if typed else None


def _lacks_type(block: Any) -> bool:
    is_image = isinstance(block, dict) and block.get("type") == "image" and not block.get("mime_type")
    return is_image and (isinstance(block.get("base64"), str) or block.get("source_type") == "base64")


def _type_of(block: Block, where: str) -> str:
    try:
        return load_base64(required_text(block, "base64" if "base64" in block else "data")).media_type
    except ContentError as error:
        raise ContentError(f"{where}: {error.message}") from error.__cause__


def _load_linked(block: Block, kind: MediaKind) -> Media:
    """OpenAI's form, and the one that hosts of open models have for videos."""
    value = block.get(f"{kind}_url")
    given = value if isinstance(value, Mapping) else {"url": value, **block}
    return load_url(required_text(given, "url"), kind=kind, media_type=given.get("mime_type"), as_given=True)


def _load_input_audio(block: Block) -> Media:
    """OpenAI's form: base64 and the name of a format."""
    sound = block.get("input_audio")
    if not isinstance(sound, Mapping):
        raise ContentError("input_audio has to hold data and format")
    return load_base64(required_text(sound, "data"), media_type=f"audio/{required_text(sound, 'format')}")


def _load_google(block: Block) -> Media:
    """The form that LangChain's models for Gemini take: a media type with data or a URI."""
    media_type = required_text(block, "mime_type")
    if block.get("data") is not None:
        return _load_data(block, "data", media_type, _name(block))
    return load_url(required_text(block, "file_uri"), kind=kind_of(media_type), media_type=media_type)


def _load_file(block: Block) -> Media:
    file = block.get("file")
    if not isinstance(file, Mapping):
        return _load(block, "document")
    # OpenAI's form: the data is a data URL; the gateway's own takes raw base64.
    name, media_type = str(file.get("filename") or ""), file.get("mime_type")
    if "file_url" in file:
        return load_url(required_text(file, "file_url"), kind="document", media_type=media_type)
    data = required_text(file, "file_data")
    if media_type == "text/plain" and not data.startswith("data:"):
        return Media("document", "text/plain", data=data, name=name)
    return load_base64(data, media_type=media_type, name=name)


def _load_plain_text(block: Block) -> Media:
    if "text" in block:
        return Media("document", "text/plain", data=required_text(block, "text"), name=_name(block))
    return _load({"mime_type": "text/plain", **block}, "document")


def _load(block: Block, kind: MediaKind) -> Media:
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
    if "path" in block and "url" not in block:
        raise ContentError(
            "a path is not read here; give what is in the file: base64.b64encode(path.read_bytes()).decode()"
        )
    return load_url(required_text(block, "url"), kind=kind, media_type=media_type, as_given=True)


def _load_source(source: Block, kind: MediaKind, name: str) -> Media:
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


def _name(block: Block) -> str:
    extras = extras_of(block)
    return str(block.get("title") or block.get("filename") or extras.get("title") or extras.get("filename") or "")


def _by_reference(block: Block) -> MediaBlock | None:
    """An uploaded file by its id, or a document of blocks: there is nothing to load."""
    kind = cast("MediaKind", block["type"] if block.get("type") in {"image", "audio", "video"} else "document")
    source, file = block.get("source"), block.get("file")
    if isinstance(source, Mapping) and source.get("type") in {"file", "content"}:
        return {"type": kind, "source": cast("Source", dict(source))}
    file_id = block.get("file_id") or (file.get("file_id") if isinstance(file, Mapping) else None)
    if file_id is None and "id" in block and not _CONTENTS & block.keys():
        file_id = block["id"]  # as LangChain's v0 blocks name it
    return {"type": kind, "source": {"type": "file", "file_id": str(file_id)}} if file_id else None


def _detail(block: Block) -> Any:
    image_url = block.get("image_url")
    inner = image_url.get("detail") if isinstance(image_url, Mapping) else None
    return inner or block.get("detail") or extras_of(block).get("detail")


def required_text(block: Block, name: str, *, where: str = "a content block") -> str:
    """The text under ``name``.

    Raises:
        ContentError: if there is none.
    """
    value = block.get(name)
    if not isinstance(value, str):
        raise ContentError(f"{where} needs {name!r} as text; got {type(value).__name__}")
    return value


def extras_of(block: Block) -> Block:
    """What LangChain's standard blocks keep of a provider's own keys."""
    extras = block.get("extras")
    return extras if isinstance(extras, Mapping) else {}


_CONTENTS: Final = frozenset({"url", "base64", "data", "source", "text", "file", "image_url"})
_LOADERS: Final[dict[str, Callable[[Block], Media]]] = {
    "image": partial(_load, kind="image"),
    "image_url": partial(_load_linked, kind="image"),
    "file": _load_file,
    "document": partial(_load, kind="document"),
    "text-plain": _load_plain_text,
    "audio": partial(_load, kind="audio"),
    "input_audio": _load_input_audio,
    "video": partial(_load, kind="video"),
    "video_url": partial(_load_linked, kind="video"),
    "media": _load_google,
}
MEDIA_TYPES: Final = frozenset(_LOADERS)
"""The types of the blocks that are understood."""
