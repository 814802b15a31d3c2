"""What a config's targets change of a request: under the names that are sent, and nothing that their Claude refuses."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from portkey_gateway.conversation.claude import DEFAULT_MAX_TOKENS
from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.routing import Route, WireFormat, find_route
from tests.core.encoded import HEADERS, body, encode
from tests.core.routes import CLAUDE, own

LIMIT = 64_000
"""The most that Sonnet 4.5 gives (langchain-anthropic's profile)."""
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}
BUDGET = {"type": "enabled", "budget_tokens": 2000}
both_formats = pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
quietly = pytest.mark.filterwarnings("error::portkey_gateway.PortkeyWarning")


def sent(config: Any, model: str = "gpt-5", api_format: WireFormat | None = None, **asked: Any) -> tuple[Any, Any]:
    """The config and the body that go out."""
    options = own(config=config)
    headers = {name: value for name, value in HEADERS.items() if name != "x-portkey-provider"}
    route = find_route(options, model)
    if api_format:
        route = dataclasses.replace(route, api_format=api_format)
    call = encode(
        route, headers | {"x-portkey-config": json.dumps(config)}, **{"model": model, "max_tokens": None, **asked}
    )
    return json.loads(call.headers["x-portkey-config"]), body(call)


def on(claude: str = CLAUDE, **override: Any) -> dict[str, Any]:
    """A target that is a Claude."""
    return {"provider": "anthropic", "override_params": {"model": claude, **override}}


def override_of(config: Any, **asked: Any) -> dict[str, Any]:
    """What the last target's ``override_params`` say beside its model."""
    fitted, _ = sent(config, **asked)
    target = fitted["targets"][-1] if "targets" in fitted else fitted
    return {name: value for name, value in target.get("override_params", {}).items() if name != "model"}


def behind_openai(*targets: Any, **around: Any) -> dict[str, Any]:
    return {"strategy": {"mode": "fallback"}, **around, "targets": [{"provider": "openai"}, *targets]}


# --- the limit that every Claude needs --------------------------------------------------------------------------------


@quietly
def test_each_claude_of_a_config_gets_a_limit_where_it_has_none() -> None:
    assert override_of(behind_openai(on())) == {"max_completion_tokens": LIMIT}
    assert override_of({"targets": [{"provider": "openai"}, {"targets": [on()]}]}) == {}
    nested, _ = sent({"targets": [{"provider": "openai"}, {"targets": [on()]}, "no target"]})
    assert nested["targets"][1]["targets"][0]["override_params"] == {"model": CLAUDE, "max_completion_tokens": LIMIT}
    assert nested["targets"][2] == "no target"
    assert override_of(behind_openai(on()), max_tokens=9) == {}
    assert override_of(behind_openai(on("prod-7", thinking=BUDGET))) == {
        "thinking": BUDGET,
        "max_completion_tokens": DEFAULT_MAX_TOKENS + BUDGET["budget_tokens"],  # type: ignore[operator]  # a number
    }


@quietly
@pytest.mark.parametrize("model", ["gpt-4o", CLAUDE])
def test_it_is_that_of_its_own_model_and_nobody_else_gets_one(model: str) -> None:
    openai = {"provider": "openai", "override_params": {"model": "gpt-4o"}}
    config = {"targets": [openai, on("claude-opus-5-5"), on("claude-opus-4-1"), on("claude-of-tomorrow")]}
    fitted, asked = sent(config, model)
    first, *claudes = fitted["targets"]
    assert first == openai
    limits = [claude["override_params"]["max_completion_tokens"] for claude in claudes]
    assert limits == [128_000, 32_000, DEFAULT_MAX_TOKENS]
    assert "max_completion_tokens" not in asked


@quietly
@both_formats
def test_claudes_alone_get_what_all_of_them_give_and_each_what_it_gives(api_format: WireFormat) -> None:
    config = {"targets": [on("claude-opus-5-5"), on("claude-opus-4-1")]}
    fitted, asked = sent(config, CLAUDE, api_format)
    assert asked["max_tokens"] == 32_000
    assert fitted["targets"][0]["override_params"]["max_tokens"] == 128_000
    assert "max_tokens" not in fitted["targets"][1]["override_params"]


@quietly
def test_a_target_that_has_a_key_of_its_own_is_nobody_s_claude() -> None:
    config = {"provider": "anthropic", "targets": [{"virtual_key": "openai-key"}, {}]}
    fitted, _ = sent(config)
    assert fitted["targets"] == [
        {"virtual_key": "openai-key"},
        {"override_params": {"max_completion_tokens": DEFAULT_MAX_TOKENS}},
    ]


