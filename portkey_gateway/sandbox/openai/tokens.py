"""Estimates tokens: the same request always weighs the same.

A token is four characters here, since OpenAI's tokenizer has to be fetched from the network. Images count as OpenAI's
documentation says ("Images and vision", tiles), a message three tokens for its frame ("Managing tokens").
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.media import inspect_image, inspect_pdf
from portkey_gateway.sandbox.claude.tokens import CHARACTERS_PER_TOKEN, count_text
from portkey_gateway.sandbox.openai.parts import decode_data_url, is_data_url, parts_of

Wire = Mapping[str, Any]

_MESSAGE_OVERHEAD: Final = 3
_REPLY_OVERHEAD: Final = 3
_BASE_IMAGE_TOKENS: Final = 85
_TILE_TOKENS: Final = 170
_TILE_SIDE_PX: Final = 512
_LONG_SIDE_PX: Final = 2048
_SHORT_SIDE_PX: Final = 768
_PDF_PAGE_TOKENS: Final = 1000
_AUDIO_BYTES_PER_TOKEN: Final = 3200


def split(text: str) -> list[str]:
    """Split a text into its tokens."""
    return [text[start : start + CHARACTERS_PER_TOKEN] for start in range(0, len(text), CHARACTERS_PER_TOKEN)]


def count_prompt(request: Wire) -> int:
    """Count the tokens of a valid request: its tools, its schema and its messages."""
    return sum(weight for _, weight in weigh(request)) + _REPLY_OVERHEAD


def weigh(request: Wire) -> Iterable[tuple[str, int]]:
    """Yield the pieces of a prompt in the order in which the model reads them, each as text with its tokens."""
    for key in ("tools", "functions", "response_format"):
        if request.get(key):
            written = _written(request[key])
            yield written, count_text(written)
    for message in request["messages"]:
        yield _written(message), count_message(message)


def count_message(message: Wire) -> int:
    """Count one message: its parts, its tool calls, its name and a few tokens for its frame."""
    known = ("role", "content", "tool_calls", "function_call")
    rest = sum(count_text(value) for key, value in message.items() if key not in known and isinstance(value, str))
    called = [message[key] for key in ("tool_calls", "function_call") if message.get(key)]
    return (
        _MESSAGE_OVERHEAD
        + rest
        + sum(map(_count_part, parts_of(message)))
        + sum(count_text(_written(each)) for each in called)
    )


def count_audio(request: Wire) -> int:
    """Count the tokens of a request that are audio."""
    return sum(
        _count_part(part)
        for message in request["messages"]
        for part in parts_of(message)
        if part["type"] == "input_audio"
    )


def _count_part(part: Wire) -> int:
    match part["type"]:
        case "text":
            return count_text(part["text"])
        case "refusal":
            return count_text(part["refusal"])
        case "image_url":
            return _count_image(part["image_url"])
        case "input_audio":
            return math.ceil(len(part["input_audio"]["data"]) * 3 / 4 / _AUDIO_BYTES_PER_TOKEN)
        case _:
            return _count_file(part["file"])


def _count_image(image: Wire) -> int:
    if image.get("detail") == "low":
        return _BASE_IMAGE_TOKENS
    if not is_data_url(image["url"]):
        return _BASE_IMAGE_TOKENS + _TILE_TOKENS  # its size is not known here: one tile
    facts = inspect_image(decode_data_url(image["url"]).data)
    long_side, short_side = max(facts.width, facts.height), min(facts.width, facts.height)
    scale = min(1.0, _LONG_SIDE_PX / long_side)
    scale *= min(1.0, _SHORT_SIDE_PX / (short_side * scale))
    tiles = math.ceil(long_side * scale / _TILE_SIDE_PX) * math.ceil(short_side * scale / _TILE_SIDE_PX)
    return _BASE_IMAGE_TOKENS + _TILE_TOKENS * tiles


def _count_file(file: Wire) -> int:
    if "file_data" not in file:
        return _PDF_PAGE_TOKENS  # a file elsewhere: one page
    facts = inspect_pdf(decode_data_url(file["file_data"]).data)
    return facts.pages * _PDF_PAGE_TOKENS + count_text(facts.text)


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
