"""HTTP/1.1 as bytes: what we read of it is what h11 reads, however it is cut; and nothing else gets into a request."""

from __future__ import annotations

from typing import Any

import h11
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portkey_gateway.http.wire import MAX_HEAD_BYTES, ResponseReader, render_head

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nx-late: 1\r\n\r\n"
RESPONSES = [
    WHOLE,
    CHUNKED,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + WHOLE,
    b"HTTP/1.1 246 \r\nx: 1\r\nX: 2\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\nx: folded\n  line\ncontent-length: 2\n\nhi",
    b"HTTP/1.1 500 Broken\r\nContent-Length: 3, 3\r\nConnection: Keep-Alive, Close\r\n\r\nabc",
    b"HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\n\r\n0005\r\nhello\r\n0\r\n\r\n",
]
NONE_AT_ALL = [
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nnull: \0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
]


def read(pieces: list[bytes]) -> tuple[int, dict[str, str], bytes, bool]:
    """Status, headers, body and whether the connection can be used again, as we read them."""
    reader, body = ResponseReader(), b""
    for piece in pieces:
        has_head = reader.status > 0
        if has_head or reader.feed_head(piece):
            body += reader.feed(piece if has_head else b"")
    can_be_used = reader.is_reusable
    if not reader.has_ended:
        reader.end()
        can_be_used = False
    return reader.status, reader.headers, body, can_be_used


