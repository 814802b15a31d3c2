"""Configs with several targets: what each of them needs, which Claudes may answer, and what keeps a call off a path."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway import GatewayOptions
from portkey_gateway.routing import find_route
from tests.core.routes import ANTHROPIC, CLAUDE, HOOKS, hosted, own, targets


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


# --- configs that fall back on a Claude -------------------------------------------------------------------------------


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
