"""Media of a user's message → the form in which the gateway carries them to whoever answers, or an error that says why.

Which media reach a provider, and how, stands in ``providers``; what is not known there goes out as OpenAI takes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from portkey_gateway.chat_completions.losses import BLOCK_LOSSES, remedy
from portkey_gateway.chat_completions.providers import (
    PROVIDERS,
    USUAL_MEDIA,
    Form,
    Medium,
    Provider,
    find_provider,
    providers_of,
)
from portkey_gateway.conversation.media_types import PDF_TYPE, TEXT_TYPE
from portkey_gateway.conversation.request import ContentBlock
from portkey_gateway.errors import ContentError, warn
from portkey_gateway.routing import Route

MEDIA: Final = frozenset({"image", "document", "audio", "video"})
"""Types of the conversation's own blocks that are encoded here."""

_DETAILS: Final = ("title", "context", "citations")
_WAYS: Final = {"base64": "data", "data_url": "data", "url": "link", "file": "id"}
_MEDIA_OF: Final[Mapping[tuple[str, str], Medium]] = {
    ("image", "data"): "image",
    ("image", "link"): "image link",
    ("document", "data"): "pdf",
    ("document", "link"): "pdf link",
    ("audio", "data"): "audio",
    ("audio", "link"): "audio link",
    ("video", "data"): "video",
    ("video", "link"): "video link",
}
# The gateway's words for formats, from which it makes the media type again (``google-vertex-ai/utils.ts``).
_SOUNDS: Final = {
    "audio/mp3": "mp3", "audio/mpeg": "mp3", "audio/wave": "wav", "audio/x-wav": "wav", "audio/vnd.wave": "wav",
    "audio/ogg": "opus", "audio/aac": "x-aac", "audio/m4a": "x-m4a", "audio/mp4": "x-m4a", "audio/pcm": "pcm16",
    "audio/l16": "pcm16",
}  # fmt: skip
_GOOGLE: Final = "gs://"


def encode_media(block: Mapping[str, Any], where: str, route: Route) -> ContentBlock:
    """Encode a block of media.

    Args:
        block: of the conversation; it is not changed.
        where: its place, for errors and warnings.
        route: where the call goes.

    Raises:
        ContentError: if nobody who may answer takes it.

    Warns:
        PortkeyWarning: if something of it does not arrive, or not at everybody who may answer.
    """
    if route.is_claude and (lost := [name for name in _DETAILS if block.get(name)]):
        _warn_of("document_details", f"{', '.join(lost)} of {where}", route)
    source = block["source"]
    kind = source.get("type")
    if block["type"] == "document" and kind == "text":
        return _encode_text(block, where, route)
    if kind not in _WAYS:
        why = remedy(BLOCK_LOSSES["content_source"], route)
        raise ContentError(f"{where} has a source of type {kind!r}, which the gateway drops; {why}")
    if kind == "file":
        _check_file_id(where, route)
    form = _find_form(block, where, route)
    encoded = _ENCODERS[form](block, route)
    if mark := block.get("cache_control"):
        return _marked(encoded, mark, where, route)
    return cast("ContentBlock", encoded)


def _find_form(block: Mapping[str, Any], where: str, route: Route) -> Form:
    source = block["source"]
    medium: Medium = "file id" if source["type"] == "file" else _MEDIA_OF[block["type"], _WAYS[source["type"]]]
    if route.is_claude and medium == "file id":
        return "file"  # the gateway is one that carries it
    # Of a Claude whose provider is not known, what holds for Anthropic's own.
    unknown = PROVIDERS["anthropic"] if route.is_claude and not route.is_mixed else None
    known = [find_provider(provider, model) or unknown for provider, model in route.targets] or [unknown]
    forms: list[Form | None] = [_form_for(provider, medium, source) for provider in known]
    taken: list[Form] = [form for form in forms if form]
    chosen = taken[0] if taken else None
    # One form reaches each of them, or some do without.
    missed = [provider.name for provider, form in zip(known, forms, strict=True) if provider and form != chosen]
    without = " or ".join(dict.fromkeys(missed or [each.name for each in known if each]))
    if chosen is None:
        raise ContentError(f"{where} is {_describe(block)}, which does not reach {without}: {_advice(source)}")
    if missed:
        warn(
            f"{where} is {_describe(block)}, which will not reach {without}, where the config may send the call"
            f"{_refusal(known) if (medium, chosen) == ('pdf', 'file') else ''}"
        )
    return chosen


def _refusal(known: Sequence[Provider | None]) -> str:
    """Who refuses a call with a PDF as OpenAI takes it: the gateway hands on its data URL where data alone belong."""
    names = [each.name for each in known if each and each.is_claude and each.texts_as_documents]
    return f": {' and '.join(dict.fromkeys(names))} refuses the whole call then" if names else ""


