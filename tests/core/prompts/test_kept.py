"""What is kept of the library."""

from __future__ import annotations

import copy
import pickle

import pytest

from portkey_gateway import APIConnectionError, NotFoundError, PortkeyWarning, ServerError
from portkey_gateway.prompts.kept import MAX_KEPT, KeptPrompts


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_an_answer_is_fresh_for_its_time() -> None:
    clock = Clock()
    kept = KeptPrompts(clock)
    kept.put(b"a", "answer")

    clock.now_s += 9.9
    assert kept.fresh(b"a", 10) == "answer"
    assert kept.fresh(b"b", 10) is None
    clock.now_s += 0.1
    assert kept.fresh(b"a", 10) is None
    assert kept.fresh(b"a", 0) is None


def test_an_answer_cannot_be_changed_from_outside() -> None:
    kept = KeptPrompts()
    given = {"messages": ["one"]}
    kept.put(b"a", given)

    given["messages"].append("two")
    kept.fresh(b"a", 10)["messages"].append("three")

    assert kept.fresh(b"a", 10) == {"messages": ["one"]}


def test_an_old_answer_stands_in_for_a_library_that_is_down() -> None:
    clock = Clock()
    kept = KeptPrompts(clock)
    kept.put(b"a", "answer")
    clock.now_s += 5000

    with pytest.warns(PortkeyWarning, match="as it was 5000 s ago is used: no route"):
        assert kept.stand_in(b"a", APIConnectionError("no route")) == "answer"
    with pytest.raises(NotFoundError):
        kept.stand_in(b"a", NotFoundError("gone"))
    with pytest.raises(ServerError):
        kept.stand_in(b"b", ServerError("down"))


def test_the_oldest_is_forgotten_first() -> None:
    kept = KeptPrompts()
    for number in range(MAX_KEPT):
        kept.put(str(number).encode(), number)
    assert kept.fresh(b"0", 10) == 0

    kept.put(b"one more", 1)

    assert kept.fresh(b"0", 10) == 0
    assert kept.fresh(b"1", 10) is None


def test_a_copy_shares_and_a_pickle_begins_anew() -> None:
    kept = KeptPrompts()
    kept.put(b"a", "answer")

    assert copy.deepcopy(kept) is kept
    assert pickle.loads(pickle.dumps(kept)).fresh(b"a", 10) is None
