"""Vectors by the words of a text: texts that share words are close, so that retrieval works.

Each stem of a word has a direction of its own, told by its hash; a text points where its words point together, words
that say little counting less. Source of the API: OpenAI's reference, "Create embeddings", and its guide "Vector
embeddings" for the lengths and limits.
"""

import base64
import hashlib
import math
import re
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from openai.types import EmbeddingCreateParams

from portkey_gateway.sandbox.claude.brain import mining
from portkey_gateway.sandbox.claude.tokens import count_text
from portkey_gateway.sandbox.json_types import fields_of
from portkey_gateway.sandbox.openai import models
from portkey_gateway.sandbox.openai.errors import OpenAIError, invalid
from portkey_gateway.sandbox.openai.shape import check_body

Input = str | Sequence[int]
"""One text, or its tokens."""

_MOST_INPUTS: Final = 2048
_MOST_TOKENS: Final = 8192
_MOST_TOKENS_TOGETHER: Final = 300_000
_FIXED_SIZE: Final = "text-embedding-ada-002"
_WORD: Final = re.compile(r"\w+")
_STOP_WEIGHT: Final = 0.05


def embed(body: object) -> dict[str, Any]:
    """Answer a request.

    Raises:
        OpenAIError: OpenAI would refuse it.
    """
    inputs, model, size = _validate(body)
    spent = sum(map(_count, inputs))
    packed = cast("Mapping[str, Any]", body).get("encoding_format") == "base64"
    vectors = [vector_of(each, size) for each in inputs]
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _pack(vector) if packed else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": model,
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
    }


def vector_of(text: Input, size: int) -> list[float]:
    """Return the vector of a text, of length 1."""
    total = [0.0] * size
    for word, weight in _weights(text).items():
        for index, value in enumerate(_direction(word, size)):
            total[index] += weight * value
    length = math.sqrt(sum(value * value for value in total))
    return [value / length for value in total]


def _weights(text: Input) -> Mapping[str, float]:
    if not isinstance(text, str):
        return Counter(f"token {token}" for token in text)
    words = _WORD.findall(text.lower())
    if not words:
        return {text: 1.0}
    counts = Counter(words)
    weights: Counter[str] = Counter()
    for word, count in counts.items():
        # A word said often tells more than one said once, but not in proportion.
        weight = (1 + math.log(count)) * (_STOP_WEIGHT if word in mining.STOP_WORDS else 1.0)
        weights[mining.stem(word)] += weight  # type: ignore[assignment]  # a Counter also adds fractions
    return weights


@lru_cache(maxsize=4096)
def _direction(word: str, size: int) -> tuple[float, ...]:
    # A shorter digest is the beginning of a longer one, so a vector with fewer dimensions is a beginning too.
    digest = hashlib.shake_256(word.encode("utf-8", "surrogatepass")).digest(size)
    return tuple(byte - 127.5 for byte in digest)


def _pack(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _validate(body: object) -> tuple[list[Input], str, int]:
    if isinstance(body, dict) and "model" not in body:
        raise invalid("you must provide a model parameter")
    check_body(body, fields_of(EmbeddingCreateParams))
    request = cast("dict[str, Any]", body)
    model = request["model"]
    size = models.EMBEDDING_SIZES.get(model)
    if size is None:
        raise models.unknown_model(model)
    given = request["input"]
    inputs: list[Input] = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else given
    if not inputs or not all(inputs) or len(inputs) > _MOST_INPUTS:
        raise invalid(
            "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
        )
    _check_tokens(inputs)
    return inputs, model, _size(request, model, size)


def _size(request: Mapping[str, Any], model: str, size: int) -> int:
    wanted = request.get("dimensions")
    if wanted is None:
        return size
    if model == _FIXED_SIZE:
        raise invalid("This model does not support specifying dimensions.")
    if wanted < 1:
        raise invalid(
            f"Invalid 'dimensions': integer below minimum value. Expected a value >= 1, but got {wanted} instead.",
            "dimensions",
            "integer_below_min_value",
        )
    if wanted > size:
        raise invalid(f"Invalid value for 'dimensions' = {wanted}. Must be less than or equal to {size}.")
    return int(wanted)


def _check_tokens(inputs: Sequence[Input]) -> None:
    spent = [_count(each) for each in inputs]
    if max(spent) > _MOST_TOKENS:
        raise invalid(
            f"This model's maximum context length is {_MOST_TOKENS} tokens, however you requested {max(spent)} tokens "
            f"({max(spent)} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
        )
    if sum(spent) > _MOST_TOKENS_TOGETHER:
        raise OpenAIError(
            400,
            f"Requested {sum(spent)} tokens, max {_MOST_TOKENS_TOGETHER} tokens per request",
            code="max_tokens_per_request",
            error_type="max_tokens_per_request",
        )


def _count(text: Input) -> int:
    return count_text(text) if isinstance(text, str) else len(text)
