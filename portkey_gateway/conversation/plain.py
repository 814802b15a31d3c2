"""What is most of a long conversation: messages of a role and a text. There is nothing to look for in one. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

_PLAIN: Final = 2
_content: Final = itemgetter("content")


def beside_plain(messages: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """The messages that are more than a role and a text, with their places."""
    # Most conversations hold nothing else, which is seen in half the time without a step of Python's for each message.
    if {*map(len, messages)} == {_PLAIN}:
        with contextlib.suppress(KeyError):
            if {*map(type, map(_content, messages))} == {str}:
                return []
    return [
        (index, message)
        for index, message in enumerate(messages)
        if len(message) != _PLAIN or type(message.get("content")) is not str
    ]
