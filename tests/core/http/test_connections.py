"""Requests as they go to the wire, and idle connections: which are kept, and which are closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from portkey_gateway.http import connections
from portkey_gateway.http.connecting import Place
from portkey_gateway.http.connections import KEEPALIVE_S, MAX_IDLE, Lines, Outgoing

HERE = Place("http", "gateway.example", 80, "gateway.example")

# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "place", "target", "host"),
    [
        ("http://a.example/v1/x?y=1#z", ("http", "a.example", 80), "/v1/x?y=1", "a.example"),
        ("https://a.example", ("https", "a.example", 443), "/", "a.example"),
        ("http://a.example:443/", ("http", "a.example", 443), "/", "a.example:443"),
        ("https://a.example:80/", ("https", "a.example", 80), "/", "a.example:80"),
        ("https://a.example:443/", ("https", "a.example", 443), "/", "a.example"),
        ("http://[::1]:8080/x", ("http", "::1", 8080), "/x", "[::1]:8080"),
        ("https://b\u00fccher.example/\u00fc", ("https", "xn--bcher-kva.example", 443), "/%C3%BC",
         "xn--bcher-kva.example"),
        ("http://me:secret@a.example/x", ("http", "a.example", 80), "/x", "a.example"),  # pragma: allowlist secret
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [str, httpx.URL])
def test_a_request_goes_where_its_url_leads(
    url: str, place: tuple[str, str, int], target: str, host: str, kind: Any
) -> None:
    made = Outgoing.of("POST", kind(url), {"x-a": "1"}, b"{}")
    assert made.place == Place(*place, place[1])
    assert made.head.decode() == f"POST {target} HTTP/1.1\r\nhost: {host}\r\nx-a: 1\r\ncontent-length: 2\r\n\r\n"
    assert made.body == b"{}"


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", b"", None), ("GET", b"x", b"1"), ("POST", b"", b"0"), ("DELETE", b"", b"0"), ("PUT", b"abc", b"3")],
)
def test_a_length_is_told_of_all_but_a_get_without_a_body(method: str, body: bytes, length: bytes | None) -> None:
    head = Outgoing.of(method, "http://a.example/", {}, body).head
    assert head.startswith(method.encode() + b" / HTTP/1.1\r\n")
    assert (b"content-length: " + length + b"\r\n" in head) if length else (b"content-length" not in head)


def test_the_certificate_may_have_to_bear_another_name() -> None:
    made = Outgoing.of("GET", "https://127.0.0.1/x", {}, server_name="images.example")
    assert made.place == Place("https", "127.0.0.1", 443, "images.example")


@pytest.mark.parametrize("url", ["ftp://a.example/", "a.example/x", "file:///etc/passwd"])
def test_no_other_protocol_is_spoken(url: str) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        Outgoing.of("GET", url, {})


def test_what_is_no_url_is_told_as_such() -> None:
    with pytest.raises(httpx.InvalidURL):
        Outgoing.of("GET", "http://a.example:x/", {})


def test_a_request_shows_its_place_and_sizes_alone() -> None:
    made = Outgoing.of("POST", "http://a.example/", {"authorization": "sk-1"}, b"my prompt")
    assert repr(made) == f"Outgoing(place={made.place!r}, head=<{len(made.head)} bytes>, body=<9 bytes>)"


# --- idle connections -----------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Idle:
    """A connection that was used."""

    place: Place = HERE
    is_usable: bool = True
    idle_since: float = 0.0
    closed: int = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def lines() -> Any:
    return Lines()


def test_the_one_used_last_is_taken_first_and_each_once(lines: Any) -> None:
    first, second, elsewhere = Idle(), Idle(), Idle(HERE._replace(port=81))
    for line in (first, elsewhere, second):
        assert lines.use(line) is line
        lines.give(line)
    assert lines.count == 3
    assert [lines.take(HERE) for _ in range(3)] == [second, first, None]
    assert lines.count == 1
    assert lines.take(elsewhere.place) is elsewhere
    assert (lines.count, lines.take(elsewhere.place)) == (0, None)
    assert (first.closed, second.closed, elsewhere.closed) == (0, 0, 0)
    assert lines.clear() != []  # they are in use


def test_what_cannot_be_used_is_closed_and_the_next_taken(lines: Any) -> None:
    good, *broken = Idle(), Idle(is_usable=False), Idle(is_usable=False)
    for line in (good, *broken):
        lines.give(line)
    assert lines.take(HERE) is good
    assert [line.closed for line in broken] == [1, 1]
    assert (lines.count, good.closed) == (0, 0)


def test_so_many_are_kept_and_no_more(lines: Any) -> None:
    kept = [Idle(HERE._replace(port=each % 7)) for each in range(MAX_IDLE + 2)]
    for line in kept:
        lines.give(line)
    assert [line.closed for line in kept] == [0] * MAX_IDLE + [1, 1]
    assert lines.count == MAX_IDLE


@pytest.mark.parametrize("by", ["expire", "take", "give"])
def test_those_idle_for_too_long_are_closed(lines: Any, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    now = [1000.0]
    monkeypatch.setattr(connections, "time", type("Clock", (), {"monotonic": lambda: now[0]}))
    old, elsewhere, young = Idle(), Idle(HERE._replace(port=81)), Idle()
    for line in (old, elsewhere):
        lines.give(line)
    now[0] += 1
    lines.give(young)
    assert (old.idle_since, young.idle_since) == (1000.0, 1001.0)
    now[0] = 1000.0 + KEEPALIVE_S
    lines.expire()
    assert lines.count == 3  # just not yet
    now[0] += 0.5
    {"expire": lines.expire, "take": lambda: lines.take(HERE), "give": lambda: lines.give(Idle())}[by]()
    assert (old.closed, elsewhere.closed, young.closed) == (1, 1, 0)
    assert lines.count == {"expire": 1, "take": 0, "give": 2}[by]
    assert lines.take(elsewhere.place) is None


def test_all_are_closed_in_the_end_those_in_use_too(lines: Any) -> None:
    used, idle, dropped = Idle(), Idle(), Idle()
    for line in (used, idle, dropped):
        lines.use(line)
    lines.give(idle)
    lines.drop(dropped)
    assert dropped.closed == 1
    assert set(lines.clear()) == {used, idle}
    assert (used.closed, idle.closed, dropped.closed, lines.count) == (1, 1, 1, 0)
    assert lines.clear() == []
    assert lines.take(HERE) is None
