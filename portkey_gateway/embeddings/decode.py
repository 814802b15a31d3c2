"""The body of one answer → the vectors of its texts, each at the place of its text. Pure."""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from portkey_gateway.conversation.cost import Cost, price_call
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.error_bodies import decode_not_an_answer
from portkey_gateway.errors import InvalidResponseError
from portkey_gateway.info import GatewayInfo
from portkey_gateway.prices import find_prices

_FLOAT_BYTES: Final = 4
_NUMBERS: Final = frozenset({float, int})
_WITHOUT_VECTORS: Final = "The body is JSON but holds no vectors"


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The answer to one request."""

    vectors: list[list[float]]
    model: str
    usage: Usage | None
    info: GatewayInfo

    @property
    def cost(self) -> Cost | None:
        """What the request costs; ``None`` where no price is known, or none are installed (extra ``prices``)."""
        return price_call(self.usage, self.info, find_prices(self.info.provider or "", self.model))


def decode_embeddings(content: bytes, info: GatewayInfo, count: int, dimensions: int | None = None) -> BatchAnswer:
    """Decode an answer in OpenAI's schema ("Create embeddings"), and check that it answers all that was asked.

    Args:
        content: the response body.
        info: what the response's headers say.
        count: how many texts were sent.
        dimensions: how long the vectors have to be, if that was asked for.

    Raises:
        InvalidResponseError: if vectors are missing, too many, not in place, of another length, or not of numbers.
    """
    try:
        body = from_json(content)
        items = body["data"]
        vectors = [_decode_vector(item["embedding"]) for item in items]
        places = [item.get("index") for item in items]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, binascii.Error):
        raise decode_not_an_answer(content, info, _WITHOUT_VECTORS) from None
    if len(vectors) != count:
        text = f"{count} texts were sent and {len(vectors)} vectors came back"
        if len(vectors) == 1:
            text += "; if this provider embeds one text a request, send them so: chunk_size=1 (embed_batch_size=1)"
        raise InvalidResponseError(text, info=info)
    if any(place is not None for place in places):
        if sorted(place if isinstance(place, int) else -1 for place in places) != list(range(count)):
            raise InvalidResponseError(f"the vectors are numbered {places[:10]}, not from 0 to {count - 1}", info=info)
        if places != list(range(count)):
            by_place = dict(zip(places, vectors, strict=True))
            vectors = [by_place[place] for place in range(count)]
    lengths = {len(vector) for vector in vectors}
    if not all(lengths) or (dimensions is not None and lengths - {dimensions}):
        wanted = f"; dimensions={dimensions} was asked for" if dimensions is not None else ""
        raise InvalidResponseError(f"vectors of {sorted(lengths)} dimensions came back{wanted}", info=info)
    for place, vector in enumerate(vectors):
        # A sum is finite if all that it adds is; it is much faster than to ask each number.
        if not math.isfinite(sum(vector)):
            raise InvalidResponseError(f"vector {place} of {count} holds a number that is not finite", info=info)
    model = body.get("model")
    return BatchAnswer(vectors, model if isinstance(model, str) else "", _decode_usage(body.get("usage")), info)


def _decode_vector(embedding: Any) -> list[float]:
    if isinstance(embedding, str):
        data = base64.b64decode(embedding, validate=True)
        if len(data) % _FLOAT_BYTES:
            raise ValueError("half a number")
        numbers = array("f", data)
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers.tolist()
    if not isinstance(embedding, list):
        raise TypeError("neither numbers nor base64")
    if not _NUMBERS.issuperset(map(type, embedding)):
        raise TypeError("no numbers")
    # JSON writes 1.0 as 1 where it likes to.
    return list(map(float, embedding))


def _decode_usage(usage: Any) -> Usage | None:
    """What was counted: providers that count nothing are told as -1 by the gateway, and one as 0."""
    told = usage.get("prompt_tokens") or usage.get("total_tokens") if isinstance(usage, dict) else None
    return Usage(input_tokens=told) if isinstance(told, int) and told > 0 else None
