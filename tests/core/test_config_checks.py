"""Configs that are mappings: what no gateway takes is an error that names the field, before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from portkey_gateway import GatewayOptions
from portkey_langchain import ChatPortkey, PortkeyEmbeddings
from portkey_llamaindex import Portkey, PortkeyEmbedding

TARGET = {"provider": "anthropic", "api_key": "sk-secret-bbbb"}
LOCAL: Any = {"base_url": "http://127.0.0.1:1/v1"}
MAKERS: list[Callable[..., Any]] = [ChatPortkey, Portkey, PortkeyEmbeddings, PortkeyEmbedding]
WRONG: list[tuple[Any, str]] = [
    ({"strategy": {}, "targets": [TARGET]}, r"config\.strategy has no mode: say one of single, fallback"),
    ({"strategy": None, "targets": [TARGET]}, r"config\.strategy is a NoneType: give a mapping"),
    ({"strategy": "fallback", "targets": [TARGET]}, r"config\.strategy is a str: give a mapping, such as"),
    ({"strategy": {"mode": "fallbak"}, "targets": [TARGET]}, r"mode is 'fallbak': did you mean 'fallback'\?"),
    ({"strategy": {"mode": "random"}, "targets": [TARGET]}, r"mode is 'random': Known are single, fallback"),
    ({"strategy": {"mod": "fallback"}, "targets": [TARGET]}, r"config\.strategy has 'mod': did you mean 'mode'\?"),
    ({"stratgey": {"mode": "fallback"}, "targets": [TARGET]}, r"config has 'stratgey': did you mean 'strategy'\?"),
    ({"strategy": {"mode": "fallback"}, "target": [TARGET]}, r"config has 'target': did you mean 'targets'\?"),
    ({"strategy": {"mode": "fallback"}, "targets": []}, r"of mode 'fallback' needs targets: a list of at least one"),
    ({"strategy": {"mode": "loadbalance"}}, r"of mode 'loadbalance' needs targets"),
    ({"strategy": {"mode": "conditional"}, "targets": [TARGET]}, r"of mode 'conditional' needs conditions"),
    (
        {"strategy": {"mode": "fallback"}, "targets": [TARGET, {"strategy": {"mode": "balance"}, "targets": [TARGET]}]},
        r"config\.targets\[1\]\.strategy\.mode is 'balance': did you mean 'loadbalance'\?",
    ),
    (
        {"strategy": {"mode": "single"}, "targets": [{"provder": "anthropic", "api_key": "sk-secret-bbbb"}]},
        r"config\.targets\[0\] has 'provder': did you mean 'provider'\?",
    ),
]
RIGHT: list[Any] = [
    {"retry": {"attempts": 3}},
    {"strategy": {"mode": "fallback", "on_status_codes": [429]}, "targets": [TARGET]},
    {"strategy": {"mode": "loadbalance"}, "targets": [{**TARGET, "overrideParams": {"model": "m"}, "weight": 1}]},
    {"provider": "openai", "something_new": {"mode": "x"}, "input_guardrails": ["g"], "aws_region": "eu"},
    {"targets": [TARGET]},
    {},
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("config", "said"), WRONG)
def test_what_no_gateway_takes_is_refused_at_once(make: Callable[..., Any], config: Any, said: str) -> None:
    for given in (config, json.dumps(config)):
        with pytest.raises(ValidationError, match=said) as caught:
            make(model="m", config=given, **LOCAL)
        assert "sk-secret-bbbb" not in str(caught.value)


@pytest.mark.parametrize(("config", "said"), WRONG[:2])
def test_the_options_alone_and_copies_refuse_it_too(config: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        GatewayOptions(config=config, **LOCAL)
    with pytest.raises(ValidationError, match=said):
        ChatPortkey(model="m", **LOCAL).with_options(config=config)
    with pytest.raises(ValidationError, match=said):
        GatewayOptions(**LOCAL).merge(config=config)


@pytest.mark.parametrize("config", RIGHT)
def test_what_a_newer_gateway_may_know_is_left_to_it(config: Any) -> None:
    assert GatewayOptions(config=config, **LOCAL).config == config