@quietly
@pytest.mark.parametrize("key", ["override_params", "overrideParams"])
def test_a_limit_around_the_targets_holds_for_each(key: str) -> None:
    fitted, _ = sent({key: {"max_tokens": 100}, "targets": [{"provider": "openai"}, {"provider": "cohere"}, on()]})
    openai, cohere, claude = fitted["targets"]
    assert key not in fitted
    assert openai["override_params"] == {"max_completion_tokens": 100}
    assert cohere["override_params"] == {"max_tokens": 100}
    assert claude["override_params"] == {"model": CLAUDE, "max_completion_tokens": 100}


@quietly
@pytest.mark.parametrize("provider", ["302ai", "bytez", "cohere", "lepton", "zhipu"])
def test_who_knows_max_tokens_only_is_told_so(provider: str) -> None:
    config = behind_openai({"provider": provider})
    assert override_of(config, max_tokens=9) == {"max_tokens": 9}
    assert override_of(behind_openai({"provider": provider, "override_params": {"max_completion_tokens": 5}})) == {
        "max_tokens": 5
    }
    assert override_of(config) == {}
    assert body(encode(Route(provider=provider), max_tokens=9))["max_tokens"] == 9


@quietly
def test_a_config_that_needs_nothing_stays_as_it_is() -> None:
    for config in (behind_openai(), behind_openai({"provider": "openai", "overrideParams": {"model": "gpt-4o"}})):
        assert sent(config)[0] == config


@quietly
@both_formats
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_of_a_target_wins_over_the_one_of_the_request(name: str, api_format: WireFormat) -> None:
    """The gateway lays it over the request under the same name only."""
    override: dict[str, Any] = {name: 7}
    fitted, asked = sent({"targets": [on(**override)]}, CLAUDE, api_format, max_tokens=9)
    [limit] = {name for name in asked if name.endswith("tokens")}
    assert fitted["targets"][0]["override_params"] == {"model": CLAUDE, limit: 7}


# --- the same in other words ------------------------------------------------------------------------------------------


@quietly
@pytest.mark.parametrize(
    ("said", "chat", "anthropic"),
    [
        ({"stop": "END"}, {"stop": ["END"]}, {"stop_sequences": ["END"]}),
        ({"stop_sequences": ["END"]}, {"stop": ["END"]}, {"stop_sequences": ["END"]}),
        ({"tool_choice": "any"}, {"tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
        (
            {"tool_choice": {"type": "tool", "name": "t"}},
            {"tool_choice": {"type": "function", "function": {"name": "t"}}},
            {"tool_choice": {"type": "tool", "name": "t"}},
        ),
        ({"temperature": 0.2, "top_k": 4}, {"temperature": 0.2, "top_k": 4}, {"temperature": 0.2, "top_k": 4}),
        ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
    ],
)
def test_it_is_said_in_the_words_of_the_format(said: Any, chat: Any, anthropic: Any) -> None:
    config = {"targets": [on(**said)]}
    asked: dict[str, Any] = {"model": CLAUDE, "tools": [TOOL]}
    assert override_of(config, api_format="chat_completions", **asked) == chat
    assert override_of(config, api_format="messages", **asked) == anthropic
    other = {"provider": "openai", "override_params": said}
    assert override_of({"targets": [on(), other]}, **asked) == chat


@quietly
@both_formats
def test_what_is_said_of_tools_goes_along_with_tools_only(api_format: WireFormat) -> None:
    config = {"targets": [on(tool_choice="any", parallel_tool_calls=False)]}
    assert override_of(config, model=CLAUDE, api_format=api_format) == {}


def test_a_choice_that_is_none_is_an_error() -> None:
    with pytest.raises(EncodingError, match="tool_choice"):
        sent({"targets": [on(tool_choice={"type": "of_my_own"})]}, CLAUDE, tools=[TOOL])


# --- what a target's Claude refuses -----------------------------------------------------------------------------------


@both_formats
@pytest.mark.parametrize(
    ("target", "asked", "left", "told"),
    [
        (on("claude-opus-4-7", temperature=0.5), {}, {}, "temperature is left out: claude-opus-4-7 takes none"),
        (on("claude-opus-4-7", top_k=5), {}, {}, "top_k is left out"),
        (on(top_p=0.5), {"temperature": 0.5}, {}, "top_p is left out: claude-sonnet-4-5 takes temperature or top_p"),
        (on(temperature=0.5), {"thinking": BUDGET}, {}, "temperature is left out: Claude takes none while it thinks"),
        (on("claude-opus-4-7", thinking=BUDGET), {}, {"thinking": {"type": "adaptive"}}, "thinking is sent as"),
        (on(thinking={"type": "adaptive"}), {}, {}, "thinking is left out: claude-sonnet-4-5 does not"),
        (on("claude-opus-5-5", thinking={"type": "disabled"}), {}, {}, "thinking is left out: that of"),
    ],
)
def test_it_is_left_out_or_said_otherwise_by_name(
    target: Any, asked: Any, left: Any, told: str, api_format: WireFormat
) -> None:
    asked = {"model": target["override_params"]["model"], "max_tokens": 9000, **asked}
    with pytest.warns(PortkeyWarning, match=rf"override_params of config\.targets\[0\]: {told}"):
        assert override_of({"targets": [target]}, api_format=api_format, **asked) == left


@both_formats
def test_a_forced_tool_of_the_request_is_free_where_a_target_thinks(api_format: WireFormat) -> None:
    config = {"targets": [on(thinking=BUDGET)]}
    with pytest.warns(PortkeyWarning, match=r"targets\[0\]: tool_choice is sent as 'auto'"):
        fitted = override_of(
            config, model=CLAUDE, api_format=api_format, max_tokens=9000, tools=[TOOL], tool_choice="required"
        )
    auto = "auto" if api_format == "chat_completions" else {"type": "auto"}
    assert fitted == {"thinking": BUDGET, "tool_choice": auto}


@both_formats
def test_what_the_request_says_beside_it_is_left_out_for_all(api_format: WireFormat) -> None:
    config = {"targets": [on(thinking=BUDGET), on()]}
    with pytest.warns(PortkeyWarning, match=r"targets\[0\]: temperature is left out: Claude takes none while it th"):
        fitted, asked = sent(config, CLAUDE, api_format, max_tokens=9000, temperature=0.5)
    assert "temperature" not in asked
    assert fitted == config


@both_formats
@pytest.mark.parametrize(
    ("override", "asked"),
    [({"max_tokens": 500}, {"thinking": BUDGET, "max_tokens": 9000}), ({"thinking": BUDGET}, {"max_tokens": 500})],
)
def test_a_limit_that_cannot_hold_the_budget_switches_thinking_off(
    override: Any, asked: Any, api_format: WireFormat
) -> None:
    with pytest.warns(PortkeyWarning, match="thinking is switched off: max_tokens 500 cannot hold its budget_tokens"):
        fitted = override_of({"targets": [on(**override)]}, model=CLAUDE, api_format=api_format, **asked)
    assert fitted["thinking"] == {"type": "disabled"}


@both_formats
def test_a_stream_is_the_matter_of_each_call(api_format: WireFormat) -> None:
    with pytest.warns(PortkeyWarning, match=r"config\.targets\[0\]: stream is left out"):
        assert override_of({"targets": [on(stream=True)]}, model=CLAUDE, api_format=api_format) == {}


# --- what a gateway does not carry ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("seed", 7, "seed does not reach Claude: Claude has none"),
        ("response_format", {"type": "json_object"}, "response_format (of type .json_object. )?does not reach Claude"),
        ("temprature", 0.5, "temprature does not reach Claude: did you mean 'temperature'"),
        ("temperature", 1.5, "temperature 1.5 is sent to Claude as 1"),
    ],
)
@both_formats
def test_it_is_warned_of_as_in_a_request(name: str, value: Any, told: str, api_format: WireFormat) -> None:
    with pytest.warns(PortkeyWarning, match=told) as caught:
        sent({"targets": [on(**{name: value})]}, CLAUDE, api_format)
    assert all(str(each.message).startswith("override_params of config.targets[0]: ") for each in caught)


