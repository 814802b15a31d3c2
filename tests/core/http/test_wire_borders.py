"""Where a response is still one and where it is not: sizes at their borders, lengths, what ends a connection."""

from __future__ import annotations

import httpx
import pytest

from portkey_gateway.http.wire import MAX_HEAD_BYTES, ResponseReader, render_head

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def begun(head: bytes) -> ResponseReader:
    """A reader that has read a head, and what came with it."""
    reader = ResponseReader()
    assert reader.feed_head(head) is True
    return reader


def body_of(reader: ResponseReader, *pieces: bytes) -> list[bytes]:
    return [reader.feed(piece) for piece in pieces]


def refused(*pieces: bytes) -> str:
    """Why a response is refused."""
    with pytest.raises(httpx.RemoteProtocolError) as caught:
        feed(ResponseReader(), *pieces)
    return str(caught.value)


def feed(reader: ResponseReader, *pieces: bytes) -> None:
    """Feed head and body as they come."""
    has_head = False
    for piece in pieces:
        if has_head:
            reader.feed(piece)
        elif has_head := reader.feed_head(piece):
            reader.feed(b"")


# --- the head -------------------------------------------------------------------------------------------------------


def test_nothing_is_known_before_the_head_is_there() -> None:
    reader = ResponseReader()
    assert (reader.status, reader.headers, reader.has_ended, reader.is_reusable) == (0, {}, False, False)
    assert reader.feed_head(OK) is False
    assert (reader.status, reader.headers) == (0, {})


def head_of(size: int) -> bytes:
    head = OK + b"content-length: 0\r\nx: "
    return head + b"a" * (size - len(head) - 4) + b"\r\n\r\n"


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 1000, MAX_HEAD_BYTES])
def test_a_head_may_be_so_large_and_no_larger(cut: int) -> None:
    largest, larger = head_of(MAX_HEAD_BYTES), head_of(MAX_HEAD_BYTES + 1)
    reader = ResponseReader()
    assert reader.feed_head(largest[:-cut]) is False
    assert reader.feed_head(largest[-cut:]) is True
    assert reader.is_reusable
    assert refused(larger[:-cut], larger[-cut:]) == "the head of the response is too large"


def test_a_body_that_comes_with_its_head_counts_not_as_head() -> None:
    body = b"x" * (MAX_HEAD_BYTES + 5)
    reader = begun(OK + b"content-length: %d\r\n\r\n" % len(body) + body)
    assert reader.feed(b"") == body
    assert reader.has_ended


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nlink: a\r\n\r\n"])
def test_an_interim_response_is_none_yet(interim: bytes) -> None:
    reader = ResponseReader()
    assert reader.feed_head(interim) is False
    assert (reader.status, reader.has_ended) == (0, False)
    assert reader.feed_head(OK + b"content-length: 2\r\n\r\nhi") is True
    assert (reader.status, reader.headers, reader.feed(b"")) == (200, {"content-length": "2"}, b"hi")
    unanswered = ResponseReader()
    unanswered.feed_head(interim)
    with pytest.raises(httpx.RemoteProtocolError):
        unanswered.end()


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (b"X-A:1", {"x-a": "1"}),
        (b"x-a: \t 1 \t", {"x-a": "1"}),
        (b"x-a:", {"x-a": ""}),
        (b"x-a: a:b: c", {"x-a": "a:b: c"}),
        (b"x-a: 1\r\nX-A: 2\r\nx-b: 3\r\nx-a: 4", {"x-a": "1, 2, 4", "x-b": "3"}),
        (b"x-a: one\r\n \t two\r\n\tthree\r\nx-b: 3", {"x-a": "one two three", "x-b": "3"}),
        ("x-a: Zürich".encode(), {"x-a": "Zürich"}),
        ("x-a: Zürich".encode("iso-8859-1"), {"x-a": "Zürich"}),
    ],
)
def test_headers_are_read(line: bytes, read: dict[str, str]) -> None:
    assert begun(OK + line + b"\r\n\r\n").headers == read


