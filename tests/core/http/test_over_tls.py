"""Calls and media over TLS, with the certificates that the environment names, and senders made once for all calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from portkey_gateway import APIConnectionError, GatewayClient, GatewayOptions
from portkey_gateway.http import fetch as fetching
from portkey_gateway.http import pool
from portkey_gateway.http.addresses import read_allowed
from portkey_gateway.http.connections import AsyncLineTransport, LineTransport
from portkey_gateway.http.fetch import Room, afetch, fetch
from portkey_gateway.http.pool import shared_async_client, shared_client, ssl_context
from tests.support.calls import Ask, any_call
from tests.support.tls import make_certificate, serving


@pytest.fixture(autouse=True)
def _a_new_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget the senders and the certificates that were read, as a new process has none."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    pool._close_client()
    pool._forget_clients()
    yield
    pool._close_client()
    pool._forget_clients()


def client(base_url: str) -> GatewayClient:
    options = GatewayOptions(base_url=base_url, provider="anthropic", api_format="chat_completions")
    return GatewayClient(options, timeout_s=5, max_retries=0)


@any_call
def test_a_call_goes_over_tls_to_whom_an_authority_of_the_environment_vouches_for(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    with serving(certificate) as url:
        with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(client(url))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        pool._close_client()
        pool._forget_clients()
        assert ask(client(url)).text == "Hello."


@pytest.mark.parametrize(("host", "why"), [("images.example", "HTTP 501"), ("other.example", "ConnectError")])
@pytest.mark.parametrize("is_async", [False, True])
def test_media_come_from_the_host_that_the_certificate_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, why: str, *, is_async: bool
) -> None:
    certificate = make_certificate(tmp_path, "images.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(fetching, "_resolve", lambda *_: ["127.0.0.1"])
    allowed = read_allowed(("127.0.0.1",))
    with serving(certificate) as url:
        address = url.replace("127.0.0.1", host)
        # It serves no GET, but says so over a connection that was trusted.
        with pytest.raises(APIConnectionError, match=why):
            asyncio.run(afetch(address, 5, allowed, Room())) if is_async else fetch(address, 5, allowed, Room())


# --- senders --------------------------------------------------------------------------------------------------------


def test_all_threads_have_one_sender_and_each_loop_its_own() -> None:
    sync = shared_client()
    assert isinstance(sync, LineTransport)
    assert shared_client() is sync

    async def in_a_loop() -> Any:
        made = await shared_async_client()
        assert isinstance(made, AsyncLineTransport)
        assert await shared_async_client() is made
        assert [each for each, _ in pool._async_clients.values()] == [made]
        return made

    first = asyncio.run(in_a_loop())
    assert pool._async_clients == {}
    assert asyncio.run(in_a_loop()) is not first
    assert pool._async_clients == {}


def test_a_loop_that_was_closed_without_its_end_is_forgotten_and_an_open_one_is_not() -> None:
    left, still_open = asyncio.new_event_loop(), asyncio.new_event_loop()
    left.run_until_complete(shared_async_client())
    kept = still_open.run_until_complete(shared_async_client())
    left.close()
    asyncio.run(shared_async_client())
    assert [each for each, _ in pool._async_clients.values()] == [kept]
    assert still_open.run_until_complete(shared_async_client()) is kept
    still_open.run_until_complete(still_open.shutdown_asyncgens())
    still_open.close()
    assert pool._async_clients == {}


def _sync() -> Any:
    return shared_client()


def _async() -> Any:
    return asyncio.run(shared_async_client())


@pytest.fixture(params=[_sync, _async])
def make(request: pytest.FixtureRequest) -> Callable[[], Any]:
    made: Callable[[], Any] = request.param
    return made


def test_through_a_proxy_httpxs_own_client_sends(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    kind: Any = httpx.Client if make is _sync else httpx.AsyncClient
    init = kind.__init__

    def noting(self: Any, **given: Any) -> None:
        asked.update(given)
        init(self, **given)

    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr(kind, "__init__", noting)
    assert isinstance(make(), kind)
    assert asked == {
        "verify": ssl_context(),
        "limits": httpx.Limits(max_connections=1000, max_keepalive_connections=100),
    }


@pytest.mark.parametrize(
    ("proxy", "reason"),
    [("socks5://127.0.0.1:9", 'needs: pip install "httpx[socks]"'), ("nonsense://secret@127.0.0.1:9", "no such URL")],
)
def test_a_proxy_that_cannot_be_used_says_what_to_do(
    make: Any, monkeypatch: pytest.MonkeyPatch, proxy: str, reason: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(APIConnectionError) as caught:
        make()
    assert reason in caught.value.message
    assert all(name in caught.value.message for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"))
    assert "secret" not in caught.value.message
    assert caught.value.is_retryable is False
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("given", "named"),
    [({"SSL_CERT_FILE": "/nowhere/ca.pem"}, "let SSL_CERT_FILE=/nowhere/ca.pem be"), ({}, "let certifi be")],
)
def test_certificates_that_cannot_be_read_are_named(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if not given:

        def broken(**_: Any) -> Any:
            raise OSError("gone")

        monkeypatch.setattr(httpx, "create_ssl_context", broken)
    with pytest.raises(APIConnectionError) as caught:
        ssl_context()
    assert named in caught.value.message
    assert caught.value.is_retryable is False
    assert isinstance(caught.value.__cause__, OSError)


def test_the_certificates_are_read_once() -> None:
    assert ssl_context() is ssl_context()
