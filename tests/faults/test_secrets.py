"""Keys never show: not in a repr, not in an error's text or body, not in a log, whatever the server echoes."""

from __future__ import annotations

import logging
import pickle
import re
import traceback
from typing import Any

import pytest

from portkey_gateway import GatewayClient, GatewayOptions, NotJSONError, PortkeyError
from portkey_gateway.http.call import Call
from tests.support.calls import HELLO, Ask, any_call, streamed_call
from tests.support.recording import RecordingServer, Reply, chunk, event, whole
from tests.support.wires import CHAT_COMPLETIONS, MESSAGES, Wire

API_KEY, PROVIDER_KEY, VIRTUAL_KEY = "pk-very-secret", "sk-ant-very-secret", "anthropic-very-secret"
ECHO = {"error": {"message": f"bad key {PROVIDER_KEY} with {API_KEY}", "type": "auth", "param": [API_KEY, 1, None]}}
HTML = f"<!DOCTYPE html><html>{API_KEY} {PROVIDER_KEY}</html>".encode()


def client(base_url: str, wire: Wire = CHAT_COMPLETIONS, **options: Any) -> GatewayClient:
    fields: dict[str, Any] = {"api_key": API_KEY, "provider": "anthropic", "provider_api_key": PROVIDER_KEY, **options}
    fields["api_format"] = wire.api_format
    return GatewayClient(GatewayOptions(base_url=base_url, **fields), timeout_s=1, max_retries=0)


def everything_about(error: PortkeyError) -> str:
    """All that logging, printing or storing an error may show, its causes included."""
    return f"{error!r} {error} {error.args} {error.body} {error.info} {''.join(traceback.format_exception(error))}"


@any_call
@pytest.mark.parametrize(
    "reply",
    [
        whole(ECHO, status=401),
        whole(HTML, status=403),
        whole(f"no {PROVIDER_KEY}".encode(), status=500),
        whole({API_KEY: [{"deep": PROVIDER_KEY}]}, status=400),
        whole(ECHO),
        whole(HTML),
        whole(f"not json {API_KEY}".encode()),
        whole({"choices": [], "echo": API_KEY}),
        Reply((f"HTTP/1.1 200 {API_KEY}\r\n{PROVIDER_KEY}\r\n\r\n".encode(),), then="close"),
    ],
)
def test_an_echoed_key_is_blotted_out(server: RecordingServer, wire: Wire, ask: Ask, reply: Reply) -> None:
    server.reply(reply)

    with pytest.raises(PortkeyError) as caught:
        ask(client(server.base_url, wire))

    assert server.requests[0].header("authorization") == f"Bearer {PROVIDER_KEY}"
    assert "very-secret" not in everything_about(caught.value)


@any_call
@pytest.mark.parametrize("name", ["x-portkey-trace-id", "request-id", "x-portkey-provider", "location", "x-any"])
def test_a_key_echoed_in_a_header_is_blotted_out(server: RecordingServer, wire: Wire, ask: Ask, name: str) -> None:
    server.reply(whole({}, status=400, headers={name: f"of {PROVIDER_KEY}"}))

    with pytest.raises(PortkeyError) as caught:
        ask(client(server.base_url, wire))

    assert caught.value.info is not None
    assert caught.value.info.headers[name] == "of [redacted]"
    assert PROVIDER_KEY not in everything_about(caught.value) + repr(pickle.dumps(caught.value))


@any_call
def test_an_echoed_key_of_an_mcp_server_is_blotted_out(server: RecordingServer, ask: Ask) -> None:
    server.reply(whole({"error": {"message": "bad key mcp-very-secret", "type": "auth"}}, status=401))
    servers = [{"type": "url", "name": "files", "url": "https://a.org", "authorization_token": "mcp-very-secret"}]

    with pytest.raises(PortkeyError) as caught:
        ask(client(server.base_url, MESSAGES), {**HELLO, "mcp_servers": servers})  # type: ignore[typeddict-unknown-key]

    assert "very-secret" not in everything_about(caught.value)


@streamed_call
@pytest.mark.parametrize(
    "last",
    [
        chunk(event(ECHO)),
        chunk(event({"error": {"type": API_KEY}})),
        chunk(event({"type": "error", "error": {"type": "api_error", "message": API_KEY}})),
        chunk(event({"type": "error", "error": API_KEY})),
        chunk(event(f"not json {PROVIDER_KEY}".encode())),
        f"{PROVIDER_KEY} where a chunk's length should be\r\n".encode(),
    ],
)
def test_a_key_echoed_in_a_stream_is_blotted_out(server: RecordingServer, wire: Wire, ask: Ask, last: bytes) -> None:
    begun = wire.events(*wire.deltas("Hel")[:-1], end="cut")
    server.reply(Reply((*begun.pieces, last), then="close"))

    with pytest.raises(PortkeyError) as caught:
        ask(client(server.base_url, wire))

    assert "[redacted]" in everything_about(caught.value)
    assert "very-secret" not in everything_about(caught.value)


