"""How long a call may still take, by a clock that the test turns."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from portkey_gateway.http import patience as patiences
from portkey_gateway.http.patience import Deadline, Patience


class Clock:
    """Stands still until it is turned."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patiences, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


@pytest.mark.parametrize(("total_s", "at"), [(None, math.inf), (5, 1005.0), (0, 1000.0), (0.5, 1000.5)])
@pytest.mark.usefixtures("clock")
def test_a_deadline_counts_from_now(total_s: float | None, at: float) -> None:
    deadline = Deadline(total_s)
    assert (deadline.at, deadline.total_s) == (at, total_s)


@pytest.mark.parametrize(
    ("silence_s", "total_s", "shorter_s"),
    [(3, None, 3), (3, 5, 3), (5, 3, 3), (None, 3, 3), (None, None, math.inf), (3, 0, 0), (3, 0.5, 0.5)],
)
@pytest.mark.usefixtures("clock")
def test_the_shorter_bound_holds(silence_s: float | None, total_s: float | None, shorter_s: float) -> None:
    patience = Patience(silence_s, Deadline(total_s))
    assert patience == shorter_s
    assert patience.silence_s == (silence_s or math.inf)
    assert patience.left_s() == (None if shorter_s == math.inf else shorter_s)
    assert patience.is_over is (total_s == 0)


def test_every_byte_has_the_time_of_its_own_as_long_as_the_call_has_some(clock: Clock) -> None:
    patience = Patience(3, Deadline(5))
    assert patience.left_s() == 3
    clock.now += 1
    assert patience.left_s() == 3
    clock.now += 2
    assert patience.left_s() == 2
    assert float(patience) == 3  # as it began
    clock.now += 1.5
    assert (patience.left_s(), patience.is_over) == (0.5, False)
    clock.now += 0.5
    assert (patience.left_s(), patience.is_over) == (0, True)
    clock.now += 1
    assert (patience.left_s(), patience.is_over) == (-1, True)


def test_a_patience_that_begins_late_is_never_below_nothing(clock: Clock) -> None:
    deadline = Deadline(5)
    clock.now += 7
    assert float(Patience(3, deadline)) == 0
    assert Patience(3, deadline).is_over


def test_whoever_hurries_waits_no_longer_whatever_comes(clock: Clock) -> None:
    endless, hurried, bound = Patience(None, Deadline(None)), Patience(60, Deadline(90)), Patience(60, Deadline(1))
    for patience in (endless, hurried, bound):
        patience.hurry(2)
    assert [each.left_s() for each in (endless, hurried, bound)] == [2, 2, 1]
    clock.now += 1
    hurried.hurry(2)
    assert [each.left_s() for each in (endless, hurried)] == [1, 1]
    clock.now += 1
    assert endless.is_over
    assert hurried.is_over
