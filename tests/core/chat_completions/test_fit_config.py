"""What each target of a config is told of itself, and what is taken out of the request for its sake."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from portkey_gateway.chat_completions.fit_config import fit_config, word_for
from portkey_gateway.chat_completions.fit_parameters import carries
from portkey_gateway.routing import Route, find_route
from portkey_gateway.targets import ConfigTarget
from tests.core.encoded import HELLO
from tests.core.routes import CLAUDE, own, targets
from tests.core.warned import warned

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
GRAMMAR = {"type": "custom", "custom": {"name": "grammar"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
THINKING = {"type": "enabled", "budget_tokens": 24576}
MOST = 64_000
"""The most that Sonnet 4.5 gives."""
FIRST, LAST = "override_params of config.targets[0]: ", "override_params of config.targets[1]: "


def on(provider: str, model: str, **override: Any) -> dict[str, Any]:
    return {"provider": provider, "override_params": {"model": model, **override}}


ON_CLAUDE = on("anthropic", CLAUDE, max_tokens=500)


def fit(config: dict[str, Any], limit: int | None = None, route: Route | None = None, **asked: Any) -> Any:
    """What each target is told beside its model, what is left of the request, and all that is warned of."""
    body: dict[str, Any] = {"model": "gpt-5", "messages": [HELLO], **asked}
    before = copy.deepcopy(config)
    with warned() as texts:
        fitted = fit_config(config, body, limit, route or find_route(own(config=config), "gpt-5"))
    assert config == before
    told = [{**each["override_params"]} for each in fitted["targets"]]
    for each in told:
        del each["model"]
    return told, {name: value for name, value in body.items() if name not in {"model", "messages"}}, texts


# --- tools that only Claude has -------------------------------------------------------------------------------------


def test_tools_of_claude_s_own_are_told_to_claude_alone() -> None:
    config = targets(on("openai", "gpt-5"), ON_CLAUDE)
    told, left, texts = fit(config, tools=[LOOK, SEARCH, GRAMMAR], tool_choice="auto")
    assert told == [{}, {"tools": [LOOK, SEARCH, GRAMMAR], "max_completion_tokens": 500}]
    assert (left, texts) == ({"tools": [LOOK, GRAMMAR], "tool_choice": "auto"}, [])


def test_where_it_has_no_others_nothing_of_tools_is_said_to_the_rest() -> None:
    config = targets(on("openai", "gpt-5"), ON_CLAUDE)
    asked: dict[str, Any] = {"tools": [SEARCH], "tool_choice": "auto", "parallel_tool_calls": True}
    told, left, _ = fit(config, **asked)
    assert told == [{}, {**asked, "max_completion_tokens": 500}]
    assert left == {}


def test_a_target_s_own_tools_win() -> None:
    config = targets(on("openai", "gpt-5"), on("anthropic", CLAUDE, max_tokens=500, tools=[LOOK]))
    told, *_ = fit(config, tools=[SEARCH])
    assert told[1]["tools"] == [LOOK]


@pytest.mark.parametrize("asked", [{"tools": [LOOK, GRAMMAR]}, {"tool_choice": "auto"}, {"tools": []}])
def test_tools_that_all_have_stay_in_the_request(asked: dict[str, Any]) -> None:
    assert fit(targets(on("openai", "gpt-5"), ON_CLAUDE), **asked) == ([{}, {"max_completion_tokens": 500}], asked, [])


def test_they_stay_where_only_claudes_answer() -> None:
    config = targets(ON_CLAUDE, ON_CLAUDE)
    told, left, _ = fit(config, tools=[SEARCH])
    assert (told, left) == ([{"max_tokens": 500}, {"max_tokens": 500}], {"tools": [SEARCH]})


# --- limits ---------------------------------------------------------------------------------------------------------


def test_each_claude_gets_its_limit_and_the_others_none() -> None:
    config = targets(on("openai", "gpt-5"), on("anthropic", CLAUDE))
    assert fit(config, max_tokens=4096) == ([{}, {"max_completion_tokens": MOST}], {}, [])


def test_a_limit_that_is_asked_for_stays() -> None:
    config = targets(on("openai", "gpt-5"), on("anthropic", CLAUDE))
    assert fit(config, 50, max_tokens=50) == ([{}, {}], {"max_tokens": 50}, [])


@pytest.mark.parametrize("limit", [None, 50])
def test_who_is_told_max_tokens_only_gets_it_under_that_name(limit: int | None) -> None:
    config = targets(on("openai", "gpt-4o", max_completion_tokens=7), on("cohere", "command-a-03-2025"))
    told, *_ = fit(config, limit)
    assert told == [{"max_completion_tokens": 7}, {"max_tokens": 50} if limit else {}]
    config["targets"][1]["override_params"]["max_tokens"] = 9
    assert fit(config, limit)[0][1] == {"max_tokens": 9}


def test_a_name_that_tells_no_family_is_a_claude_s_where_that_is_told() -> None:
    config = targets(on("bedrock", "our-profile"), on("openai", "gpt-4o"))
    pairs = (("bedrock", "our-profile"), ("openai", "gpt-4o"))
    claude = Route(targets=pairs, claude_models=("our-profile",), is_mixed=True)
    told, *_ = fit(config, route=claude, temperature=0.5)
    assert [*told[0]] == ["max_completion_tokens"]
    assert fit(config, route=Route(targets=pairs), temperature=0.5)[0] == [{}, {}]


# --- what OpenAI's models refuse ------------------------------------------------------------------------------------


def test_what_one_target_refuses_is_taken_out_of_the_request() -> None:
    config = targets(on("openai", "gpt-4o"), on("openai", "o3-mini"))
    text = f"{LAST}stop is left out: the call may go to o3-mini, which takes none"
    assert fit(config, stop=["a"], seed=7) == ([{}, {}], {"seed": 7}, [text])


def test_what_it_is_told_itself_is_taken_out_there_and_then_what_the_request_says_too() -> None:
    config = targets(on("openai", "gpt-4o"), on("openai", "gpt-5", temperature=0.2))
    text = f"{LAST}temperature is left out: the call may go to gpt-5, which takes none"
    assert fit(config) == ([{}, {}], {}, [text])
    assert fit(config, temperature=0.3) == ([{}, {}], {}, [text, text])
    assert fit(config, temperature=1) == ([{}, {}], {"temperature": 1}, [text])


def test_a_value_that_is_none_takes_back_what_the_request_says() -> None:
    config = targets(on("openai", "gpt-4o"), on("openai", "gpt-5", temperature=None))
    assert fit(config, temperature=0.3) == ([{}, {"temperature": None}], {"temperature": 0.3}, [])


@pytest.mark.parametrize("its_own", [{}, {"temperature": 0.2}])
def test_what_a_condition_reads_stays_and_the_target_is_told_that_there_is_none(its_own: dict[str, Any]) -> None:
    conditions = [{"query": {"params.temperature": {"$gt": 0.5}}, "then": "a"}]
    config = {
        "strategy": {"mode": "conditional", "conditions": conditions, "default": "b"},
        "targets": [{**on("openai", "gpt-4o"), "name": "a"}, {**on("openai", "gpt-5", **its_own), "name": "b"}],
    }
    text = f"{LAST}temperature is left out: the call may go to gpt-5, which takes none"
    assert fit(config, temperature=0.3) == ([{}, {"temperature": None}], {"temperature": 0.3}, [text])


def test_where_one_alone_answers_only_the_temperature_is_left_out() -> None:
    config = targets(on("openai", "gpt-5", temperature=0.2, stop=["a"]))
    text = f"{FIRST}temperature is left out: the call may go to gpt-5, which takes none"
    assert fit(config) == ([{"stop": ["a"]}], {}, [text])


# --- how much a Gemini thinks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("its_own", "asked", "told"),
    [
        ({}, {}, {}),
        # The effort itself is taken back, which the gateway understands by "none".
        ({"reasoning_effort": "high"}, {}, {"thinking": THINKING, "reasoning_effort": "none"}),
        ({}, {"reasoning_effort": "high"}, {"thinking": THINKING, "reasoning_effort": "none"}),
        ({"thinking": THINKING}, {"reasoning_effort": "none"}, {"thinking": THINKING, "reasoning_effort": "none"}),
        ({"reasoning_effort": "high"}, {"reasoning_effort": "low"}, {"thinking": THINKING, "reasoning_effort": "none"}),
    ],
)
def test_a_gemini_is_told_a_budget_in_place_of_an_effort(
    its_own: dict[str, Any], asked: dict[str, Any], told: dict[str, Any]
) -> None:
    config = targets(on("openai", "gpt-5.2"), on("google", "gemini-2.5-flash", **its_own))
    assert fit(config, **asked) == ([{}, told], asked, [])


def test_an_effort_that_it_takes_is_not_said_twice() -> None:
    config = targets(on("openai", "gpt-5.2"), on("google", "gemini-3-pro-preview"))
    assert fit(config, reasoning_effort="high") == ([{}, {}], {"reasoning_effort": "high"}, [])
    assert fit(config, reasoning_effort="xhigh")[0] == [{}, {"reasoning_effort": "high"}]


def test_both_of_a_gemini_are_named_with_its_target() -> None:
    both = on("google", "gemini-2.5-flash", thinking=THINKING, reasoning_effort="high")
    text = f"{LAST}reasoning_effort is left out: gemini-2.5-flash takes a budget of thinking or an effort, not both"
    told = {"thinking": THINKING, "reasoning_effort": "none"}
    assert fit(targets(on("openai", "gpt-5.2"), both)) == ([{}, told], {}, [text])


def test_of_a_provider_that_is_not_known_nothing_is_changed() -> None:
    told = {"top_k": 3, "reasoning_effort": "max", "seed": 7}
    assert fit(targets(on("our-own", "a-model", **told))) == ([told], {}, [])


# --- efforts of Claudes ---------------------------------------------------------------------------------------------


LOST = (
    f"{FIRST}reasoning_effort does not reach Claude: api_format='messages' carries it; or use thinking where the model "
    "takes a budget"
)
AS_LOW = "reasoning_effort 'minimal' is sent as 'low': claude-opus-4-5 has low, medium, high"


@pytest.mark.parametrize(
    ("gateway", "effort", "told", "texts"),
    [
        ("hosted", "low", "low", []),
        ("oss-2", "low", "low", []),
        ("hosted", "minimal", "low", [AS_LOW]),
        ("oss-1", "low", "low", [LOST]),
    ],
)
def test_an_effort_of_a_claude_is_one_that_it_has_where_it_arrives(
    gateway: Any, effort: str, told: str, texts: list[str]
) -> None:
    model = "claude-opus-4-5"
    route = Route(gateway, is_claude=True, targets=(("anthropic", model),), claude_models=(model,))
    config = targets(on("anthropic", model, reasoning_effort=effort, max_tokens=500))
    assert fit(config, route=route) == ([{"max_completion_tokens": 500, "reasoning_effort": told}], {}, texts)


@pytest.mark.parametrize(
    ("provider", "model", "name", "word"),
    [
        ("openai", "gpt-5", "seed", "seed"),
        ("openai", "gpt-5", "top_k", None),
        ("cohere", "command-a-03-2025", "top_k", "k"),
        ("cohere", "command-a-03-2025", "n", None),
        ("google", "gemini-2.5-flash", "top_k", "top_k"),
        ("anthropic", CLAUDE, "seed", "seed"),  # of Claudes the losses tell
        ("our-own", "a-model", "seed", "seed"),
        (None, "gemini-2.5-flash", "n", None),
    ],
)
def test_the_word_for_a_parameter_is_the_provider_s(
    provider: str | None, model: str, name: str, word: str | None
) -> None:
    assert word_for(ConfigTarget("config", provider, model), name) == word


def test_what_one_of_several_drops_is_not_carried() -> None:
    route = Route(targets=(("openai", "gpt-5"), ("deepseek", "deepseek-chat"), ("anthropic", CLAUDE)))
    assert carries(route, "stop")
    assert not carries(route, "stop", "seed")