@streamed_call
@pytest.mark.parametrize(
    ("wire", "last"),
    [
        (CHAT_COMPLETIONS, {"choices": [{"finish_reason": "api_error", "delta": {"content": API_KEY}}]}),
        (CHAT_COMPLETIONS, {"choices": [{"delta": {"content_blocks": [{"delta": {"thinking": 7, "x": API_KEY}}]}}]}),
        (MESSAGES, {"type": "content_block_delta", "index": 0, "delta": {"type": API_KEY, "text": PROVIDER_KEY}}),
        (
            MESSAGES,
            {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": API_KEY}},
        ),
        (MESSAGES, {"type": "message_delta", "delta": {"stop_reason": [API_KEY]}}),
    ],
)
def test_a_key_in_an_event_that_cannot_be_read_is_blotted_out(
    server: RecordingServer, wire: Wire, ask: Ask, last: dict[str, Any]
) -> None:
    server.reply(wire.events(*wire.deltas("Hel"), event(last)))

    with pytest.raises(PortkeyError) as caught:
        ask(client(server.base_url, wire))

    assert "[redacted]" in everything_about(caught.value)
    assert "very-secret" not in everything_about(caught.value)


async def test_it_is_blotted_out_before_the_callers_own_handler_sees_it(server: RecordingServer, wire: Wire) -> None:
    server.reply(wire.events(event(ECHO)))

    with client(server.base_url, wire).stream(HELLO) as stream, pytest.raises(PortkeyError) as caught:
        list(stream)
    async with client(server.base_url, wire).astream(HELLO) as astream:
        with pytest.raises(PortkeyError) as acaught:
            [delta async for delta in astream]

    assert "very-secret" not in everything_about(caught.value) + everything_about(acaught.value)


@any_call
@pytest.mark.parametrize("shown", [12, 15, len(PROVIDER_KEY) - 1])
def test_a_key_at_which_an_excerpt_ends_is_blotted_out_too(
    server: RecordingServer, wire: Wire, ask: Ask, shown: int
) -> None:
    text = "x" * (500 - shown)
    server.reply(whole(f"{text}{PROVIDER_KEY} and more".encode()))

    with pytest.raises(NotJSONError, match=r"x\[redacted\]'") as caught:
        ask(client(server.base_url, wire))

    assert PROVIDER_KEY[:12] not in everything_about(caught.value)


@any_call
@pytest.mark.parametrize("other", ["sk-ant-", "sk-ant-very?", "sk-ant-version", "very-secret"])
def test_what_only_begins_like_a_key_is_left_alone(server: RecordingServer, wire: Wire, ask: Ask, other: str) -> None:
    server.reply(whole(f"{other}.".encode()))

    with pytest.raises(NotJSONError, match=re.escape(f"{other}.'")):
        ask(client(server.base_url, wire))


@any_call
def test_a_virtual_key_is_a_key_too(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    told = {"error": {"message": f"anthropic error: unknown {VIRTUAL_KEY}"}}
    server.reply(whole(told, status=400, headers={"x-portkey-provider": "anthropic"}))

    with pytest.raises(PortkeyError, match=r"anthropic error: unknown \[redacted\] .*provider anthropic"):
        ask(client(server.base_url, wire, provider=None, provider_api_key=None, virtual_key=VIRTUAL_KEY))


@any_call
def test_logs_at_their_loudest_hold_no_key(
    server: RecordingServer, wire: Wire, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(wire.success(ask))

    with caplog.at_level(logging.DEBUG):
        ask(client(server.base_url, wire))

    assert f"/v1{wire.path}" in caplog.text
    assert "very-secret" not in caplog.text


def test_no_repr_holds_a_key() -> None:
    calling = client("http://127.0.0.1:1/v1", config={"api_key": VIRTUAL_KEY}, default_headers={"x-key": VIRTUAL_KEY})
    call = calling._calls.call("/feedback", b'{"secret": "very-secret"}', {})

    assert repr(calling) == "GatewayClient(base_url='http://127.0.0.1:1/v1')"
    assert isinstance(call, Call)
    assert "very-secret" not in f"{calling!r} {calling.options!r} {calling.options} {call!r}"


@pytest.mark.parametrize("key", [f"{API_KEY}\n", f"{API_KEY}\u00e9", f"{API_KEY}\x00"])
def test_a_key_that_no_header_carries_is_not_quoted(key: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        client("http://127.0.0.1:1/v1", api_key=key).chat(HELLO)

    assert "very-secret" not in "".join(traceback.format_exception(caught.value))


def test_a_call_under_options_made_without_checks_is_refused_without_its_key() -> None:
    options = pickle.loads(pickle.dumps(GatewayOptions(base_url="http://127.0.0.1:1/v1")))
    unchecked = options.model_copy(update={"default_headers": {"x-key": f"{API_KEY}\n"}})

    with pytest.raises(PortkeyError, match="header x-key") as caught:
        GatewayClient(unchecked).chat(HELLO)

    assert "very-secret" not in everything_about(caught.value)


@pytest.mark.parametrize("status", [200, 400])
async def test_the_other_routes_blot_it_out_too(server: RecordingServer, status: int) -> None:
    server.reply(whole(ECHO, status=status))
    calling = client(server.base_url)

    with pytest.raises(PortkeyError) as caught:
        calling.count_tokens(HELLO)
    with pytest.raises(PortkeyError) as acaught:
        await calling.acount_tokens(HELLO)

    assert "very-secret" not in everything_about(caught.value) + everything_about(acaught.value)
