"""The emulated Claude over real HTTP: who may ask, and how it answers and refuses."""

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest

from portkey_gateway.sandbox.claude.app import MAX_BODY_BYTES
from portkey_gateway.sandbox.claude.server import ClaudeServer

KEY = "sk-ant-test"
HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
MODEL = "claude-sonnet-4-6"


@pytest.fixture(scope="module")
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as running:
        yield running


@pytest.fixture
def http(server: ClaudeServer) -> Iterator[httpx.Client]:
    server.clear()
    with httpx.Client(base_url=server.url, headers=HEADERS) as client:
        yield client


@pytest.fixture
def sdk(server: ClaudeServer) -> Iterator[anthropic.Anthropic]:
    server.clear()
    with anthropic.Anthropic(base_url=server.url, api_key=KEY, max_retries=0) as client:
        yield client


def body(text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 1000, "messages": [{"role": "user", "content": text}], **more}


def test_a_message_is_answered_in_anthropics_shape(http: httpx.Client) -> None:
    response = http.post("/v1/messages", json=body())
    message = response.json()
    assert response.status_code == 200
    assert response.headers["request-id"].startswith("req_")
    assert message.pop("id").startswith("msg_")
    assert message == {
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": "Hello! How can I help you today?"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 8,
            "service_tier": "standard",
        },
    }


def test_tokens_are_counted(http: httpx.Client) -> None:
    request = body()
    del request["max_tokens"]
    response = http.post("/v1/messages/count_tokens", json=request)
    assert (response.status_code, response.json()) == (200, {"input_tokens": 5})


@pytest.mark.parametrize(
    ("headers", "status", "error_type", "message"),
    [
        ({}, 401, "authentication_error", "x-api-key header is required"),
        ({"x-api-key": "sk-openai"}, 401, "authentication_error", "invalid x-api-key"),
        ({"authorization": "Bearer nonsense"}, 401, "authentication_error", "invalid x-api-key"),
        ({"x-api-key": KEY}, 400, "invalid_request_error", "anthropic-version: header is required"),
        ({"x-api-key": KEY, "anthropic-version": "new"}, 400, "invalid_request_error", "is not a valid version"),
    ],
)
def test_headers_are_checked(
    server: ClaudeServer, headers: dict[str, str], status: int, error_type: str, message: str
) -> None:
    response = httpx.post(f"{server.url}/v1/messages", headers=headers, json=body())
    error = response.json()
    assert response.status_code == status
    assert error["type"] == "error"
    assert error["error"]["type"] == error_type
    assert message in error["error"]["message"]
    assert error["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize(
    ("method", "path", "status", "error_type"),
    [
        ("POST", "/v1/complete", 404, "not_found_error"),
        ("GET", "/", 404, "not_found_error"),
        ("GET", "/v1/messages", 405, "invalid_request_error"),
        ("DELETE", "/v1/messages/count_tokens", 405, "invalid_request_error"),
    ],
)
def test_other_routes_are_refused_in_the_same_shape(
    http: httpx.Client, method: str, path: str, status: int, error_type: str
) -> None:
    response = http.request(method, path, json=body())
    assert response.status_code == status
    assert response.json()["error"]["type"] == error_type


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": "\xff"}'])
def test_a_body_that_is_not_json_is_refused(http: httpx.Client, content: bytes) -> None:
    response = http.post("/v1/messages", content=content)
    assert response.status_code == 400
    assert "not valid JSON" in response.json()["error"]["message"]


def test_an_invalid_request_is_refused(http: httpx.Client) -> None:
    response = http.post("/v1/messages", json=body(max_tokens=-1))
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_body_over_32_mb_is_refused(http: httpx.Client) -> None:
    response = http.post("/v1/messages", content=b" " * (MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert response.json()["error"]["type"] == "request_too_large"


def test_the_log_tells_what_arrived_and_hides_the_key(http: httpx.Client, server: ClaudeServer) -> None:
    response = http.post("/v1/messages", json=body("log me"), headers={"authorization": "Bearer sk-ant-secret"})
    entry = server.requests[-1]
    assert (entry.method, entry.path, entry.status) == ("POST", "/v1/messages", 200)
    assert entry.request_id == response.headers["request-id"]
    assert entry.body == body("log me")
    assert entry.headers["x-api-key"] == "sk-ant-…"
    assert "secret" not in repr(entry)


def test_the_log_hides_a_key_of_another_shape_whole(http: httpx.Client, server: ClaudeServer) -> None:
    http.post("/v1/messages", json=body(), headers={"x-api-key": "secret"})
    assert server.requests[-1].headers["x-api-key"] == "…"


def test_anthropics_own_client_reads_whole_answers(sdk: anthropic.Anthropic) -> None:
    message = sdk.messages.create(
        model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "Say exactly: yes"}]
    )
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "yes"}]


def test_anthropics_own_client_reads_errors(sdk: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="model: claude_9"):
        sdk.messages.create(model="claude_9", max_tokens=1, messages=[{"role": "user", "content": "x"}])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(["plain words, “quoted”\n\nand a second paragraph. "], id="text"),
        pytest.param([{"type": "thinking", "thinking": "well, well"}, "so"], id="thinking"),
        pytest.param([{"type": "redacted_thinking", "text": "hidden"}, "so"], id="redacted"),
        pytest.param(
            [
                "I call two.",
                {"type": "tool_use", "name": "f", "input": {"ключ": "é\n\"'\\ 😀", "n": [1, 2.5, None], "o": {}}},
                {"type": "tool_use", "name": "no_arguments"},
            ],
            id="tools",
        ),
        pytest.param([], id="nothing"),
    ],
)
def test_streamed_and_whole_answers_are_the_same(
    sdk: anthropic.Anthropic, server: ClaudeServer, content: list[Any]
) -> None:
    server.reply_with(*content, times=2)
    whole = sdk.messages.create(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "x"}])
    with sdk.messages.stream(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "x"}]) as stream:
        streamed = stream.get_final_message()
    assert [block.to_dict() for block in streamed.content] == [block.to_dict() for block in whole.content]
    assert (streamed.stop_reason, streamed.stop_sequence) == (whole.stop_reason, whole.stop_sequence)
    assert streamed.usage.to_dict() == whole.usage.to_dict()


def test_a_refusal_tells_why_whole_and_streamed(sdk: anthropic.Anthropic, server: ClaudeServer) -> None:
    server.reply_with("Well, I", stop_reason="refusal", refusal={"category": "bio"}, times=2)
    whole = sdk.messages.create(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "x"}])
    with sdk.messages.stream(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "x"}]) as stream:
        events = list(stream)
    [ended] = [event.delta for event in events if event.type == "message_delta"]
    assert whole.stop_details == ended.stop_details
    assert whole.stop_details is not None
    assert whole.stop_details.to_dict() == {"type": "refusal", "category": "bio", "explanation": None}


async def test_many_clients_are_answered_at_once(server: ClaudeServer) -> None:
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key=KEY, max_retries=0) as sdk:
        answers = await asyncio.gather(
            *(
                sdk.messages.create(
                    model=MODEL, max_tokens=100, messages=[{"role": "user", "content": f"Say exactly: {number}"}]
                )
                for number in range(20)
            )
        )
    assert [answer.content[0].to_dict()["text"] for answer in answers] == [str(number) for number in range(20)]
