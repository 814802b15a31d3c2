"""The httpx clients under the calls: our own, shared by threads, event loops and forks; and borrowed ones."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from portkey_gateway import GatewayClient, GatewayOptions
from portkey_gateway.http import pool
from portkey_gateway.http.connections import LineTransport
from tests.support.calls import HELLO, Ask, any_call, astream_in_loop, chat, is_streamed, stream
from tests.support.recording import RecordingServer, answer, deltas, events, whole


def client(server: RecordingServer, **more: Any) -> GatewayClient:
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    settings: dict[str, Any] = {"timeout_s": 5, "max_retries": 0, **more}
    return GatewayClient(options, **settings)


def answer_any(server: RecordingServer, ask: Ask, headers: Mapping[str, str] | None = None) -> None:
    streamed = events(*deltas("Hel", "lo."), headers=headers)
    server.reply(streamed if is_streamed(ask) else whole(answer(), headers=headers))


@pytest.mark.parametrize("ask", [chat, stream])
def test_many_threads_share_one_client(server: RecordingServer, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_any(server, ask)
    made: list[LineTransport] = []
    monkeypatch.setattr(pool, "_client", None)
    monkeypatch.setattr(pool, "LineTransport", _slow_to_make(made))
    together = threading.Barrier(16)

    def work(_: int) -> str:
        together.wait()
        return "".join(ask(client(server)).text for _ in range(5))

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(work, range(16))) == {"Hello." * 5}
    assert len(server.requests) == 80
    assert server.accepted <= 16
    [only] = made
    only.close()


def _slow_to_make(made: list[LineTransport]) -> Any:
    def make(*given: Any) -> LineTransport:
        threading.Event().wait(0.02)
        made.append(LineTransport(*given))
        return made[-1]

    return make


def test_event_loops_one_after_another(server: RecordingServer) -> None:
    server.reply(whole(answer()))
    asking = client(server)

    for _ in range(3):
        assert asyncio.run(asking.achat(HELLO)).text == "Hello."
        server.wait_until_open(0)
        assert pool._async_clients == {}


def test_event_loops_at_once(server: RecordingServer) -> None:
    server.reply(events(0.02, *deltas("Hel", "lo.")))
    asking = client(server)

    async def several() -> set[str]:
        return {found.text for found in await asyncio.gather(*[astream_in_loop(asking) for _ in range(5)])}

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: asyncio.run(several()), range(8))) == [{"Hello."}] * 8
    server.wait_until_open(0)
    assert pool._async_clients == {}


def test_a_loop_closed_without_its_shutdown_is_forgotten_by_the_next(server: RecordingServer) -> None:
    # So LlamaIndex's asyncio_run does it inside a notebook.
    server.reply(whole(answer(), headers={"connection": "close"}))
    for _ in range(3):
        loop = asyncio.new_event_loop()
        try:
            assert loop.run_until_complete(client(server).achat(HELLO)).text == "Hello."
        finally:
            loop.close()

    asyncio.run(client(server).achat(HELLO))
    assert pool._async_clients == {}


def test_a_forked_child_opens_connections_of_its_own(server: RecordingServer) -> None:
    asking = client(server)
    asking.chat(HELLO)
    assert server.accepted == 1

    with pool._lock, warnings.catch_warnings():  # held by another thread, at the worst
        warnings.simplefilter("ignore", DeprecationWarning)  # this process has threads: just what is tested
        child = os.fork()
        if child == 0:
            _exit_by(lambda: asking.chat(HELLO).text + asyncio.run(asking.achat(HELLO)).text == "Hello.Hello.")
    assert _exit_code(child) == 0
    assert server.accepted == 3

    assert asking.chat(HELLO).text == "Hello."
    assert server.accepted == 3


def _exit_by(check: Any) -> None:
    """End the child without running anything of the parent's, pytest included."""
    signal.alarm(10)
    try:
        os._exit(0 if check() else 1)
    finally:
        os._exit(2)


def _exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_nothing_is_left_open_at_the_end_of_a_program(server: RecordingServer) -> None:
    program = f"""
import asyncio
from portkey_gateway import GatewayClient, GatewayOptions
options = {{"base_url": {server.base_url!r}, "provider": "anthropic", "api_format": "chat_completions"}}
client = GatewayClient(GatewayOptions(**options))
request = {{"model": "claude-sonnet-4-5", "messages": [{{"role": "user", "content": "Hello!"}}]}}
async def ask():
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is no matter of this test
    return await client.achat(request)
print(client.chat(request).text, asyncio.run(ask()).text, client.chat(request).text)
"""
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 our own program

    assert (ended.stdout, ended.stderr, ended.returncode) == ("Hello. Hello. Hello.\n", "", 0)
    server.wait_until_open(0)


@any_call
def test_borrowed_clients_are_used_as_they_are_and_never_closed(server: RecordingServer, ask: Ask) -> None:
    answer_any(server, ask, headers={"connection": "close"})  # its loop ends before the async client is closed
    seen: list[str] = []

    def on_request(request: httpx.Request) -> None:
        seen.append(request.url.path)

    async def aon_request(request: httpx.Request) -> None:
        seen.append(request.url.path)

    own: Any = {
        "headers": {"x-of-mine": "1", "X-Portkey-Span-Name": "mine"},
        "params": {"tenant": "7"},
        "trust_env": False,
    }
    sync_client = httpx.Client(**own, event_hooks={"request": [on_request]})
    async_client = httpx.AsyncClient(**own, event_hooks={"request": [aon_request]})
    found = ask(client(server, http_client=sync_client, http_async_client=async_client))

    [request] = server.requests
    assert found.text == "Hello."
    assert seen == ["/v1/chat/completions"]
    assert request.path == "/v1/chat/completions?tenant=7"
    assert (request.header("x-of-mine"), request.header("x-portkey-span-name")) == ("1", "mine")
    assert request.header("x-portkey-provider") == "anthropic"
    assert request.header("user-agent").startswith("python-httpx")
    assert not sync_client.is_closed
    assert not async_client.is_closed
    sync_client.close()


@any_call
def test_our_own_requests_say_what_sends_them_and_nothing_twice(server: RecordingServer, ask: Ask) -> None:
    answer_any(server, ask)

    ask(client(server))

    [request] = server.requests
    assert request.header("user-agent").startswith("portkey-frameworks/")
    assert all(len(values) == 1 for values in request.headers.values())


@pytest.mark.parametrize("is_async", [False, True])
def test_the_environments_proxy_is_used(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, is_async: bool
) -> None:
    monkeypatch.setattr(pool, "_client", None)
    monkeypatch.setenv("HTTP_PROXY", server.base_url.removesuffix("/v1"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    options = GatewayOptions(base_url="http://gateway.invalid/v1", provider="anthropic", api_format="chat_completions")
    asking = GatewayClient(options)

    found = asyncio.run(asking.achat(HELLO)) if is_async else asking.chat(HELLO)

    assert found.text == "Hello."
    assert server.requests[0].path == "http://gateway.invalid/v1/chat/completions"
    if pool._client:
        pool._client.close()
