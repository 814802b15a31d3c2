"""A body as it comes: unpacked piece by piece, of a size, in a time, and a break behind its end is none."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest

from portkey_gateway.errors import StreamError
from portkey_gateway.http import body as bodies
from portkey_gateway.http.body import BodyTooLargeError, Received, aiter_body, iter_body
from portkey_gateway.http.patience import END_WAIT_S, Deadline, Patience
from portkey_gateway.http.stream_body import aiter_stream, iter_stream
from portkey_gateway.info import GatewayInfo

TEXT = b"The quick brown fox jumps over the lazy dog. " * 20


@dataclass
class Ending:
    is_whole: bool = False
    has_ended: bool = False


class Reply:
    """A response of these pieces; an exception among them is raised in its place."""

    def __init__(self, pieces: list[Any], encoding: str | None) -> None:
        self.status = 200
        self.headers = {} if encoding is None else {"content-encoding": encoding}
        self.pieces = pieces
        self.is_closed = False
        self.hurried = 0

    def raw(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def expect_end(self) -> None:
        self.hurried += 1

    def close(self) -> None:
        self.is_closed = True


class AsyncReply(Reply):
    async def raw(self) -> AsyncIterator[bytes]:  # type: ignore[override]  # async
        for piece in super().raw():
            yield piece

    async def close(self) -> None:  # type: ignore[override]  # async
        super().close()


@dataclass
class Read:
    """What was read, of which response, and how it ended."""

    pieces: list[bytes]
    received: Received[Any]
    error: Exception | None = None

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)


def _sync(
    *pieces: Any, encoding: str | None = None, ending: Ending | None = None, total_s: float | None = None
) -> Read:
    read = Read([], Received(Reply([*pieces], encoding), GatewayInfo(), Patience(None, Deadline(total_s))))
    try:
        for piece in iter_body(read.received) if ending is None else iter_stream(read.received, ending):
            read.pieces.append(piece)
    except (httpx.RequestError, BodyTooLargeError) as error:
        read.error = error
    except StreamError as error:
        read.error = cast("Exception", error.__cause__)
    return read


def _async(
    *pieces: Any, encoding: str | None = None, ending: Ending | None = None, total_s: float | None = None
) -> Read:
    read = Read([], Received(AsyncReply([*pieces], encoding), GatewayInfo(), Patience(None, Deadline(total_s))))

    async def all_of_it() -> None:
        async for piece in aiter_body(read.received) if ending is None else aiter_stream(read.received, ending):
            read.pieces.append(piece)

    try:
        asyncio.run(all_of_it())
    except (httpx.RequestError, BodyTooLargeError) as error:
        read.error = error
    except StreamError as error:
        read.error = cast("Exception", error.__cause__)
    return read


@pytest.fixture(params=[_sync, _async])
def read(request: pytest.FixtureRequest) -> Callable[..., Read]:
    reader: Callable[..., Read] = request.param
    return reader


def bare(data: bytes) -> bytes:
    """Deflate without zlib's head, as some servers send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        (None, TEXT),
        ("", TEXT),
        ("identity", TEXT),
        (" Identity ", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZIP", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:50], mtime=0) + gzip.compress(TEXT[50:], mtime=0)),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"\0" * 40),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT) + b"more"),
        ("deflate", bare(TEXT)),
        ("gzip, deflate", zlib.compress(gzip.compress(TEXT, mtime=0))),  # which httpx unpacks
    ],
    ids=[
        "none",
        "empty",
        "identity",
        "spelt",
        "gzip",
        "GZIP",
        "x-gzip",
        "members",
        "padded",
        "zlib",
        "more",
        "bare",
        "both",
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_it_is_unpacked_however_it_is_cut(
    read: Callable[..., Read], encoding: str | None, packed: bytes, size: int
) -> None:
    told = read(*(packed[at : at + size] for at in range(0, len(packed), size)), encoding=encoding)
    assert (told.content, told.error) == (TEXT, None)
    assert told.received.reply.is_closed


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_cannot_be_unpacked_is_an_error(read: Callable[..., Read], encoding: str) -> None:
    told = read(b"\x78\x9cno such thing", encoding=encoding)
    assert isinstance(told.error, httpx.DecodingError)
    assert isinstance(told.error.__cause__, zlib.error)
    assert str(told.error) == str(told.error.__cause__)
    assert told.received.reply.is_closed


@pytest.mark.parametrize("packed", [b"", b"\x1f"])
def test_what_is_too_short_to_be_packed_holds_nothing(read: Callable[..., Read], packed: bytes) -> None:
    assert (told := read(packed, encoding="gzip")).content == b""
    assert told.error is None


def test_a_small_body_that_unpacks_to_much_comes_in_pieces(read: Callable[..., Read]) -> None:
    told = read(gzip.compress(b"\0" * 3_000_000, mtime=0), encoding="gzip")
    assert len(told.content) == 3_000_000
    assert max(map(len, told.pieces)) == 1024 * 1024


@pytest.mark.parametrize(("more", "is_too_large"), [(b"", False), (b"x", True)])
@pytest.mark.parametrize("pack", [None, "deflate"])
def test_no_more_is_read_than_the_most(
    read: Callable[..., Read], monkeypatch: pytest.MonkeyPatch, pack: str | None, more: bytes, *, is_too_large: bool
) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 100)
    content = b"x" * 100 + more
    told = read(zlib.compress(content) if pack else content, encoding=pack)
    assert isinstance(told.error, BodyTooLargeError) is is_too_large
    assert told.content == (b"" if is_too_large else content)
    assert told.received.reply.is_closed


