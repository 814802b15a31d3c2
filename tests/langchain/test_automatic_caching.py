"""``cache_control`` of a whole call: it arrives on the last block that can carry it, turn after turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRequest, ModelResponse, wrap_model_call
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, whole_or_streamed
from tests.langchain.media import MARK, PNG_URL
from tests.support.recording import RecordingServer

Received = Callable[[], dict[str, Any]]

LONG = "This sentence stands in front of every question of the day. " * 120
CALL = {"name": "look", "args": {}, "id": "call_1", "type": "tool_call"}


@any_call
def test_it_marks_the_question(model: ChatPortkey, received: Received, ask: Ask) -> None:
    ask(model, [SystemMessage("Be brief."), HumanMessage("Hi")], cache_control=MARK)
    body = received()
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": MARK}]}]
    assert "cache_control" not in body
    assert body["system"] == [{"type": "text", "text": "Be brief."}]


@pytest.mark.parametrize("how", ["bound", "a parameter of the model"])
def test_it_may_stand_on_every_call(model: ChatPortkey, received: Received, how: str) -> None:
    marked: Any = (
        model.bind(cache_control=MARK) if how == "bound" else model.with_options(model_kwargs={"cache_control": MARK})
    )
    marked.invoke([HumanMessage([{"type": "image_url", "image_url": {"url": PNG_URL}}])])
    [image] = received()["messages"][0]["content"]
    assert image["type"] == "image"
    assert image["cache_control"] == MARK


def test_it_marks_a_tool_result(model: ChatPortkey, received: Received, api_format: str) -> None:
    messages = [HumanMessage("Look."), AIMessage("", tool_calls=[CALL]), ToolMessage("blue", tool_call_id="call_1")]
    model.invoke(messages, cache_control=MARK)
    [result] = received()["messages"][-1]["content"]
    marked = result if api_format == "messages" else result["content"][0]
    assert marked["cache_control"] == MARK


def test_images_that_travel_as_links_bear_it_where_the_format_carries_it(
    model: ChatPortkey, received: Received, api_format: str
) -> None:
    link = {"type": "image_url", "image_url": {"url": "https://a.org/x.png"}}
    model.invoke([HumanMessage([{"type": "text", "text": "Hi"}, link])], cache_control=MARK)
    content = received()["messages"][0]["content"]
    assert [block["type"] for block in content if "cache_control" in block] == [
        "image" if api_format == "messages" else "text"
    ]
    if api_format == "messages":
        return
    with pytest.warns(PortkeyWarning, match="cache_control does not reach Claude"):
        model.invoke([HumanMessage([link])], cache_control=MARK)


@whole_or_streamed
def test_each_turn_reads_what_the_turn_before_wrote(model: ChatPortkey, ask: Ask) -> None:
    cached = model.bind(cache_control=MARK)
    messages: list[BaseMessage] = [SystemMessage(LONG), HumanMessage("Hi")]
    written = 0
    for turn in range(3):
        answer = ask(cached, messages)
        usage: Any = answer.usage_metadata
        details = usage["input_token_details"]
        assert details["cache_read"] == written
        assert details["cache_creation"] > (0 if turn else 1024)
        written += details["cache_creation"]
        messages += [answer, HumanMessage(f"And question number {turn}?")]


def test_more_than_four_breakpoints_are_refused(model: ChatPortkey) -> None:
    blocks: list[str | dict[Any, Any]] = [{"type": "text", "text": "Hi", "cache_control": MARK} for _ in range(4)]
    with pytest.raises(EncodingError, match="stands on 5 blocks"):
        model.invoke([HumanMessage(blocks), AIMessage("Hello."), HumanMessage("Hi")], cache_control=MARK)


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


@wrap_model_call
def _cached(
    request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
) -> ModelResponse[Any]:
    return handler(request.override(model_settings={**request.model_settings, "cache_control": MARK}))


def test_middleware_may_set_it_in_an_agent(model: ChatPortkey, sandbox: Sandbox, api_format: str) -> None:
    """LangChain's own middleware for Anthropic hands it over in the same way."""
    agent: Any = create_agent(model, [get_weather], system_prompt=LONG, middleware=[_cached])
    result = agent.invoke({"messages": [HumanMessage("What is the weather in Paris?")]})
    assert "sunny in Paris" in result["messages"][-1].text
    first, second = (request.body["messages"] for request in sandbox.claude.requests)
    assert first[-1]["content"][-1]["cache_control"] == MARK
    answered = second[-1]["content"][-1]
    assert (answered if api_format == "messages" else answered["content"][-1])["cache_control"] == MARK
    assert result["messages"][-1].usage_metadata["input_token_details"]["cache_read"] > 1024


def test_openai_which_refuses_it_gets_none(server: RecordingServer) -> None:
    model = ChatPortkey(model="gpt-5", provider="openai", provider_api_key="sk-x", base_url=server.base_url)
    with pytest.warns(PortkeyWarning, match="cache_control is left out: OpenAI takes no marks"):
        model.invoke("Hi", cache_control=MARK)
    sent = server.requests[-1].json
    assert "cache_control" not in sent
    assert sent["messages"] == [{"role": "user", "content": "Hi"}]
