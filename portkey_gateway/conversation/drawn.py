"""Pictures that a model drew, in its own turns: Gemini wants them back to go on with them, others refuse them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from portkey_gateway.conversation.request import Message
from portkey_gateway.errors import warn

_IMAGE: Final = "image"


def without_drawn(messages: Sequence[Message]) -> list[Message]:
    """Return the messages without pictures in the turns of an assistant; they are not changed themselves.

    Warns:
        PortkeyWarning: if there are any.
    """
    return [*_each(messages)]


def _each(messages: Sequence[Message]) -> Iterator[Message]:
    for index, message in enumerate(messages):
        content = message.get("content")
        blocks = cast("list[Mapping[str, Any]]", content if isinstance(content, list) else [])
        kept = [block for block in blocks if block.get("type") != _IMAGE]
        if message["role"] != "assistant" or len(kept) == len(blocks):
            yield message
            continue
        warn(
            f"a picture that the model drew (messages[{index}]) is left out: only where surely a Gemini answers it can "
            "be told again; show it in a user's message"
        )
        yield cast("Message", {**message, "content": kept or ""})
