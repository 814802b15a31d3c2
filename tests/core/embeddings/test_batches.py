"""Many texts in batches: cut by what a provider takes, halved where it takes less, put together in order."""

from __future__ import annotations

import pytest

from portkey_gateway.conversation.usage import Usage
from portkey_gateway.embeddings.batches import BYTES_PER_TOKEN, Batch, Batches
from portkey_gateway.embeddings.decode import BatchAnswer
from portkey_gateway.errors import (
    BadRequestError,
    InvalidResponseError,
    NotFoundError,
    PortkeyWarning,
    RequestTooLargeError,
)
from portkey_gateway.info import GatewayInfo

TEXTS = [f"text {number}" for number in range(10)]


def answered(batch: Batch, model: str = "m", usage: Usage | None = None) -> BatchAnswer:
    return BatchAnswer([[float(text.split()[1])] for text in batch.texts], model, usage, GatewayInfo())


def sizes(batches: Batches) -> list[int]:
    found = []
    while batch := batches.take():
        found.append(len(batch.texts))
    return found


def refused(message: str, status: int = 400) -> BadRequestError:
    return BadRequestError(message, info=GatewayInfo(status=status))


@pytest.mark.parametrize(("most", "expected"), [(4, [4, 4, 2]), (10, [10]), (1, [1] * 10), (1000, [10])])
def test_texts_are_cut_by_their_number(most: int, expected: list[int]) -> None:
    assert len(Batches(TEXTS, most)) == len(expected)
    assert sizes(Batches(TEXTS, most)) == expected


def test_texts_are_cut_by_their_tokens_too() -> None:
    texts = ["a" * BYTES_PER_TOKEN] * 5 + ["ü" * 3 * BYTES_PER_TOKEN] + ["a"]
    assert sizes(Batches(texts, 100, 2)) == [2, 2, 1, 1, 1]
    assert sizes(Batches(texts, 1, 1000)) == [1] * 7


def test_no_texts_are_no_batches() -> None:
    assert Batches([], 10).take() is None
    assert Batches([], 10, 10).take() is None
    assert Batches([], 10).result().vectors == []


def test_answers_are_put_together_in_the_order_of_the_texts() -> None:
    batches = Batches(TEXTS, 3)
    taken = [batch for _ in range(4) if (batch := batches.take())]
    for batch in reversed(taken):
        batches.settle(batch, answered(batch, usage=Usage(input_tokens=len(batch.texts))))
    result = batches.result()
    assert result.vectors == [[float(number)] for number in range(10)]
    assert result.usage == Usage(input_tokens=10)
    assert len(result.infos) == 4
    assert result.model == "m"


def test_usage_is_not_known_where_one_batch_does_not_tell_it() -> None:
    batches = Batches(TEXTS, 5)
    for usage in (Usage(input_tokens=5), None):
        batch = batches.take()
        assert batch
        batches.settle(batch, answered(batch, usage=usage))
    assert batches.result().usage is None


@pytest.mark.parametrize("message", ["Too many inputs in request", "Too many tokens in batch"])
def test_what_is_too_large_is_halved_and_everything_as_large_after_it_at_once(message: str) -> None:
    batches = Batches([f"text {number}" for number in range(10)] * 2, 8)
    first = batches.take()
    assert first
    batches.fail(first, refused(message))
    assert sizes(batches) == [4, 4, 4, 4, 4]


def test_of_one_pair_that_is_too_long_the_short_ones_are_not_parted() -> None:
    batches = Batches(["text 0" + "x" * 90] * 2 + TEXTS, 2)
    first = batches.take()
    assert first
    batches.fail(first, refused("Requested 400 tokens, max 300 tokens per request"))
    assert sizes(batches) == [1, 1, 2, 2, 2, 2, 2]


def test_of_texts_that_are_too_many_the_long_ones_are_parted_alike() -> None:
    batches = Batches(["text 0", "text 1", "text 0" + "x" * 90, "text 1" + "x" * 90], 2)
    first = batches.take()
    assert first
    batches.fail(first, refused("Too many inputs. The max number of inputs is 1."))
    assert sizes(batches) == [1, 1, 1, 1]


def test_what_is_too_large_by_its_status_is_halved() -> None:
    batches = Batches(TEXTS, 10)
    first = batches.take()
    assert first
    batches.fail(first, RequestTooLargeError("too large", info=GatewayInfo(status=413)))
    assert sizes(batches) == [5, 5]


def test_one_text_that_is_too_large_is_an_error() -> None:
    batches = Batches(["a", "b"], 1)
    first = batches.take()
    assert first
    batches.fail(first, refused("max 300000 tokens per request"))
    with pytest.raises(BadRequestError, match="text 0 of 2: max 300000"):
        batches.result()


def test_any_other_failure_ends_the_work_and_keeps_what_was_embedded() -> None:
    batches = Batches(TEXTS, 4)
    first, second = batches.take(), batches.take()
    assert first
    assert second
    batches.fail(first, NotFoundError("no such model", info=GatewayInfo(status=404)))
    assert batches.take() is None
    batches.settle(second, answered(second))
    with pytest.raises(NotFoundError, match="texts 0 to 3 of 10: no such model") as caught:
        batches.result()
    assert caught.value.embedded == {4: [4.0], 5: [5.0], 6: [6.0], 7: [7.0]}


def test_an_error_of_all_texts_speaks_of_no_part() -> None:
    batches = Batches(TEXTS, 10)
    first = batches.take()
    assert first
    batches.fail(first, NotFoundError("no such model", info=GatewayInfo(status=404)))
    with pytest.raises(NotFoundError, match=r"^no such model \(status 404\)$") as caught:
        batches.result()
    assert caught.value.embedded == {}


def test_a_failure_that_is_none_of_ours_is_raised_as_it_is() -> None:
    batches = Batches(TEXTS, 5)
    first = batches.take()
    assert first
    batches.fail(first, RuntimeError("a hook of the user's"))
    with pytest.raises(RuntimeError, match=r"^a hook of the user's$"):
        batches.result()


def test_two_models_are_warned_of_and_two_lengths_are_an_error() -> None:
    batches = Batches(TEXTS[:2], 1)
    for model in ("small", "large"):
        batch = batches.take()
        assert batch
        batches.settle(batch, answered(batch, model=model))
    with pytest.warns(PortkeyWarning, match="several models, small, large: their vectors cannot be compared"):
        batches.result()

    batches = Batches(TEXTS[:2], 1)
    for length in (1, 2):
        batch = batches.take()
        assert batch
        batches.settle(batch, BatchAnswer([[0.5] * length], "m", None, GatewayInfo()))
    with pytest.raises(InvalidResponseError, match=r"different lengths came back, \[1, 2\]") as caught:
        batches.result()
    assert set(caught.value.embedded) == {0, 1}