def test_effort_goes_out_where_it_is_carried() -> None:
    config = {"targets": [on("claude-opus-4-6", reasoning_effort="high")]}
    asked: dict[str, Any] = {"model": "claude-opus-4-6"}
    with pytest.warns(PortkeyWarning, match="does not reach Claude: give it to the model instead"):
        assert override_of(config, api_format="messages", **asked) == {}
    by_proxy = override_of(config, api_format="messages", **asked, reasoning_effort="low")
    assert by_proxy == {"output_config": {"effort": "high"}}
    with pytest.warns(PortkeyWarning, match="reasoning_effort does not reach Claude"):
        override_of(config, api_format="chat_completions", **asked)


# --- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "api_format"), [("gpt-5", "chat_completions"), (CLAUDE, "chat_completions"), (CLAUDE, "messages")]
)
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_condition_reads_the_limit_under_the_name_that_is_sent(name: str, model: str, api_format: WireFormat) -> None:
    query = {"$or": [{f"params.{name}": {"$gt": 100}}, {"metadata.plan": {"$eq": "paid"}}]}
    strategy = {"mode": "conditional", "conditions": [{"query": query, "then": "a"}], "default": "b"}
    first = {"name": "a", "provider": "anthropic"} if model == CLAUDE else {"name": "a", "provider": "openai"}
    inner = {"name": "b", "strategy": strategy, "targets": [first, {**first, "name": "b"}]}
    fitted, asked = sent({"strategy": {"mode": "single"}, "targets": [inner]}, model, api_format, max_tokens=500)
    [read, other] = fitted["targets"][0]["strategy"]["conditions"][0]["query"]["$or"]
    assert other == {"metadata.plan": {"$eq": "paid"}}
    [key] = read
    assert asked[key.removeprefix("params.")] == 500
