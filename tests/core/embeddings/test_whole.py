"""Texts that several calls embed in parts: their places among all, and one failure that ends all."""

from __future__ import annotations

import pytest

from portkey_gateway.embeddings.batches import Batch, Batches
from portkey_gateway.embeddings.decode import BatchAnswer
from portkey_gateway.embeddings.whole import Whole
from portkey_gateway.errors import EncodingError, InvalidResponseError, NotFoundError
from portkey_gateway.info import GatewayInfo


def answered(batch: Batch, length: int = 1) -> BatchAnswer:
    return BatchAnswer([[0.5] * length for _ in batch.texts], "m", None, GatewayInfo())


def test_each_text_has_its_place_and_equal_ones_have_their_own() -> None:
    whole = Whole(["a", "b", "a", "c"])
    assert [*whole.part(["a", "c"]).places] == [0, 3]
    assert [*whole.part(["a"]).places] == [2]
    assert [*Whole(["a", "a"]).part(["a", "a"]).places] == [0, 1]


def test_other_texts_are_a_whole_of_their_own() -> None:
    whole = Whole(["a", "b", "a"])
    other = whole.part(["passage: a", "passage: b"])
    assert (other.whole is whole, [*other.places]) == (False, [0, 1])


def test_all_of_them_again_are_a_whole_of_their_own() -> None:
    whole = Whole(["a", "b"])
    first, again = whole.part(["a", "b"]), whole.part(["a", "b"])
    assert (first.whole is whole, again.whole is whole, [*again.places]) == (True, False, [0, 1])


def test_one_that_cannot_be_embedded_is_told_before_any_part() -> None:
    with pytest.raises(EncodingError, match="text 2 to embed is empty"):
        Whole(["a", "b", ""])


def test_when_one_part_fails_the_others_hand_out_nothing_more() -> None:
    whole = Whole(["a", "b", "c", "d", "e", "f"])
    first, second = (Batches(texts, 1, part=whole.part(texts)) for texts in (["a", "b", "c"], ["d", "e", "f"]))
    for batches in (first, second):
        batch = batches.take()
        assert batch
        batches.settle(batch, answered(batch))
    failing, under_way = second.take(), first.take()
    assert failing
    assert under_way
    second.fail(failing, NotFoundError("no such model", info=GatewayInfo(status=404)))
    assert first.take() is None
    first.settle(under_way, answered(under_way))
    for batches in (first, second):
        with pytest.raises(NotFoundError, match="text 4 of 6: no such model") as caught:
            batches.result()
        assert [*caught.value.embedded] == [0, 1, 3]


def test_vectors_of_two_lengths_are_an_error_over_all_parts() -> None:
    whole = Whole(["a", "b"])
    first, second = Batches(["a"], 1, part=whole.part(["a"])), Batches(["b"], 1, part=whole.part(["b"]))
    for batches, length in ((first, 1), (second, 2)):
        batch = batches.take()
        assert batch
        batches.settle(batch, answered(batch, length))
    with pytest.raises(InvalidResponseError, match=r"different lengths came back, \[1, 2\]"):
        second.result()
