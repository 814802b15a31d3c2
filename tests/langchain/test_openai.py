"""ChatPortkey with OpenAI behind the real gateway: what it does there natively, and fallbacks between it and Claude."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from portkey_gateway import BadRequestError, PortkeyWarning
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.langchain.media import PNG64

LISBON: dict[str, Any] = {"name": "Lisbon", "population": 545000}
QUESTION = "Which city is in the text? name: Lisbon, population: 545000. Answer in JSON."
MARK = {"type": "ephemeral"}


class City(BaseModel):
    """A city."""

    name: str
    population: int


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"{city}: sunny"


@pytest.fixture
def both(portkey_sandbox_with_openai: Sandbox) -> Iterator[Sandbox]:
    """A sandbox with both providers, without what other tests asked, queued or broke."""
    sandbox = portkey_sandbox_with_openai
    for provider in (sandbox.claude, sandbox.openai):
        provider.clear()
    yield sandbox
    for provider in (sandbox.claude, sandbox.openai):
        provider.clear()


@pytest.fixture(params=["gpt-4o", "gpt-5"])
def openai(both: Sandbox, request: pytest.FixtureRequest) -> ChatPortkey:
    return ChatPortkey(model=request.param, max_retries=0, **both.options("openai"))


@any_call
def test_a_text_with_usage(openai: ChatPortkey, ask: Ask) -> None:
    answer = ask(openai, [SystemMessage("Be brief."), HumanMessage("Say exactly: Hello.")], max_tokens=500)
    assert answer.text == answer.content == "Hello."
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_tokens"] > 0
    assert answer.response_metadata["finish_reason"] == "stop"


def run(chain: Any, question: Any) -> Any:
    return chain.invoke(question)


def arun(chain: Any, question: Any) -> Any:
    return asyncio.run(chain.ainvoke(question))


def run_streamed(chain: Any, question: Any) -> Any:
    *_, last = chain.stream(question)
    return last


@pytest.mark.parametrize("ask", [run, arun, run_streamed])
@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_structured_output_in_the_provider_s_own_way(
    openai: ChatPortkey, both: Sandbox, ask: Any, method: Any, strict: bool | None
) -> None:
    assert ask(openai.with_structured_output(City, method=method, strict=strict), QUESTION) == City(**LISBON)
    body = both.openai.requests[-1].body
    assert ("tools" in body) is (method == "function_calling")
    assert ("response_format" in body) is (method != "function_calling")


@any_call
def test_a_tool_loop(openai: ChatPortkey, both: Sandbox, ask: Ask) -> None:
    with_tool = openai.bind_tools([get_weather], tool_choice="any", parallel_tool_calls=False)
    call = ask(with_tool, "What is the weather in Paris?")
    [called] = call.tool_calls
    assert (called["name"], called["args"]) == ("get_weather", {"city": "Paris"})
    result = ToolMessage(get_weather.invoke(called["args"]), tool_call_id=called["id"])
    answer = ask(openai.bind_tools([get_weather]), [HumanMessage("What is the weather in Paris?"), call, result])
    assert "sunny" in answer.text
    assert both.openai.requests[-2].body["parallel_tool_calls"] is False


@any_call
def test_an_image_with_its_detail(openai: ChatPortkey, both: Sandbox, ask: Ask) -> None:
    shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG64}", "detail": "low"}}
    assert ask(openai, [HumanMessage([{"type": "text", "text": "What is it?"}, shown])]).text
    assert both.openai.requests[-1].body["messages"][0]["content"][1] == shown


def test_what_only_openai_has_reaches_it(openai: ChatPortkey, both: Sandbox) -> None:
    asked: dict[str, Any] = {"seed": 7, "service_tier": "default", "store": False, "user": "ann", "n": 1}
    openai.invoke("Hi", stop=None, **asked)
    assert both.openai.requests[-1].body.items() >= asked.items()


@any_call
def test_how_likely_each_token_was_and_what_served(both: Sandbox, ask: Ask) -> None:
    model = ChatPortkey(model="gpt-4o", max_retries=0, **both.options("openai"))
    answer = ask(model, "Say exactly: Hello there.", logprobs=True, top_logprobs=1)
    tokens = answer.response_metadata["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == answer.text == "Hello there."
    assert answer.response_metadata["system_fingerprint"]
    assert answer.response_metadata["service_tier"] == "default"


def test_openai_s_own_word_for_a_mistake_is_told(both: Sandbox) -> None:
    model = ChatPortkey(model="gpt-5", temperature=0.5, max_retries=0, **both.options("openai"))
    with pytest.raises(BadRequestError, match="temperature"):
        model.invoke("Hi")


# --- fallbacks --------------------------------------------------------------------------------------------------------


def falling_back(both: Sandbox, first: Any, second: Any, **more: Any) -> ChatPortkey:
    provider = both.openai if first == "openai" else both.claude
    provider.inject(Fault("status", status=500, times=9))
    name = "gpt-5" if first == "openai" else both.model
    return ChatPortkey(model=name, base_url=both.base_url, config=both.config(first, second), max_retries=0, **more)


ways = pytest.mark.parametrize(("first", "second"), [("openai", "anthropic"), ("anthropic", "openai")])


@any_call
@ways
def test_the_other_answers_in_the_same_conversation(both: Sandbox, ask: Ask, first: str, second: str) -> None:
    model = falling_back(both, first, second)
    call = {"name": "get_weather", "args": {"city": "Paris"}, "id": "call_1", "type": "tool_call"}
    marked: list[Any] = [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    image = {"type": "image", "base64": PNG64, "mime_type": "image/png"}
    history = [
        SystemMessage(marked),
        HumanMessage([{"type": "text", "text": "What is the weather in Paris?"}, image]),
        AIMessage("I look.", tool_calls=[call]),
        ToolMessage("Paris: sunny", tool_call_id="call_1"),
    ]
    with pytest.warns(PortkeyWarning, match="cache_control is left out"):
        answer = ask(model.bind_tools([get_weather]), history, max_tokens=300)
    assert answer.text
    assert answer.response_metadata["target_index"] == "config.targets[1]"


@pytest.mark.parametrize("ask", [run, arun, run_streamed])
@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
@ways
def test_the_other_gives_the_object(both: Sandbox, ask: Any, method: Any, first: str, second: str) -> None:
    model = falling_back(both, first, second)
    assert ask(model.with_structured_output(City, method=method), QUESTION) == City(**LISBON)
