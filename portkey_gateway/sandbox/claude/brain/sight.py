"""Describes what was shown: images are really looked at, documents really read."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from portkey_gateway.sandbox.claude.brain.conversation import as_blocks, text_of
from portkey_gateway.sandbox.claude.brain.mining import shorten
from portkey_gateway.sandbox.claude.media import inspect_image, inspect_pdf


def describe(shown: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return one sentence for each image and document block."""
    return [_image(block["source"]) if block["type"] == "image" else _document(block) for block in shown]


def read_document(block: Mapping[str, Any]) -> str:
    """Return the words of a document block; none for one that lies elsewhere, as nothing is fetched."""
    source = block["source"]
    match source["type"]:
        case "base64":
            return inspect_pdf(base64.b64decode(source["data"])).text
        case "text":
            return str(source["data"])
        case "content":
            return text_of(as_blocks(source["content"]))
        case _:
            return ""


def _image(source: Mapping[str, Any]) -> str:
    match source["type"]:
        case "base64":
            facts = inspect_image(base64.b64decode(source["data"]))
            article = "an" if facts.format.startswith(tuple("AEIOU")) else "a"
            colour = f"{facts.dominant_colour_name} ({facts.dominant_colour_hex})"
            return f"I see {article} {facts.format} image, {facts.width} x {facts.height} pixels, mostly {colour}."
        case "url":
            return f"I see an image at {source['url']}."
        case _:
            return f"I see the image file {source['file_id']}."


def _document(block: Mapping[str, Any]) -> str:
    source = block["source"]
    title = f" “{block['title']}”" if block.get("title") else ""
    if source["type"] in {"url", "file"}:
        return f"I see a document{title} at {source.get('url') or source['file_id']}."
    beginning = shorten(read_document(block))
    words = f"begins: “{beginning}”." if beginning else "holds no text."
    if source["type"] != "base64":
        return f"I see a text document{title}. It {words}"
    pages = inspect_pdf(base64.b64decode(source["data"])).pages
    return f"I see a PDF{title} of {pages} page{'' if pages == 1 else 's'}. It {words}"
