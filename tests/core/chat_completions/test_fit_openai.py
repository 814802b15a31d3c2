"""What OpenAI's models refuse by their generation is left out, by its name and theirs."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.chat_completions.fit_openai import FITTED, fit_temperature, fit_to_openai
from tests.core.warned import warned

OF = "override_params of config: "
# GPT-5 always thinks, and takes its default temperature only; 5.2 thinks only if it is asked to.
THINKS, MAY_THINK, PLAIN, O_SERIES = "gpt-5", "gpt-5.2", "gpt-4o", "o3-mini"


def fit(told: dict[str, Any], *models: str, where: str = "", kept: frozenset[str] = frozenset()) -> Any:
    """What is left, and all that is warned of."""
    left = {**told}
    with warned() as texts:
        fit_to_openai(left, models, where, kept)
    return left, texts


def left_out(name: str, model: str) -> str:
    return f"{name} is left out: the call may go to {model}, which takes none"


@pytest.mark.parametrize(
    ("model", "effort", "is_taken"),
    [
        (THINKS, "minimal", True),
        (THINKS, "high", True),
        (THINKS, "none", False),
        (THINKS, "xhigh", False),
        (MAY_THINK, "none", True),
        (MAY_THINK, "xhigh", True),
        (MAY_THINK, "minimal", False),
        (O_SERIES, "low", True),
        (O_SERIES, "minimal", False),
        (PLAIN, "low", False),
        ("gpt-5.1-mini", "minimal", True),  # it thinks, and which levels it takes is not known
        ("gpt-5-chat-latest", "low", True),  # of which nothing is known
        ("gpt-oss-20b", "max", True),  # nobody's of OpenAI's own
        ("claude-sonnet-4-5", "max", True),
        ("a-model", "max", True),
    ],
)
def test_an_effort_that_a_model_does_not_know_is_left_out(model: str, effort: str, *, is_taken: bool) -> None:
    told = {"reasoning_effort": effort}
    assert fit(told, model) == ((told, []) if is_taken else ({}, [left_out(f"reasoning_effort {effort!r}", model)]))


@pytest.mark.parametrize(
    ("model", "verbosity", "is_taken"),
    [
        (THINKS, "low", True),
        (MAY_THINK, "high", True),
        (PLAIN, "low", False),
        (PLAIN, "medium", True),  # what is so by itself
        (O_SERIES, "high", False),
        (O_SERIES, "medium", True),
        ("o1-mini", "high", False),
        ("openai/o3", "low", False),
        ("gpt-5-chat-latest", "low", True),
    ],
)
def test_a_verbosity_is_taken_since_gpt_5(model: str, verbosity: str, *, is_taken: bool) -> None:
    told = {"verbosity": verbosity}
    assert fit(told, model) == ((told, []) if is_taken else ({}, [left_out(f"verbosity {verbosity!r}", model)]))


@pytest.mark.parametrize(
    ("model", "stop", "is_taken"),
    [(THINKS, ["a"], False), (MAY_THINK, ["a"], False), (O_SERIES, ["a"], False), (THINKS, [], True),
     (PLAIN, ["a"], True), ("o1-mini", ["a"], True)],
)  # fmt: skip
def test_whoever_thinks_takes_no_stop(model: str, stop: list[str], *, is_taken: bool) -> None:
    told = {"stop": stop}
    assert fit(told, model) == ((told, []) if is_taken else ({}, [left_out("stop", model)]))


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(
    ("model", "is_taken"), [(O_SERIES, False), ("o1", False), ("o4-mini", False), (THINKS, True), (PLAIN, True)]
)
def test_the_o_series_is_not_told_how_many_tools_to_call(model: str, *, value: bool, is_taken: bool) -> None:
    told = {"parallel_tool_calls": value}
    assert fit(told, model) == ((told, []) if is_taken else ({}, [left_out("parallel_tool_calls", model)]))


SAMPLED: Any = {"temperature": (0.5, 1), "presence_penalty": (0.1, 0), "frequency_penalty": (0.1, 0), "top_p": (0.5, 1),
                "logprobs": (True, False), "top_logprobs": (2, 0), "logit_bias": ({"1": 2}, {})}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize(
    ("model", "effort", "is_taken"),
    [
        (THINKS, None, False),
        (THINKS, "low", False),
        (O_SERIES, None, False),
        (MAY_THINK, None, True),
        (MAY_THINK, "none", True),
        (MAY_THINK, "low", False),
        (PLAIN, None, True),
        ("gpt-5-chat-latest", None, True),
    ],
)
def test_whoever_thinks_takes_the_default_of_sampling_only(
    name: str, model: str, effort: str | None, *, is_taken: bool
) -> None:
    other, default = SAMPLED[name]
    beside = {"reasoning_effort": effort} if effort else {}
    told = {**beside, name: other}
    assert fit(told, model) == ((told, []) if is_taken else (beside, [left_out(name, model)]))
    assert fit({**beside, name: default}, model) == ({**beside, name: default}, [])


def test_the_effort_is_looked_at_first_for_the_others_depend_on_it() -> None:
    told = {"temperature": 0.5, "reasoning_effort": "minimal"}
    assert fit(told, MAY_THINK) == ({"temperature": 0.5}, [left_out("reasoning_effort 'minimal'", MAY_THINK)])


def test_the_first_model_that_refuses_is_named_behind_where_it_is_said() -> None:
    told = {"temperature": 0.5, "stop": None, "seed": 7}
    expected = [OF + left_out("temperature", THINKS)]
    assert fit(told, "claude-sonnet-4-5", PLAIN, THINKS, O_SERIES, where=OF) == ({"stop": None, "seed": 7}, expected)


def test_what_a_condition_reads_is_not_left_out() -> None:
    told = {"temperature": 0.5, "top_p": 0.5}
    assert fit(told, THINKS, kept=frozenset({"temperature"})) == ({"temperature": 0.5}, [left_out("top_p", THINKS)])


def test_no_more_is_left_out() -> None:
    assert {*FITTED} == {"reasoning_effort", "verbosity", "stop", "parallel_tool_calls", *SAMPLED}
    told: dict[str, Any] = dict.fromkeys(("max_tokens", "seed", "n", "user", "tools"), 1)
    assert fit(told, THINKS, O_SERIES, PLAIN) == (told, [])


# --- the temperature, where one model alone answers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "models", "refusing"),
    [
        ({"temperature": 0.5}, (THINKS,), THINKS),
        ({"temperature": 0}, (PLAIN, O_SERIES), O_SERIES),
        ({"temperature": 0.5, "reasoning_effort": "low"}, (THINKS,), THINKS),
        ({"temperature": 0.5, "reasoning_effort": "none"}, (THINKS,), ""),
        ({"temperature": 1}, (THINKS,), ""),
        ({"temperature": None}, (THINKS,), ""),
        ({}, (THINKS,), ""),
        ({"temperature": 0.5}, (MAY_THINK, PLAIN, "gpt-5-chat-latest", "a-model"), ""),
        ({"temperature": 0.5}, (), ""),
    ],
)
def test_a_temperature_is_left_out_where_a_model_takes_none(
    told: dict[str, Any], models: tuple[str, ...], refusing: str
) -> None:
    left = {**told}
    with warned() as texts:
        fit_temperature(left, models, OF)
    if refusing:
        assert texts == [OF + left_out("temperature", refusing)]
        assert left == {name: value for name, value in told.items() if name != "temperature"}
    else:
        assert (left, texts) == (told, [])


def test_a_warning_begins_with_the_name_where_the_request_says_it() -> None:
    with warned() as texts:
        fit_temperature({"temperature": 0.5}, [THINKS])
    assert texts == [left_out("temperature", THINKS)]
