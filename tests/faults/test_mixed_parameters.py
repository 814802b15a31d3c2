"""Parameters where several of OpenAI's models or a Claude may answer: none refuses one, what is lost is named once."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from portkey_gateway import PortkeyWarning
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.support.routed import routed

FRAMEWORKS: Final[dict[str, Callable[..., Any]]] = {
    "langchain": lambda options, asked: ChatPortkey(**options).invoke("Hello", **asked),
    "llamaindex": lambda options, asked: Portkey(**options).complete("Hello", **asked),
}
any_framework = pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=FRAMEWORKS)
LOST: Final[dict[str, Any]] = {
    "seed": 7, "n": 2, "reasoning_effort": "low", "verbosity": "low", "service_tier": "auto",
    "response_format": {"type": "json_object"}, "prediction": {"type": "content", "content": "Hello"},
}  # fmt: skip


def behind(sandbox: Sandbox, model: str, *targets: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a config whose first target is down."""
    first = sandbox.openai if targets[0]["provider"] == "openai" else sandbox.claude
    first.inject(Fault("status", status=503))
    config = {"strategy": {"mode": "fallback", "on_status_codes": [503]}, "targets": [*targets]}
    return routed(sandbox, config, model)


def warned(call: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PortkeyWarning)
        call()
    return [str(each.message) for each in caught if issubclass(each.category, PortkeyWarning)]


@any_framework
@pytest.mark.parametrize("model", ["gpt-5", "claude-sonnet-4-6"])
def test_what_claude_loses_is_named_once_whoever_is_named(both: Sandbox, framework: Any, model: str) -> None:
    options = behind(both, model, both.target("openai", model="gpt-5"), both.target("anthropic"))
    said = warned(lambda: framework(options, LOST))
    lost = Counter(each.split()[0] for each in said if "does not reach Claude" in each)
    assert lost == Counter(dict.fromkeys(LOST, 1))
    assert both.claude.requests[-1].status == 200


@any_framework
@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [
        ("gpt-4o", {"model": "gpt-5"}, {"stop": ["x"]}),
        ("gpt-4o", {"model": "gpt-5"}, {"logprobs": True, "top_logprobs": 2}),
        ("gpt-4o", {"model": "gpt-5"}, {"presence_penalty": 0.5, "frequency_penalty": 0.5, "logit_bias": {"5": 1}}),
        ("gpt-4o", {"model": "gpt-5"}, {"temperature": 0.2, "top_p": 0.5}),
        ("gpt-4o", {"model": "o3"}, {"stop": ["x"]}),
        ("gpt-5", {"model": "gpt-4o"}, {"reasoning_effort": "low", "verbosity": "low"}),
        ("gpt-5", {"model": "gpt-5.1"}, {"reasoning_effort": "minimal"}),
        ("gpt-5", {"model": "o3"}, {"verbosity": "low"}),
        ("claude-sonnet-4-6", {"model": "gpt-5"}, {"top_p": 0.5}),
        ("claude-sonnet-4-6", {"model": "gpt-5"}, {"stop": ["x"]}),
    ],
)
def test_what_another_model_of_openai_s_refuses_is_left_out(
    both: Sandbox, framework: Any, first: str, second: dict[str, Any], asked: dict[str, Any]
) -> None:
    provider: Any = "anthropic" if first.startswith("claude") else "openai"
    targets = [both.target(provider, model=first), {**both.target("openai"), "override_params": second}]
    said = warned(lambda: framework(behind(both, first, *targets), asked))
    assert Counter(each.split()[0] for each in said if "is left out: the call may go to" in each) == Counter(
        asked.keys()
    )
    assert both.openai.requests[-1].status == 200
    assert not asked.keys() & both.openai.requests[-1].body.keys()


@any_framework
@pytest.mark.parametrize(
    ("own", "asked", "lost"),
    [
        ({"model": "gpt-5", "temperature": 0.2, "stop": "x"}, {}, ["temperature", "stop"]),
        ({"model": "gpt-4o", "reasoning_effort": "low"}, {}, ["reasoning_effort"]),
        ({"model": "gpt-5.1", "reasoning_effort": "high"}, {"temperature": 0.2}, ["temperature"]),
    ],
)
def test_what_a_target_says_of_itself_is_left_out_too(
    both: Sandbox, framework: Any, own: dict[str, Any], asked: dict[str, Any], lost: list[str]
) -> None:
    second = {**both.target("openai"), "override_params": own}
    said = warned(lambda: framework(behind(both, "claude-sonnet-4-6", both.target("anthropic"), second), asked))
    told = [each.removeprefix("override_params of config.targets[1]: ") for each in said]
    assert Counter(each.split()[0] for each in told) == Counter(lost)
    assert both.openai.requests[-1].status == 200
    assert not set(lost) & both.openai.requests[-1].body.keys()


