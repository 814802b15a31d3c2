"""Faults, prescribed replies and the control routes of the emulated OpenAI: shared with Claude, in OpenAI's words."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from portkey_gateway.sandbox import Fault
from portkey_gateway.sandbox.openai.scripted import script
from portkey_gateway.sandbox.openai.server import OpenAIServer


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def server(running: OpenAIServer) -> OpenAIServer:
    running.clear()
    return running


def post(server: OpenAIServer, text: str = "Say exactly: one two three", **more: Any) -> httpx.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    return httpx.post(f"{server.url}/v1/chat/completions", headers={"authorization": "Bearer sk-test"}, json=body)


def events(response: httpx.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in response.text.splitlines() if line]


@pytest.mark.parametrize(
    ("status", "error_type", "code"),
    [(500, "server_error", None), (429, "requests", "rate_limit_exceeded"), (503, "server_error", None)],
)
def test_status_answers_in_openai_s_shape(server: OpenAIServer, status: int, error_type: str, code: str | None) -> None:
    server.inject(Fault("status", status=status, message="Not today.", headers={"retry-after": "7"}))
    response = post(server)
    assert (response.status_code, response.headers["retry-after"]) == (status, "7")
    assert response.headers["x-request-id"]
    expected = {"message": "Not today.", "type": error_type, "param": None, "code": code}
    assert response.json() == {"error": expected}
    assert post(server).status_code == 200
    assert [request.status for request in server.requests] == [status, 200]


def test_the_error_type_can_be_chosen(server: OpenAIServer) -> None:
    server.inject(Fault("status", status=429, error_type="insufficient_quota"))
    assert post(server).json()["error"]["type"] == "insufficient_quota"


def test_error_mid_stream_is_an_event_and_no_done_follows(server: OpenAIServer) -> None:
    server.inject(Fault("error_mid_stream", status=500, after=2))
    told = events(post(server, stream=True))
    assert len(told) == 3
    assert json.loads(told[-1])["error"]["type"] == "server_error"


@pytest.mark.parametrize("kind", ["truncate", "broken_json", "garbage_event"])
def test_a_stream_can_be_broken(server: OpenAIServer, kind: Any) -> None:
    server.inject(Fault(kind, after=2))
    told = events(post(server, stream=True))
    assert json.loads(told[0])["object"] == "chat.completion.chunk"
    if kind == "truncate":
        assert len(told) == 2
    else:
        with pytest.raises(json.JSONDecodeError):
            json.loads(told[2])
    assert (told[-1] == "[DONE]") is (kind == "garbage_event")


def test_cut_drops_the_connection_and_nothing_is_logged_of_it(
    server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "uvicorn.error")
    server.inject(Fault("cut"))
    with pytest.raises(httpx.RemoteProtocolError):
        post(server)
    assert not [record for record in caplog.records if "uvicorn" in record.name]


def test_a_fault_meets_only_its_requests(server: OpenAIServer) -> None:
    server.inject(Fault("status", status=500, match="unlucky"))
    assert post(server, "lucky").status_code == 200
    assert post(server, "unlucky").status_code == 500


def test_words_are_prescribed(server: OpenAIServer) -> None:
    figures = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    server.reply_with("Exactly this", finish_reason="content_filter", usage=figures, match="special")
    assert post(server).json()["choices"][0]["message"]["content"] == "one two three"
    answer = post(server, "special").json()
    assert answer["choices"][0]["message"]["content"] == "Exactly this"
    assert answer["choices"][0]["finish_reason"] == "content_filter"
    assert answer["usage"].items() >= figures.items()


def test_a_refusal_is_prescribed_and_streamed(server: OpenAIServer) -> None:
    server.reply_with(refusal="I will not.", times=2)
    message = post(server).json()["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "I will not.")
    told = [json.loads(event) for event in events(post(server, stream=True))[:-1]]
    deltas = [chunk["choices"][0]["delta"] for chunk in told]
    assert "".join(delta.get("refusal") or "" for delta in deltas) == "I will not."


def test_tool_calls_are_prescribed(server: OpenAIServer) -> None:
    server.reply_with(tool_calls=[{"name": "f", "arguments": {"a": "é"}}, {"name": "g", "arguments": "{", "id": "c9"}])
    [choice] = post(server).json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"] == [
        {"id": "call_scripted_0", "type": "function", "function": {"name": "f", "arguments": '{"a": "é"}'}},
        {"id": "c9", "type": "function", "function": {"name": "g", "arguments": "{"}},
    ]


@pytest.mark.parametrize(
    "order", [{"finish_reason": "tired"}, {"content": "x", "times": 0}, {"tool_calls": [{"arguments": {}}]}]
)
def test_a_reply_that_cannot_be_is_refused(server: OpenAIServer, order: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"finish_reason|times|no name"):
        script(**order)
    response = httpx.post(f"{server.url}/_sandbox/replies", json=order)
    assert response.status_code == 400
    assert response.json()["error"]


def test_another_process_prepares_it_by_its_routes(server: OpenAIServer) -> None:
    control = f"{server.url}/_sandbox"
    httpx.post(f"{control}/faults", json={"kind": "status", "status": 503})
    httpx.post(f"{control}/replies", json={"content": "ordered"})
    assert post(server).status_code == 503
    assert post(server).json()["choices"][0]["message"]["content"] == "ordered"
    [*_, last] = httpx.get(f"{control}/requests").json()["requests"]
    assert last["path"] == "/v1/chat/completions"
    assert httpx.delete(control).status_code == 204
    assert server.requests == []


def test_a_stopped_server_says_whom_it_emulates() -> None:
    server = OpenAIServer()
    assert repr(server) == "OpenAIServer(stopped)"
    with pytest.raises(RuntimeError, match="the emulated OpenAI is not running"):
        _ = server.url
