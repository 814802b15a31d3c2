"""Where a call goes: `messages` only where surely a Claude answers, and what a config may do to that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portkey_gateway import GatewayOptions
from portkey_gateway.options import HOSTED_BASE_URL
from portkey_gateway.routing import Route, choose_api_format, find_route, is_claude, read_gateway
from tests.core.routes import ANTHROPIC, BEDROCK, CLAUDE, HOOKS, hosted, own, targets


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("claude-sonnet-4-5", None, True),
        ("@anthropic-prod/Claude-Opus-4", None, True),
        ("us.anthropic.claude-3-5-v1:0", "bedrock", True),
        ("my-model", "anthropic", True),
        ("gpt-5", "openai", False),
        ("gpt-5", None, False),
        # What only speaks of a Claude is none.
        ("@claude-team/gpt-5", None, False),
        ("qwen3-14b-claude-4.5-opus-distill", "ollama", False),
        ("claudette-7b", None, False),
    ],
)
def test_is_claude(model: str, provider: str | None, expected: bool) -> None:
    assert is_claude(model, provider) is expected


@pytest.mark.parametrize(
    ("options", "gateway"),
    [
        (hosted(), "hosted"),
        (hosted(base_url=f"{HOSTED_BASE_URL}/"), "hosted"),
        (own(), "oss-1"),
        (own(gateway="oss-2"), "oss-2"),
        (own(gateway="hosted"), "hosted"),
        (hosted(gateway="oss-1"), "oss-1"),
    ],
)
def test_the_gateway_is_the_one_named_else_that_of_the_url(options: GatewayOptions, gateway: str) -> None:
    assert read_gateway(options) == gateway
    assert find_route(options, CLAUDE).gateway == gateway


# --- the format -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "model"),
    [
        pytest.param(own(provider="anthropic"), CLAUDE, id="Anthropic"),
        pytest.param(own(provider="anthropic"), "my-model", id="Anthropic, whatever the model's name"),
        pytest.param(own(gateway="oss-2", provider="anthropic"), CLAUDE, id="Anthropic through the branch 2.0.0"),
        pytest.param(own(provider="@team-a"), CLAUDE, id="a provider of the catalog"),
        pytest.param(own(), f"@team-a/{CLAUDE}", id="a model of the catalog"),
        pytest.param(hosted(), f"@team-a/{CLAUDE}", id="a model of the catalog, hosted"),
        pytest.param(hosted(virtual_key="vk-1"), CLAUDE, id="a virtual key"),
        pytest.param(hosted(provider="bedrock"), "us.anthropic.claude-3-5-v1:0", id="Bedrock, hosted"),
        pytest.param(hosted(provider="vertex-ai"), CLAUDE, id="Vertex, hosted"),
        pytest.param(hosted(provider="openrouter"), f"anthropic/{CLAUDE}", id="any provider, hosted"),
        pytest.param(own(provider="anthropic", config={"retry": {"attempts": 2}}), CLAUDE, id="a config of no target"),
        pytest.param(own(config=ANTHROPIC), CLAUDE, id="a config of Anthropic"),
        pytest.param(own(config=targets(ANTHROPIC, ANTHROPIC)), CLAUDE, id="Anthropic twice"),
        pytest.param(own(config=targets(targets(ANTHROPIC), ANTHROPIC)), CLAUDE, id="Anthropic, nested"),
        pytest.param(own(config=targets({}, **ANTHROPIC)), CLAUDE, id="a target that says nothing of its own"),
        pytest.param(
            own(config=targets({**ANTHROPIC, "override_params": {"model": "my-model"}})),
            CLAUDE,
            id="a model of its own",
        ),
        pytest.param(
            hosted(config=targets({"virtual_key": "vk-1", "override_params": {"model": CLAUDE}})),
            "gpt-5",
            id="a virtual key with a Claude for its model",
        ),
        pytest.param(own(config=json.dumps(targets(ANTHROPIC))), CLAUDE, id="a config as text"),
        pytest.param(own(gateway_headers={"provider": "anthropic"}), CLAUDE, id="a header of the gateway"),
        pytest.param(own(default_headers={"X-Portkey-Provider": "anthropic"}), "my-model", id="a header"),
        pytest.param(
            own(default_headers={"x-portkey-config": json.dumps(targets(ANTHROPIC))}), CLAUDE, id="a config as a header"
        ),
    ],
)
def test_messages_where_surely_a_claude_answers(options: GatewayOptions, model: str) -> None:
    assert find_route(options, model).api_format == "messages"


@pytest.mark.parametrize(
    ("options", "model"),
    [
        pytest.param(own(provider="openai"), "gpt-5", id="another model"),
        pytest.param(hosted(), "@team-a/gpt-5", id="another model of the catalog"),
        pytest.param(hosted(provider="openai"), "gpt-5", id="another model, hosted"),
        pytest.param(own(provider="bedrock"), "us.anthropic.claude-3-5-v1:0", id="Bedrock"),
        pytest.param(own(provider="vertex-ai"), CLAUDE, id="Vertex"),
        pytest.param(own(provider="azure-ai"), CLAUDE, id="Azure"),
        pytest.param(own(provider="openai"), CLAUDE, id="a Claude's name at OpenAI"),
        pytest.param(own(gateway="oss-2", provider="bedrock"), CLAUDE, id="Bedrock through the branch 2.0.0"),
        pytest.param(hosted(config="pc-main-1a2b"), CLAUDE, id="a config by its id"),
        pytest.param(hosted(provider="anthropic", config="pc-main-1a2b"), CLAUDE, id="a config by its id, provider"),
        pytest.param(own(default_headers={"x-portkey-config": "pc-main"}), CLAUDE, id="a config's id as a header"),
        pytest.param(own(gateway_headers={"config": "[1]"}), CLAUDE, id="a config that is none"),
        pytest.param(own(config=targets(ANTHROPIC, BEDROCK)), CLAUDE, id="mixed targets"),
        pytest.param(own(config=targets(ANTHROPIC, targets(BEDROCK))), CLAUDE, id="mixed targets, nested"),
        pytest.param(hosted(config=targets(ANTHROPIC, {"provider": "openai"})), "gpt-5", id="mixed targets, hosted"),
        pytest.param(
            hosted(config=targets(ANTHROPIC, {"provider": "openai", "override_params": {"model": "gpt-5"}})),
            CLAUDE,
            id="a target with another model",
        ),
        pytest.param(
            hosted(config=targets(ANTHROPIC, {"virtual_key": "vk-1", "override_params": {"model": "gpt-5"}})),
            CLAUDE,
            id="a virtual key with another model",
        ),
        pytest.param(
            own(config=targets({"virtualKey": "vk-1"}, **ANTHROPIC)),
            "my-model",
            id="a virtual key of nobody knows whom",
        ),
        pytest.param(own(config=BEDROCK, provider="anthropic"), CLAUDE, id="the config's provider counts"),
        pytest.param(own(provider="anthropic", strict_open_ai_compliance=True), CLAUDE, id="OpenAI's schema asked for"),
        pytest.param(own(gateway_headers={"provider": "openai"}, provider="anthropic"), "gpt-5", id="a header wins"),
        pytest.param(
            own(provider="anthropic", gateway_headers={"strict-open-ai-compliance": "true"}),
            CLAUDE,
            id="OpenAI's schema asked for in a header",
        ),
        pytest.param(
            hosted(provider="anthropic"), "@openai-prod/gpt-5", id="a name of the catalog brings its provider"
        ),
    ],
)
def test_chat_completions_wherever_else(options: GatewayOptions, model: str) -> None:
    assert find_route(options, model).api_format == "chat_completions"


@pytest.mark.parametrize("chosen", ["chat_completions", "messages"])
@pytest.mark.parametrize("provider", ["anthropic", "openai", "bedrock"])
def test_the_format_that_is_named_wins(chosen: Any, provider: str) -> None:
    assert find_route(own(provider=provider, api_format=chosen), CLAUDE).api_format == chosen
    assert find_route(own(provider=provider), CLAUDE, api_format=chosen).api_format == chosen


def test_the_format_of_a_call_wins_over_that_of_the_options() -> None:
    options = own(provider="anthropic", api_format="messages")
    assert find_route(options, CLAUDE, api_format="chat_completions").api_format == "chat_completions"


def test_headers_that_are_known_already_count() -> None:
    headers = {"x-portkey-provider": "openai"}
    assert find_route(own(provider="anthropic"), "gpt-5", headers) == Route(
        provider="openai", targets=(("openai", "gpt-5"),)
    )


# --- what a config may do ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (own(provider="anthropic"), True),
        (own(config=targets(ANTHROPIC, targets(ANTHROPIC))), True),
        (own(provider="anthropic", config={"retry": {"attempts": 2}}), True),
        (own(), False),
        (own(provider="@team-a"), False),
        (hosted(provider="anthropic", config="pc-main-1a2b"), False),
        (own(config=targets(ANTHROPIC, BEDROCK)), False),
        (own(config=targets({"virtual_key": "vk-1"}, **ANTHROPIC)), False),
    ],
)
def test_only_anthropic_answers_where_every_target_says_so(options: GatewayOptions, expected: bool) -> None:
    assert find_route(options, CLAUDE).only_anthropic is expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, False),
        (targets(ANTHROPIC), False),
        ("pc-main-1a2b", True),
        ({**ANTHROPIC, "before_request_hooks": HOOKS}, True),
        ({**ANTHROPIC, "after_request_hooks": HOOKS}, True),
        ({**ANTHROPIC, "input_guardrails": HOOKS}, True),
        ({**ANTHROPIC, "output_guardrails": HOOKS}, True),
        ({**ANTHROPIC, "output_mutators": HOOKS}, True),
        (targets(ANTHROPIC, {**ANTHROPIC, "input_mutators": HOOKS}), True),
        (targets(targets({**ANTHROPIC, "default_input_guardrails": HOOKS})), True),
        ({"targets": "none"}, False),
        ({"targets": [1]}, False),
    ],
)
def test_a_config_that_may_hold_guardrails_is_guarded(config: Any, expected: bool) -> None:
    assert find_route(own(config=config), CLAUDE).is_guarded is expected


def test_a_route_tells_its_claude_and_its_provider() -> None:
    assert find_route(own(provider="anthropic"), "my-model") == Route(
        gateway="oss-1", api_format="messages", is_claude=True, is_surely_claude=True, provider="anthropic",
        only_anthropic=True, targets=(("anthropic", "my-model"),)
    )  # fmt: skip
    assert find_route(hosted(provider="openai"), "gpt-5") == Route(
        gateway="hosted", provider="openai", targets=(("openai", "gpt-5"),)
    )


# --- the format of one call -------------------------------------------------------------------------------------------


def chosen(own_options: GatewayOptions, own_model: str, called: GatewayOptions | None, called_model: str) -> str:
    return choose_api_format(own_options, own_model, called or own_options, called_model)


def test_a_call_of_another_claude_keeps_the_format() -> None:
    assert chosen(own(provider="anthropic"), CLAUDE, None, "claude-haiku-4-5") == "messages"
    assert chosen(own(provider="bedrock"), CLAUDE, None, "claude-haiku-4-5") == "chat_completions"


@pytest.mark.parametrize(
    ("called", "model"),
    [
        (None, f"@team-a/{CLAUDE}"),
        (hosted(provider="anthropic"), CLAUDE),
        (hosted(), f"@team-a/{CLAUDE}"),
    ],
)
def test_a_conversation_in_chat_completions_stays_there(called: GatewayOptions | None, model: str) -> None:
    assert chosen(hosted(), "@team-b/gpt-5", called, model) == "chat_completions"


@pytest.mark.parametrize(
    ("called", "model"),
    [
        (None, "@team-a/gpt-5"),
        (hosted(provider="openai"), "gpt-5"),
        (hosted(config="pc-main-1a2b"), CLAUDE),
        (own(provider="bedrock"), CLAUDE),
    ],
)
def test_a_call_that_leaves_for_where_no_messages_are_served_leaves_them(
    called: GatewayOptions | None, model: str
) -> None:
    assert chosen(hosted(), f"@team-a/{CLAUDE}", called, model) == "chat_completions"


def test_a_call_that_names_its_format_gets_it() -> None:
    named = hosted(provider="openai", api_format="messages")
    assert chosen(hosted(), "@team-a/gpt-5", named, "gpt-5") == "messages"
