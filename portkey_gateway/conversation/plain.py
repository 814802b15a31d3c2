"""What is most of a long conversation: messages of a role and a text. There is nothing to look for in one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_PLAIN: Final = 2


def beside_plain(messages: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """The messages that are more than a role and a text, with their places."""
    return [
        placed
        for placed in enumerate(messages)
        if len(placed[1]) != _PLAIN or type(placed[1].get("content")) is not str
    ]
