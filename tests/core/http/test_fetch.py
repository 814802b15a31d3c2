"""Media are fetched from where they may be, within bounds, and nothing secret of their URL is told."""

from __future__ import annotations

import asyncio
import gzip
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from portkey_gateway.errors import APIConnectionError
from portkey_gateway.http import fetch as fetching
from portkey_gateway.http.addresses import read_allowed
from portkey_gateway.http.fetch import MAX_INLINE_BYTES, Fetched, Room, afetch, fetch
from tests.support.recording import RecordingServer, Reply, chunk, whole

Fetch = Callable[..., Fetched]
PNG = b"\x89PNG\r\n\x1a\n"
SECRET = "very-" + "secret"
IMAGE = whole(PNG, headers={"content-type": "image/png"})


def _sync(url: str, *allowed: str, timeout_s: float | None = 5, room: Room | None = None) -> Fetched:
    return fetch(url, timeout_s, read_allowed(allowed), room or Room())


def _async(url: str, *allowed: str, timeout_s: float | None = 5, room: Room | None = None) -> Fetched:
    return asyncio.run(afetch(url, timeout_s, read_allowed(allowed), room or Room()))


@pytest.fixture(params=[_sync, _async])
def get(request: pytest.FixtureRequest) -> Fetch:
    asked: Fetch = request.param
    return asked


def port(server: RecordingServer) -> str:
    return server.base_url.split(":")[2].split("/")[0]


def test_what_is_allowed_is_fetched(server: RecordingServer, get: Fetch) -> None:
    server.reply(IMAGE)
    assert get(f"{server.base_url}/a.png?size=1#top", "127.0.0.0/8") == Fetched(PNG, "image/png")
    assert server.requests[0].path == "/v1/a.png?size=1"
    assert server.requests[0].header("host") == f"127.0.0.1:{port(server)}"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "017700000001", "[::ffff:127.0.0.1]", "0",
     "0.0.0.0", "[::ffff:7f00:1]", "127.0.0.1.", "user@127.0.0.1"],  # noqa: S104 not bound
)  # fmt: skip
def test_this_machine_is_not_asked_however_it_is_written(server: RecordingServer, get: Fetch, host: str) -> None:
    with pytest.raises(APIConnectionError, match=r"no public address.*inline_from=|no such host|cannot be read"):
        get(f"http://{host}:{port(server)}/a.png")
    assert server.accepted == 0


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest"])
def test_the_metadata_of_a_cloud_are_not_asked(get: Fetch, url: str) -> None:
    with pytest.raises(APIConnectionError, match="no public address") as caught:
        get(url)
    assert not caught.value.is_retryable


