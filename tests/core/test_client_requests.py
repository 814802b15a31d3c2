"""What `GatewayClient` puts on the wire."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from portkey_gateway import (
    APIConnectionError,
    ContentError,
    EncodingError,
    GatewayClient,
    GatewayOptions,
    PortkeyWarning,
    TraceContext,
)
from tests.support.calls import HELLO, Ask, any_call, is_streamed
from tests.support.recording import RecordingServer, answer, deltas, events, whole

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def client(server: RecordingServer, **options: Any) -> GatewayClient:
    fields: dict[str, Any] = {
        "base_url": server.base_url,
        "provider": "anthropic",
        "api_format": "chat_completions",
        **options,
    }
    return GatewayClient(GatewayOptions(**fields), timeout_s=5, max_retries=0, inline_from=["127.0.0.1"])


def answer_any(server: RecordingServer, ask: Ask) -> None:
    server.reply(events(*deltas("Hello.")) if is_streamed(ask) else whole(answer()))


@any_call
def test_the_body_is_the_request(server: RecordingServer, ask: Ask) -> None:
    answer_any(server, ask)

    ask(client(server))

    [sent] = server.requests
    assert (sent.method, sent.path) == ("POST", "/v1/chat/completions")
    assert sent.json == (HELLO | {"stream": True} if is_streamed(ask) else HELLO)
    assert sent.header("content-type") == "application/json"


@any_call
def test_a_calls_trace_and_labels_win_over_those_of_the_options(server: RecordingServer, ask: Ask) -> None:
    answer_any(server, ask)
    asking = client(server, trace_id="general", span_name="all", metadata={"team": "search", "plan": "free"})
    trace = TraceContext(trace_id="own", span_id="s" * 16, parent_span_id="p" * 16)

    ask(asking, trace=trace, metadata={"plan": "paid", "n": 7})
    ask(asking)

    own, general = server.requests
    assert own.header("x-portkey-trace-id") == "own"
    assert own.header("x-portkey-span-id") == "s" * 16
    assert own.header("x-portkey-parent-span-id") == "p" * 16
    assert own.header("x-portkey-span-name") == "all"
    assert json.loads(own.header("x-portkey-metadata")) == {"team": "search", "plan": "paid", "n": "7"}
    assert general.header("x-portkey-trace-id") == "general"
    assert "x-portkey-span-id" not in general.headers
    assert json.loads(general.header("x-portkey-metadata")) == {"team": "search", "plan": "free"}


@any_call
def test_no_header_is_sent_twice_however_it_is_spelt(server: RecordingServer, ask: Ask) -> None:
    answer_any(server, ask)
    spelt = {"Authorization": "Bearer other", "User-Agent": "mine", "X-Portkey-Provider": "openai", "X-Mine": "1"}

    ask(client(server, provider_api_key="sk-ant-1", default_headers=spelt))

    [sent] = server.requests
    assert sent.header("authorization") == "Bearer sk-ant-1"
    assert sent.header("user-agent") == "mine"
    assert sent.header("x-portkey-provider") == "anthropic"
    assert sent.header("x-mine") == "1"


def test_nothing_needs_to_be_given_where_the_environment_tells(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTKEY_BASE_URL", server.base_url)
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-1")

    GatewayClient().chat({**HELLO, "model": "gpt-5"})

    assert server.requests[0].header("x-portkey-api-key") == "pk-1"


@any_call
def test_headers_beyond_what_the_gateway_takes_are_refused_by_name(server: RecordingServer, ask: Ask) -> None:
    config = {"targets": [{"provider": "anthropic", "name": "x" * 15_000}]}

    with pytest.raises(EncodingError, match=r"x-portkey-config \(15\d+ bytes\): save an inline config"):
        ask(client(server, provider=None, config=config))
    assert server.requests == []


@any_call
def test_headers_just_below_the_limit_are_sent(server: RecordingServer, ask: Ask) -> None:
    answer_any(server, ask)

    ask(client(server, default_headers={"x-long": "x" * 14_000}))

    assert len(server.requests[0].header("x-long")) == 14_000


@any_call
def test_a_request_that_cannot_be_encoded_is_refused(server: RecordingServer, ask: Ask) -> None:
    with pytest.raises(EncodingError, match="messages is empty"):
        ask(client(server), {"model": "m", "messages": []})
    assert server.requests == []


@any_call
def test_a_label_that_cannot_be_encoded_does_not_break_the_call(server: RecordingServer, ask: Ask) -> None:
    answer_any(server, ask)
    with pytest.warns(PortkeyWarning, match=r"metadata\['x'\]"):
        ask(client(server), metadata={"x": object()})
    assert "x-portkey-metadata" not in server.requests[0].headers


@any_call
def test_images_are_fetched_and_inlined_on_demand(server: RecordingServer, ask: Ask) -> None:
    url = f"{server.base_url}/image.png"
    image: Any = {"type": "image_url", "image_url": {"url": url}, "cache_control": {"type": "ephemeral"}}
    server.reply(
        whole(PNG, headers={"content-type": "image/png"}),
        events(*deltas("A dot.")) if is_streamed(ask) else whole(answer("A dot.")),
    )
    asked: Any = {**HELLO, "messages": [{"role": "user", "content": [image, image]}]}

    found = ask(client(server), asked, inline_images=True)

    fetched, sent = server.requests
    inlined = image | {"image_url": {"url": "data:image/png;base64," + base64.b64encode(PNG).decode()}}
    assert found.text == "A dot."
    assert (fetched.method, fetched.path) == ("GET", "/v1/image.png")
    assert sent.json["messages"][0]["content"] == [inlined, inlined]
    assert asked["messages"][0]["content"] == [image, image]


@any_call
def test_an_image_that_cannot_be_inlined_is_named(server: RecordingServer, ask: Ask) -> None:
    asked: Any = {**HELLO, "messages": [{"role": "user", "content": [_image(f"{server.base_url}/image.png")]}]}

    server.reply(whole(b"", status=404))
    with pytest.raises(APIConnectionError, match=r"image\.png"):
        ask(client(server), asked, inline_images=True)

    server.reply(whole(b"this is no image", headers={"content-type": "application/zip"}))
    with pytest.raises(ContentError, match=r"image\.png"):
        ask(client(server), asked, inline_images=True)


def _image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_a_pickle_leaves_borrowed_clients_behind(server: RecordingServer) -> None:
    with httpx.Client(trust_env=False) as borrowed:
        asking = GatewayClient(
            GatewayOptions(
                base_url=server.base_url,
                provider="anthropic",
                api_format="chat_completions",
                provider_api_key=SecretStr("sk-ant-1"),
            ),
            timeout_s=3,
            max_retries=7,
            http_client=borrowed,
        )
        unpickled = pickle.loads(pickle.dumps(asking))

    assert unpickled.chat(HELLO) == unpickled.chat(HELLO)
    assert server.requests[0].header("authorization") == "Bearer sk-ant-1"
    assert unpickled.options == asking.options
    assert (unpickled._timeout_s, unpickled._calls._retry) == (3, asking._calls._retry)
