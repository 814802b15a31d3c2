"""Reads the content of messages as parts, and data URLs as bytes."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Wire = Mapping[str, Any]

_DATA_URL: Final = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w-]+=[^;,]+)*;base64,(?P<data>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DataUrl:
    """What a data URL holds.

    Attributes:
        media_type: For example `image/png`.
        data: The bytes.
    """

    media_type: str
    data: bytes


def parts_of(message: Wire) -> list[Wire]:
    """Return the parts of a message; a string is one part of text, nothing is none."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content or ())


def text_of(message: Wire) -> str:
    """Return the words of a message."""
    return "\n".join(part["text"] for part in parts_of(message) if part["type"] == "text")


def is_data_url(url: str) -> bool:
    """Tell whether a URL holds its content itself."""
    return url.startswith("data:")


def decode_data_url(url: str) -> DataUrl:
    """Read a data URL.

    Raises:
        ValueError: It is none in base64.
    """
    found = _DATA_URL.fullmatch(url)
    if not found:
        raise ValueError("not a base64-encoded data URL")
    return DataUrl(found["type"].lower(), base64.b64decode(found["data"], validate=True))
