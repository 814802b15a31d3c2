"""No answer takes more time or memory than is said, however it is told."""

from __future__ import annotations

import gzip
import time
import zlib
from typing import Any

import httpx
import pytest

from portkey_gateway import (
    APIConnectionError,
    APITimeoutError,
    GatewayClient,
    GatewayOptions,
    InvalidResponseError,
    PortkeyError,
    ServerError,
    StreamDecodeError,
)
from portkey_gateway.http import body
from portkey_gateway.http import borrowed as borrowed_clients
from portkey_gateway.http.patience import TOTAL_TIMEOUT_S
from portkey_langchain import ChatPortkey, PortkeyEmbeddings
from portkey_llamaindex import Portkey, PortkeyEmbedding
from tests.support.calls import HELLO, Ask, achat, any_call, astream, chat, is_streamed, streamed_call
from tests.support.recording import RecordingServer, Reply, chunk, whole
from tests.support.wires import Wire

PNG = b"\x89PNG\r\n\x1a\n"
SSE = {"content-type": "text/event-stream"}


def client(server: RecordingServer, wire: Wire, **more: Any) -> GatewayClient:
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format=wire.api_format)
    return GatewayClient(options, **{"timeout_s": 5, "max_retries": 2, **more})


def drip(head: bytes, piece: bytes, pause_s: float = 0.05) -> Reply:
    """A thousand pieces, each in time."""
    return Reply((head, *(part for _ in range(1000) for part in (piece, pause_s))))