@any_framework
@pytest.mark.parametrize(
    ("asked", "query", "models"),
    [
        ({"reasoning_effort": "high"}, {"params.reasoning_effort": {"$eq": "high"}}, ("gpt-5", "gpt-4.1")),
        ({"verbosity": "low"}, {"params.verbosity": {"$eq": "low"}}, ("gpt-5", "gpt-4.1")),
        ({"temperature": 0.2}, {"$and": [{"params.temperature": {"$lt": 0.5}}]}, ("gpt-4.1", "gpt-5")),
    ],
)
@pytest.mark.parametrize("order", [1, -1], ids=["to the one that takes it", "to the other"])
def test_a_parameter_that_a_condition_reads_decides(
    both: Sandbox, framework: Any, asked: dict[str, Any], query: dict[str, Any], *, models: tuple[str, str], order: int
) -> None:
    met, other = models[::order]
    strategy = {"mode": "conditional", "conditions": [{"query": query, "then": "met"}], "default": "other"}
    named = {"met": met, "other": other}
    targets = [{**both.target("openai", model=model), "name": name} for name, model in named.items()]
    warned(lambda: framework(routed(both, {"strategy": strategy, "targets": targets}, models[0]), asked))
    request = both.openai.requests[-1]
    assert (request.status, request.body["model"]) == (200, met)


@any_framework
@pytest.mark.parametrize(
    ("takes", "refuses", "api_format"),
    [
        (("openai", "gpt-4.1"), ("anthropic", "claude-opus-4-7"), "chat_completions"),
        (("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-4-7"), "chat_completions"),
        (("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-4-7"), "messages"),
    ],
)
@pytest.mark.parametrize("order", [1, -1], ids=["to the one that takes it", "to the other"])
def test_so_does_one_that_a_claude_refuses(
    both: Sandbox, framework: Any, takes: Any, refuses: Any, api_format: str, *, order: int
) -> None:
    met, other = (takes, refuses)[::order]
    query = {"params.temperature": {"$lt": 0.5}}
    strategy = {"mode": "conditional", "conditions": [{"query": query, "then": "met"}], "default": "other"}
    named = {"met": met, "other": other}
    targets = [{**both.target(provider, model=model), "name": name} for name, (provider, model) in named.items()]
    options = {**routed(both, {"strategy": strategy, "targets": targets}, takes[1]), "api_format": api_format}
    warned(lambda: framework(options, {"temperature": 0.2}))
    request = (both.openai if met[0] == "openai" else both.claude).requests[-1]
    assert (request.status, request.body["model"]) == (200, met[1])
    assert request.body["temperature"] == (0.2 if met == takes else 1)


K: Any = {"top_k": 20}
P: Any = {"temperature": 0.9, "top_p": 0.5}
_FREE, _BY_ONE, _NOT = "claude-3-haiku-20240307", "claude-sonnet-4-5", "claude-opus-4-7"


@any_framework
@pytest.mark.parametrize(
    ("asked", "query", "takes", "refuses", "api_format"),
    [
        (K, {"params.top_k": {"$lt": 40}}, ("anthropic", _BY_ONE), ("anthropic", _NOT), "messages"),
        (K, {"params.top_k": {"$lt": 40}}, ("anthropic", _BY_ONE), ("anthropic", _NOT), "chat_completions"),
        (K, {"params.top_k": 20}, ("anthropic", _BY_ONE), ("openai", "gpt-4.1"), "chat_completions"),
        (P, {"params.top_p": {"$lt": 0.6}}, ("anthropic", _FREE), ("anthropic", _BY_ONE), "messages"),
        (P, {"params.top_p": {"$lt": 0.6}}, ("anthropic", _FREE), ("anthropic", _BY_ONE), "chat_completions"),
        (P, {"params.top_p": {"$lt": 0.6}}, ("openai", "gpt-4.1"), ("anthropic", _BY_ONE), "chat_completions"),
        (P, {"params.top_p": {"$lt": 0.6}}, ("openai", "gpt-4.1"), ("anthropic", _NOT), "chat_completions"),
        (P, {"params.top_p": {"$lt": 0.6}}, ("anthropic", _FREE), ("openai", "gpt-5"), "chat_completions"),
    ],
)
@pytest.mark.parametrize("order", [1, -1], ids=["to the one that takes it", "to the other"])
def test_so_does_one_for_which_a_claude_has_no_word(
    both: Sandbox, framework: Any, asked: Any, query: Any, *, takes: Any, refuses: Any, api_format: str, order: int
) -> None:
    met, other = (takes, refuses)[::order]
    strategy = {"mode": "conditional", "conditions": [{"query": query, "then": "met"}], "default": "other"}
    named = {"met": met, "other": other}
    targets = [{**both.target(provider, model=model), "name": name} for name, (provider, model) in named.items()]
    options = {**routed(both, {"strategy": strategy, "targets": targets}, takes[1]), "api_format": api_format}
    warned(lambda: framework(options, asked))
    request = (both.openai if met[0] == "openai" else both.claude).requests[-1]
    assert (request.status, request.body["model"]) == (200, met[1])
    [name] = asked.keys() - {"temperature"}
    assert request.body.get(name) == (asked[name] if met == takes else None)
    assert not [key for key in request.body if "condition" in key]


