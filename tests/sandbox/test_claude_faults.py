"""Each fault, seen on the wire."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from portkey_gateway.sandbox.claude.server import ClaudeServer
from portkey_gateway.sandbox.claude.state import WORDING
from portkey_gateway.sandbox.serving.delivery import json_delivery
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_gateway.sandbox.serving.trouble import Trouble

HEADERS = {"x-api-key": "sk-ant-test", "anthropic-version": "2023-06-01"}


@pytest.fixture(scope="module")
def running() -> Iterator[ClaudeServer]:
    with ClaudeServer() as server:
        yield server


@pytest.fixture
def server(running: ClaudeServer) -> ClaudeServer:
    running.clear()
    return running


def post(server: ClaudeServer, text: str = "Say exactly: é ü", *, stream: bool = False) -> httpx.Response:
    body = {"model": "claude-sonnet-4-6", "max_tokens": 99, "messages": [{"role": "user", "content": text}]}
    return httpx.post(f"{server.url}/v1/messages", headers=HEADERS, json={**body, "stream": stream})


def drain(response: httpx.Response, seen: bytearray) -> None:
    """Keep what came before the connection broke."""
    for piece in response.iter_bytes():
        seen.extend(piece)


def event_names(text: str) -> list[str]:
    return [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]


def test_status_answers_with_an_error_and_its_headers(server: ClaudeServer) -> None:
    server.inject(Fault("status", status=429, message="Slow down", headers={"retry-after": "7"}))
    response = post(server)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json()["error"] == {"type": "rate_limit_error", "message": "Slow down"}
    assert server.requests[-1].status == 429
    assert post(server).status_code == 200


@pytest.mark.parametrize(
    ("status", "error_type"),
    [(500, "api_error"), (529, "overloaded_error"), (413, "request_too_large"), (418, "api_error")],
)
def test_the_error_type_follows_the_status(server: ClaudeServer, status: int, error_type: str) -> None:
    server.inject(Fault("status", status=status))
    assert post(server).json()["error"]["type"] == error_type


def test_the_error_type_can_be_chosen(server: ClaudeServer) -> None:
    server.inject(Fault("status", status=400, error_type="made_up_error"))
    assert post(server).json()["error"]["type"] == "made_up_error"


def test_error_mid_stream_ends_the_stream_with_an_error_event(server: ClaudeServer) -> None:
    server.inject(Fault("error_mid_stream", after=4))
    response = post(server, stream=True)
    assert event_names(response.text) == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "error",
    ]
    assert '"type":"overloaded_error"' in response.text


def test_error_mid_stream_is_a_status_for_a_whole_answer(server: ClaudeServer) -> None:
    server.inject(Fault("error_mid_stream"))
    assert post(server).status_code == 529


def test_cut_drops_the_connection_of_a_stream(server: ClaudeServer) -> None:
    server.inject(Fault("cut", after=2))
    seen = bytearray()
    body = {
        "model": "claude-sonnet-4-6",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
    }
    with (
        httpx.stream("POST", f"{server.url}/v1/messages", headers=HEADERS, json=body) as response,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        drain(response, seen)
    assert event_names(seen.decode()) == ["message_start", "content_block_start"]


def test_cut_drops_the_connection_of_a_whole_answer(server: ClaudeServer) -> None:
    server.inject(Fault("cut"))
    with pytest.raises(httpx.RemoteProtocolError):
        post(server)


def test_truncate_ends_a_stream_as_if_it_were_over(server: ClaudeServer) -> None:
    server.inject(Fault("truncate", after=4))
    assert event_names(post(server, stream=True).text)[-1] == "content_block_delta"


def test_garbage_event_stands_in_an_otherwise_good_stream(server: ClaudeServer) -> None:
    server.inject(Fault("garbage_event"))
    text = post(server, stream=True).text
    assert "data: {this is not JSON" in text
    assert event_names(text)[-1] == "message_stop"


def test_broken_json_ends_a_stream_inside_an_event(server: ClaudeServer) -> None:
    server.inject(Fault("broken_json", after=4))
    last = post(server, stream=True).text.splitlines()[-1]
    with pytest.raises(json.JSONDecodeError):
        json.loads(last.removeprefix("data: "))


@pytest.mark.parametrize("kind", ["broken_json", "truncate", "garbage_event"])
def test_a_whole_answer_is_broken_json(server: ClaudeServer, kind: Any) -> None:
    server.inject(Fault(kind))
    response = post(server)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        response.json()


@pytest.mark.parametrize("stream", [True, False])
def test_html_answers_200_with_a_web_page(server: ClaudeServer, *, stream: bool) -> None:
    server.inject(Fault("html"))
    response = post(server, stream=stream)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("stream", [True, False])
def test_stall_is_silent_for_a_while(server: ClaudeServer, *, stream: bool) -> None:
    server.inject(Fault("stall", seconds=0.2))
    start = time.monotonic()
    response = post(server, stream=stream)
    assert time.monotonic() - start >= 0.2
    assert "é" in response.text


def test_slow_waits_before_each_event(server: ClaudeServer) -> None:
    server.inject(Fault("slow", seconds=0.02))
    start = time.monotonic()
    count = len(event_names(post(server, stream=True).text))
    assert time.monotonic() - start >= 0.02 * count


@pytest.mark.parametrize("stream", [True, False])
def test_split_bytes_cuts_characters_and_changes_nothing(server: ClaudeServer, *, stream: bool) -> None:
    server.inject(Fault("split_bytes", size=1))
    body = {
        "model": "claude-sonnet-4-6",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Say exactly: é ü"}],
    }
    url = f"{server.url}/v1/messages"
    with httpx.stream("POST", url, headers=HEADERS, json={**body, "stream": stream}) as response:
        pieces = list(response.iter_raw())
    assert min(map(len, pieces)) == 1
    assert len(pieces) > 100
    assert "é" in b"".join(pieces).decode()


@pytest.mark.parametrize("kind", ["status", "html"])
def test_an_answer_can_be_replaced_as_a_whole(kind: Any) -> None:
    trouble = Trouble(Fault(kind), WORDING)
    assert trouble.spoil(json_delivery({"an": "answer"}), "req_1") == trouble.answer("req_1")


def test_a_fault_meets_only_its_requests_and_as_many_as_it_should(server: ClaudeServer) -> None:
    server.inject(Fault("status", status=500, match="é unlucky", times=2))
    statuses = [post(server, text).status_code for text in ("fine", "é unlucky", "fine", "é unlucky", "é unlucky")]
    assert statuses == [200, 500, 200, 500, 200]


def test_counting_tokens_meets_faults_too(server: ClaudeServer) -> None:
    server.inject(Fault("status", status=529))
    body = {"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "x"}]}
    assert httpx.post(f"{server.url}/v1/messages/count_tokens", headers=HEADERS, json=body).status_code == 529


@pytest.mark.parametrize(
    "wrong", [{"kind": "explode"}, {"seconds": 61}, {"seconds": -1}, {"size": 0}, {"times": 0}, {"after": -1}]
)
def test_a_fault_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown fault kind|must"):
        Fault(**{"kind": "stall", **wrong})
