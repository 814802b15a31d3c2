"""Whatever text becomes a header, a raw socket sees that header and no other; a label never breaks a call."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import ValidationError

from portkey_gateway import GatewayClient, GatewayOptions
from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.tracing.context import TraceContext
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.support.recording import RecordingServer, answer, whole

CASES = 10_000
PER_CALL = 20
SEED = 20_260_801
REQUEST: Any = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hi"}]}
_PIECES = (
    "\r\n", "\n", "\r", "\r\nx-evil: 1", "\r\n\r\nGET /evil HTTP/1.1\r\n", "\x00", "\x7f", "\x85", "\u2028", "\t", " ",
    ":", "x-evil", "evil", ",", ";", '"', "\\", "{", "}", "ü", "😀", "\ud800", "\x0b", "%0d%0a", "a", "7", "/", "=",
)  # fmt: skip


def _text(rng: random.Random) -> str:
    return "".join(rng.choice(_PIECES) for _ in range(rng.randrange(1, 9)))


def _is_clean(request: Any) -> bool:
    return "x-evil" not in request.headers and request.path == "/v1/chat/completions" and request.method == "POST"


@pytest.mark.filterwarnings("ignore::portkey_gateway.errors.PortkeyWarning")
def test_labels_of_any_text_are_sent_as_one_header_each(server: RecordingServer) -> None:
    """10,000 texts as trace id, span, parent, name and values and keys of metadata."""
    rng = random.Random(SEED)
    server.reply(whole(answer()))
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    client = GatewayClient(options, max_retries=0)
    calls = 0
    for _ in range(0, CASES, PER_CALL):
        trace = TraceContext(_text(rng), _text(rng), _text(rng), _text(rng))
        metadata = {_text(rng): _text(rng) for _ in range((PER_CALL - 4) // 2)}
        client.chat(REQUEST, trace=trace, metadata=metadata)
        calls += 1
    assert len(server.requests) == calls == CASES // PER_CALL
    assert all(map(_is_clean, server.requests))
    assert all(len(values) == 1 for request in server.requests for values in request.headers.values())


@pytest.mark.parametrize("name", [
    "trace_id", "span_name", "provider", "cache_namespace", "anthropic_beta", "api_key", "provider_api_key",
    "custom_host", "forward_headers", "sensitive_headers",
])  # fmt: skip
@pytest.mark.parametrize("make", [ChatPortkey, Portkey])
def test_an_option_of_any_text_is_refused_or_one_header(make: Any, name: str, server: RecordingServer) -> None:
    rng = random.Random(SEED)
    given: dict[str, Any] = {"provider": "anthropic", "model": "m", "base_url": server.base_url}
    for _ in range(50):
        text = _text(rng)
        try:
            headers = make(**{**given, name: text}).render_headers()
        except ValidationError:
            continue
        assert all(value.isascii() and value.isprintable() for value in headers.values())


def test_the_name_and_the_value_of_a_header_are_refused_or_one_header(server: RecordingServer) -> None:
    rng = random.Random(SEED)
    server.reply(whole(answer()))
    refused = 0
    for _ in range(500):
        try:
            options = GatewayOptions(
                base_url=server.base_url, provider="anthropic", default_headers={_text(rng): _text(rng)},
                gateway_headers={_text(rng): _text(rng)}, api_format="chat_completions",
            )  # fmt: skip
        except ValidationError:
            refused += 1
            continue
        GatewayClient(options, max_retries=0).chat(REQUEST)
    assert refused
    assert all(map(_is_clean, server.requests))


@pytest.mark.filterwarnings("ignore::portkey_gateway.errors.PortkeyWarning")
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_label_of_any_length_is_cut_and_breaks_no_call(server: RecordingServer, is_async: bool) -> None:
    server.reply(whole(answer()))
    client = GatewayClient(
        GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions"), max_retries=0
    )
    trace = TraceContext("t" * 20_000, "s" * 20_000, "p" * 20_000, "n" * 20_000)
    with pytest.warns(PortkeyWarning, match=r"x-portkey-trace-id has 20000 characters; 128 are sent"):
        _ = await client.achat(REQUEST, trace=trace) if is_async else client.chat(REQUEST, trace=trace)
    headers = server.requests[0].headers
    for name, letter in (("trace-id", "t"), ("span-id", "s"), ("parent-span-id", "p"), ("span-name", "n")):
        assert headers[f"x-portkey-{name}"] == [letter * 125 + "..."]


@pytest.mark.parametrize("name", ["trace_id", "span_name"])
@pytest.mark.parametrize("make", [ChatPortkey, Portkey])
def test_a_label_given_as_an_option_is_cut_too(server: RecordingServer, make: Any, name: str) -> None:
    server.reply(whole(answer()))
    options: dict[str, Any] = {"provider": "anthropic", "api_format": "chat_completions", name: "x" * 20_000}
    model = make(model="claude-sonnet-4-5", base_url=server.base_url, max_retries=0, **options)
    with pytest.warns(PortkeyWarning, match="128 are sent"):
        model.invoke("Hi") if make is ChatPortkey else model.complete("Hi")
    assert server.requests[0].header(f"x-portkey-{name.replace('_', '-')}") == "x" * 125 + "..."


def test_a_run_name_of_any_length_is_cut(server: RecordingServer) -> None:
    server.reply(whole(answer()))
    options: dict[str, Any] = {"provider": "anthropic", "api_format": "chat_completions"}
    model = ChatPortkey(model="claude-sonnet-4-5", base_url=server.base_url, max_retries=0, **options)
    with pytest.warns(PortkeyWarning, match="128 are sent"):
        model.invoke("Hi", config={"run_name": "n" * 20_000})
    assert server.requests[0].header("x-portkey-span-name") == "n" * 125 + "..."


def test_headers_that_are_made_without_checks_are_refused_before_they_are_sent(server: RecordingServer) -> None:
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    unchecked = options.model_copy(update={"default_headers": {"x-a": "b\r\nx-evil: 1"}})
    with pytest.raises(EncodingError, match="the header x-a can carry printable ASCII only"):
        GatewayClient(unchecked).chat(REQUEST)
    assert server.requests == []
