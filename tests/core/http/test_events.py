"""Server-sent events are the same however the network cut them."""

from __future__ import annotations

import pytest

from portkey_gateway.http.events import EventDecoder

STREAMS = [
    (b"data: one\n\ndata: two\n\n", [b"one", b"two"]),
    (b"data: one\r\n\r\ndata: two\r\n\r\n", [b"one", b"two"]),
    (b"data: one\r\rdata: two\r\r", [b"one", b"two"]),
    (b"\xef\xbb\xbfdata: one\n\n", [b"one"]),
    (b"event: x\ndata:one\nid: 1\ndata:  two\n\n", [b"one\n two"]),
    (b": a comment\n\ndata\n\ndata:\n\nretry: 5\n\n\n\ndata: end\n\n", [b"", b"", b"end"]),
    (b"data: a: b\n\nDATA: no\n\nxdata: no\n\n", [b"a: b"]),
    ("data: Grüße 🦜\n\n".encode(), ["Grüße 🦜".encode()]),
    (b"data: last", [b"last"]),
    (b"data: last\n", [b"last"]),
    (b"data: last\r", [b"last"]),
    (b"\xef\xbb", []),
    (b"", []),
    (b"data: \xef\xbb\xbf\n\n", [b"\xef\xbb\xbf"]),
    (b"\n\n\ndata: one\n\n", [b"one"]),
]


def read(*pieces: bytes) -> list[bytes]:
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


@pytest.mark.parametrize(("stream", "told"), STREAMS)
def test_events_are_read_however_they_are_cut(stream: bytes, told: list[bytes]) -> None:
    assert read(stream) == told
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            assert read(stream[:first], stream[first:second], stream[second:]) == told
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == told


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_event_is_told_as_soon_as_it_is_whole(end: bytes) -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: one") == []
    assert decoder.feed(end) == []
    assert decoder.feed(end) == [b"one"]
    assert decoder.feed(b"data: two" + end + end + b"data: thr") == [b"two"]
    assert decoder.feed(b"ee" + end + end) == [b"three"]
    assert decoder.close() == []


def test_the_mark_of_byte_order_counts_only_at_the_start() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: one\n\n") == [b"one"]
    assert decoder.feed(b"\xef\xbb\xbfdata: two\n\n") == []
    assert decoder.feed(b"data: three\n\n") == [b"three"]
