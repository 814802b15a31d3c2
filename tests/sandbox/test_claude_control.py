"""The control routes, as a test in another process uses them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from portkey_gateway.sandbox.claude.scripted import script
from portkey_gateway.sandbox.claude.server import ClaudeServer
from portkey_gateway.sandbox.claude.signatures import is_genuine, is_sealed


@pytest.fixture(scope="module")
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as running:
        yield running


@pytest.fixture
def http(server: ClaudeServer) -> Iterator[httpx.Client]:
    server.clear()
    headers = {"x-api-key": "sk-ant-test", "anthropic-version": "2023-06-01"}
    with httpx.Client(base_url=server.url, headers=headers) as client:
        yield client


def ask(http: httpx.Client, text: str) -> httpx.Response:
    body = {"model": "claude-sonnet-4-6", "max_tokens": 99, "messages": [{"role": "user", "content": text}]}
    return http.post("/v1/messages", json=body)


def test_a_fault_is_ordered_and_forgotten(http: httpx.Client) -> None:
    assert http.post("/_sandbox/faults", json={"kind": "status", "status": 503, "times": 2}).status_code == 204
    assert ask(http, "x").status_code == 503
    assert http.delete("/_sandbox/faults").status_code == 204
    assert ask(http, "x").status_code == 200


def test_a_reply_is_ordered_for_its_request(http: httpx.Client) -> None:
    order = {
        "content": ["exactly this"],
        "match": "special",
        "usage": {"output_tokens": 777},
        "stop_reason": "max_tokens",
    }
    assert http.post("/_sandbox/replies", json=order).status_code == 204
    assert ask(http, "Say exactly: no").json()["content"][0]["text"] == "no"
    special = ask(http, "special").json()
    assert special["content"] == [{"type": "text", "text": "exactly this"}]
    assert (special["stop_reason"], special["usage"]["output_tokens"]) == ("max_tokens", 777)
    assert ask(http, "special").json()["content"][0]["text"] != "exactly this"


def test_ordered_replies_can_be_forgotten(http: httpx.Client) -> None:
    http.post("/_sandbox/replies", json={"content": ["never said"]})
    http.delete("/_sandbox/replies")
    assert "never said" not in ask(http, "x").text


def test_the_log_is_read_and_forgotten(http: httpx.Client) -> None:
    for text in ("one é", "two", "three é"):
        ask(http, text)
    found = http.get("/_sandbox/requests", params={"contains": "é"}).json()["requests"]
    assert [entry["body"]["messages"][0]["content"] for entry in found] == ["one é", "three é"]
    assert found[0]["headers"]["x-api-key"] == "sk-ant-…"
    assert len(http.get("/_sandbox/requests", params={"limit": 2}).json()["requests"]) == 2
    assert http.delete("/_sandbox/requests").status_code == 204
    assert http.get("/_sandbox/requests").json() == {"requests": []}


def test_everything_is_forgotten_at_once(http: httpx.Client) -> None:
    http.post("/_sandbox/faults", json={"kind": "html"})
    http.post("/_sandbox/replies", json={"content": ["never said"]})
    assert http.delete("/_sandbox").status_code == 204
    assert "Hello!" in ask(http, "Hello").text


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("faults", {"kind": "explode"}),
        ("faults", {"typo": 1}),
        ("faults", []),
        ("replies", {"content": [{"text": "no type"}]}),
        ("replies", {"content": ["x"], "stop_reason": "tired"}),
        ("replies", {"content": ["x"], "times": 0}),
    ],
)
def test_an_order_that_cannot_be_is_refused(http: httpx.Client, path: str, order: Any) -> None:
    response = http.post(f"/_sandbox/{path}", json=order)
    assert response.status_code == 400
    assert response.json()["error"]


def test_a_limit_must_be_a_number(http: httpx.Client) -> None:
    assert http.get("/_sandbox/requests", params={"limit": "some"}).status_code == 400


def test_scripted_blocks_are_completed() -> None:
    scripted = script(
        [
            {"type": "thinking", "thinking": "hm"},
            {"type": "redacted_thinking", "text": "secret"},
            {"type": "tool_use", "name": "f"},
            {"type": "thinking", "thinking": "hm", "signature": "forged"},
            {"type": "redacted_thinking", "data": "forged"},
        ]
    )
    thought, redacted, call, forged, sealed = scripted.reply.content
    assert is_genuine("hm", thought["signature"])
    assert is_sealed(redacted["data"])
    assert call["input"] == {}
    assert call["id"].startswith("toolu_")
    assert (forged["signature"], sealed["data"]) == ("forged", "forged")
    assert scripted.reply.stop_reason == "tool_use"
