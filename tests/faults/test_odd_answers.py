"""Answers that are told oddly and are whole, or are no answers though they look like it, for every caller."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from portkey_gateway import PortkeyError
from tests.support.callers import EVERY, STREAMED, WHOLE, Caller, Said
from tests.support.recording import RecordingServer, Reply, chunk, whole
from tests.support.wires import Wire

HELLO: Final = Said("Hello.", ())
HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
DEEP: Final = b"[" * 200_000
Change = Callable[[bytes, Wire], bytes]

ODD: Final[dict[str, Change]] = {
    "a byte order mark": lambda told, _: b"\xef\xbb\xbf" + told,
    "CR LF": lambda told, _: told.replace(b"\n", b"\r\n"),
    "CR alone": lambda told, _: told.replace(b"\n", b"\r"),
    "comments": lambda told, _: b": ping\n\n" + told.replace(b"\n\n", b"\n: ping\n\n"),
    "ids and retries": lambda told, _: told.replace(b"data: ", b"id: 7\nretry: 10\ndata: "),
    "no space behind data": lambda told, _: told.replace(b"data: ", b"data:"),
    "blank lines": lambda told, _: told.replace(b"\n\n", b"\n\n\n\n"),
    "the end mark twice": lambda told, wire: told + wire.end_mark,
    "no blank line at the end": lambda told, _: told.rstrip(b"\n"),
    "no end mark": lambda told, wire: told.removesuffix(wire.end_mark),
}
NONE: Final[dict[str, Change]] = {
    "nothing": lambda _, __: b"",
    "the end mark alone": lambda _, wire: wire.end_mark,
    "comments alone": lambda _, __: b": ping\n\n" * 9,
    "NaN": lambda told, _: b"data: NaN\n\n" + told,
    "too deep": lambda told, _: b"data: " + DEEP + b"\n\n" + told,
    "half": lambda told, _: told[: len(told) // 3],
    "no events": lambda _, __: b"Hello.",
    "an error": lambda _, __: b'data: {"type": "error", "error": {"type": "api_error", "message": "No."}}\n\n',
}


def options(server: RecordingServer, wire: Wire) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "base_url": server.base_url,
        "api_format": wire.api_format,
        "timeout": 10,
    }


def streamed(wire: Wire, change: Change) -> Reply:
    told = change(b"".join((*wire.deltas("Hel", "lo."), wire.end_mark)), wire)
    return Reply((HEAD, *([chunk(told)] if told else []), b"0\r\n\r\n"))


@pytest.mark.parametrize("caller", STREAMED)
@pytest.mark.parametrize("how", ODD)
def test_a_stream_that_is_told_oddly_is_whole(server: RecordingServer, wire: Wire, caller: Caller, how: str) -> None:
    server.reply(streamed(wire, ODD[how]))

    assert [caller(options(server, wire)) for _ in range(2)] == [HELLO, HELLO]


@pytest.mark.parametrize("caller", EVERY)
@pytest.mark.parametrize("name", [b"Text/Event-Stream", b"application/octet-stream", b"application/json"])
@pytest.mark.parametrize("how", ["ids and retries", "comments", "a byte order mark", "blank lines", "CR LF"])
def test_events_are_an_answer_whatever_their_content_type_says(
    server: RecordingServer, wire: Wire, caller: Caller, name: bytes, how: str
) -> None:
    told = streamed(wire, ODD[how])
    server.reply(Reply((HEAD.replace(b"text/event-stream", name), *told.pieces[1:])))

    assert caller(options(server, wire)) == HELLO


@pytest.mark.parametrize("caller", EVERY)
def test_events_that_break_off_are_no_answer_whatever_their_content_type_says(
    server: RecordingServer, wire: Wire, caller: Caller
) -> None:
    [first, *_] = wire.deltas("Hel", "lo.")
    server.reply(Reply((HEAD.replace(b"text/event-stream", b"text/plain"), chunk(first), b"0\r\n\r\n")))

    with pytest.raises(PortkeyError):
        caller(options(server, wire))


@pytest.mark.parametrize("caller", STREAMED)
def test_a_stream_of_bare_carriage_returns_ends_with_its_end_mark(
    server: RecordingServer, wire: Wire, caller: Caller
) -> None:
    told = b"".join((*wire.deltas("Hel", "lo."), wire.end_mark)).replace(b"\n", b"\r")
    server.reply(Reply((HEAD, chunk(told), 20.0)))
    begun = time.monotonic()

    assert caller(options(server, wire)) == HELLO
    assert time.monotonic() - begun < 8


@pytest.mark.parametrize("caller", STREAMED)
@pytest.mark.parametrize("how", NONE)
def test_a_stream_that_is_no_answer_is_an_error(server: RecordingServer, wire: Wire, caller: Caller, how: str) -> None:
    server.reply(streamed(wire, NONE[how]), wire.events(*wire.deltas("Hel", "lo.")))

    with pytest.raises(PortkeyError):
        caller(options(server, wire))
    assert len(server.requests) == 1
    assert caller(options(server, wire)) == HELLO


@pytest.mark.parametrize("caller", STREAMED)
@pytest.mark.parametrize("broken", [b"zz\r\n", b"5\r\nab", b"-1\r\n", b"ffffffffffffffffffffff\r\n"])
def test_broken_chunks_are_an_error(server: RecordingServer, wire: Wire, caller: Caller, broken: bytes) -> None:
    [first, *_] = wire.deltas("Hel", "lo.")
    server.reply(Reply((HEAD, chunk(first), broken), then="close"), wire.events(*wire.deltas("Hel", "lo.")))

    with pytest.raises(PortkeyError):
        caller(options(server, wire))
    assert caller(options(server, wire)) == HELLO


@pytest.mark.parametrize("caller", WHOLE)
@pytest.mark.parametrize("more", [-40, 40])
def test_a_wrong_length_is_an_error_and_spoils_no_later_call(
    server: RecordingServer, wire: Wire, caller: Caller, more: int
) -> None:
    [_, told] = whole(wire.answer()).pieces
    assert isinstance(told, bytes)
    head, _, content = told.partition(b"\r\n\r\n")
    wrong = head.replace(str(len(content)).encode(), str(len(content) + more).encode())
    server.reply(Reply((wrong + b"\r\n\r\n" + content,), then="close"), whole(wire.answer()))

    with pytest.raises(PortkeyError):
        caller(options(server, wire))
    assert caller(options(server, wire)) == HELLO


@pytest.mark.parametrize("caller", EVERY)
@pytest.mark.parametrize("content", [b"", b"NaN", DEEP, b"<html>", b"{}", b"null", b'{"error": {"message": "No."}}'])
def test_a_body_that_is_no_answer_is_an_error(
    server: RecordingServer, wire: Wire, caller: Caller, content: bytes
) -> None:
    server.reply(whole(content))

    with pytest.raises(PortkeyError):
        caller(options(server, wire))
    assert len(server.requests) == 1
