"""What is fetched within which bounds, and every word of why not: without any network."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from portkey_gateway.errors import APIConnectionError
from portkey_gateway.http import fetch as fetching
from portkey_gateway.http.addresses import read_allowed
from portkey_gateway.http.fetch import INLINE_TIMEOUT_S, Fetched, Room, afetch, fetch

URL = "http://images.example/a.png?sig=x"
PUBLIC = "93.184.215.14"
NOT_PUBLIC = (
    "images.example is 10.0.0.1, which is no public address; if media may come from there, say "
    "inline_from=['images.example']"
)
CANNOT = "cannot fetch 'http://images.example/a.png?...' to inline it: "


@dataclass
class Reply:
    pieces: tuple[bytes, ...] = (b"",)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    is_closed: bool = False

    def raw(self) -> Iterator[bytes]:
        yield from self.pieces

    def close(self) -> None:
        self.is_closed = True


class AsyncReply(Reply):
    async def raw(self) -> AsyncIterator[bytes]:  # type: ignore[override]  # async
        for piece in self.pieces:
            yield piece

    async def close(self) -> None:  # type: ignore[override]  # async
        super().close()


class Asking:
    """Asks in the place of the network: of these answers one after the other; notes what was asked of which address."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_async: bool) -> None:
        self.answers: list[Any] = []
        self.asked: list[tuple[str, Any]] = []
        self.addresses: list[str] | Exception = [PUBLIC]
        self._is_async = is_async
        monkeypatch.setattr(fetching, "_resolve", self._resolve)
        monkeypatch.setattr(fetching, "_aask" if is_async else "_ask", self._aask if is_async else self._ask)

    def get(self, url: str = URL, *allowed: str, timeout_s: float | None = 5, room: Room | None = None) -> Fetched:
        given = (url, timeout_s, read_allowed(allowed), room or Room())
        return asyncio.run(afetch(*given)) if self._is_async else fetch(*given)

    def error(self, *answers: Any, url: str = URL, **more: Any) -> APIConnectionError:
        self.answers = [*answers]
        with pytest.raises(APIConnectionError) as caught:
            self.get(url, **more)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        return caught.value

    def _resolve(self, *_: Any) -> list[str]:
        if isinstance(self.addresses, Exception):
            raise self.addresses
        return self.addresses

    def _ask(self, asked: Any, address: str, _: Any) -> Any:
        self.asked.append((address, asked))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return AsyncReply(**vars(answer)) if self._is_async else answer

    async def _aask(self, *given: Any) -> Any:
        return self._ask(*given)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def asking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Asking:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return Asking(monkeypatch, is_async=request.param)


# --- what is had ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packing", "pack"),
    [("", bytes), ("identity", bytes), ("gzip", gzip.compress), (" GZIP ", gzip.compress), ("x-gzip", gzip.compress),
     ("deflate", zlib.compress)],
)  # fmt: skip
def test_it_is_joined_and_unpacked(asking: Asking, packing: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(b"an image")
    asking.answers = [Reply((packed[:3], packed[3:]), {"content-encoding": packing, "content-type": "image/png"})]
    assert asking.get() == Fetched(b"an image", "image/png")


def test_what_says_no_type_has_none(asking: Asking) -> None:
    asking.answers = [Reply((b"a", b"b"))]
    assert asking.get() == Fetched(b"ab", "")


@pytest.mark.parametrize(("timeout_s", "sent_s"), [(5, 5), (60, 60), (61, INLINE_TIMEOUT_S), (None, INLINE_TIMEOUT_S)])
def test_it_takes_no_longer_than_the_call_and_a_minute(asking: Asking, timeout_s: float | None, sent_s: float) -> None:
    asking.answers = [Reply()]
    asking.get(timeout_s=timeout_s)
    [(_, asked)] = asking.asked
    assert asked.timeout_s == sent_s
    assert asked.patience.silence_s == 10


def test_the_addresses_are_tried_one_after_the_other(asking: Asking) -> None:
    asking.addresses = ["8.8.8.8", "9.9.9.9", "1.1.1.1"]
    asking.answers = [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), Reply((b"a",))]
    assert asking.get().content == b"a"
    assert [address for address, _ in asking.asked] == ["8.8.8.8", "9.9.9.9", "1.1.1.1"]


@pytest.mark.parametrize("headers", [{}, {"content-length": "8"}, {"content-length": "?"}])
def test_as_much_as_there_is_room_for_is_taken(asking: Asking, headers: dict[str, str]) -> None:
    asking.answers, room = [Reply((b"x" * 8,), headers)], Room(8)
    assert asking.get(room=room).content == b"x" * 8
    assert room.left == 0


@pytest.mark.parametrize("reply", [Reply((b"x" * 9,)), Reply((), {"content-length": "9"})])
def test_one_byte_more_is_too_much(asking: Asking, reply: Reply) -> None:
    error = asking.error(reply, room=Room(8))
    assert error.message == f"{CANNOT}the media of one call may take 64 MiB together"
    assert error.is_retryable is False


