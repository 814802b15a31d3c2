"""OpenAI fails and Claude answers: one request fits both, with nothing set by the user but a config."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.langchain.ask import Ask, any_call
from tests.support.recording import RecordingServer, whole

REFUSED = whole({"error": {"message": "The server had an error", "type": "server_error"}}, status=500)


class Weather(BaseModel):
    """The weather of a city."""

    city: str


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


@pytest.fixture
def openai() -> Iterator[RecordingServer]:
    """A server in OpenAI's place that has an error for everybody."""
    with RecordingServer() as running:
        running.reply(REFUSED)
        yield running


@pytest.fixture
def options(sandbox: Sandbox, openai: RecordingServer) -> dict[str, Any]:
    """What a user says: a model of OpenAI's, and a config that falls back on a Claude."""
    given = {**sandbox.options()}
    claude = {
        "provider": given.pop("provider"),
        "api_key": given.pop("provider_api_key"),
        "custom_host": given.pop("custom_host"),
        "override_params": {"model": sandbox.model},
    }
    first = {"provider": "openai", "api_key": "sk-openai", "custom_host": openai.base_url}
    config = {"strategy": {"mode": "fallback"}, "targets": [first, claude]}
    return {**given, "model": "gpt-5", "config": config, "max_retries": 0}


@any_call
def test_claude_answers_a_langchain_model(options: dict[str, Any], sandbox: Sandbox, ask: Ask) -> None:
    answer = ask(ChatPortkey(**options), [HumanMessage("Say hello.")])
    assert answer.response_metadata["target_index"] == "config.targets[1]"
    assert answer.response_metadata["model_name"] == sandbox.model
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata
    assert sandbox.claude.requests[-1].body["max_tokens"] == 128_000


def test_openai_is_left_free(options: dict[str, Any], openai: RecordingServer) -> None:
    ChatPortkey(**options).invoke("Hi")
    list(ChatPortkey(**options).stream("Hi"))
    first, second = (request.json for request in openai.requests)
    assert not {"max_tokens", "max_completion_tokens"} & (first.keys() | second.keys())
    assert second["stream_options"] == {"include_usage": True}


def test_a_limit_of_the_user_s_holds_for_both(
    options: dict[str, Any], openai: RecordingServer, sandbox: Sandbox
) -> None:
    ChatPortkey(**options, max_tokens=50).invoke("Hi")
    assert openai.requests[-1].json["max_completion_tokens"] == 50
    assert sandbox.claude.requests[-1].body["max_tokens"] == 50


@any_call
def test_tools_are_called(options: dict[str, Any], ask: Ask) -> None:
    answer = ask(ChatPortkey(**options).bind_tools([get_weather]), "What is the weather in Paris?")
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("get_weather", {"city": "Paris"})]


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_structured_output_is_an_object(options: dict[str, Any], way: str) -> None:
    asked = ChatPortkey(**options).with_structured_output(Weather)
    told = asked.invoke("Weather. city: Paris.") if way == "invoke" else list(asked.stream("Weather. city: Paris."))[-1]
    assert told == Weather(city="Paris")


@pytest.mark.parametrize("way", ["chat", "achat", "stream_chat", "astream_chat"])
def test_claude_answers_a_llamaindex_model(options: dict[str, Any], sandbox: Sandbox, way: str) -> None:
    llm = Portkey(**options)
    messages = [ChatMessage("Say hello.")]

    async def last() -> Any:
        if way == "achat":
            return await llm.achat(messages)
        return [each async for each in await llm.astream_chat(messages)][-1]

    if way in {"achat", "astream_chat"}:
        response: Any = asyncio.run(last())
    else:
        response = llm.chat(messages) if way == "chat" else list(llm.stream_chat(messages))[-1]
    assert response.message.content
    assert response.raw["target_index"] == "config.targets[1]"
    assert response.raw["model"] == sandbox.model
