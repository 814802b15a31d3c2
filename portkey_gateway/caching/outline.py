"""The beginning that two requests share, block by block: what the second could read of the first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from portkey_gateway.conversation.request import SYSTEM_ROLES

_DIGEST_BYTES = 12


@dataclass(frozen=True, slots=True)
class Outline:
    """The blocks of a request in the order in which Claude reads them, without what they say."""

    digests: tuple[bytes, ...]
    """Each of all blocks up to this one."""
    sizes: tuple[int, ...]
    """Bytes of all blocks up to this one."""
    places: tuple[str, ...]
    """Where each stands, such as ``messages[3]``."""

    def shared(self, earlier: Outline) -> int:
        """How many blocks both begin with."""
        pairs = zip(self.digests, earlier.digests, strict=False)
        return next((at for at, (own, theirs) in enumerate(pairs) if own != theirs), min(len(self), len(earlier)))

    def __len__(self) -> int:
        """How many blocks there are."""
        return len(self.digests)


def outline(request: Mapping[str, Any]) -> Outline:
    """Draw the outline of a request: its tools, system messages, then the conversation; cache marks do not count.

    Args:
        request: with ``messages`` and ``tools`` in the conversation's own words.
    """
    so_far = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    digests, sizes, places, size = [], [], [], 0
    for place, block in _blocks(request):
        said = to_json(_unmarked(block), fallback=repr)
        so_far.update(said)
        size += len(said)
        digests.append(so_far.digest())
        sizes.append(size)
        places.append(place)
    return Outline(tuple(digests), tuple(sizes), tuple(places))


def _blocks(request: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    messages: list[tuple[int, Any]] = list(enumerate(request.get("messages") or ()))
    for index, tool in enumerate(request.get("tools") or ()):
        yield f"tools[{index}]", tool
    for index, message in sorted(messages, key=lambda told: told[1]["role"] not in SYSTEM_ROLES):
        content: Any = message.get("content_blocks") or message.get("content") or ()
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            yield f"messages[{index}]", [message["role"], block]
        for call in message.get("tool_calls") or ():
            yield f"messages[{index}]", call


def _unmarked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unmarked(item) for key, item in value.items() if key != "cache_control"}
    return [_unmarked(item) for item in value] if isinstance(value, list) else value
