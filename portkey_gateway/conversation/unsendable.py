"""What cannot be sent as JSON, named by its place: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portkey_gateway.errors import EncodingError


def unsendable(body: Any, error: Exception) -> EncodingError:
    """The error to raise for a body that cannot be written as JSON.

    Args:
        body: what was to be written.
        error: why it was not.
    """
    broken = next(_half_characters(body, ""), None)
    if broken is not None:
        return half_character(broken)
    return EncodingError(f"the request holds something that JSON does not know: {error}")


def half_character(where: str) -> EncodingError:
    """The error to raise for a text that is no text: Python lets halves of surrogate pairs stand in a ``str``.

    Args:
        where: the field that holds it.
    """
    return EncodingError(
        f"{where} holds half a character (one of a surrogate pair), which nothing can carry: was a text cut inside an "
        "emoji? text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace') mends it"
    )


def is_whole_text(text: str) -> bool:
    """Whether a text holds no half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _half_characters(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, str):
        if not is_whole_text(value):
            yield where
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _half_characters(item, f"{where}.{name}" if where else str(name))
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _half_characters(item, f"{where}[{place}]")
