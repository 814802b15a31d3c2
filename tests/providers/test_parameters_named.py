"""Parameters that the gateway drops on the way to a provider: each is named, in both frameworks."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from portkey_gateway.errors import PortkeyWarning
from tests.providers.emulated import EmulatedProvider
from tests.providers.frameworks import Framework, Way, whole_or_streamed


@pytest.mark.parametrize(
    ("row", "given"),
    [
        ("google", {"frequency_penalty": 0.5}),
        ("mistral-ai", {"stop": ["a"]}),
        ("cohere", {"logprobs": True}),
        ("deepseek", {"seed": 7}),
        ("ollama", {"logprobs": True}),
        ("azure-openai", {"service_tier": "flex"}),
        ("groq", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("bedrock/anthropic", {"seed": 7}),
        ("vertex-ai/anthropic", {"seed": 7}),
    ],
    indirect=["row"],
)
@whole_or_streamed
def test_a_parameter_that_is_dropped_is_named(
    framework: Framework, provider: EmulatedProvider, way: Way, given: dict[str, Any]
) -> None:
    [name, *_] = given
    with pytest.warns(PortkeyWarning, match=f"{name} does not reach"):
        assert framework.ask(way, [framework.user("Hi")], **given).text == "Hello."
    assert not provider.refused


@pytest.mark.parametrize(
    ("row", "given", "arrived"),
    [
        ("google", {"stop": "a", "top_k": 3, "seed": 7}, '"stopSequences": ["a"]'),
        ("bedrock/anthropic", {"stop": "a", "top_k": 3}, '"stopSequences": ["a"]'),
        ("mistral-ai", {"seed": 7}, '"random_seed": 7'),
        ("cohere", {"top_k": 3, "stop": ["a"], "max_tokens": 9}, '"k": 3'),
        ("ollama", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, '"think": true'),
    ],
    indirect=["row"],
)
@whole_or_streamed
def test_a_parameter_arrives_under_the_providers_own_name(
    framework: Framework, provider: EmulatedProvider, way: Way, given: dict[str, Any], arrived: str
) -> None:
    assert framework.ask(way, [framework.user("Hi")], **given).text == "Hello."
    assert not provider.refused
    assert arrived in provider.requests[-1].body.decode().replace('":', '": ').replace('",', '", ')


@pytest.mark.parametrize("row", ["groq"], indirect=True)
@pytest.mark.parametrize(
    "given",
    [
        {"n": 2},
        {"logit_bias": {"50256": -100}},
        {"verbosity": "low"},
        {"modalities": ["text"]},
        {"prediction": {"type": "content", "content": "a"}},
        {"prompt_cache_key": "a"},
        {"safety_identifier": "a"},
    ],
)
@whole_or_streamed
def test_what_groq_refuses_is_left_out(
    framework: Framework, provider: EmulatedProvider, way: Way, given: dict[str, Any]
) -> None:
    [name] = given
    is_said = (name, way) != ("n", "stream")  # several answers are not streamed at all
    given = given if is_said else {"n": 1}
    left_out = pytest.warns(PortkeyWarning, match=f"{name} is left out: Groq refuses it")
    with left_out if is_said else nullcontext():
        assert framework.ask(way, [framework.user("Hi")], **given).text == "Hello."
    assert not provider.refused


def budget(tokens: int) -> dict[str, Any]:
    """A budget of thinking as the gateway says it."""
    return {"thinking_config": {"include_thoughts": tokens != 0, "thinking_budget": tokens}}


@pytest.mark.parametrize("row", ["google", "vertex-ai"], indirect=True)
@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("gemini-2.5-flash", ({"reasoning_effort": "low"}, budget(1024))),
        ("gemini-2.5-pro", ({"reasoning_effort": "xhigh"}, budget(24576))),
        ("gemini-2.5-flash", ({"reasoning_effort": "none"}, budget(0))),
        ("gemini-2.5-pro", ({"reasoning_effort": "none"}, budget(128))),
        ("gemini-2.5-flash", ({"reasoning_effort": "default"}, {})),
        ("gemini-3.5-flash", ({"reasoning_effort": "low"}, {"thinkingConfig": {"thinkingLevel": "low"}})),
        ("gemini-3.5-flash", ({"reasoning_effort": "max"}, {"thinkingConfig": {"thinkingLevel": "high"}})),
        ("gemini-2.5-flash", ({"thinking": {"type": "disabled"}}, budget(0))),
        ("gemini-2.5-flash", ({"thinking": {"type": "adaptive"}}, budget(-1))),
    ],
)
@whole_or_streamed
def test_how_much_a_gemini_thinks(
    framework: Framework, provider: EmulatedProvider, way: Way, model: str, asked: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    given, sent = asked
    framework.model = framework.model.with_options(model=model)
    assert framework.ask(way, [framework.user("Hi")], **given).text == "Hello."
    assert not provider.refused
    config = provider.received.get("generationConfig", {})
    assert {name: value for name, value in config.items() if name.startswith("thinking")} == sent


@pytest.mark.parametrize("row", ["google"], indirect=True)
@whole_or_streamed
def test_a_budget_and_an_effort_are_not_both_sent(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    given = {"thinking": {"type": "enabled", "budget_tokens": 2048}, "reasoning_effort": "low"}
    with pytest.warns(PortkeyWarning, match="reasoning_effort is left out: gemini-2.5-flash takes a budget"):
        assert framework.ask(way, [framework.user("Hi")], **given).text == "Hello."
    assert not provider.refused