@pytest.mark.parametrize(
    ("head", "is_reusable"),
    [
        (OK, True),
        (b"HTTP/1.0 200 OK\r\n", False),
        (OK + b"connection: close\r\n", False),
        (OK + b"Connection: Keep-Alive, CLOSE\r\n", False),
        (OK + b"connection: keep-alive\r\n", True),
    ],
)
def test_a_connection_is_used_again_where_the_server_keeps_it(head: bytes, *, is_reusable: bool) -> None:
    reader = begun(head + b"content-length: 0\r\n\r\n")
    assert (reader.has_ended, reader.is_reusable) == (True, is_reusable)


def test_what_is_no_head_is_shown_in_part() -> None:
    said = refused(b"SSH-2.0-" + b"x" * 200 + b"\r\n\r\n")
    assert said == f"the head of the response is no HTTP/1.1: {b'SSH-2.0-' + b'x' * 72!r}"


# --- the body -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_what_has_no_body_ends_with_its_head(status: bytes) -> None:
    for more in (b"", b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n"):
        head = b"HTTP/1.1 " + status + b"\r\n" + more + b"\r\n"
        reader = begun(head)
        assert (reader.has_ended, reader.is_reusable, reader.feed(b"")) == (True, True, b"")
        assert begun(head + b"x").is_reusable is False


@pytest.mark.parametrize("length", [b"5", b"05", b" 5 ", b"5, 5", b"5,5"])
def test_a_length_bounds_the_body(length: bytes) -> None:
    reader = begun(OK + b"content-length: " + length + b"\r\n\r\n")
    assert body_of(reader, b"he", b"ll") == [b"he", b"ll"]
    assert (reader.has_ended, reader.is_reusable) == (False, True)
    assert body_of(reader, b"o") == [b"o"]
    assert (reader.has_ended, reader.is_reusable) == (True, True)
    assert body_of(reader, b"x") == [b""]
    assert reader.is_reusable is False


@pytest.mark.parametrize("length", [b"", b"-1", b"+1", b"1.0", b"0x5", b"5 5", b"5, 6", b"5, five", b"9" * 19])
def test_a_length_that_cannot_be_is_refused(length: bytes) -> None:
    assert "length" in refused(OK + b"content-length: " + length + b"\r\n\r\n")


def test_a_length_of_nothing_is_a_whole_body() -> None:
    reader = begun(OK + b"content-length: 0\r\n\r\n")
    assert (reader.has_ended, reader.is_reusable) == (True, True)
    assert begun(OK + b"content-length: 0\r\n\r\nx").is_reusable is False


def test_without_a_length_the_end_of_the_connection_is_that_of_the_body() -> None:
    reader = begun(OK + b"\r\n")
    assert reader.is_reusable is False
    assert body_of(reader, b"he", b"llo") == [b"he", b"llo"]
    assert reader.has_ended is False
    reader.end()
    assert (reader.has_ended, reader.is_reusable, reader.feed(b"")) == (True, False, b"")


def test_the_end_of_a_connection_behind_a_whole_body_is_no_error() -> None:
    reader = begun(OK + b"content-length: 2\r\n\r\n")
    reader.feed(b"hi")
    reader.end()
    assert (reader.has_ended, reader.is_reusable) == (True, False)


@pytest.mark.parametrize("came", [b"", OK, OK + b"content-length: 2\r\n\r\nh", CHUNKED, CHUNKED + b"1\r\nh\r\n0\r\n"])
def test_an_end_before_that_of_the_response_is_an_error(came: bytes) -> None:
    reader = ResponseReader()
    if reader.feed_head(came):
        reader.feed(b"")
    with pytest.raises(httpx.RemoteProtocolError):
        reader.end()


# --- chunks ---------------------------------------------------------------------------------------------------------


def test_chunks_are_joined_that_came_together() -> None:
    reader = begun(CHUNKED)
    assert body_of(reader, b"3\r\nhel\r\n1\r\nl\r\n2\r\no", b" ", b"\r\n") == [b"hello", b" ", b""]
    assert reader.has_ended is False
    assert body_of(reader, b"000A;why=not\t\r\n0123456789\r\n0\r\n\r\n") == [b"0123456789"]
    assert (reader.has_ended, reader.is_reusable) == (True, True)


@pytest.mark.parametrize("size", [b"", b" 3", b"3 3", b"0x3", b"-3", b"3\r", b"g", b"1" * 17])
def test_a_size_that_is_none_is_refused_and_shown_in_part(size: bytes) -> None:
    assert repr(size) in refused(CHUNKED + size + b"\r\nabc\r\n")
    long = b"no size " * 30
    assert refused(CHUNKED + long + b"\r\n").endswith(repr(long[:80]))


@pytest.mark.parametrize("behind", [b"xx", b"\rx", b"\n\n", b"x\r\n"])
def test_a_chunk_ends_with_its_line(behind: bytes) -> None:
    assert "end" in refused(CHUNKED + b"3\r\nabc" + behind)
    assert "end" in refused(CHUNKED, b"3\r\nabc", behind[:1], behind[1:])


@pytest.mark.parametrize("before", [b"", b"1\r\nx\r\n"])
def test_the_line_of_a_size_may_be_so_long_and_no_longer(before: bytes) -> None:
    line = b"3;" + b"x" * 4094
    reader = begun(CHUNKED)
    assert b"".join(body_of(reader, before + line, b"\r\nabc\r\n0\r\n\r\n")) == before[3:4] + b"abc"
    assert reader.has_ended
    assert "size" in refused(CHUNKED, before + line + b"x")


def test_what_follows_the_last_chunk_is_read_over() -> None:
    for trailers in (b"", b"x-late: 1\r\n", b"x-late: 1\r\nx-later: 2\r\n"):
        reader = begun(CHUNKED)
        assert body_of(reader, b"2\r\nhi\r\n0\r\n" + trailers, b"\r\n") == [b"hi", b""]
        assert (reader.has_ended, reader.is_reusable) == (True, True)
        spoilt = begun(CHUNKED)
        body_of(spoilt, b"2\r\nhi\r\n0\r\n" + trailers + b"\r\nx")
        assert (spoilt.has_ended, spoilt.is_reusable) == (True, False)


def test_what_follows_may_be_so_large_and_no_larger() -> None:
    trailers = b"x: " + b"a" * (MAX_HEAD_BYTES - 3)
    reader = begun(CHUNKED)
    assert body_of(reader, b"0\r\n" + trailers, b"\r\n\r\n") == [b"", b""]
    assert reader.has_ended
    assert "too large" in refused(CHUNKED, b"0\r\n" + trailers + b"a")


def test_two_ways_to_tell_the_end_end_the_connection() -> None:
    reader = begun(OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
    assert reader.feed(b"") == b"hi"
    assert (reader.has_ended, reader.is_reusable) == (True, False)


@pytest.mark.parametrize("encoding", [b"gzip", b"gzip, chunked", b"identity", b"", b"chunked, chunked"])
def test_no_other_transfer_encoding_is_read(encoding: bytes) -> None:
    assert "transfer encoding" in refused(OK + b"transfer-encoding: " + encoding + b"\r\n\r\n0\r\n\r\n")


# --- requests -------------------------------------------------------------------------------------------------------


def test_a_request_says_of_its_host_and_body_what_is_so() -> None:
    given = {"content-length": "9", "transfer-encoding": "chunked", "x-a": ""}
    assert render_head("PUT", "/", "a", given, 0) == b"PUT / HTTP/1.1\r\nhost: a\r\nx-a: \r\ncontent-length: 0\r\n\r\n"
    assert render_head("GET", "/", "a", {"host": "b:1"}, None) == b"GET / HTTP/1.1\r\nhost: b:1\r\n\r\n"
