"""Vectors: texts that share words are close, and requests are judged as OpenAI judges them."""

import base64
import math
import struct
from typing import Any

import pytest

from portkey_gateway.sandbox.openai.embeddings import embed, vector_of
from portkey_gateway.sandbox.openai.errors import OpenAIError


def closeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def ask(given: Any, model: str = "text-embedding-3-small", **more: Any) -> dict[str, Any]:
    return embed({"model": model, "input": given, **more})


def vectors(answer: dict[str, Any]) -> list[list[float]]:
    return [each["embedding"] for each in answer["data"]]


@pytest.mark.parametrize("size", [1536, 256])
def test_retrieval_finds_the_text_that_speaks_of_it(size: int) -> None:
    texts = [
        "Cats sleep for most of the day.",
        "The stock market fell sharply on Monday.",
        "A dog barks at the mailman in the street.",
        "Bread is baked from flour, water and yeast.",
    ]
    found = {
        "Why do dogs bark?": 2,
        "How do I bake bread with yeast?": 3,
        "What happened on the markets?": 1,
        "How long does a cat sleep?": 0,
    }
    stored = vectors(ask(texts, dimensions=size))
    for question, place in found.items():
        [asked] = vectors(ask(question, dimensions=size))
        near = [closeness(asked, vector) for vector in stored]
        assert near.index(max(near)) == place, (question, near)


def test_the_answer_has_openai_s_shape() -> None:
    answer = ask(["one two", "three"])
    assert [(each["object"], each["index"]) for each in answer["data"]] == [("embedding", 0), ("embedding", 1)]
    assert answer["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert (answer["object"], answer["model"]) == ("list", "text-embedding-3-small")


@pytest.mark.parametrize(
    ("model", "size"),
    [("text-embedding-3-small", 1536), ("text-embedding-3-large", 3072), ("text-embedding-ada-002", 1536)],
)
def test_each_model_has_its_size_and_unit_vectors(model: str, size: int) -> None:
    [vector] = vectors(ask("Hello there", model))
    assert len(vector) == size
    assert math.isclose(closeness(vector, vector), 1.0)


def test_fewer_dimensions_are_the_beginning_of_more() -> None:
    full, short = vector_of("cats and dogs", 1536), vector_of("cats and dogs", 100)
    scale = short[0] / full[0]
    assert all(math.isclose(a * scale, b, abs_tol=1e-9) for a, b in zip(full, short, strict=False))


def test_the_same_text_has_the_same_vector() -> None:
    assert vector_of("Hello", 64) == vector_of("Hello", 64)
    assert vector_of("Hello", 64) != vector_of("Goodbye", 64)
    assert vector_of("…", 64) != vector_of("!", 64)


def test_base64_holds_the_same_figures() -> None:
    [plain], [packed] = vectors(ask("Hello")), vectors(ask("Hello", encoding_format="base64"))
    figures = struct.unpack("<1536f", base64.b64decode(packed))  # type: ignore[arg-type]  # it is text
    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(plain, figures, strict=True))


def test_tokens_are_taken_in_place_of_text() -> None:
    answer = ask([[1, 2, 3], [1, 2, 4], [7, 8, 9]])
    one, near, far = vectors(answer)
    assert closeness(one, near) > closeness(one, far)
    assert answer["usage"]["prompt_tokens"] == 9
    assert vectors(ask([1, 2, 3])) == [one]


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        ("", {}, "'$.input' is invalid."),
        ([], {}, "'$.input' is invalid."),
        (["a", ""], {}, "'$.input' is invalid."),
        (["a"] * 2049, {}, "'$.input' is invalid."),
        ("a" * 40_000, {}, "maximum context length is 8192 tokens, however you requested 10000 tokens"),
        (["a" * 32_000] * 40, {}, "Requested 320000 tokens, max 300000 tokens per request"),
        ("a", {"dimensions": 0}, "integer below minimum value"),
        ("a", {"dimensions": 1537}, "Must be less than or equal to 1536."),
        ("a", {"dimensions": 5, "model": "text-embedding-ada-002"}, "does not support specifying dimensions"),
        ("a", {"encoding_format": "hex"}, "Supported values are: 'float' and 'base64'."),
        ("a", {"input_type": "query"}, "Unrecognized request argument supplied: input_type"),
        (5, {}, "Invalid type for 'input'"),
        ([1, "a"], {}, "Invalid type for 'input"),
    ],
)
def test_it_is_refused(given: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(OpenAIError) as caught:
        embed({"model": "text-embedding-3-small", "input": given, **more})
    assert caught.value.status == 400
    assert message in caught.value.message


def test_a_model_that_is_none() -> None:
    with pytest.raises(OpenAIError) as caught:
        ask("a", "gpt-4o")
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")
    with pytest.raises(OpenAIError, match="you must provide a model parameter"):
        embed({"input": "a"})
