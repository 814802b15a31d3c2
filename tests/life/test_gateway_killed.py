"""The gateway's process is killed amid a call and started again on its port: an error, and no other call suffers."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from typing import Any

import pytest

from portkey_gateway import APIConnectionError
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_gateway.sandbox.gateway import free_port
from tests.life.asking import FORMATS, FRAMEWORKS, Model, apieces, awhole, pieces, question, streamed, whole

TEXT, ANSWER = question(3)
SOON_S = 10.0


@pytest.fixture(scope="module")
def own_sandbox() -> Iterator[Sandbox]:
    """A gateway that nobody else needs."""
    with Sandbox(port=free_port()) as running:
        yield running


@pytest.fixture(params=itertools.product(FRAMEWORKS, FORMATS), ids=lambda pair: f"{pair[0].__name__}-{pair[1]}")
def asked(request: pytest.FixtureRequest, own_sandbox: Sandbox) -> Model:
    """A model whose answer stops in the middle, the first time."""
    own_sandbox.claude.clear()
    own_sandbox.claude.inject(Fault("stall", after=4, seconds=60))
    make, name = request.param
    made: Model = make(model=own_sandbox.model, **own_sandbox.options(), api_format=name, max_retries=2)
    return made


def kill(sandbox: Sandbox) -> None:
    process = sandbox._gateway._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def kill_amid(sandbox: Sandbox) -> None:
    """Kill the gateway once the provider was asked."""
    until = time.monotonic() + SOON_S
    while not sandbox.claude.requests:
        assert time.monotonic() < until
        time.sleep(0.005)
    kill(sandbox)


def was_charged_once(sandbox: Sandbox, caught: pytest.ExceptionInfo[APIConnectionError]) -> None:
    assert caught.value.may_be_charged
    assert len(sandbox.claude.requests) == 1
    sandbox._gateway.start()


def test_in_the_middle_of_a_whole_call(asked: Model, own_sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(1) as thread:
        killing = thread.submit(kill_amid, own_sandbox)
        with pytest.raises(APIConnectionError) as caught:
            whole(asked, TEXT)
    killing.result()
    was_charged_once(own_sandbox, caught)

    assert whole(asked, TEXT) == ANSWER


def test_in_the_middle_of_a_stream(asked: Model, own_sandbox: Sandbox) -> None:
    with closing(pieces(asked, TEXT)) as coming:
        assert any(coming)
        kill(own_sandbox)
        with pytest.raises(APIConnectionError) as caught:
            list(coming)
    was_charged_once(own_sandbox, caught)

    assert "".join(pieces(asked, TEXT)) == ANSWER


async def test_in_the_middle_of_a_whole_call_of_a_loop(asked: Model, own_sandbox: Sandbox) -> None:
    killing = asyncio.create_task(asyncio.to_thread(kill_amid, own_sandbox))
    with pytest.raises(APIConnectionError) as caught:
        await awhole(asked, TEXT)
    await killing
    was_charged_once(own_sandbox, caught)

    assert await awhole(asked, TEXT) == ANSWER


async def test_in_the_middle_of_a_stream_of_a_loop(asked: Model, own_sandbox: Sandbox) -> None:
    async with aclosing(apieces(asked, TEXT)) as coming:
        while not await anext(coming):
            pass
        kill(own_sandbox)
        with pytest.raises(APIConnectionError) as caught:
            await anext(coming)
    was_charged_once(own_sandbox, caught)

    assert await streamed(asked, TEXT) == ANSWER


async def test_while_its_connections_are_idle(own_sandbox: Sandbox) -> None:
    own_sandbox.claude.clear()
    options: dict[str, Any] = {"model": own_sandbox.model, **own_sandbox.options(), "max_retries": 0}
    for asked in (make(**options) for make in FRAMEWORKS):
        assert await asyncio.gather(*[awhole(asked, TEXT) for _ in range(5)]) == [ANSWER] * 5
        assert whole(asked, TEXT) == ANSWER
        kill(own_sandbox)
        own_sandbox._gateway.start()
        assert await asyncio.gather(*[awhole(asked, TEXT) for _ in range(5)]) == [ANSWER] * 5
        assert whole(asked, TEXT) == ANSWER
