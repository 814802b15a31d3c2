"""A connection of a thread and one of an event loop: how both are made, to which address, and over TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from portkey_gateway.http.connecting import CONNECT_TIMEOUT_S, Place, connect_s
from portkey_gateway.http.network import AsyncLine, Line
from portkey_gateway.http.patience import Deadline, Patience
from tests.core.http.lines import FOR_EVER, OVER, SOON_S, Ends, done, no_context, seconds
from tests.support.tls import make_certificate

# --- connecting -----------------------------------------------------------------------------------------------------


async def test_a_connection_is_made_and_holds_nothing_back(ends: Ends) -> None:
    held = ends.line._within(None) if isinstance(ends.line, Line) else ends.line._transport.get_extra_info("socket")
    assert held.getpeername() == ends.peer.getsockname()
    assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert ends.line.is_usable is True
    assert ends.line.has_written is False
    assert ends.line.idle_since == 0.0


async def test_what_refuses_is_a_connect_error(make: Any, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    line = make(port)
    with pytest.raises(httpx.ConnectError, match=r"refused|failed") as caught:
        await done(line.connect(FOR_EVER, no_context))
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert line.is_usable is False


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("a" * 64 + ".example", 80), ("\udc80", 80)])
async def test_an_address_that_cannot_be_is_told_as_such(make: Any, host: str, port: int) -> None:
    with pytest.raises((httpx.UnsupportedProtocol, httpx.ConnectError)) as caught:
        await done(make(port, host).connect(FOR_EVER, no_context))
    assert isinstance(caught.value.__cause__, OverflowError | UnicodeError | OSError)
    assert str(caught.value) == str(caught.value.__cause__)


async def test_connecting_ends_in_time(make: Any) -> None:
    # A full backlog leaves further connections without an answer, as an unreachable host does.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, socket.create_connection(deaf.getsockname()):
        line = make(deaf.getsockname()[1])
        with pytest.raises(httpx.ConnectTimeout) as caught:
            await done(line.connect(seconds(0.05), no_context))
        assert isinstance(caught.value.__cause__, TimeoutError)
        with pytest.raises(httpx.ConnectTimeout, match="the time is up"):
            await done(line.connect(OVER, no_context))


@pytest.mark.parametrize(
    ("silence_s", "total_s", "limit_s"),
    [(None, None, CONNECT_TIMEOUT_S), (600, None, CONNECT_TIMEOUT_S), (3, None, 3), (600, 4, 4), (None, 5, 5)],
)
def test_connecting_takes_no_longer_than_the_shortest_bound(
    silence_s: float | None, total_s: float | None, limit_s: float
) -> None:
    assert connect_s(Patience(silence_s, Deadline(total_s))) == pytest.approx(limit_s, abs=0.5)


async def test_whoever_is_cancelled_while_connecting_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, socket.create_connection(deaf.getsockname()):
        line = AsyncLine(Place("http", "127.0.0.1", deaf.getsockname()[1], "127.0.0.1"))
        connecting = asyncio.create_task(line.connect(FOR_EVER, no_context))
        await asyncio.sleep(0.02)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await asyncio.wait_for(line.closed, SOON_S)


def named(*hosts: str, port: int) -> list[Any]:
    """As a resolver tells of a name that has several addresses."""
    families = {True: socket.AF_INET6, False: socket.AF_INET}
    return [(families[":" in host], socket.SOCK_STREAM, 0, "", (host, port)) for host in hosts]


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the name ``several.example`` resolves to, in threads and in loops."""
    found: list[Any] = []
    resolve = socket.getaddrinfo

    def look_up(host: Any, port: Any, *given: Any, **more: Any) -> Any:
        return found if host == "several.example" else resolve(host, port, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return found


async def test_the_next_address_is_tried_where_one_refuses(
    make: Any, listener: socket.socket, resolved: list[Any]
) -> None:
    port = listener.getsockname()[1]
    resolved += named("::1", "127.0.0.1", "::1", port=port)
    line = make(port, "several.example")
    await done(line.connect(FOR_EVER, no_context))
    with listener.accept()[0] as peer:
        assert peer.getsockname() == ("127.0.0.1", port)


async def test_if_none_of_the_addresses_can_be_reached_the_last_says_why(
    make: Any, listener: socket.socket, resolved: list[Any]
) -> None:
    port = listener.getsockname()[1]
    resolved += named("::1", "::1", port=port)
    with pytest.raises(httpx.ConnectError):
        await done(make(port, "several.example").connect(FOR_EVER, no_context))


async def test_a_name_that_resolves_to_nothing_is_a_connect_error(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(httpx.ConnectError, match="not known"):
        await done(make(80, "nobody.example").connect(FOR_EVER, no_context))


# --- TLS ------------------------------------------------------------------------------------------------------------


class Handshakes:
    """Lets whoever comes in over TLS; notes the name and the protocol that each asked for, or ``None`` if it left."""

    def __init__(self, listener: socket.socket, certificate: Path) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.context.set_alpn_protocols(["h2", "http/1.1"])
        self.context.sni_callback = lambda _, name, __: self.names.append(name)
        self.names: list[str | None] = []
        self.spoken: list[str | None] = []
        self._listener = listener
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            plain.settimeout(SOON_S)
            try:
                with plain, self.context.wrap_socket(plain, server_side=True) as shaken:
                    self.spoken.append(shaken.selected_alpn_protocol())
                    shaken.sendall(shaken.recv(100).upper())
            except OSError:
                self.spoken.append(None)


@pytest.fixture
def handshakes(listener: socket.socket, tmp_path: Path) -> Iterator[Handshakes]:
    made = Handshakes(listener, make_certificate(tmp_path, "gateway.example"))
    made.thread.start()
    yield made
    listener.shutdown(socket.SHUT_RDWR)
    made.thread.join(SOON_S)


@pytest.fixture
def trusting(handshakes: Handshakes, tmp_path: Path) -> Any:
    assert handshakes.names == []
    return lambda: ssl.create_default_context(cafile=tmp_path / "gateway.example.pem")


async def test_over_tls_the_certificates_name_is_asked_for_and_http_spoken(
    make: Any, listener: socket.socket, handshakes: Handshakes, trusting: Any
) -> None:
    line = make(listener.getsockname()[1], scheme="https", server_name="gateway.example")
    await done(line.connect(seconds(SOON_S), trusting))
    await done(line.send(b"hello", b"", FOR_EVER))
    assert await done(line.read(seconds(SOON_S))) == b"HELLO"
    assert (handshakes.names, handshakes.spoken) == (["gateway.example"], ["http/1.1"])


async def test_a_certificate_of_another_name_is_refused_and_no_other_address_asked(
    make: Any, listener: socket.socket, handshakes: Handshakes, trusting: Any, resolved: list[Any]
) -> None:
    port = listener.getsockname()[1]
    resolved += named("127.0.0.1", "127.0.0.1", port=port)
    line = make(port, "several.example", "https")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await done(line.connect(seconds(SOON_S), trusting))
    assert line.is_usable is False
    assert handshakes.names == ["several.example"]