def _form_for(provider: Provider | None, medium: Medium, source: Mapping[str, Any]) -> Form | None:
    if provider is None:
        return USUAL_MEDIA[medium]
    media_type = str(source.get("media_type") or "")
    refused = (
        (medium == "image" and provider.images is not None and media_type not in provider.images)
        or (medium == "audio" and provider.sounds is not None and _sound(media_type) not in provider.sounds)
        or (str(source.get("url", "")).startswith(_GOOGLE) and "video link" not in provider.media)
    )
    return None if refused else provider.media.get(medium)


def _describe(block: Mapping[str, Any]) -> str:
    source = block["source"]
    given = {"url": "given by URL", "file": "given by the id of a file"}
    return f"a block of type {block['type']!r}, {given.get(source['type']) or source.get('media_type')}"


def _advice(source: Mapping[str, Any]) -> str:
    if source["type"] == "url" and not source["url"].startswith(_GOOGLE):
        return "give its data, or fetch it with inline_images=True"
    return "convert it to what the model takes, or ask a model that takes it"


def _check_file_id(where: str, route: Route) -> None:
    loss = BLOCK_LOSSES["file_id"]
    if route.is_claude and not loss.is_carried(route.gateway):
        raise ContentError(f"{where} names an uploaded file by its id, which the gateway drops; {remedy(loss, route)}")


def _encode_text(block: Mapping[str, Any], where: str, route: Route) -> ContentBlock:
    """A plain text, which is a document for Claude alone, and on Bedrock not even there."""
    source, mark = block["source"], block.get("cache_control")
    is_document = route.is_claude and not route.is_mixed
    if not is_document or not all(each.texts_as_documents for each in providers_of(route)):
        marked = {"cache_control": mark} if mark else {}
        return cast("ContentBlock", {"type": "text", "text": source["data"], **marked})
    if mark:
        _warn_of("mark_document", f"cache_control on {where} (a {TEXT_TYPE} document)", route)
    return cast("ContentBlock", {"type": "file", "file": {"mime_type": TEXT_TYPE, "file_data": source["data"]}})


def _marked(encoded: dict[str, Any], mark: Any, where: str, route: Route) -> ContentBlock:
    """The block with its cache mark, which the gateway keeps for Claude where it makes data of a data URL alone."""
    if not route.is_claude:
        if encoded["type"] == "image_url":
            encoded["cache_control"] = mark
    elif encoded["type"] == "file":
        kind = encoded["file"].get("mime_type") or PDF_TYPE
        _warn_of("mark_document", f"cache_control on {where} (a {kind} document)", route)
    elif encoded["image_url"]["url"].startswith("data:"):
        encoded["cache_control"] = mark
    else:
        _warn_of("mark_url_image", f"cache_control on {where} (an image given by URL)", route)
    return cast("ContentBlock", encoded)


def _as_image_url(block: Mapping[str, Any], route: Route) -> dict[str, Any]:
    """Anything as an image: to Claude PDFs go so, to Gemini and Bedrock videos, too."""
    detail = {"detail": block["detail"]} if block.get("detail") else {}
    source = block["source"]
    if source["type"] == "url" and source.get("media_type") and not route.is_claude:
        detail["mime_type"] = source["media_type"]  # the gateway tells it Gemini, and guesses it from the URL else
    return {"type": "image_url", "image_url": {"url": _url(block), **detail}}


def _as_file(block: Mapping[str, Any], _route: Route) -> dict[str, Any]:
    source = block["source"]
    if source["type"] == "file":
        return {"type": "file", "file": {"file_id": source["file_id"]}}
    if source["type"] == "url":
        return {"type": "file", "file": {"mime_type": source.get("media_type") or PDF_TYPE, "file_url": source["url"]}}
    return {"type": "file", "file": {"filename": block.get("title") or "document.pdf", "file_data": _url(block)}}


def _as_sound(block: Mapping[str, Any], _route: Route) -> dict[str, Any]:
    source = block["source"]
    return {"type": "input_audio", "input_audio": {"data": source["data"], "format": _sound(source["media_type"])}}


def _as_document_url(block: Mapping[str, Any], _route: Route) -> dict[str, Any]:
    return {"type": "document_url", "document_url": _url(block)}


def _url(block: Mapping[str, Any]) -> str:
    source = block["source"]
    if source["type"] in {"url", "data_url"}:
        return str(source["url"])
    return f"data:{source.get('media_type') or PDF_TYPE};base64,{source['data']}"


def _sound(media_type: str) -> str:
    """A format of sound by its media type, in OpenAI's words and the gateway's."""
    return _SOUNDS.get(media_type, media_type.rpartition("/")[2])


def _warn_of(loss: str, what: str, route: Route) -> None:
    warn(f"the gateway drops {what}: {remedy(BLOCK_LOSSES[loss], route)}")


_ENCODERS: Final = {
    "image_url": _as_image_url, "file": _as_file, "input_audio": _as_sound, "document_url": _as_document_url,
}  # fmt: skip
