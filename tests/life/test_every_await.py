"""A call cancelled, timed out or left at each of its awaits ends at once, leaves nothing open and spoils no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing, closing
from typing import Any, TypeAlias

import pytest

from portkey_gateway.http import connections
from portkey_gateway.sandbox import Sandbox
from tests.life.asking import FORMATS, FRAMEWORKS, Model, apieces, awhole, pieces, question, streamed
from tests.life.stepping import Waits
from tests.support.proxy import Proxy

TEXT, ANSWER = question(7)
Ending: TypeAlias = Callable[[Coroutine[Any, Any, str], int], Awaitable[str | None]]
"""Awaits a call, and ends it while it waits for the n-th time; returns the answer if it came before."""


@pytest.fixture(scope="module")
def proxy(portkey_sandbox: Sandbox) -> Iterator[Proxy]:
    """Counts the connections to the gateway."""
    with Proxy(portkey_sandbox.base_url) as running:
        yield running


@pytest.fixture(params=FORMATS)
def options(request: pytest.FixtureRequest, sandbox: Sandbox, proxy: Proxy) -> dict[str, Any]:
    named = {"api_format": request.param, "max_retries": 0}
    return {"model": sandbox.model, **sandbox.options(), "base_url": proxy.base_url, **named}


@pytest.fixture(params=FRAMEWORKS, ids=lambda make: make.__name__)
def model(request: pytest.FixtureRequest, options: dict[str, Any]) -> Model:
    made: Model = request.param(**options)
    return made


def ask(model: Model, *, is_streamed: bool) -> Coroutine[Any, Any, str]:
    return streamed(model, TEXT) if is_streamed else awhole(model, TEXT)


async def cancelled(call: Coroutine[Any, Any, str], at: int) -> str | None:
    """The answer, or ``None`` if the call was cancelled while it waited for the ``at``-th time."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    try:
        return await Waits(at, lambda: loop.call_soon(task.cancel)).of(call)
    except asyncio.CancelledError:
        task.uncancel()
        return None


async def timed_out(call: Coroutine[Any, Any, str], at: int) -> str | None:
    """The same for ``asyncio.timeout``."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as bound:
            return await Waits(at, lambda: bound.reschedule(loop.time())).of(call)
    except TimeoutError:
        return None


@pytest.mark.parametrize(
    ("end", "is_streamed", "is_warm"),
    [(cancelled, False, False), (cancelled, True, True), (timed_out, False, True), (timed_out, True, False)],
    ids=["cancelled-whole", "cancelled-streamed-warm", "timed_out-whole-warm", "timed_out-streamed"],
)
def test_a_call_that_ends_at_any_await_leaves_nothing(
    model: Model, proxy: Proxy, end: Ending, *, is_streamed: bool, is_warm: bool
) -> None:
    async def ends_at(at: int) -> bool:
        """Whether the call ended early."""
        if is_warm:
            assert await ask(model, is_streamed=is_streamed) == ANSWER
        answer = await end(ask(model, is_streamed=is_streamed), at)
        assert answer in {None, ANSWER}
        await asyncio.to_thread(proxy.wait_until_at_most, 1)
        assert await ask(model, is_streamed=is_streamed) == ANSWER
        await asyncio.to_thread(proxy.wait_until_at_most, 1)
        return answer is None

    at = 0
    while asyncio.run(ends_at(at)):
        proxy.wait_until_at_most(0)
        at += 1
    assert at >= 1


def test_a_stream_that_is_closed_behind_any_of_its_pieces_leaves_nothing(model: Model, proxy: Proxy) -> None:
    async def is_left_behind(count: int) -> bool:
        """Whether there was still something to come."""
        heard: list[str] = []
        async with aclosing(apieces(model, TEXT)) as coming:
            while len(heard) < count:
                heard.append(await anext(coming, ANSWER))
        await asyncio.to_thread(proxy.wait_until_at_most, 1)
        assert await streamed(model, TEXT) == ANSWER
        await asyncio.to_thread(proxy.wait_until_at_most, 1)
        return heard[-1:] != [ANSWER]

    count = 0
    while asyncio.run(is_left_behind(count)):
        proxy.wait_until_at_most(0)
        count += 1
    assert count > 3


def test_a_loop_that_ends_behind_any_piece_of_a_stream_leaves_nothing(model: Model, proxy: Proxy) -> None:
    async def leave_behind(count: int) -> AsyncGenerator[str]:
        coming = apieces(model, TEXT)
        for _ in range(count):
            await anext(coming)
        return coming

    for count in range(4):
        left = asyncio.run(leave_behind(count))
        proxy.wait_until_at_most(0)
        del left
    assert asyncio.run(streamed(model, TEXT)) == ANSWER


def test_a_sync_stream_that_is_left_behind_any_of_its_pieces_leaves_nothing(model: Model, proxy: Proxy) -> None:
    count = 0
    heard: list[str] = []
    while heard[-1:] != [ANSWER]:
        with closing(pieces(model, TEXT)) as coming:
            heard = [next(coming, ANSWER) for _ in range(count)]
        proxy.wait_until_at_most(1)
        assert "".join(pieces(model, TEXT)) == ANSWER
        proxy.wait_until_at_most(1)
        count += 1
    assert count > 3


def test_idle_connections_that_a_call_closes_are_closed_also_if_it_is_cancelled(
    model: Model, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ends_at(at: int) -> bool:
        monkeypatch.setattr(connections, "KEEPALIVE_S", 60.0)  # nothing else closes them
        await asyncio.gather(*[awhole(model, TEXT) for _ in range(6)])
        monkeypatch.setattr(connections, "KEEPALIVE_S", 0.0)
        answer = await cancelled(awhole(model, TEXT), at)
        await asyncio.to_thread(proxy.wait_until_at_most, 1)
        return answer is None

    at = 0
    while asyncio.run(ends_at(at)):
        at += 1
    assert at >= 1
