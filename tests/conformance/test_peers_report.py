"""What is said of another integration's recorded tests on ours: what they asked, and how they ended."""

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.peers import results
from tests.conformance.peers.compare import GATEWAYS_BETA, compare, count_alike, differences
from tests.conformance.peers.expected import FLOOR, KNOWN_FAILURES, RECORDED_TESTS, judge
from tests.conformance.peers.report import render
from tests.conformance.peers.results import Asked, Result, Results


def result(*asked: Asked, passed: bool = True, warned: tuple[str, ...] = (), reason: str = "") -> Result:
    return {
        "passed": passed,
        "reason": reason,
        "line": "",
        "asked": [*asked],
        "recorded": len(asked),
        "warned": [*warned],
    }


def asked(body: dict[str, Any], *betas: str) -> Asked:
    return {"path": "/v1/messages", "betas": [*betas], "body": body}


# --- what was asked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ({"a": "x"}, {"a": [{"type": "text", "text": "x"}]}, []),
        ({"a": [{"type": "text", "text": "x"}]}, {"a": "x"}, []),
        ({"e": False, "c": {"type": "direct"}}, {"t": [], "n": None}, []),
        ({"t": 0}, {}, [".t added: 0"]),
        ({}, {"t": {"u": "é" * 100}}, ['.t lacking: {"u": "' + "é" * 83 + "..."]),
        ({"l": [1, 3]}, {"l": [1, 2, 3]}, [".l other length: 2, theirs 3", ".l[1] other value: 3, theirs 2"]),
    ],
)
def test_differences_are_named_by_their_place(ours: Any, theirs: Any, found: list[str]) -> None:
    assert [*differences(ours, theirs)] == found


def test_requests_are_compared_one_by_one_and_counted_by_kind() -> None:
    theirs: Results = {
        "same": result(asked({"max_tokens": 64000, "m": []})),
        "other": result(asked({"m": [{"k": 1}, {"k": 2}]}, "b"), asked({"m": []})),
        "fewer": result(asked({}), asked({})),
    }
    ours: Results = {
        "same": result(asked({"max_tokens": 64000, "stream": False}, GATEWAYS_BETA)),
        "other": result(asked({"m": [{}, {}]}), asked({"m": []}), asked({}), warned=("k is dropped",)),
        "fewer": result(asked({}), passed=False),
        "new": result(asked({})),
    }
    assert count_alike(ours, theirs) == 1
    text = compare(ours, theirs)
    head, counts, tests = (part.splitlines() for part in text.rstrip().split("\n\n"))
    assert "stream" in head[0]
    assert counts == [
        "   2 x .m[].k lacking",
        "   2 x not among theirs",
        "   1 x anthropic-beta lacking",
        "   1 x requests lacking",
    ]
    assert tests == [
        "passed same",
        "passed other",
        "  request 1: anthropic-beta lacking: b",
        "  request 1: .m[0].k lacking: 1",
        "  request 1: .m[1].k lacking: 2",
        "  request 3: not among theirs",
        "  warned: k is dropped",
        "FAILED fewer",
        "  requests lacking: 1 of 2",
        "passed new",
        "  request 1: not among theirs",
    ]
    assert "no differences" in compare({"same": theirs["same"]}, theirs)


# --- the floor and the known failures --------------------------------------------------------------------------------


def test_the_list_of_failures_is_held_against_what_happened() -> None:
    happened = {"good": result(), "bad": result(passed=False), "worse": result(passed=False), "well": result()}
    judged = judge("messages", happened, {"bad": "known", "well": "was known", "gone": "was known"})
    assert (judged.passed, judged.failed) == (2, ("bad", "worse"))
    assert (judged.unknown, judged.mended) == (("worse",), ("well", "gone"))


def test_too_few_is_not_enough_and_what_did_not_run_has_not_passed() -> None:
    enough = {str(number): result() for number in range(FLOOR)}
    assert judge("messages", enough).is_enough
    enough.popitem()
    assert not judge("messages", enough).is_enough
    assert not judge("anthropic", {}).is_enough
    assert judge("chat_completions", {}).is_enough


def test_the_floor_and_the_list_agree() -> None:
    assert len(KNOWN_FAILURES["messages"]) == RECORDED_TESTS - FLOOR
    assert not KNOWN_FAILURES["anthropic"]


def test_the_table_tells_figures_known_and_new_failures_and_what_is_mended() -> None:
    name, reason = next(iter(KNOWN_FAILURES["chat_completions"].items()))
    happened = {name: result(passed=False), "test_new": result(passed=False, reason="KeyError: 'x'")}
    control: Results = {"test_new": result()}
    judgements = [judge("anthropic", control), judge("chat_completions", happened)]
    table = render(judgements, {"anthropic": control, "chat_completions": happened})
    assert f"0 of {RECORDED_TESTS}" in table
    assert f"  failed  {name}: {reason}" in table
    assert "  FAILED  test_new, not among the known ones: KeyError: 'x'" in table
    assert table.count("MENDED") == len(KNOWN_FAILURES["chat_completions"]) - 1


def test_results_are_kept_between_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "BUILD", tmp_path / "build")
    assert results.load("messages") == {}
    kept: Results = {"test_one": result(asked({"n": 1}))}
    results.save("messages", kept)
    assert results.load("messages") == kept
