"""The emulated OpenAI behind the real gateway: nothing is lost on the way, and Claude answers where OpenAI fails."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import openai
import pytest

from portkey_gateway.sandbox import Fault, Sandbox

Config = Mapping[str, Any]

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
FORM: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "weather",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
            "required": ["city", "degrees"],
            "additionalProperties": False,
        },
    },
}


def _forget(sandbox: Sandbox) -> None:
    """The sandbox is one for all tests, and some of them leave what they asked."""
    sandbox.claude.clear()
    sandbox.openai.clear()


@pytest.fixture
def client(both: Sandbox) -> Iterator[openai.OpenAI]:
    """OpenAI's own SDK, pointed at the gateway."""
    with openai.OpenAI(
        base_url=both.base_url,
        api_key=both.openai_api_key,
        max_retries=0,
        default_headers={"x-portkey-config": json.dumps(both.target("openai"))},
    ) as sdk:
        yield sdk


@pytest.fixture
def falling(both: Sandbox) -> Iterator[openai.OpenAI]:
    """The same, with a config that falls back from OpenAI on Claude."""
    with openai.OpenAI(
        base_url=both.base_url,
        api_key="unused",
        max_retries=0,
        default_headers={"x-portkey-config": json.dumps(both.config("openai", "anthropic"))},
    ) as sdk:
        yield sdk


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": text}], **more}


def test_a_whole_answer(both: Sandbox, client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(**asked("Say exactly: good day"))
    assert answer.choices[0].message.content == "good day"
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 2
    [seen] = both.openai.requests
    assert (seen.path, seen.body["model"], seen.headers["authorization"]) == (
        "/v1/chat/completions",
        both.openai_model,
        "sk-…",
    )
    assert both.claude.requests == []


def test_a_streamed_answer_with_its_usage(client: openai.OpenAI) -> None:
    options = {"include_usage": True}
    *told, last = client.chat.completions.create(**asked("Say exactly: good day", stream=True, stream_options=options))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in told) == "good day"
    assert told[-1].choices[0].finish_reason == "stop"
    assert last.choices == []
    assert last.usage.completion_tokens == 2


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_and_answered(client: openai.OpenAI, *, stream: bool) -> None:
    question = asked("What is the weather in Paris and Tokyo?", tools=[WEATHER])
    if stream:
        with client.chat.completions.stream(**question) as told:
            message = told.get_final_completion().choices[0].message.to_dict()
    else:
        message = client.chat.completions.create(**question).choices[0].message.to_dict()
    calls: Any = message["tool_calls"]
    assert [json.loads(call["function"]["arguments"])["city"] for call in calls] == ["Paris", "Tokyo"]
    made = [
        {key: call[key] for key in ("id", "type")}
        | {"function": {key: call["function"][key] for key in ("name", "arguments")}}
        for call in calls
    ]
    question["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": made},
        *({"role": "tool", "tool_call_id": call["id"], "content": f"sunny {call['id']}"} for call in made),
    ]
    last = client.chat.completions.create(**question).choices[0].message.content or ""
    assert all(f"sunny {call['id']}" in last for call in made)


def test_an_answer_bound_to_its_schema(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(**asked("It is 21 degrees in Paris", response_format=FORM))
    assert json.loads(answer.choices[0].message.content or "") == {"city": "Paris", "degrees": 21}


def test_vectors(both: Sandbox) -> None:
    response = httpx.post(
        f"{both.base_url}/embeddings",
        headers={
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": both.options("openai")["custom_host"],
            "authorization": f"Bearer {both.openai_api_key}",
        },
        json={"model": "text-embedding-3-small", "input": ["cats", "dogs"], "dimensions": 8},
    )
    assert response.status_code == 200, response.text
    assert [len(each["embedding"]) for each in response.json()["data"]] == [8, 8]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"max_tokens": 5}, "Use 'max_completion_tokens' instead."),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}]},
            "Unknown parameter: 'messages[0].content[0].cache_control'.",
        ),
    ],
)
def test_a_refusal_reaches_the_caller(client: openai.OpenAI, more: dict[str, Any], message: str) -> None:
    with pytest.raises(openai.BadRequestError, match="400") as caught:
        client.chat.completions.create(**{**asked("Hi"), **more})
    assert message in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_claude_answers_where_openai_fails(both: Sandbox, falling: openai.OpenAI, *, stream: bool) -> None:
    question = asked("Say exactly: good day", max_completion_tokens=100)
    both.openai.inject(Fault("status", status=500))
    if stream:
        told = list(falling.chat.completions.create(**question, stream=True))
        words = "".join(chunk.choices[0].delta.content or "" for chunk in told if chunk.choices)
    else:
        words = falling.chat.completions.create(**question).choices[0].message.content or ""
    assert words == "good day"
    assert [request.status for request in both.openai.requests] == [500]
    [request] = both.claude.requests
    assert (request.status, request.body["model"]) == (200, both.model)

    assert falling.chat.completions.create(**question).choices[0].message.content == "good day"
    assert [request.status for request in both.openai.requests] == [500, 200]
    assert len(both.claude.requests) == 1


def test_claude_calls_the_tool_where_openai_fails(both: Sandbox, falling: openai.OpenAI) -> None:
    both.openai.inject(Fault("status", status=500))
    loose = {**WEATHER, "function": {**WEATHER["function"], "strict": False}}
    question = asked("What is the weather in Paris?", tools=[loose], max_completion_tokens=100)
    calls: Any = falling.chat.completions.create(**question).choices[0].message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Paris"}]
    assert len(both.claude.requests) == 1
