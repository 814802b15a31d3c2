"""Spoken answers: their pieces as one sound, and what is told of them to the next turn. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.conversation.media_types import sniff_media_type
from portkey_gateway.conversation.request import Message

PCM_TYPE: Final = "audio/pcm"
"""Samples without a frame, 16 bits at 24 kHz (OpenAI's ``pcm16``): the one form that is streamed."""
# Base64 stands for three bytes with four characters.
_BYTES: Final = 3
_CHARACTERS: Final = 4
_SNIFFED_LENGTH: Final = 32


class GrowingSound:
    """A spoken answer, as far as it was received: ``id``, ``data``, ``transcript`` and ``expires_at``, as OpenAI tells.

    Pieces of ``data`` are base64 of their own, with padding at their ends, or one base64 that was cut: what is given on
    of them can be joined as text.
    """

    __slots__ = ("_bytes", "_known", "_pieces", "_text", "_transcript")

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._pieces: list[str] = []
        self._text = self._transcript = ""
        self._bytes = b""

    def add(self, piece: Mapping[str, Any]) -> dict[str, Any]:
        """Add what an event says of it; returns what that adds."""
        told = {
            name: value for name, value in piece.items() if value is not None and name not in {"data", "transcript"}
        }
        added = {name: value for name, value in told.items() if name not in self._known}
        self._known |= added
        if transcript := piece.get("transcript"):
            added["transcript"] = transcript
            self._transcript += transcript
        if data := self._aligned(piece.get("data") or ""):
            added["data"] = data
        return added

    def end(self) -> str:
        """What of the data waited for more."""
        rest = base64.b64encode(self._bytes).decode() + self._text
        self._bytes, self._text = b"", ""
        self._pieces.append(rest)
        return rest

    def finished(self) -> dict[str, Any]:
        """The whole of it."""
        return {**self._known, "data": "".join(self._pieces), "transcript": self._transcript}

    def _aligned(self, data: str) -> str:
        text = self._text + data
        if not text.isascii():
            raise ValueError("a sound is told in characters that base64 does not have")
        whole = len(text) - len(text) % _CHARACTERS
        text, self._text = text[:whole], text[whole:]
        if self._bytes or text.endswith("="):
            decoded = self._bytes + base64.b64decode(text)
            whole = len(decoded) - len(decoded) % _BYTES
            text, self._bytes = base64.b64encode(decoded[:whole]).decode(), decoded[whole:]
        self._pieces.append(text)
        return text


def sound_type(data: str) -> str:
    """Tell the media type of a spoken answer from its base64; what is none is told as it came, as samples."""
    try:
        return sniff_media_type(base64.b64decode(data[:_SNIFFED_LENGTH])) or PCM_TYPE
    except ValueError:
        return PCM_TYPE


def as_text(message: Message) -> Message:
    """Return an assistant's message with its transcript in the place of its sound, for a model that has not said it."""
    said: dict[str, Any] = {name: value for name, value in message.items() if name != "audio"}
    transcript = message.get("audio", {}).get("transcript")
    if transcript and not said.get("content"):
        said["content"] = transcript
    return said  # type: ignore[return-value]  # a message without one of its fields
