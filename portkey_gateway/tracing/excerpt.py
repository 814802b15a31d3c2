"""A bounded excerpt of whatever a framework was given or gave, as text for a span. Pure."""

from __future__ import annotations

import functools
import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import from_json

MAX_EXCERPT_CHARS: Final = 8192
"""Characters of one input or output that a span holds, about."""

_MASK: Final = "**********"
_CUT_MARK: Final = "..."
_MAX_DEPTH: Final = 16
_MAX_KEY_CHARS: Final = 128
_NUMBER_CHARS: Final = 8
_MAX_SECONDS: Final = 0.2
"""Seconds after which no further item is asked of collections that are the users' own, and may be slow to tell."""
_QUICK: Final = frozenset({dict, list, tuple, set, frozenset})
_PLAIN: Final = frozenset({dict, list, tuple, int, float, bool, type(None)})
_SECRET_NAME: Final = re.compile(
    r"(api|access|private|provider|virtual)[_-]?key|secret|passw(or)?d|credential|authorization|cookie"
    r"|^token$|(api|access|auth|bearer|refresh|id|session)[_-]?token",
    re.IGNORECASE,
)
_ARGUMENTS: Final = frozenset({"arguments", "args", "tool_kwargs"})
"""Where OpenAI, LangChain and LlamaIndex keep what a tool is called with, which may be JSON text."""
_MAX_ESCAPE_CHARS: Final = 8
"""A character takes six of JSON text at most (``\\u00e9``): what is beyond could not be shown anyway."""
_DATA_URL: Final = re.compile(r"data:([^,]{0,128});base64,")
_MEDIA_DATA: Final = frozenset({"base64", "data"})
_MEDIA_TYPES: Final = frozenset({"base64", "format", "media_type", "mime_type", "mimeType", "source_type"})
"""One of these stands beside the data of an image or a file: of LangChain, Anthropic, OpenAI, MCP."""
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=_\r\n-]{32,}")

_JSON: Final = json.JSONEncoder(ensure_ascii=False)


def excerpt(value: Any, max_chars: int = MAX_EXCERPT_CHARS, convert: Callable[[Any], Any] = lambda value: value) -> str:
    """Render an input or output: text as it is, anything else as JSON, in a bounded time and length.

    Values under names of secrets (``api_key``, ``password``, ``authorization`` …) are masked, bytes are only counted,
    objects of classes that JSON does not know appear as the name of their class. A tool's arguments are read where they
    are JSON text, so that secrets in them are masked; base64 of images and files is only counted.

    Args:
        value: what a framework was given or gave.
        max_chars: about how long the text may be; what is beyond is cut off and marked with ``...``.
        convert: turns a framework's own objects into plain ones; returns all others as they are. Not asked of Python's
            own plain types.
    """
    if type(value) is str and len(value) < max_chars and not value.startswith("data:"):
        return value
    try:
        plain = _Trimmed(max_chars, convert).plain(value)
        return plain if isinstance(plain, str) else _JSON.encode(plain)
    except Exception:  # noqa: BLE001 objects of users may raise anything, or change while they are read
        return f"<{type(value).__qualname__}>"


def trimmed(value: Any, max_chars: int, convert: Callable[[Any], Any] = lambda value: value) -> Any:
    """Copy a value into plain JSON values as ``excerpt`` does, without writing them; what cannot be read is named."""
    try:
        return _Trimmed(max_chars, convert).plain(value)
    except Exception:  # noqa: BLE001 as above
        return f"<{type(value).__qualname__}>"


def opened_arguments(arguments: Any, max_chars: int) -> Any:
    """What a tool is called with, read from its JSON text, so that secrets in it can be told by their names.

    Text that was broken off tells what came until then; what begins as JSON, is none, and names a secret, is masked.

    Args:
        arguments: JSON text; all else comes back as it is.
        max_chars: how many characters of it will be shown at most.
    """
    if not isinstance(arguments, str) or arguments.lstrip()[:1] not in {"{", "["}:
        return arguments
    text = arguments[: max_chars * _MAX_ESCAPE_CHARS]
    try:
        return from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return _MASK if any(map(_names_secret, re.findall(r"[\w-]+", text))) else arguments


class _Trimmed:
    """Copies a value into plain JSON values until its length is used up."""

    def __init__(self, left: int, convert: Callable[[Any], Any]) -> None:
        self._left = left
        self._convert = convert
        self._until = time.monotonic() + _MAX_SECONDS

    def plain(self, value: Any, depth: int = 0) -> Any:
        if self._left <= 0 or depth > _MAX_DEPTH:
            return _CUT_MARK
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind not in _PLAIN:
            value = _opened(self._convert(value))
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple, AbstractSet)):
            return self._list(value, depth)
        if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
            self._left -= _NUMBER_CHARS
            return value
        return self._text(_described(value))

    def _text(self, text: str) -> str:
        if found := _DATA_URL.match(text):
            text = _counted(text[found.end() :], found[1])
        allowed, self._left = self._left, self._left - len(text)
        return text if len(text) <= allowed else text[:allowed] + _CUT_MARK

    def _mapping(self, mapping: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        if self._is_late(mapping):
            return {_CUT_MARK: _CUT_MARK}
        copied: dict[str, Any] = {}
        for key, value in mapping.items():
            if self._left <= 0 or self._is_late(mapping):
                copied[_CUT_MARK] = _CUT_MARK
                break
            name = str(key)[:_MAX_KEY_CHARS]
            self._left -= len(name) + 6
            if value and _names_secret(name):
                copied[name] = _MASK
                continue
            if name in _ARGUMENTS:
                value = opened_arguments(value, self._left)  # noqa: PLW2901 the same, read
            elif name in _MEDIA_DATA and _is_media(mapping, value):
                value = _counted(value)  # noqa: PLW2901 the same, told
            copied[name] = self.plain(value, depth + 1)
        return copied

    def _is_late(self, collection: Any) -> bool:
        return type(collection) not in _QUICK and time.monotonic() > self._until

    def _list(self, values: Sequence[Any] | AbstractSet[Any], depth: int) -> list[Any]:
        if self._is_late(values):
            return [_CUT_MARK]
        copied: list[Any] = []
        for value in values:
            if self._left <= 0 or self._is_late(values):
                copied.append(_CUT_MARK)
                break
            self._left -= 2
            copied.append(self.plain(value, depth + 1))
        return copied


@functools.lru_cache(maxsize=1024)
def _names_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


def _is_media(mapping: Mapping[Any, Any], value: Any) -> bool:
    return isinstance(value, str) and not _MEDIA_TYPES.isdisjoint(mapping) and bool(_BASE64.fullmatch(value[:256]))


def _counted(data: str, media_type: str = "") -> str:
    return f"<{media_type}{', ' if media_type else ''}{len(data)} characters of base64>"


def _opened(value: Any) -> Any:
    """What an object consists of, if it is of a kind that tells."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseModel):
        # What a class keeps out of its repr, it keeps to itself: headers, configs.
        return {name: shown for name, shown in value.__repr_args__() if name in type(value).model_fields}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return value


def _described(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, (float, Decimal, date, timedelta, UUID, PurePath)):
        return str(value)
    # The repr of an object may be long, slow, or hold secrets.
    return f"<{type(value).__qualname__}>"