def read_by_h11(pieces: list[bytes]) -> tuple[int, dict[str, str], bytes, bool]:
    """The same as h11 reads them; its values of one name are joined as ours are."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
    connection.send(h11.EndOfMessage())
    headers: dict[str, str] = {}
    status, body, can_be_used = 0, b"", False
    for piece in [*pieces, b""]:
        can_be_used = connection.our_state is h11.DONE and connection.their_state is h11.DONE
        if connection.their_state in {h11.DONE, h11.MUST_CLOSE, h11.CLOSED}:
            continue
        connection.receive_data(piece)
        while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response):
                status = event.status_code
                for name, value in event.headers:
                    key = name.decode()
                    headers[key] = (
                        f"{headers[key]}, {value.decode('latin-1')}" if key in headers else value.decode("latin-1")
                    )
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                break
    return status, headers, body, can_be_used


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False) if begin < end]


@settings(deadline=None)
@given(st.sampled_from(RESPONSES), st.lists(st.integers(0, 500), max_size=8))
def test_a_response_is_what_h11_reads_however_it_is_cut(response: bytes, places: list[int]) -> None:
    ours, theirs = read(cut(response, places)), read_by_h11([response])

    assert ours[0] == theirs[0]
    assert ours[2:] == theirs[2:]
    # h11 joins equal lengths, and puts an encoding into lower case.
    told = {name: value for name, value in theirs[1].items() if name not in {"content-length", "transfer-encoding"}}
    assert {name: ours[1][name] for name in told} == told


def test_every_single_cut() -> None:
    for response in RESPONSES:
        whole = read([response])
        for place in range(1, len(response)):
            assert read([response[:place], response[place:]]) == whole
        assert read([response[at : at + 1] for at in range(len(response))]) == whole


@pytest.mark.parametrize("response", NONE_AT_ALL)
def test_what_is_no_response_is_refused_as_h11_refuses_it(response: bytes) -> None:
    with pytest.raises(h11.RemoteProtocolError):
        read_by_h11([response])
    with pytest.raises(httpx.RemoteProtocolError):
        read([response])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(RESPONSES), st.integers(0, 500), st.binary(min_size=1, max_size=3))
def test_what_is_spoilt_is_refused_or_read_as_h11_reads_it(response: bytes, place: int, junk: bytes) -> None:
    place %= len(response)
    spoilt = response[:place] + junk + response[place + len(junk) :]
    try:
        theirs: Any = read_by_h11([spoilt])
    except h11.RemoteProtocolError:
        return  # whatever we make of it, h11 would have refused it: see the test before
    try:
        ours = read([spoilt])
    except httpx.RemoteProtocolError:
        return
    assert (ours[0], ours[2]) == (theirs[0], theirs[2])


@pytest.mark.parametrize("response", [WHOLE, CHUNKED])
def test_a_cut_response_is_no_whole_one(response: bytes) -> None:
    for place in range(len(response)):
        with pytest.raises(httpx.RemoteProtocolError):
            read([response[:place]])


@pytest.mark.parametrize("response", [WHOLE, CHUNKED])
def test_bytes_behind_a_response_end_its_connection(response: bytes) -> None:
    assert read([response])[3] is True
    assert read([response + b"HTTP/1.1 200 OK\r\n"])[2:] == (b"hello", False)
    assert read([response, b"x"])[2:] == (b"hello", False)


def test_two_lengths_end_the_connection() -> None:
    both = CHUNKED.replace(b"\r\n\r\n3", b"\r\nContent-Length: 5\r\n\r\n3", 1)

    assert read([both])[2:] == (b"hello", False)


def test_a_switch_of_protocols_is_refused() -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="switches"):
        read([b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"])


@pytest.mark.parametrize(
    "endless",
    [b"HTTP/1.1 200 OK\r\n" + b"x: 1\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x: 1\r\n"],
)
def test_a_head_without_an_end_is_refused_in_time(endless: bytes) -> None:
    reader = ResponseReader()
    assert reader.feed_head(endless) is (b"chunked" in endless)
    feed = reader.feed if reader.status else reader.feed_head
    with pytest.raises(httpx.RemoteProtocolError, match="too large"):
        [feed(b"y: 1\r\n" * 100) for _ in range(MAX_HEAD_BYTES)]


def test_a_chunk_without_a_size_is_refused_in_time() -> None:
    reader = ResponseReader()
    reader.feed_head(CHUNKED[: CHUNKED.index(b"3\r\n")])
    with pytest.raises(httpx.RemoteProtocolError, match="no size"):
        [reader.feed(b"0" * 100) for _ in range(100)]


def test_responses_share_the_names_of_their_headers_but_for_those_that_are_too_long_to_keep() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Name-%d: value\r\n" + b"X" * 65 + b": value\r\n\r\n"

    def names(number: int) -> list[str]:
        reader = ResponseReader()
        assert reader.feed_head(head % number)
        return list(reader.headers)

    first, second = names(0), names(0)
    assert first == second == ["x-name-0", "x" * 65]
    assert [one is other for one, other in zip(first, second, strict=True)] == [True, False]
    for number in range(1000):
        names(number)
    assert names(0)[0] is not first[0], "all names that ever came are kept"


def test_a_request_as_it_is_written() -> None:
    headers = {"content-type": "application/json", "content-length": "9", "transfer-encoding": "chunked"}

    head = render_head("POST", "/v1/x?y=1", "a:80", headers, 2)

    assert head == (
        b"POST /v1/x?y=1 HTTP/1.1\r\nhost: a:80\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n"
    )
    assert b"content-length" not in render_head("GET", "/", "a", {}, None)
    assert render_head("GET", "/", "a", {"host": "b"}, None).count(b"host") == 1


@pytest.mark.parametrize("value", ["a\r\nx: 1", "a\nx: 1", "a\rb", "a\0b", "ä", "x: 1\r\n\r\nGET / HTTP/1.1"])
def test_nothing_begins_a_line_of_its_own(value: str) -> None:
    for given_ in ({"x-a": value}, {value: "1"}):
        with pytest.raises(httpx.LocalProtocolError):
            render_head("POST", "/", "a", given_, 0)
    with pytest.raises(httpx.LocalProtocolError):
        render_head("POST", f"/{value}", "a", {}, 0)
    with pytest.raises(httpx.LocalProtocolError):
        render_head("POST", "/", value, {}, 0)