def test_what_stands_behind_the_end_of_what_is_packed_is_not_kept_and_costs_no_more_than_it_is_long(
    read: Callable[..., Read],
) -> None:
    begun = time.process_time()
    told = read(gzip.compress(TEXT, mtime=0), *[b"x" * 60_000] * 500, encoding="gzip")  # 30 MB
    assert told.content == TEXT
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("behind", [b"x" * 100, b"\x00\x00\x00\xff\xff" * 20])
def test_no_more_is_heard_than_the_most_although_it_holds_nothing(
    read: Callable[..., Read], monkeypatch: pytest.MonkeyPatch, behind: bytes
) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 100)
    packing = zlib.compressobj()
    begun = packing.compress(b"Hi") + packing.flush(zlib.Z_SYNC_FLUSH)
    told = read(zlib.compress(b"Hi") if behind.startswith(b"x") else begun, behind, encoding="deflate")
    assert (told.content, type(told.error)) == (b"Hi", BodyTooLargeError)


def test_what_httpx_unpacks_comes_in_pieces_too(read: Callable[..., Read]) -> None:
    """A kilobyte of gzip within gzip holds a gigabyte, all of which httpx would put into memory at once."""
    packed = gzip.compress(gzip.compress(b"\0" * 100_000_000, mtime=0), mtime=0)
    told = read(packed, encoding="gzip, gzip")
    assert sum(map(len, told.pieces)) == 100_000_000
    assert max(map(len, told.pieces)) < 80_000_000


def test_the_time_of_the_whole_call_is_that_of_its_body(read: Callable[..., Read]) -> None:
    told = read(TEXT, total_s=0)
    assert isinstance(told.error, httpx.ReadTimeout)
    assert (str(told.error), told.content) == ("the time is up", b"")


@pytest.mark.parametrize(
    ("ending", "is_error"),
    [(None, True), (Ending(), True), (Ending(is_whole=True), False), (Ending(has_ended=True), False)],
)
@pytest.mark.parametrize("failure", [httpx.ReadError("gone"), BodyTooLargeError()])
def test_a_break_behind_the_end_is_none(
    read: Callable[..., Read], failure: Exception, ending: Ending | None, *, is_error: bool
) -> None:
    told = read(b"all of it", failure, ending=ending)
    assert told.content == b"all of it"
    assert told.error is (failure if is_error else None)
    assert told.received.has_broken is not is_error
    assert told.received.reply.is_closed


def test_behind_the_end_mark_nobody_waits_long_for_the_rest(read: Callable[..., Read]) -> None:
    told = read(b"a", b"b", b"c", ending=Ending(has_ended=True))
    assert told.received.reply.hurried == 1
    left_s = told.received.patience.left_s()
    assert left_s is not None
    assert left_s <= END_WAIT_S
    told = read(b"a", b"b", ending=Ending(is_whole=True))
    assert (told.received.reply.hurried, told.received.patience.left_s()) == (0, None)
