"""Vectors that the mock gateway answers with: known to both sides, so that every contender can be checked."""

from __future__ import annotations

import base64
import functools
import json
import random
import struct

DIMENSIONS = 1536
"""As many as ``text-embedding-3-small`` has."""


@functools.cache
def vector(place: int) -> list[float]:
    """The vector of the text at a place of its request: numbers that 32 bits hold, of some ten digits."""
    return [(byte - 127.5) / 4096 for byte in random.Random(place).randbytes(DIMENSIONS)]  # noqa: S311 no secret


@functools.cache
def embeddings_body(count: int, *, packed: bool) -> bytes:
    """Render the body of an answer to so many texts, as OpenAI's passes through the gateway."""
    data = [
        {"object": "embedding", "index": place, "embedding": _pack(place) if packed else vector(place)}
        for place in range(count)
    ]
    usage = {"prompt_tokens": 20 * count, "total_tokens": 20 * count}
    return json.dumps({"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}).encode()


def _pack(place: int) -> str:
    return base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *vector(place))).decode()
