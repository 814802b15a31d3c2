"""A bounded excerpt of whatever a framework was given or gave, as text for a span. Pure."""

from __future__ import annotations

import functools
import json
import math
import re
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

MAX_EXCERPT_CHARS: Final = 8192
"""Characters of one input or output that a span holds, about."""

_MASK: Final = "**********"
_CUT_MARK: Final = "..."
_MAX_DEPTH: Final = 16
_MAX_KEY_CHARS: Final = 128
_NUMBER_CHARS: Final = 8
_PLAIN: Final = frozenset({dict, list, tuple, int, float, bool, type(None)})
_SECRET_NAME: Final = re.compile(
    r"(api|access|private|provider|virtual)[_-]?key|secret|passw(or)?d|credential|authorization|cookie"
    r"|^token$|(api|access|auth|bearer|refresh|id|session)[_-]?token",
    re.IGNORECASE,
)


def excerpt(value: Any, max_chars: int = MAX_EXCERPT_CHARS, convert: Callable[[Any], Any] = lambda value: value) -> str:
    """Render an input or output: text as it is, anything else as JSON, in a bounded time and length.

    Values under names of secrets (``api_key``, ``password``, ``authorization`` …) are masked, bytes are only counted,
    objects of classes that JSON does not know appear as the name of their class.

    Args:
        value: what a framework was given or gave.
        max_chars: about how long the text may be; what is beyond is cut off and marked with ``...``.
        convert: turns a framework's own objects into plain ones; returns all others as they are. Not asked of Python's
            own plain types.
    """
    try:
        plain = _Trimmed(max_chars, convert).plain(value)
        return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    except Exception:  # noqa: BLE001 objects of users may raise anything, or change while they are read
        return f"<{type(value).__qualname__}>"


def trimmed(value: Any, max_chars: int, convert: Callable[[Any], Any] = lambda value: value) -> Any:
    """Copy a value into plain JSON values as ``excerpt`` does, without writing them; what cannot be read is named."""
    try:
        return _Trimmed(max_chars, convert).plain(value)
    except Exception:  # noqa: BLE001 as above
        return f"<{type(value).__qualname__}>"


class _Trimmed:
    """Copies a value into plain JSON values until its length is used up."""

    def __init__(self, left: int, convert: Callable[[Any], Any]) -> None:
        self._left = left
        self._convert = convert

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
        allowed, self._left = self._left, self._left - len(text)
        return text if len(text) <= allowed else text[:allowed] + _CUT_MARK

    def _mapping(self, mapping: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        for key, value in mapping.items():
            if self._left <= 0:
                copied[_CUT_MARK] = _CUT_MARK
                break
            name = str(key)[:_MAX_KEY_CHARS]
            self._left -= len(name) + 6
            copied[name] = _MASK if value and _names_secret(name) else self.plain(value, depth + 1)
        return copied

    def _list(self, values: Sequence[Any] | AbstractSet[Any], depth: int) -> list[Any]:
        copied: list[Any] = []
        for value in values:
            if self._left <= 0:
                copied.append(_CUT_MARK)
                break
            self._left -= 2
            copied.append(self.plain(value, depth + 1))
        return copied


@functools.lru_cache(maxsize=1024)
def _names_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


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
