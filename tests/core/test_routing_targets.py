"""Configs with several targets: what each of them needs, which Claudes may answer, and what keeps a call off a path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portkey_gateway import GatewayOptions
from portkey_gateway.routing import find_route, limit_targets
from tests.core.routes import ANTHROPIC, CLAUDE, HOOKS, hosted, own, targets


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


# --- configs that fall back on a Claude -------------------------------------------------------------------------------


def with_limit(target: dict[str, Any]) -> dict[str, Any]:
    return {**target, "override_params": {"max_tokens": 4096, **target["override_params"]}}


ON_CLAUDE = {"provider": "anthropic", "override_params": {"model": CLAUDE}}
FALLBACK = {"strategy": {"mode": "fallback"}, "targets": [{"provider": "openai"}, ON_CLAUDE]}


@pytest.mark.parametrize(
    ("config", "model", "expected"),
    [
        (FALLBACK, "gpt-5", True),
        ({"targets": [{"provider": "openai"}, {"targets": [ON_CLAUDE]}]}, "gpt-5", True),
        ({"targets": [{"provider": "openai"}]}, "gpt-5", False),
        (FALLBACK, CLAUDE, False),
        ("pc-main-1a2b", "gpt-5", False),
        (None, "gpt-5", False),
    ],
)
def test_a_route_tells_whether_a_config_falls_on_a_claude(config: Any, model: str, expected: bool) -> None:
    assert find_route(hosted(config=config), model).falls_on_claude is expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (own(provider="google"), [("google", "gpt-5")]),
        (own(), [(None, "gpt-5")]),
        (own(config=FALLBACK), [("openai", "gpt-5"), ("anthropic", CLAUDE)]),
        (own(config=targets(ON_CLAUDE, targets(ON_CLAUDE, {"provider": "cohere"}))),
         [("anthropic", CLAUDE), ("cohere", "gpt-5")]),
        (hosted(config="pc-main-1a2b"), [(None, "gpt-5")]),
        (hosted(config="pc-main-1a2b", config_targets=("openai", "google")),
         [("openai", "gpt-5"), ("google", "gpt-5")]),
    ],
)  # fmt: skip
def test_a_route_tells_everyone_who_may_answer(options: Any, expected: Any) -> None:
    assert find_route(options, "gpt-5").targets == tuple(expected)


@pytest.mark.parametrize(
    ("config", "limited"),
    [
        (
            FALLBACK,
            {**FALLBACK, "targets": [{"provider": "openai"}, with_limit(ON_CLAUDE)]},
        ),
        (
            {"targets": [{"targets": [ON_CLAUDE]}, "no target"]},
            {"targets": [{"targets": [with_limit(ON_CLAUDE)]}, "no target"]},
        ),
        (
            {"targets": [{**ON_CLAUDE, "override_params": {"model": CLAUDE, "max_tokens": 9}}]},
            {"targets": [{**ON_CLAUDE, "override_params": {"model": CLAUDE, "max_tokens": 9}}]},
        ),
        ({"provider": "openai"}, {"provider": "openai"}),
        (
            {"provider": "anthropic", "targets": [{"virtual_key": "openai-key"}, {}]},
            {
                "provider": "anthropic",
                "targets": [{"virtual_key": "openai-key"}, {"override_params": {"max_tokens": 4096}}],
            },
        ),
    ],
)
def test_each_claude_of_a_config_gets_a_limit_where_it_has_none(config: Any, limited: Any) -> None:
    assert json.loads(limit_targets(json.dumps(config), None, "gpt-5", None, 4096)) == limited


def test_cohere_gets_the_limit_of_the_request_and_nobody_else() -> None:
    config = {"targets": [{"provider": "cohere"}, ON_CLAUDE, {"provider": "openai"}]}
    [cohere, *others] = json.loads(limit_targets(json.dumps(config), None, "gpt-5", 9, 4096))["targets"]
    assert cohere == {"provider": "cohere", "override_params": {"max_tokens": 9}}
    assert others == config["targets"][1:]
    unlimited = limit_targets(json.dumps({"targets": [{"provider": "cohere"}]}), None, "command-a", None, 4096)
    assert json.loads(unlimited) == {"targets": [{"provider": "cohere"}]}


@pytest.mark.parametrize(("provider", "expected"), [(None, True), ("openai", True), ("cohere", False)])
def test_a_route_tells_whether_a_config_falls_on_cohere(provider: str | None, *, expected: bool) -> None:
    options = hosted(provider=provider, config={"targets": [{"provider": "openai"}, {"provider": "cohere"}]})
    assert find_route(options, "gpt-5").falls_on_cohere is expected


def test_a_config_by_its_id_stays_as_it_is() -> None:
    assert limit_targets("pc-main-1a2b", None, "gpt-5", None, 4096) == "pc-main-1a2b"


# --- what keeps a call off the path that passes everything on ---------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        own(provider="anthropic", config={"beforeRequestHooks": HOOKS}),
        own(config={"provider": "anthropic", "inputGuardrails": HOOKS}),
        own(config={"targets": [{"provider": "anthropic", "outputGuardrails": HOOKS}]}),
        own(provider="anthropic", gateway_headers={"default_input_guardrails": "[]"}),
    ],
)
def test_guardrails_count_however_they_are_asked_for(options: GatewayOptions) -> None:
    assert find_route(options, CLAUDE).is_guarded


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (own(provider="anthropic"), False),
        (own(provider="anthropic", provider_api_key="sk-ant"), False),
        (own(provider="anthropic", default_headers={"anthropic-beta": "files"}), False),
        (own(provider="anthropic", default_headers={"Cookie": "session=1"}), True),
        (own(provider="anthropic", default_headers={"authorization": "Bearer of-the-gateway"}), True),
    ],
)
def test_headers_meant_for_the_gateway_alone_are_private(options: GatewayOptions, *, expected: bool) -> None:
    assert find_route(options, CLAUDE).has_private_headers is expected


@pytest.mark.parametrize("key", ["override_params", "overrideParams"])
def test_a_limit_around_the_targets_holds_and_a_model_is_kept(key: str) -> None:
    around = {key: {"max_tokens": 100}, "targets": [ON_CLAUDE]}
    assert json.loads(limit_targets(json.dumps(around), None, "gpt-5", None, 4096)) == around
    target = {"provider": "anthropic", key: {"model": CLAUDE}}
    [limited] = json.loads(limit_targets(json.dumps({"targets": [target]}), None, "gpt-5", None, 4096))["targets"]
    assert limited == {"provider": "anthropic", key: {"max_tokens": 4096, "model": CLAUDE}}


# --- which Claudes may answer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "model", "claudes", "goes_to_claude"),
    [
        (None, CLAUDE, (CLAUDE,), True),
        ("pc-main-1a2b", CLAUDE, (CLAUDE,), True),
        (None, "gpt-5", (), False),
        (ON_CLAUDE, "claude-opus-4-7", (CLAUDE,), True),
        (ON_CLAUDE, "gpt-5", (CLAUDE,), True),
        (targets(ON_CLAUDE, ANTHROPIC), "claude-opus-4-7", (CLAUDE, "claude-opus-4-7"), True),
        (targets(ON_CLAUDE, targets(ON_CLAUDE)), "claude-opus-4-7", (CLAUDE,), True),
        (FALLBACK, "gpt-5", (CLAUDE,), False),
        (targets({"provider": "openai", "override_params": {"model": "gpt-5"}}, ON_CLAUDE), CLAUDE, (CLAUDE,), True),
        ({"provider": "openai", "override_params": {"model": "gpt-5"}}, CLAUDE, (), False),
    ],
)
def test_a_route_names_the_claudes_that_may_answer(
    config: Any, model: str, claudes: tuple[str, ...], *, goes_to_claude: bool
) -> None:
    route = find_route(own(config=config), model)
    assert route.claudes(model) == claudes
    assert route.is_claude is goes_to_claude


# --- configs by their id, whose targets are told ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "model", "expected"),
    [
        ((), CLAUDE, ("chat_completions", True, False, False)),
        (("anthropic",), CLAUDE, ("messages", True, False, False)),
        (("@anthropic-prod", "anthropic"), CLAUDE, ("messages", True, False, False)),
        (("anthropic", "openai"), CLAUDE, ("chat_completions", True, False, True)),
        (("openai", "anthropic"), "gpt-5", ("chat_completions", False, True, True)),
        (("openai", "google"), "gpt-5", ("chat_completions", False, False, False)),
    ],
)
def test_a_saved_config_goes_where_its_targets_are_told_to_be(
    told: tuple[str, ...], model: str, expected: tuple[str, bool, bool, bool]
) -> None:
    route = find_route(hosted(config="pc-main-1a2b", config_targets=told), model)
    assert (route.api_format, route.is_claude, route.falls_on_claude, route.is_mixed) == expected
    # What stands in it beside its targets nobody knows.
    assert route.is_guarded


def test_what_is_told_of_targets_reaches_no_header_and_no_config_that_is_known() -> None:
    options = hosted(config={"targets": [ANTHROPIC]}, config_targets=("openai",))
    assert find_route(options, CLAUDE) == find_route(hosted(config={"targets": [ANTHROPIC]}), CLAUDE)
    assert "openai" not in str(options.render_headers())
