"""Vectors out of an answer: each at the place of its text, or an error that says what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portkey_gateway.conversation.usage import Usage
from portkey_gateway.embeddings.decode import decode_embeddings
from portkey_gateway.errors import ErrorInBodyError, HTMLResponseError, InvalidResponseError, NotJSONError, PortkeyError
from portkey_gateway.info import GatewayInfo
from tests.support.embedding import answer, pack

INFO = GatewayInfo()


def body(*embeddings: Any, **more: Any) -> bytes:
    data = [{"object": "embedding", "index": place, "embedding": each} for place, each in enumerate(embeddings)]
    return json.dumps({"object": "list", "data": data, "model": "m"} | more).encode()


def test_numbers_and_base64_are_the_same_vectors() -> None:
    told = decode_embeddings(body([0.5, 1.5], [2, 3]), INFO, 2)
    assert told.vectors == decode_embeddings(body(pack([0.5, 1.5]), pack([2, 3])), INFO, 2).vectors
    assert told.vectors == [[0.5, 1.5], [2.0, 3.0]]
    assert all(isinstance(number, float) for vector in told.vectors for number in vector)


def test_model_and_usage_are_told() -> None:
    told = decode_embeddings(json.dumps(answer({"model": "m", "input": ["a", "b"]})).encode(), INFO, 2)
    assert (told.model, told.usage) == ("m", Usage(input_tokens=4))


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": -1, "total_tokens": -1}, {"prompt_tokens": 0}, 7])
def test_usage_that_is_none_is_not_known(usage: Any) -> None:
    assert decode_embeddings(body([0.5], usage=usage), INFO, 1).usage is None


def test_vectors_go_to_the_places_that_they_name() -> None:
    data = [{"index": 2, "embedding": [2.0]}, {"index": 0, "embedding": [0.0]}, {"index": 1, "embedding": [1.0]}]
    assert decode_embeddings(json.dumps({"data": data}).encode(), INFO, 3).vectors == [[0.0], [1.0], [2.0]]


def test_vectors_that_name_no_places_stand_in_the_order_of_the_texts() -> None:
    data = [{"embedding": [2.0]}, {"embedding": [0.0]}]
    assert decode_embeddings(json.dumps({"data": data}).encode(), INFO, 2).vectors == [[2.0], [0.0]]


@pytest.mark.parametrize("places", [[0, 0], [1, 2], [0, None], ["0", "1"], [-1, 0]])
def test_vectors_in_no_places_are_an_error(places: list[Any]) -> None:
    data = [{"index": place, "embedding": [0.5]} for place in places]
    with pytest.raises(InvalidResponseError, match=r"numbered .*, not from 0 to 1"):
        decode_embeddings(json.dumps({"data": data}).encode(), INFO, 2)


def test_one_vector_for_many_texts_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(InvalidResponseError, match=r"3 texts were sent and 1 vectors came back.*chunk_size=1"):
        decode_embeddings(body([0.5]), INFO, 3)


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_vectors_is_an_error(count: int) -> None:
    with pytest.raises(InvalidResponseError, match=f"{count} texts were sent and 2 vectors came back"):
        decode_embeddings(body([0.5], [0.5]), INFO, count)


@pytest.mark.parametrize("embeddings", [([0.5], [0.5, 0.5]), ([], [])])
def test_vectors_of_another_length_are_an_error(embeddings: tuple[list[float], ...]) -> None:
    with pytest.raises(InvalidResponseError, match="dimensions came back; dimensions=1 was asked for"):
        decode_embeddings(body(*embeddings), INFO, 2, 1)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"not JSON", NotJSONError),
        (b"", NotJSONError),
        (b"<html><body>502</body></html>", HTMLResponseError),
        (b'{"error": {"message": "no", "type": "t"}}', ErrorInBodyError),
        (b"[]", InvalidResponseError),
        (b"{}", InvalidResponseError),
        (b'{"data": {}}', InvalidResponseError),
        (b'{"data": null}', InvalidResponseError),
        (b'{"data": ["a"]}', InvalidResponseError),
        (b'{"data": [{"index": 0}]}', InvalidResponseError),
        (b'{"data": [{"embedding": null}]}', InvalidResponseError),
        (b'{"data": [{"embedding": ["a"]}]}', InvalidResponseError),
        (b'{"data": [{"embedding": "not base64!"}]}', InvalidResponseError),
        (b'{"data": [{"embedding": "AAA="}]}', InvalidResponseError),
    ],
)
def test_what_is_no_answer_is_an_error_of_its_kind(content: bytes, kind: type[PortkeyError]) -> None:
    with pytest.raises(kind) as caught:
        decode_embeddings(content, INFO, 1)
    assert type(caught.value) is kind


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize("spoilt", [[NAN, 1.0], [1.0, INFINITY], [INFINITY, -INFINITY]])
@pytest.mark.parametrize("form", [list, pack])
def test_a_number_that_is_not_finite_is_an_error(spoilt: list[float], form: Any) -> None:
    with pytest.raises(InvalidResponseError, match="vector 1 of 2 holds a number that is not finite"):
        decode_embeddings(body(form([0.5, 0.5]), form(spoilt)), INFO, 2)


@pytest.mark.parametrize("spoilt", [["NaN", "1.0"], [True, 1.0], [None, 1.0], [[1.0], [2.0]], [10**400, 1.0]])
def test_what_is_no_number_is_none(spoilt: list[Any]) -> None:
    with pytest.raises(InvalidResponseError, match="holds no vectors"):
        decode_embeddings(body(spoilt), INFO, 1)