def test_a_name_that_resolves_to_an_inner_address_is_not_asked(
    server: RecordingServer, get: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_resolve", lambda *_: ["93.184.215.14", "127.0.0.1"])
    with pytest.raises(APIConnectionError, match=r"images\.example is 127\.0\.0\.1, which is no public address"):
        get(f"http://images.example:{port(server)}/a.png")
    assert server.accepted == 0


def test_it_connects_to_the_address_that_was_looked_at_and_looks_only_once(
    server: RecordingServer, get: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def resolve(host: str, _: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"] if len(looked) == 1 else ["127.0.0.66"]

    monkeypatch.setattr(fetching, "_resolve", resolve)
    server.reply(IMAGE)
    assert get(f"http://images.example:{port(server)}/a.png", "images.example").content == PNG
    assert looked == ["images.example"]
    assert server.requests[0].header("host") == f"images.example:{port(server)}"


def test_the_next_address_is_tried_where_one_is_not_reached(
    server: RecordingServer, get: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_resolve", lambda *_: ["::1", "127.0.0.1"])
    server.reply(IMAGE)
    assert get(f"http://images.example:{port(server)}/a.png", "images.example").content == PNG


def test_a_redirect_is_followed_where_it_may_lead(server: RecordingServer, get: Fetch) -> None:
    server.reply(whole(b"", status=302, headers={"location": "/v1/there"}), IMAGE)
    assert get(f"{server.base_url}/here", "127.0.0.1").content == PNG
    assert [request.path for request in server.requests] == ["/v1/here", "/v1/there"]


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://169.254.169.254/latest", "no public address"),
        ("http://10.0.0.1:1/x", "no public address"),
        ("//[::1]/x", "no public address"),
        ("file:///etc/passwd", "only http and https"),
        ("gopher://127.0.0.1/x", "only http and https"),
        ("http://[", "no such host is known"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere_else(
    server: RecordingServer, get: Fetch, location: str, why: str, status: int
) -> None:
    server.reply(whole(b"", status=status, headers={"location": location}))
    with pytest.raises(APIConnectionError, match=why):
        get(f"{server.base_url}/here", "127.0.0.1")
    assert len(server.requests) == 1


def test_redirects_without_end_come_to_one(server: RecordingServer, get: Fetch) -> None:
    server.reply(whole(b"", status=302, headers={"location": "/again"}))
    with pytest.raises(APIConnectionError, match="one redirect to the next"):
        get(f"{server.base_url}/here", "127.0.0.1")
    assert len(server.requests) == fetching.MAX_REDIRECTS + 1


def test_a_password_goes_where_it_was_given_for_and_not_to_the_next_host(
    server: RecordingServer, get: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_resolve", lambda *_: ["127.0.0.1"])
    server.reply(whole(b"", status=302, headers={"location": f"http://b.example:{port(server)}/x"}), IMAGE)
    get(f"http://me:pass%20word@a.example:{port(server)}/here", "127.0.0.1")  # pragma: allowlist secret
    first, second = server.requests
    assert first.header("authorization") == "Basic bWU6cGFzcyB3b3Jk"
    assert "authorization" not in second.headers


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://1.1.1.1/x", "gopher://1.1.1.1/x", "http:///x", "x.png"])
def test_only_http_is_fetched(get: Fetch, url: str) -> None:
    with pytest.raises(APIConnectionError, match="only http and https are fetched"):
        get(url)


@pytest.mark.parametrize(
    "reply",
    [
        whole(b"", headers={"content-length": "99999999999"}),
        whole(b"x" * 200),
        Reply((b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[chunk(b"x" * 60)] * 9)),
        whole(gzip.compress(b"x" * 1_000_000), headers={"content-encoding": "gzip"}),
        whole(gzip.compress(b"x") + b"x" * (MAX_INLINE_BYTES + 1), headers={"content-encoding": "gzip"}),
    ],
)
def test_no_more_is_read_than_there_is_room_for(server: RecordingServer, get: Fetch, reply: Reply) -> None:
    server.reply(reply)
    with pytest.raises(APIConnectionError, match="may take 64 MiB together"):
        get(f"{server.base_url}/a.png", "127.0.0.1", room=Room(150))


def test_the_room_is_that_of_a_whole_call(server: RecordingServer, get: Fetch) -> None:
    server.reply(whole(b"x" * 100))
    room = Room(150)
    assert len(get(f"{server.base_url}/a", "127.0.0.1", room=room).content) == 100
    with pytest.raises(APIConnectionError, match="may take 64 MiB together"):
        get(f"{server.base_url}/b", "127.0.0.1", room=room)


def test_what_is_packed_is_unpacked(server: RecordingServer, get: Fetch) -> None:
    server.reply(whole(gzip.compress(PNG), headers={"content-encoding": "gzip"}))
    assert get(f"{server.base_url}/a.png", "127.0.0.1").content == PNG


@pytest.mark.parametrize(
    ("body", "packing", "why"),
    [
        (b"no gzip", "gzip", "body cannot be decompressed"),
        (gzip.compress(PNG, mtime=0)[:-9], "gzip", "body cannot be decompressed: it breaks off"),
        (b"", "gzip", "body cannot be decompressed: it breaks off"),
        (PNG, "br", "nobody asked for"),
    ],
)
def test_what_cannot_be_unpacked_is_an_error(
    server: RecordingServer, get: Fetch, body: bytes, packing: str, why: str
) -> None:
    server.reply(whole(body, headers={"content-encoding": packing}))
    with pytest.raises(APIConnectionError, match=why):
        get(f"{server.base_url}/a.png", "127.0.0.1")


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"])
def test_a_drip_ends(server: RecordingServer, get: Fetch, begun: bytes) -> None:
    server.reply(Reply((begun, *[piece for _ in range(99) for piece in (b"x", 0.1)])))
    with pytest.raises(APIConnectionError, match="takes too long") as caught:
        get(f"{server.base_url}/a.png", "127.0.0.1", timeout_s=0.5)
    assert caught.value.is_retryable


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_a_status_is_told(server: RecordingServer, get: Fetch, status: int) -> None:
    server.reply(whole(b"", status=status))
    with pytest.raises(APIConnectionError, match=rf"cannot fetch '.*/a\.png' to inline it: HTTP {status}") as caught:
        get(f"{server.base_url}/a.png", "127.0.0.1")
    assert caught.value.is_retryable == (status >= 429)


@pytest.mark.parametrize(
    "reply",
    [
        whole(b"", status=404),
        whole(b"", status=302, headers={"location": f"http://10.0.0.1/x?sig={SECRET}"}),
        Reply((f"no HTTP {SECRET}\r\n\r\n".encode(),), then="close"),
        Reply((), then="reset"),
    ],
)
def test_no_password_and_no_signature_is_told(
    server: RecordingServer, get: Fetch, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(reply)
    with caplog.at_level(logging.INFO), pytest.raises(APIConnectionError, match=r"/a\.png\?\.\.\.'") as caught:
        get(f"http://me:{SECRET}@127.0.0.1:{port(server)}/a.png?X-Signature={SECRET}#x", "127.0.0.1")
    error: Any = caught.value
    told = f"{error!r} {error.__dict__} {''.join(traceback.format_exception(error))} {error.__context__}"
    assert SECRET not in told + caplog.text


def test_an_environment_of_proxies_is_asked_by_name_and_only_for_what_is_public(
    server: RecordingServer, get: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port(server)}")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr(fetching, "_resolve", lambda host, _: ["10.0.0.1" if host == "inner" else "93.184.215.14"])
    server.reply(IMAGE)
    assert get("http://images.example/a.png").content == PNG
    assert server.requests[0].path == "http://images.example/a.png"
    with pytest.raises(APIConnectionError, match="no public address"):
        get("http://inner/a.png")
    assert len(server.requests) == 1
