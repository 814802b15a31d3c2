"""How much a Gemini shall think, in the words of its generation."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.chat_completions.gemini_thinking import fit_thinking
from tests.core.warned import warned

FLASH, PRO, THREE, THREE_PRO = "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3-pro-preview"
BUDGET = {"type": "enabled", "budget_tokens": 2000}


def enabled(budget: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": budget}


def fit(model: str, *where: str, **asked: Any) -> tuple[dict[str, Any], list[str]]:
    """What is told, and all that is warned of."""
    told = {"temperature": 1, **asked}
    with warned() as texts:
        fit_thinking(told, model, *where)
    assert told.pop("temperature") == 1
    return told, texts


@pytest.mark.parametrize(
    ("effort", "budget"),
    [("minimal", 1024), ("low", 1024), ("medium", 8192), ("high", 24576), ("xhigh", 24576), ("max", 24576)],
)
@pytest.mark.parametrize("model", [FLASH, PRO, "gemini-2.0-flash", "gemini-1.5-pro", "@team/gemini-2.5-flash"])
def test_an_effort_is_a_budget_before_the_third_generation(model: str, effort: str, budget: int) -> None:
    assert fit(model, reasoning_effort=effort) == ({"thinking": enabled(budget)}, [])


def test_an_effort_that_nobody_knows_is_left_out_there() -> None:
    assert fit(FLASH, reasoning_effort="great") == ({}, [])


@pytest.mark.parametrize(
    ("effort", "sent"),
    [("minimal", "minimal"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("xhigh", "high"), ("max", "high"),
     ("great", "great")],
)  # fmt: skip
def test_an_effort_is_a_level_from_then_on_and_high_the_last(effort: str, sent: str) -> None:
    assert fit(THREE, reasoning_effort=effort) == ({"reasoning_effort": sent}, [])


# The Pros think at least 128 tokens.
@pytest.mark.parametrize(
    ("model", "least"),
    [(FLASH, 0), (THREE, 0), (PRO, 128), (THREE_PRO, 128), ("gemini-pro-latest", 128), ("@team/gemini-2.5-pro", 128)],
)
@pytest.mark.parametrize("asked", [{"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}])
def test_no_thinking_is_the_least_budget(model: str, least: int, asked: dict[str, Any]) -> None:
    assert fit(model, **asked) == ({"thinking": enabled(least)}, [])


@pytest.mark.parametrize("model", [FLASH, PRO, THREE])
@pytest.mark.parametrize(("thinking", "sent"), [({"type": "adaptive"}, enabled(-1)), (BUDGET, BUDGET)])
@pytest.mark.parametrize("effort", [{}, {"reasoning_effort": None}, {"reasoning_effort": "none"}])
def test_thinking_is_a_budget_and_one_that_is_adaptive_left_to_the_model(
    model: str, thinking: Any, sent: Any, effort: dict[str, Any]
) -> None:
    assert fit(model, thinking=thinking, **effort) == ({"thinking": sent}, [])


@pytest.mark.parametrize("where", [(), ("override_params of config: ",)])
@pytest.mark.parametrize("model", [FLASH, THREE])
def test_of_a_budget_and_an_effort_the_budget_is_told(model: str, where: tuple[str, ...]) -> None:
    text = f"{''.join(where)}reasoning_effort is left out: {model} takes a budget of thinking or an effort, not both"
    assert fit(model, *where, thinking=BUDGET, reasoning_effort="high") == ({"thinking": BUDGET}, [text])


@pytest.mark.parametrize("asked", [{}, {"thinking": None}, {"reasoning_effort": None}])
def test_what_is_not_asked_for_is_not_told(asked: dict[str, Any]) -> None:
    assert fit(FLASH, **asked) == (asked, [])
