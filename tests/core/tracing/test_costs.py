"""The running sum of what a trace costs."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from portkey_gateway import Answer, GatewayInfo, Usage
from portkey_gateway.tracing.costs import TraceCost, TraceCosts

USAGE = Usage(1000, 100)


def answer(trace_id: str | None, model: str = "claude-sonnet-4-5") -> Answer:
    return Answer(usage=USAGE, model=model, info=GatewayInfo(provider="anthropic", trace_id=trace_id))


def test_answers_of_a_trace_add_up() -> None:
    costs = TraceCosts()
    for trace_id, model in (("a", "claude-sonnet-4-5"), ("b", "claude-opus-5"), ("a", "claude-haiku-4-5"), ("a", "?")):
        costs.note(answer(trace_id, model))
    first, second = (answer("a", model).cost for model in ("claude-sonnet-4-5", "claude-haiku-4-5"))
    assert first is not None
    assert second is not None
    assert costs.get("a") == TraceCost(
        total=first["total"] + second["total"],
        input=first["input"] + second["input"],
        output=first["output"] + second["output"],
        answers=2,
        unpriced=1,
    )
    assert costs.get("b") is not None
    assert costs.get("c") is None


def test_nothing_is_kept_without_a_trace() -> None:
    costs = TraceCosts()
    costs.note(answer(None))
    assert not costs._sums


def test_only_the_traces_heard_of_last_are_remembered() -> None:
    costs = TraceCosts(max_traces=2)
    for trace_id in ("old", "kept", "old", "new"):
        costs.note(answer(trace_id))
    assert [trace_id for trace_id in ("old", "kept", "new") if costs.get(trace_id)] == ["old", "new"]


def test_no_answer_is_lost_between_threads() -> None:
    costs = TraceCosts()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(costs.note, [answer("a")] * 800))
    finally:
        sys.setswitchinterval(interval)
    sum_ = costs.get("a")
    cost = answer("a").cost
    assert sum_ is not None
    assert cost is not None
    assert sum_.answers == 800
    assert sum_.total == pytest.approx(800 * cost["total"])
