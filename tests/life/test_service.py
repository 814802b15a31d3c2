"""A web service streams to 200 clients, half of whom leave: their calls end, those of the others do not."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from portkey_gateway.sandbox import Fault, Sandbox
from tests.life.asking import Model, apieces, models, question
from tests.support.proxy import Proxy

CLIENTS: Final = 200
ROUNDS: Final = 3
OTHER: Final = ("portkey_gateway.sandbox", "portkey_gateway.tracing")
OURS: Final = ("portkey_", "langchain", "llama_index", "httpx")


@pytest.fixture
def proxy(portkey_sandbox: Sandbox) -> Iterator[Proxy]:
    """Counts the connections to the gateway of those who leave."""
    with Proxy(portkey_sandbox.base_url) as running:
        yield running


@asynccontextmanager
async def served(asked: list[Model]) -> AsyncIterator[int]:
    """Run the service, and yield its port."""

    async def answer(request: Request) -> StreamingResponse:
        number = int(request.path_params["number"])
        return StreamingResponse(apieces(asked[number % len(asked)], question(number)[0]))

    app = Starlette(routes=[Route("/{number:int}", answer)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 it tells nobody
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def visit(port: int, number: int, all_heard: asyncio.Barrier) -> bool:
    """Whether the answer is the right one; every second client leaves once all have heard something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /{number} HTTP/1.0\r\n\r\n".encode())
    heard = await reader.readuntil(b"This")
    await all_heard.wait()
    if leaves(number):
        writer.transport.abort()
        return True
    heard += await reader.read()
    writer.close()
    return heard.endswith(question(number)[1].encode())


def leaves(number: int) -> bool:
    return number % 8 >= 4  # as often with each model


def kept() -> int:
    """How many objects there are of ours and of the frameworks; what traces cost is remembered, in bounds."""
    gc.collect()
    modules = [str(type(each).__module__) for each in gc.get_objects()]
    return sum(name.startswith(OURS) and not name.startswith(OTHER) for name in modules)


@pytest.mark.timeout(300)
def test_a_client_that_leaves_ends_its_call_and_no_other(
    sandbox: Sandbox, proxy: Proxy, options: dict[str, Any]
) -> None:
    asked = models(options) + models({**options, "base_url": proxy.base_url})
    found: list[int] = []

    async def one_round() -> None:
        sandbox.claude.clear()
        for number in filter(leaves, range(CLIENTS)):
            # Its answer goes on for longer than this test.
            sandbox.claude.inject(Fault("stall", after=4, seconds=60, match=question(number)[1]))
        all_heard = asyncio.Barrier(CLIENTS)
        async with served(asked) as port:
            assert all(await asyncio.gather(*[visit(port, number, all_heard) for number in range(CLIENTS)]))
            await asyncio.to_thread(proxy.wait_until_at_most, 0)

    for _ in range(ROUNDS):
        asyncio.run(one_round())
        found.append(kept())
    assert found[2] <= found[1] + CLIENTS / 10
