"""Parameters that the gateway drops on the way to a provider: each is named, in both frameworks."""

from __future__ import annotations

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


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("row", ["deepseek"], indirect=True)
def test_one_answer_comes_where_a_stream_is_asked_for_on_our_own(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    with pytest.warns(PortkeyWarning, match="n is left out: DeepSeek gives one answer"):
        assert framework.ask(way, [framework.user("Hi")], n=2).text == "Hello."
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
