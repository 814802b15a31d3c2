"""Every way to route between OpenAI and Claude, through the real gateway, from both frameworks.

Whoever answers: texts, tools, images and objects, whole and streamed, and the answer says who it was.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from portkey_gateway import Cache, Condition, GatewayConfig, PortkeyWarning, Strategy, Target
from portkey_gateway.errors import OverloadedError, ServerError
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.langchain.ask import invoke, stream, total
from tests.langchain.media import PNG64
from tests.llamaindex.media import PNG
from tests.support.routed import routed

Facts = dict[str, Any]
LISBON = "Which city is in the text? name: Lisbon, population: 545000. Answer in JSON."
PARIS = "What is the weather in Paris?"
HELLO = "Say exactly: Hello there."


class City(BaseModel):
    """A city."""

    name: str
    population: int


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"{city}: sunny"


# --- the routes -------------------------------------------------------------------------------------------------------


def target(sandbox: Sandbox, provider: Any, **more: Any) -> Target:
    return Target.model_validate({**sandbox.target(provider), **more})


def down(sandbox: Sandbox, provider: str, status: int = 500) -> None:
    server = sandbox.openai if provider == "openai" else sandbox.claude
    server.inject(Fault("status", status=status, times=99))


def fallback(sandbox: Sandbox, first: str, second: str) -> tuple[GatewayConfig, str]:
    down(sandbox, first)
    targets = [target(sandbox, first), target(sandbox, second)]
    return GatewayConfig(strategy=Strategy(mode="fallback"), targets=targets), "config.targets[1]"


def fallback_at_once(sandbox: Sandbox) -> tuple[GatewayConfig, str]:
    down(sandbox, "openai", status=429)
    strategy = Strategy(mode="fallback", on_status_codes=[429])
    return GatewayConfig(strategy=strategy, targets=[target(sandbox, "openai"), target(sandbox, "anthropic")]), (
        "config.targets[1]"
    )


def balanced(sandbox: Sandbox, heavy: str) -> tuple[GatewayConfig, str]:
    providers = ("openai", "anthropic")
    targets = [target(sandbox, each, weight=float(each == heavy)) for each in providers]
    return GatewayConfig(strategy=Strategy(mode="loadbalance"), targets=targets), (
        f"config.targets[{providers.index(heavy)}]"
    )


def conditional(sandbox: Sandbox, query: dict[str, Any], then: str) -> tuple[GatewayConfig, str]:
    strategy = Strategy(mode="conditional", conditions=[Condition(query=query, then="met")], default="rest")
    rest = "openai" if then == "anthropic" else "anthropic"
    targets = [target(sandbox, rest, name="rest"), target(sandbox, then, name="met")]
    return GatewayConfig(strategy=strategy, targets=targets), "config.targets[1]"


def nested(sandbox: Sandbox) -> tuple[GatewayConfig, str]:
    """A balance within a fallback within a condition."""
    down(sandbox, "openai")
    balance = Target(strategy=Strategy(mode="loadbalance"), targets=[target(sandbox, "anthropic")])
    inner = Target(name="met", strategy=Strategy(mode="fallback"), targets=[target(sandbox, "openai"), balance])
    condition = Condition(query={"metadata.plan": {"$eq": "paid"}}, then="met")
    strategy = Strategy(mode="conditional", conditions=[condition], default="met")
    return GatewayConfig(strategy=strategy, targets=[inner]), "config.targets[0].targets[1].targets[0]"


NEWEST = "claude-opus-5-5"
METADATA = {"metadata.plan": {"$eq": "paid"}}
MODEL = {"params.model": {"$regex": "^gpt"}}
TOKENS = {"params.max_tokens": {"$gt": 100}}
ROUTES: dict[str, tuple[Callable[[Sandbox], tuple[GatewayConfig, str]], str]] = {
    "fallback on Claude": (partial(fallback, first="openai", second="anthropic"), "anthropic"),
    "fallback on OpenAI": (partial(fallback, first="anthropic", second="openai"), "openai"),
    "fallback at one status": (fallback_at_once, "anthropic"),
    "balance to OpenAI": (partial(balanced, heavy="openai"), "openai"),
    "balance to Claude": (partial(balanced, heavy="anthropic"), "anthropic"),
    "metadata to Claude": (partial(conditional, query=METADATA, then="anthropic"), "anthropic"),
    "metadata to OpenAI": (partial(conditional, query=METADATA, then="openai"), "openai"),
    "params.model": (partial(conditional, query=MODEL, then="anthropic"), "anthropic"),
    "params.max_tokens": (partial(conditional, query=TOKENS, then="anthropic"), "anthropic"),
    "nested": (nested, "anthropic"),
}


# --- what is asked ----------------------------------------------------------------------------------------------------


def langchain(options: Facts, asked: str, *, streamed: bool) -> Facts:
    """Ask ``ChatPortkey``; returns the facts of the answer."""
    model: Any = ChatPortkey(**options)
    labels: Any = {"config": {"metadata": {"plan": "paid"}}}
    ask = partial(stream if streamed else invoke, **labels)
    if asked == "text":
        answer = ask(model, HELLO)
        assert answer.text == "Hello there."
    elif asked == "tools":
        answer = ask(model.bind_tools([get_weather], tool_choice="any"), PARIS)
        assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("get_weather", {"city": "Paris"})]
    elif asked == "image":
        shown = {"type": "image", "base64": PNG64, "mime_type": "image/png"}
        answer = ask(model, [HumanMessage([{"type": "text", "text": "How large is it?"}, shown])])
        assert "pixel" in answer.text
    else:
        chain = model.with_structured_output(City, include_raw=True)
        told = list(chain.stream(LISBON, **labels)) if streamed else [chain.invoke(LISBON, **labels)]
        assert [each["parsed"] for each in told if "parsed" in each][-1] == City(name="Lisbon", population=545000)
        raws = [each["raw"] for each in told if "raw" in each]
        answer = total(raws) if streamed else raws[0]
    facts: Facts = answer.response_metadata
    return {"model": facts["model_name"], **facts}


def llamaindex(options: Facts, asked: str, *, streamed: bool) -> Facts:
    """Ask ``Portkey``; returns the facts of the answer, of an object those of the model that was called."""
    llm: Any = Portkey(**options, request_metadata={"plan": "paid"})

    def last(response: Any) -> Any:
        return list(response)[-1] if streamed else response

    if asked == "text":
        answer = last((llm.stream_complete if streamed else llm.complete)(HELLO))
        assert answer.text == "Hello there."
    elif asked == "tools":
        tool = FunctionTool.from_defaults(get_weather)
        way = llm.stream_chat_with_tools if streamed else llm.chat_with_tools
        answer = last(way([tool], PARIS, tool_required=True))
        [call] = llm.get_tool_calls_from_response(answer)
        assert (call.tool_name, call.tool_kwargs) == ("get_weather", {"city": "Paris"})
    elif asked == "image":
        message = ChatMessage(blocks=[TextBlock(text="How large is it?"), ImageBlock(image=PNG)])
        answer = last((llm.stream_chat if streamed else llm.chat)([message]))
        assert "pixel" in answer.message.content
    else:
        way = llm.stream_structured_predict if streamed else llm.structured_predict
        assert last(way(City, PromptTemplate(LISBON))) == City(name="Lisbon", population=545000)
        return {}
    facts: Facts = answer.raw
    return facts


any_framework = pytest.mark.parametrize("framework", [langchain, llamaindex])
anything = pytest.mark.parametrize("asked", ["text", "tools", "image", "object"])
whole_or_streamed = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


@whole_or_streamed
@anything
@any_framework
@pytest.mark.parametrize("route", ROUTES)
def test_whoever_answers_does_what_was_asked_and_says_who_it_was(
    both: Sandbox, route: str, framework: Any, asked: str, *, streamed: bool
) -> None:
    build, provider = ROUTES[route]
    config, path = build(both)
    options: Facts = routed(both, config)
    facts = framework({**options, "max_tokens": 2000}, asked, streamed=streamed)
    server = both.openai if provider == "openai" else both.claude
    assert server.requests[-1].status == 200
    if facts:
        assert (facts["provider"], facts["target_index"], facts["retry_count"]) == (provider, path, 0)
        assert facts["model"].startswith("gpt" if provider == "openai" else "claude")


@whole_or_streamed
@anything
@any_framework
@pytest.mark.parametrize(("first", "model"), [("openai", "gpt-5"), ("anthropic", "claude-sonnet-4-6")])
def test_a_saved_config_falls_back_once_its_targets_are_told(
    both: Sandbox, first: str, model: str, framework: Any, asked: str, *, streamed: bool
) -> None:
    second = "anthropic" if first == "openai" else "openai"
    saved, path = fallback(both, first, second)

    def look_up(request: httpx.Request) -> None:
        """What the hosted gateway does with the id of a config."""
        assert request.headers["x-portkey-config"] == "pc-main-1a2b"
        request.headers["x-portkey-config"] = json.dumps(saved.to_config())

    with httpx.Client(event_hooks={"request": [look_up]}) as client:
        options: Facts = {
            "model": model, "base_url": both.base_url, "config": "pc-main-1a2b", "config_targets": (first, second),
            "max_retries": 0, "http_client": client,
        }  # fmt: skip
        facts = framework(options, asked, streamed=streamed)
    if facts:
        assert (facts["provider"], facts["target_index"]) == (second, path)


# --- what a target says of itself -------------------------------------------------------------------------------------


@whole_or_streamed
@pytest.mark.parametrize("asked", ["tools", "object"])
@any_framework
@pytest.mark.parametrize(
    ("override", "told"),
    [
        ({"model": NEWEST, "temperature": 0.5, "top_k": 3}, "targets.1.: temperature is left out: claude-opus-5-5"),
        ({"model": NEWEST, "tool_choice": "any"}, "targets.1.: tool_choice is sent as 'auto'"),
        ({"model": "claude-sonnet-4-5", "thinking": {"type": "adaptive"}}, "targets.1.: thinking is left out"),
        ({"model": "claude-sonnet-4-5", "max_tokens": 300, "stop": "|"}, None),
        ({"model": "claude-sonnet-4-5", "stream": True}, "targets.1.: stream is left out"),
        ({"model": "claude-sonnet-4-5", "seed": 7}, "targets.1.: seed does not reach Claude"),
    ],
)
def test_what_a_target_says_of_itself_breaks_no_call(
    both: Sandbox, override: Facts, told: str | None, framework: Any, asked: str, *, streamed: bool
) -> None:
    down(both, "openai")
    claude = target(both, "anthropic", override_params=override)
    config = GatewayConfig(strategy=Strategy(mode="fallback"), targets=[target(both, "openai"), claude])
    options: Facts = routed(both, config)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PortkeyWarning)
        framework({**options, "max_tokens": 2000}, asked, streamed=streamed)
    said = [str(each.message) for each in caught if issubclass(each.category, PortkeyWarning)]
    sent = both.claude.requests[-1].body
    is_said = bool(told) and ("tool_choice" not in override or "tools" in sent)
    assert any(re.search(told or "", each) for each in said) is is_said
    assert sent["max_tokens"] == override.get("max_tokens", 2000)


# --- when the last one fails too --------------------------------------------------------------------------------------


@whole_or_streamed
@any_framework
def test_an_error_says_who_failed_before(both: Sandbox, framework: Any, *, streamed: bool) -> None:
    down(both, "openai")
    down(both, "anthropic", status=529)
    inner = Target(strategy=Strategy(mode="fallback"), targets=[target(both, "openai"), target(both, "anthropic")])
    config = GatewayConfig(strategy=Strategy(mode="fallback"), targets=[target(both, "openai"), inner])
    options: Facts = routed(both, config)
    with pytest.raises(OverloadedError) as raised:
        framework(options, "text", streamed=streamed)
    error = raised.value
    assert error.target_index == "config.targets[1].targets[1]"
    assert error.provider == "anthropic"
    failed = "before it config.targets[0] (openai), config.targets[1].targets[0] (openai) failed, for reasons that the"
    assert failed in str(error)
    assert "target config.targets[1].targets[1]" in str(error)


@any_framework
def test_an_error_of_the_only_target_speaks_of_no_other(both: Sandbox, framework: Any) -> None:
    down(both, "openai")
    targets = [target(both, "anthropic", weight=0), target(both, "openai", weight=1)]
    config = GatewayConfig(strategy=Strategy(mode="loadbalance"), targets=targets)
    with pytest.raises(ServerError) as raised:
        framework(routed(both, config), "text", streamed=False)
    assert "before it" not in str(raised.value)
    assert raised.value.target_index == "config.targets[1]"


# --- retries and the gateway's cache ----------------------------------------------------------------------------------


@whole_or_streamed
@anything
@any_framework
def test_the_gateway_tries_a_target_again_before_it_falls_back(
    both: Sandbox, framework: Any, asked: str, *, streamed: bool
) -> None:
    both.openai.inject(Fault("status", status=503, times=1))
    retried = target(both, "openai", retry={"attempts": 1})
    config = GatewayConfig(strategy=Strategy(mode="fallback"), targets=[retried, target(both, "anthropic")])
    options: Facts = routed(both, config)
    facts = framework(options, asked, streamed=streamed)
    assert not both.claude.requests
    if facts:
        assert (facts["provider"], facts["target_index"], facts["retry_count"]) == ("openai", "config.targets[0]", 1)


@whole_or_streamed
@any_framework
def test_this_gateway_has_no_cache_of_answers_and_says_so(both: Sandbox, framework: Any, *, streamed: bool) -> None:
    """The build of 1.15.2 on npm takes ``cache`` in a config and does nothing with it."""
    config = GatewayConfig.model_validate({**both.target("openai"), "cache": Cache(max_age=60).model_dump()})
    options: Facts = routed(both, config)
    facts = [framework(options, "text", streamed=streamed) for _ in range(2)]
    assert [each["cache_status"] for each in facts] == ["DISABLED", "DISABLED"]
    assert len(both.openai.requests) == 2
