"""The emulated OpenAI over real HTTP: who may ask, and how it answers, streams and refuses."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from portkey_gateway.sandbox.openai.app import MAX_BODY_BYTES
from portkey_gateway.sandbox.openai.server import OpenAIServer

KEY = "sk-proj-test"
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def http(server: OpenAIServer) -> Iterator[httpx.Client]:
    server.clear()
    with httpx.Client(base_url=f"{server.url}/v1", headers={"authorization": f"Bearer {KEY}"}) as client:
        yield client


@pytest.fixture
def sdk(server: OpenAIServer) -> Iterator[openai.OpenAI]:
    server.clear()
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def body(text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


def chunks(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    *events, end, rest = response.text.split("\n\n")
    assert (end, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def test_a_completion_has_openai_s_shape(http: httpx.Client) -> None:
    response = http.post("/chat/completions", json=body())
    assert response.status_code == 200
    assert response.headers["x-request-id"].startswith("req_")
    completion = response.json()
    ChatCompletion.model_validate(completion, strict=True)
    assert completion.pop("id").startswith("chatcmpl-")
    assert completion.pop("system_fingerprint").startswith("fp_")
    assert isinstance(completion.pop("created"), int)
    assert completion == {
        "object": "chat.completion",
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hello! How can I help you today?",
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 8,
            "completion_tokens": 8,
            "total_tokens": 16,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
    }


def test_a_stream_tells_the_same(http: httpx.Client) -> None:
    told = chunks(http.post("/chat/completions", json=body(stream=True)))
    for chunk in told:
        ChatCompletionChunk.model_validate(chunk, strict=True)
        assert "usage" not in chunk
    assert len({chunk["id"] for chunk in told}) == 1
    first, *middle, last = [chunk["choices"][0] for chunk in told]
    assert first["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert "".join(choice["delta"]["content"] for choice in middle) == "Hello! How can I help you today?"
    assert len(middle) == 8  # a chunk a token
    assert (last["delta"], last["finish_reason"]) == ({}, "stop")


def test_usage_comes_last_and_only_where_asked_for(http: httpx.Client) -> None:
    options = {"include_usage": True, "include_obfuscation": False}
    *told, last = chunks(http.post("/chat/completions", json=body(stream=True, stream_options=options)))
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in told)
    assert not any("obfuscation" in chunk for chunk in told)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 16
    without = chunks(http.post("/chat/completions", json=body(stream=True, stream_options={"include_usage": False})))
    assert all(chunk["obfuscation"] and "usage" not in chunk for chunk in without)


def test_streamed_tool_calls_come_in_pieces(http: httpx.Client) -> None:
    wanted = body("What is the weather in Paris and Tokyo?", tools=[TOOL], stream=True)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(http.post("/chat/completions", json=wanted))]
    assert deltas[0] == {"role": "assistant", "content": None, "refusal": None}
    pieces = [call for delta in deltas for call in delta.get("tool_calls", ())]
    begun = [call for call in pieces if "id" in call]
    assert [(call["index"], call["type"], call["function"]) for call in begun] == [
        (0, "function", {"name": "get_weather", "arguments": ""}),
        (1, "function", {"name": "get_weather", "arguments": ""}),
    ]
    assert len(pieces) > 6
    for index, city in enumerate(("Paris", "Tokyo")):
        told = "".join(call["function"]["arguments"] for call in pieces if call["index"] == index)
        assert json.loads(told) == {"city": city}


def test_a_lone_call_begins_in_the_first_chunk(http: httpx.Client) -> None:
    wanted = body("What is the weather in Paris?", tools=[TOOL], stream=True)
    first, *_, last = chunks(http.post("/chat/completions", json=wanted))
    assert first["choices"][0]["delta"]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": ""}
    assert last["choices"][0]["finish_reason"] == "tool_calls"


def test_the_sdk_puts_streams_together(sdk: openai.OpenAI) -> None:
    asked = "What is the weather in Paris and Tokyo?"
    with sdk.chat.completions.stream(**body(asked, tools=[TOOL])) as stream:
        message = stream.get_final_completion().choices[0].message
    whole = sdk.chat.completions.create(**body(asked, tools=[TOOL])).choices[0].message
    assert len(whole.tool_calls or ()) == 2
    calls: Any = zip(whole.tool_calls or (), message.tool_calls or (), strict=True)
    for told, streamed in calls:
        assert (told.id, told.function.name, told.function.arguments) == (
            streamed.id,
            streamed.function.name,
            streamed.function.arguments,
        )


def test_several_choices_alternate(http: httpx.Client) -> None:
    whole = http.post("/chat/completions", json=body("Say exactly: a b c d", n=3)).json()
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2]
    assert whole["usage"]["completion_tokens"] == 3 * 2
    told = chunks(http.post("/chat/completions", json=body("Say exactly: a b c d", n=2, stream=True)))
    assert [chunk["choices"][0]["index"] for chunk in told] == [0, 1] * 4


def test_log_probabilities(http: httpx.Client) -> None:
    wanted = body("Say exactly: good day é", logprobs=True, top_logprobs=2)
    [choice] = http.post("/chat/completions", json=wanted).json()["choices"]
    tokens = choice["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == "good day é"
    assert bytes(byte for token in tokens for byte in token["bytes"]).decode() == "good day é"
    for token in tokens:
        best, other = token["top_logprobs"]
        assert best["token"] == token["token"]
        assert 0 >= token["logprob"] == best["logprob"] > other["logprob"]
    told = chunks(http.post("/chat/completions", json={**wanted, "stream": True}))
    streamed = [token for chunk in told for token in (chunk["choices"][0]["logprobs"] or {"content": []})["content"]]
    assert streamed == tokens


def test_reasoning_and_the_tier_are_told(http: httpx.Client) -> None:
    answer = http.post("/chat/completions", json=body(model="gpt-5", service_tier="flex")).json()
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 64
    assert answer["usage"]["completion_tokens"] == 64 + 8
    assert answer["service_tier"] == "flex"
    assert answer["model"] == "gpt-5-2025-08-07"


def test_a_long_prompt_is_read_from_the_cache(http: httpx.Client) -> None:
    def cached(text: str, model: str = "gpt-4o") -> int:
        system = {"role": "system", "content": "word " * 2000}
        wanted = {"model": model, "messages": [system, {"role": "user", "content": text}]}
        details = http.post("/chat/completions", json=wanted).json()["usage"]["prompt_tokens_details"]
        return int(details["cached_tokens"])

    assert cached("one") == 0
    assert cached("two") == 2432  # 2503 tokens, in steps of 128
    assert cached("one", "gpt-4.1") == 0
    http.post("/chat/completions", json=body())
    assert http.post("/chat/completions", json=body()).json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_sound_is_spoken(http: httpx.Client) -> None:
    spoken = {
        "model": "gpt-4o-audio-preview",
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "pcm16"},
    }
    message = http.post("/chat/completions", json={**body("Say exactly: good day"), **spoken}).json()["choices"][0][
        "message"
    ]
    assert message["content"] is None
    assert message["audio"]["transcript"] == "good day"
    told = chunks(http.post("/chat/completions", json={**body("Say exactly: good day", stream=True), **spoken}))
    deltas = [chunk["choices"][0]["delta"].get("audio", {}) for chunk in told]
    assert "".join(delta.get("transcript", "") for delta in deltas) == "good day"
    assert "".join(delta.get("data", "") for delta in deltas) == message["audio"]["data"]
    assert deltas[-2]["expires_at"]


def test_legacy_functions_are_called(http: httpx.Client) -> None:
    wanted = body("What is the weather in Paris?", functions=[TOOL["function"]])
    [choice] = http.post("/chat/completions", json=wanted).json()["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    told = chunks(http.post("/chat/completions", json={**wanted, "stream": True}))
    pieces = [chunk["choices"][0]["delta"].get("function_call", {}) for chunk in told]
    assert "".join(piece.get("arguments", "") for piece in pieces) == '{"city": "Paris"}'


@pytest.mark.parametrize(
    ("headers", "code", "message"),
    [
        ({}, None, "You didn't provide an API key."),
        ({"authorization": "Basic abc"}, None, "You didn't provide an API key."),
        ({"x-api-key": "sk-test"}, None, "You didn't provide an API key."),
        ({"authorization": "Bearer wrong-key"}, "invalid_api_key", "Incorrect API key provided: wron***-key."),
    ],
)
def test_without_a_key_nothing_is_answered(
    server: OpenAIServer, headers: dict[str, str], code: str | None, message: str
) -> None:
    response = httpx.post(f"{server.url}/v1/chat/completions", headers=headers, json=body())
    error = response.json()["error"]
    assert response.status_code == 401
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", None, code)
    assert error["message"].startswith(message)


def test_a_refusal_has_openai_s_shape(http: httpx.Client) -> None:
    response = http.post("/chat/completions", json=body(temperature=3))
    assert response.status_code == 400
    assert response.headers["x-request-id"]
    assert response.json() == {
        "error": {
            "message": "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
            "type": "invalid_request_error",
            "param": "temperature",
            "code": "decimal_above_max_value",
        }
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/nowhere", 404, "Invalid URL (POST /v1/nowhere)"),
        ("GET", "/chat/completions", 405, "Not allowed to GET on /v1/chat/completions."),
        ("DELETE", "/models/gpt-4o", 405, "Not allowed to DELETE on /v1/models/gpt-4o."),
    ],
)
def test_other_ways_are_refused(http: httpx.Client, method: str, path: str, status: int, message: str) -> None:
    response = http.request(method, path)
    assert response.status_code == status
    assert response.json()["error"]["message"].startswith(message)


def test_what_is_no_json_is_refused(http: httpx.Client) -> None:
    response = http.post("/chat/completions", content=b"{")
    assert response.status_code == 400
    assert "We could not parse the JSON body" in response.json()["error"]["message"]


def test_what_is_too_large_is_refused(http: httpx.Client) -> None:
    response = http.post("/chat/completions", content=b" " * (MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert response.json()["error"]["message"].startswith("Maximum content size limit")


def test_models_are_listed(sdk: openai.OpenAI) -> None:
    names = {model.id for model in sdk.models.list()}
    assert {"gpt-4o", "gpt-5", "o3", "text-embedding-3-small"} <= names
    assert sdk.models.retrieve("gpt-4o").object == "model"
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.models.retrieve("gpt-9")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_requests_are_logged_without_their_key(server: OpenAIServer, http: httpx.Client) -> None:
    http.post("/chat/completions", json=body("remember me"))
    http.get("/models")
    chat, models = server.requests
    assert (chat.path, chat.status, chat.body["messages"][0]["content"]) == ("/v1/chat/completions", 200, "remember me")
    assert (chat.headers["authorization"], models.body) == ("sk-proj-…", None)