@any_call
@pytest.mark.parametrize(
    ("where", "is_borrowed"),
    [
        ("head", False),  # for the head a borrowed sync client waits as long as its own timeouts say
        *((where, is_borrowed) for where in ("body", "pings", "comments") for is_borrowed in (False, True)),
    ],
)
def test_an_answer_that_drips_ends_with_the_whole_time(
    server: RecordingServer, wire: Wire, *, ask: Ask, where: str, is_borrowed: bool
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    json_head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n"
    server.reply(
        {
            "head": drip(b"HTTP/1.1 200 OK\r\nx: ", b"y"),
            "body": drip(head, chunk(b"x")) if is_streamed(ask) else drip(json_head, b" "),
            "pings": drip(head, chunk(b'event: ping\ndata: {"type": "ping"}\n\n')),
            "comments": drip(head, chunk(b": still there\n\n")),
        }[where]
    )
    borrowed: Any = {}
    if is_borrowed:
        borrowed = {"http_client": httpx.Client(trust_env=False), "http_async_client": httpx.AsyncClient()}

    with pytest.raises(APITimeoutError, match="total_timeout"):
        ask(client(server, wire, total_timeout_s=0.8, **borrowed), wire.request)
    assert len(server.requests) == 1
    server.wait_until_open(0)
    if is_borrowed:
        borrowed["http_client"].close()


@pytest.mark.parametrize("ask", [achat, astream])
def test_a_head_that_drips_into_a_borrowed_async_client_ends_with_the_whole_time(
    server: RecordingServer, wire: Wire, ask: Ask
) -> None:
    server.reply(drip(b"HTTP/1.1 200 OK\r\nx: ", b"y"))

    with pytest.raises(APITimeoutError, match="total_timeout"):
        ask(client(server, wire, total_timeout_s=0.8, http_async_client=httpx.AsyncClient(trust_env=False)))
    assert len(server.requests) == 1
    server.wait_until_open(0)


@any_call
def test_the_media_of_a_call_are_fetched_in_the_time_of_the_whole_call(
    server: RecordingServer, wire: Wire, ask: Ask
) -> None:
    server.reply(drip(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 9999\r\n\r\n", b"x"))
    begun = time.monotonic()

    with pytest.raises(APIConnectionError, match="it takes too long"):
        ask(client(server, wire, total_timeout_s=0.5, inline_from=["127.0.0.1"]), shown(server), inline_images=True)
    assert time.monotonic() - begun < 3
    assert len(server.requests) == 1


@any_call
def test_a_call_has_no_more_time_than_its_media_left_of_it(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(whole(PNG, headers={"content-type": "image/png"}, wait_s=1.0), whole(b"{}", wait_s=20))
    begun = time.monotonic()

    with pytest.raises(APITimeoutError, match=r"total_timeout=1\.5 s"):
        ask(client(server, wire, total_timeout_s=1.5, inline_from=["127.0.0.1"]), shown(server), inline_images=True)
    assert time.monotonic() - begun < 2.4
    assert len(server.requests) == 2


def shown(server: RecordingServer) -> Any:
    """A request that shows an image of the server's."""
    image = {"type": "image_url", "image_url": {"url": f"{server.base_url}/a.png"}}
    return {**HELLO, "messages": [{"role": "user", "content": [image]}]}


@streamed_call
def test_a_stream_that_goes_on_in_time_is_whole(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    first, *rest = wire.deltas("Hel", "lo.")
    server.reply(wire.events(first, 0.1, *rest))

    assert ask(client(server, wire, total_timeout_s=30)).text == "Hello."


@streamed_call
@pytest.mark.parametrize("is_borrowed", [False, True])
@pytest.mark.parametrize("ending", ["open", "pings"])
def test_a_stream_that_stays_open_behind_its_end_mark_is_whole_soon(
    server: RecordingServer,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    *,
    ask: Ask,
    is_borrowed: bool,
    ending: str,
) -> None:
    for module in (body, borrowed_clients):
        monkeypatch.setattr(module, "END_WAIT_S", 0.1)
    later: tuple[bytes | float, ...] = (30.0,) if ending == "open" else (b": ping\n\n", 0.05) * 400
    server.reply(wire.events(*wire.deltas("Hel", "lo."), wire.end_mark, *later, end="cut"))
    borrowed: Any = {}
    if is_borrowed:
        borrowed = {"http_client": httpx.Client(trust_env=False), "http_async_client": httpx.AsyncClient()}

    found = ask(client(server, wire, timeout_s=25, **borrowed))

    assert found.text == "Hello."
    assert found.usage is not None
    server.wait_until_open(0)  # before the server would have closed it
    if is_borrowed:
        borrowed["http_client"].close()


@streamed_call
@pytest.mark.parametrize("end", ["cut", "reset"])
def test_a_connection_that_breaks_behind_the_reason_to_stop_costs_nothing(
    server: RecordingServer, wire: Wire, ask: Ask, end: Any
) -> None:
    server.reply(wire.events(*wire.deltas("Hel", "lo."), 0.05, end=end))

    assert ask(client(server, wire)).text == "Hello."


@streamed_call
def test_usage_that_was_cut_off_is_told(server: RecordingServer, ask: Ask) -> None:
    from tests.support.recording import deltas, event  # noqa: PLC0415 one test's own
    from tests.support.wires import CHAT_COMPLETIONS  # noqa: PLC0415

    told, last = deltas("Hello.")
    del last["usage"]
    server.reply(CHAT_COMPLETIONS.events(event(told), event(last), 0.05, end="cut"))

    with pytest.warns(match="what it used, and so its cost, was not told"):
        assert ask(client(server, CHAT_COMPLETIONS)).text == "Hello."


def packed(encoding: str, data: bytes) -> bytes:
    if encoding == "bare":
        bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return bare.compress(data) + bare.flush()
    return gzip.compress(data) if encoding == "gzip" else zlib.compress(data)


@any_call
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_unpacks_to_more_than_is_said_is_refused(
    server: RecordingServer, wire: Wire, monkeypatch: pytest.MonkeyPatch, *, ask: Ask, encoding: str, status: int
) -> None:
    monkeypatch.setattr(body, "MAX_BODY_BYTES", 3_000_000)
    bomb = packed(encoding, b" " * 40_000_000)
    headers = {"content-encoding": encoding, **(SSE if is_streamed(ask) else {})}
    server.reply(whole(bomb, status=status, headers=headers))

    with pytest.raises(ServerError if status == 500 else (InvalidResponseError, StreamDecodeError)) as caught:
        ask(client(server, wire, max_retries=0))

    assert status == 500 or "larger than" in str(caught.value)
    assert status == 500 or not caught.value.is_retryable
    server.wait_until_open(0)


@any_call
def test_an_answer_that_has_no_end_is_refused(
    server: RecordingServer, wire: Wire, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    monkeypatch.setattr(body, "MAX_BODY_BYTES", 3_000_000)
    server.reply(Reply((b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", *[b"data: " * 10_000] * 100)))

    with pytest.raises(PortkeyError, match="larger than"):
        ask(client(server, wire, max_retries=0))
    server.wait_until_open(0)


@any_call
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "bare"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_what_is_packed_comes_whole_however_it_is_cut(
    server: RecordingServer, wire: Wire, *, ask: Ask, encoding: str, size: int
) -> None:
    text = "Grüße, 🦜! " * (40_000 if size > 7 else 3)
    reply = wire.success(ask, text)
    plain = b"".join(piece for piece in reply.pieces if isinstance(piece, bytes)).partition(b"\r\n\r\n")[2]
    if is_streamed(ask):
        plain = b"".join((*wire.deltas(text), wire.end_mark))
    data = packed(encoding, plain)
    name = "deflate" if encoding == "bare" else encoding
    kind = "text/event-stream" if is_streamed(ask) else "application/json"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-encoding: {name}\r\ntransfer-encoding: chunked\r\n\r\n"
    pieces = [chunk(data[start : start + size]) for start in range(0, len(data), size)]
    server.reply(Reply((head.encode(), *pieces, b"0\r\n\r\n")))

    assert ask(client(server, wire)).text == text


def test_the_bounds_are_options_of_every_class(server: RecordingServer) -> None:
    options: Any = {"model": "m", "base_url": server.base_url, "provider": "openai"}
    bounds: Any = {"total_timeout": 7.5, "retry_unanswered": True}
    for made in (ChatPortkey, Portkey, PortkeyEmbeddings, PortkeyEmbedding):
        default, bounded = made(**options), made(**options, **bounds)
        assert (default.total_timeout, default.retry_unanswered) == (TOTAL_TIMEOUT_S, False)
        call = bounded.gateway_client()._calls.call("/x", b"", {})
        assert (call.total_timeout_s, call.retry.retry_unanswered) == (7.5, True)
        assert bounded.with_options(total_timeout=None).total_timeout is None


def test_no_bound_at_all_waits_for_ever(server: RecordingServer, wire: Wire) -> None:
    server.reply(whole(wire.answer(), wait_s=0.2))

    assert chat(client(server, wire, timeout_s=None, total_timeout_s=None)).text == "Hello."
