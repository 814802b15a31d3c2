"""Trace and span ids, their headers, and the policy for metadata: pure."""

from __future__ import annotations

import json
import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json, to_jsonable_python

from portkey_gateway.errors import EncodingError, PortkeyWarning

MAX_METADATA_VALUE_LENGTH: Final = 128
"""Characters of one metadata value that Portkey takes."""
MAX_METADATA_BYTES: Final = 8192
"""Bytes of the whole metadata header; Node caps all request headers together at 16 KB."""

_CUT_MARK: Final = "..."
# What LangChain, LangSmith and LangGraph note for themselves: lc_versions, ls_provider, langgraph_step, __pregel_….
_INTERNAL_PREFIXES: Final = ("lc_", "ls_", "langgraph_", "__")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where one call stands in its trace."""

    trace_id: str | None = None
    """The trace: 32 hexadecimal digits, or any text the user chose."""
    span_id: str | None = None
    """The call itself: 16 hexadecimal digits."""
    parent_span_id: str | None = None
    """What the call belongs to: 16 hexadecimal digits."""
    span_name: str | None = None
    """The call's name in the trace."""

    def render_headers(self) -> dict[str, str]:
        """Render the ``x-portkey-*`` headers of what is set."""
        named = {
            "x-portkey-trace-id": self.trace_id,
            "x-portkey-span-id": self.span_id,
            "x-portkey-parent-span-id": self.parent_span_id,
            "x-portkey-span-name": self.span_name,
        }
        return {name: text for name, value in named.items() if (text := header_safe(value or ""))}


def new_trace_id() -> str:
    """A random trace id: 32 hexadecimal digits, never all zero (W3C Trace Context, 3.2.2.3)."""
    return f"{1 + secrets.randbelow(2**128 - 1):032x}"


def new_span_id() -> str:
    """A random span id: 16 hexadecimal digits, never all zero (W3C Trace Context, 3.2.2.4)."""
    return f"{1 + secrets.randbelow(2**64 - 1):016x}"


def header_safe(text: str) -> str:
    """Make a header's value of any text: control characters and what is not ASCII become ``?``, outer spaces go."""
    text = text.strip()
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character.isascii() and character.isprintable() else "?" for character in text)


def encode_metadata(metadata: Mapping[str, Any]) -> str | None:
    """Encode metadata as the value of ``x-portkey-metadata``: a JSON object of strings, in ASCII.

    Text stays text, so does what JSON writes as text (dates, UUIDs), other scalars become text (``True`` → ``true``),
    nested values become JSON. ``None`` is left out, and so are the frameworks' internal keys (``lc_*``, ``ls_*``,
    ``langgraph_*``, ``__*``).
    Portkey takes 128 characters a value: longer text is cut, marked with ``...``, and a warning tells.

    Returns:
        The header's value, or ``None`` if there is nothing to send.

    Raises:
        EncodingError: if all of it together exceeds 8 KB, or a value is nothing that JSON knows.
    """
    texts: dict[str, str] = {}
    for key, value in metadata.items():
        if value is not None and not key.startswith(_INTERNAL_PREFIXES):
            texts[key] = _limit(key, _metadata_text(key, value))
    if not texts:
        return None
    # The encoder writes everything beyond ASCII as \uXXXX; DEL is ASCII, yet no header may hold it.
    encoded = json.dumps(texts, separators=(",", ":")).replace("\x7f", "\\u007f")
    if len(encoded) > MAX_METADATA_BYTES:
        raise EncodingError(
            f"metadata takes {len(encoded)} bytes as a header; at most {MAX_METADATA_BYTES} fit: leave keys out "
            f"(given: {', '.join(map(repr, texts))})"
        )
    return encoded


def _metadata_text(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        plain = to_jsonable_python(value)
        return plain if isinstance(plain, str) else to_json(plain).decode()
    except ValueError as error:
        raise EncodingError(f"metadata[{key!r}] is a {type(value).__name__}, which JSON does not know") from error


def _limit(key: str, text: str) -> str:
    if len(text) <= MAX_METADATA_VALUE_LENGTH:
        return text
    warnings.warn(
        f"metadata[{key!r}] has {len(text)} characters; Portkey takes {MAX_METADATA_VALUE_LENGTH}, the rest is cut off",
        PortkeyWarning,
        stacklevel=4,
    )
    return text[: MAX_METADATA_VALUE_LENGTH - len(_CUT_MARK)] + _CUT_MARK