def test_the_request_shows_the_name_and_asks_the_address(asking: Asking) -> None:
    asking.answers = [Reply()]
    asking.get("https://me:pass%20word@images.example:8443/a.png?b=c#d")  # pragma: allowlist secret
    [(address, asked)] = asking.asked
    assert address == PUBLIC
    proxied = asked.proxied()
    assert (proxied.method, str(proxied.url).partition("#")[0].rpartition("@")[2]) == (
        "GET",
        "images.example:8443/a.png?b=c",
    )
    assert proxied.headers["host"] == "images.example:8443"
    assert proxied.headers["connection"] == "close"
    assert proxied.headers["authorization"] == "Basic bWU6cGFzcyB3b3Jk"
    assert {*proxied.extensions["timeout"]} == {"connect", "read", "write", "pool"}
    assert all(0 < each <= 5 for each in proxied.extensions["timeout"].values())


# --- why not --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("addresses", "answers", "why", "is_retryable"),
    [
        ([], [], "its host has no address", True),
        (socket.gaierror(-2, "no such name"), [], "no such host is known", True),
        ([PUBLIC], [httpx.ConnectError("refused")], "the connection failed (ConnectError)", True),
        ([PUBLIC], [httpx.ConnectTimeout("x")], "it takes too long", True),
        ([PUBLIC], [httpx.ReadTimeout("x")], "it takes too long", True),
        ([PUBLIC], [TimeoutError()], "it takes too long", True),
        ([PUBLIC], [httpx.ReadError("x")], "the connection failed (ReadError)", True),
        ([PUBLIC], [OSError("x")], "the connection failed (OSError)", True),
        ([PUBLIC], [httpx.InvalidURL("x")], "its address cannot be read", False),
        ([PUBLIC], [UnicodeError("x")], "its address cannot be read", False),
        ([PUBLIC], [OverflowError("x")], "its address cannot be read", False),
        ([PUBLIC], [Reply(status=404)], "HTTP 404", False),
        ([PUBLIC], [Reply(status=428)], "HTTP 428", False),
        ([PUBLIC], [Reply(status=429)], "HTTP 429", True),
        ([PUBLIC], [Reply(status=499)], "HTTP 499", False),
        ([PUBLIC], [Reply(status=500)], "HTTP 500", True),
        ([PUBLIC], [Reply(status=302)], "HTTP 302", False),  # that leads nowhere
        ([PUBLIC], [Reply(headers={"content-encoding": "br"})], "it is packed in a way that nobody asked for", False),
        (
            [PUBLIC],
            [Reply((b"no gzip",), {"content-encoding": "gzip"})],
            "its body cannot be decompressed",
            True,
        ),
        (
            ["10.0.0.1"],
            [],
            NOT_PUBLIC,
            False,
        ),
        (
            [PUBLIC],
            [Reply(status=302, headers={"location": "/b"})] * 6,
            "it leads from one redirect to the next",
            False,
        ),
    ],
)
def test_why_it_is_not_had(asking: Asking, addresses: Any, answers: list[Any], why: str, *, is_retryable: bool) -> None:
    asking.addresses = addresses
    error = asking.error(*answers)
    assert error.message == CANNOT + why
    assert error.is_retryable is is_retryable


@pytest.mark.parametrize(
    ("url", "shown"),
    [("ftp://a.example/x", "ftp://a.example/x"), ("x.png", "x.png"), ("http:///x?b", "http:///x?...")],
)
def test_only_http_is_asked_for(asking: Asking, url: str, shown: str) -> None:
    error = asking.error(url=url)
    assert error.message == f"cannot fetch {shown!r} to inline it: only http and https are fetched"
    assert error.is_retryable is False
    assert asking.asked == []


def test_five_redirects_are_followed(asking: Asking) -> None:
    asking.answers = [*[Reply(status=307, headers={"location": "../b"})] * 5, Reply((b"a",))]
    assert asking.get().content == b"a"
    assert len(asking.asked) == 6


def test_the_last_reason_of_several_addresses_is_told_of_the_url_that_was_given(asking: Asking) -> None:
    asking.addresses = ["8.8.8.8", "9.9.9.9"]
    there = Reply(status=301, headers={"location": "https://elsewhere.example/b?key=y"})
    error = asking.error(there, httpx.ConnectTimeout("slow"), httpx.ConnectError("refused"))
    assert error.message == f"{CANNOT}the connection failed (ConnectError)"


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_through_a_proxy_one_address_is_looked_at_and_none_asked_twice(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inner.example")
    asking.addresses = ["8.8.8.8", "9.9.9.9"]
    error = asking.error(httpx.ConnectError("refused"), Reply())
    assert error.message == f"{CANNOT}the connection failed (ConnectError)"
    assert [(address, asked.proxy) for address, asked in asking.asked] == [("8.8.8.8", "http://proxy.example:3128")]
    asking.answers = [Reply()]
    asking.get("http://inner.example/a.png")
    assert asking.asked[-1][1].proxy is None


def test_each_address_of_a_name_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def look_up(*given: Any, **more: Any) -> Any:
        asked.append((given, more))
        return [(family, 1, 6, "", (host, 80)) for family, host in [(10, "::2"), (2, "1.1.1.1"), (10, "::2")]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert fetching._resolve("images.example", 80) == ["::2", "1.1.1.1"]
    assert asked == [(("images.example", 80), {"type": socket.SOCK_STREAM})]
