"""The pace of a batch: no minute sees more than was said, wherever it begins."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.batch import Limits
from portkey_gateway.batch.limits import Pace


@given(
    per_minute=st.integers(1, 500),
    arrivals=st.lists(st.floats(0, 200, allow_nan=False), min_size=1, max_size=200).map(sorted),
)
def test_no_minute_sees_more_requests_than_said(per_minute: int, arrivals: list[float]) -> None:
    pace = Pace(per_minute)
    goes = [pace.reserve(1, at) for at in arrivals]
    assert all(went >= came for went, came in zip(goes, arrivals, strict=True))
    # A float's rounding may put a request a hair before the end of the minute.
    most = max(sum(start <= at < start + 60 - 1e-6 for at in goes) for start in goes)
    assert most <= per_minute


def test_without_a_limit_nothing_waits() -> None:
    limits = Limits()
    assert [limits.reserve(5.0)[0] for _ in range(1000)] == [5.0] * 1000


def test_tokens_count_by_the_estimate_until_an_answer_tells() -> None:
    limits = Limits(tokens_per_minute=6000, expected_tokens=100)
    assert limits.reserve(0.0) == (0.0, 100)
    assert limits.reserve(0.0) == (1.0, 100)  # 100 of 6000 a minute take a second
    limits.settle(100, 600)
    assert limits.expected_tokens == 600
    assert limits.reserve(0.0) == (2.0 + 5.0, 600)  # the 500 beyond the estimate take five more
    limits.settle(600, 0)
    assert limits.expected_tokens == 300  # the mean of what answers told


def test_an_answer_that_tells_no_tokens_leaves_the_estimate() -> None:
    limits = Limits(tokens_per_minute=60, expected_tokens=1)
    limits.reserve(0.0)
    limits.settle(1, None)
    assert limits.reserve(0.0) == (1.0, 1)


def test_what_failed_gives_its_tokens_back() -> None:
    limits = Limits(tokens_per_minute=60, expected_tokens=10)
    _, counted = limits.reserve(0.0)
    limits.refund(counted)
    assert limits.reserve(0.0)[0] == 0.0


def test_the_stricter_limit_counts_and_a_pause_holds_all_back() -> None:
    limits = Limits(requests_per_minute=60, tokens_per_minute=60, expected_tokens=5)
    assert [limits.reserve(0.0)[0] for _ in range(3)] == [0.0, 5.0, 10.0]
    limits.pause(100.0)
    assert limits.reserve(0.0)[0] == 100.0


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "expected_tokens"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_is_above_zero(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{name: value})


def test_limits_are_shared_evenly_and_a_pickle_begins_anew() -> None:
    limits = Limits(requests_per_minute=120, tokens_per_minute=600, expected_tokens=10)
    half = pickle.loads(pickle.dumps(limits.shared(2)))
    assert [half.reserve(0.0) for _ in range(2)] == [(0.0, 10), (2.0, 10)]  # 10 of 300 a minute
    assert [Limits().shared(3).reserve(1.0)[0] for _ in range(2)] == [1.0, 1.0]
