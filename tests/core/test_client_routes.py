"""Token counts and feedback: the routes of `GatewayClient` beside chat completions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from portkey_gateway import (
    EncodingError,
    ErrorInBodyError,
    GatewayClient,
    GatewayOptions,
    HTMLResponseError,
    InvalidResponseError,
    NotFoundError,
)
from tests.support.recording import RecordingServer, whole

HTML = b"<html><body>Welcome!</body></html>"


def client(server: RecordingServer, **options: Any) -> GatewayClient:
    fields: dict[str, Any] = {"base_url": server.base_url, "provider": "anthropic", **options}
    return GatewayClient(GatewayOptions(**fields), timeout_s=5, max_retries=0)


Route = Callable[..., Any]


def routes(name: str) -> pytest.MarkDecorator:
    """Parametrise over a method and its async twin."""

    def call(client: GatewayClient, *values: Any, **more: Any) -> Any:
        return getattr(client, name)(*values, **more)

    def acall(client: GatewayClient, *values: Any, **more: Any) -> Any:
        return asyncio.run(getattr(client, f"a{name}")(*values, **more))

    return pytest.mark.parametrize("call", [call, acall], ids=["sync", "async"])


@routes("count_tokens")
def test_count_tokens(server: RecordingServer, call: Route) -> None:
    server.reply(whole({"input_tokens": 12}))
    body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hello!"}]}

    assert call(client(server), {**body, "max_tokens": 9, "stream": True}) == 12
    [sent] = server.requests
    assert sent.path == "/v1/messages/count_tokens"
    assert sent.json == body


@routes("count_tokens")
@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"input_tokens": "12"}', b'{"input_tokens": null}', b"no", HTML])
def test_count_tokens_without_a_count(server: RecordingServer, call: Route, body: bytes) -> None:
    server.reply(whole(body))

    with pytest.raises(InvalidResponseError):
        call(client(server), {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]})


@routes("count_tokens")
def test_count_tokens_of_what_is_no_request(server: RecordingServer, call: Route) -> None:
    with pytest.raises(EncodingError, match="JSON does not know"):
        call(client(server), {"model": object(), "messages": [{"role": "user", "content": "Hello!"}]})
    with pytest.raises(EncodingError, match="messages is empty"):
        call(client(server), {"model": "m", "messages": []})
    assert server.requests == []


@routes("feedback")
def test_feedback(server: RecordingServer, call: Route) -> None:
    server.reply(whole({"status": "success", "feedback_ids": ["f-1"]}))

    call(client(server), "trace-1", -10)
    call(client(server), "trace-1", 10, weight=0.5, metadata={"_user": "ann"})

    assert {sent.path for sent in server.requests} == {"/v1/feedback"}
    assert [sent.json for sent in server.requests] == [
        {"trace_id": "trace-1", "value": -10, "weight": 1.0},
        {"trace_id": "trace-1", "value": 10, "weight": 0.5, "metadata": {"_user": "ann"}},
    ]


@routes("feedback")
@pytest.mark.parametrize(
    ("value", "weight", "message"),
    [(11, 1, "value"), (-11, 1, "value"), (1, 1.1, "weight"), (1, -0.1, "weight"), (1, float("nan"), "weight")],
)
def test_feedback_out_of_range(server: RecordingServer, call: Route, value: int, weight: float, message: str) -> None:
    with pytest.raises(EncodingError, match=f"feedback {message} must be from"):
        call(client(server), "trace-1", value, weight=weight)
    assert server.requests == []


@routes("feedback")
@pytest.mark.parametrize(
    ("body", "error_class"), [(HTML, HTMLResponseError), (b'{"error": {"message": "no"}}', ErrorInBodyError)]
)
def test_feedback_that_was_not_received(
    server: RecordingServer, call: Route, body: bytes, error_class: type[InvalidResponseError]
) -> None:
    server.reply(whole(body))

    with pytest.raises(error_class):
        call(client(server), "trace-1", 1)


@routes("feedback")
def test_a_gateway_without_feedback_says_so(server: RecordingServer, call: Route) -> None:
    server.reply(whole({"error": {"type": "not_found_error", "message": "Not Found"}}, status=404))

    with pytest.raises(NotFoundError, match="Not Found; feedback is the hosted gateway's"):
        call(client(server), "trace-1", 1)