@any_framework
@pytest.mark.parametrize(("asked", "met"), [({"top_k": 5}, True), ({"top_k": 50}, False), ({}, False)])
def test_it_decides_within_nested_configs_and_by_two_conditions(
    both: Sandbox, framework: Any, asked: dict[str, Any], met: bool
) -> None:
    query = {"$and": [{"params.top_k": {"$lt": 40}}, {"params.model": {"$eq": _NOT}}]}
    strategy = {"mode": "conditional", "conditions": [{"query": query, "then": "met"}], "default": "other"}
    inner = [{**both.target("anthropic", model=name), "name": at} for name, at in ((_NOT, "met"), (_BY_ONE, "other"))]
    config = {"strategy": {"mode": "fallback"}, "targets": [{"strategy": strategy, "targets": inner}]}
    warned(lambda: framework(routed(both, config, _NOT), asked))
    request = both.claude.requests[-1]
    assert (request.status, request.body["model"]) == (200, _NOT if met else _BY_ONE)
    assert request.body.get("top_k") == (None if met else asked.get("top_k"))


@any_framework
def test_where_everything_goes_through_claude_is_not_told_it(both: Sandbox, framework: Any) -> None:
    """``/proxy/messages``, which an effort needs, passes on what conditions read: there it is left out, as ever."""
    query = {"params.top_k": {"$lt": 40}}
    strategy = {"mode": "conditional", "conditions": [{"query": query, "then": "met"}], "default": "met"}
    config = {"strategy": strategy, "targets": [{**both.target("anthropic", model=_NOT), "name": "met"}]}
    said = warned(lambda: framework(routed(both, config, _NOT), {"top_k": 5, "reasoning_effort": "low"}))
    assert [each for each in said if "top_k is left out" in each]
    request = both.claude.requests[-1]
    assert (request.status, request.body["output_config"]) == (200, {"effort": "low"})


SEARCH: Any = {"type": "web_search_20250305", "name": "web_search"}
PLAIN: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@any_framework
@pytest.mark.parametrize("tools", [[SEARCH], [PLAIN, SEARCH]], ids=["alone", "beside another"])
@pytest.mark.parametrize("down", ["nobody", "openai", "anthropic"])
@pytest.mark.parametrize("order", [("anthropic", "openai"), ("openai", "anthropic")], ids="-".join)
def test_tools_that_only_claude_has_are_claude_s_alone(
    both: Sandbox, framework: Any, tools: list[Any], down: str, order: Any
) -> None:
    for name, provider in (("openai", both.openai), ("anthropic", both.claude)):
        if name == down:
            provider.inject(Fault("status", status=503))
    model = {"anthropic": "claude-sonnet-4-6", "openai": "gpt-5"}[order[0]]
    warned(lambda: framework(routed(both, both.config(*order), model), {"tools": tools}))
    answering = next(name for name in order if name != down)
    request = (both.openai if answering == "openai" else both.claude).requests[-1]
    assert request.status == 200
    names = [tool.get("name") or tool["function"]["name"] for tool in request.body.get("tools") or ()]
    asked = [tool.get("name") or tool["function"]["name"] for tool in tools]
    assert names == [name for name in asked if answering == "anthropic" or name != "web_search"]
    other = (both.claude if answering == "openai" else both.openai).requests
    assert {each.status for each in other} <= {503}
