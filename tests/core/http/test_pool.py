"""Calls of one event loop are spread over small pools, and every call gives its place back."""

import asyncio

import httpx
import pytest

from portkey_gateway import GatewayClient, GatewayOptions
from portkey_gateway.http.pool import CALLS_PER_POOL, KEPT_POOLS, SpreadTransport, shared_async_client
from tests.support.calls import HELLO
from tests.support.recording import RecordingServer, Reply, answer, deltas, events, whole


def client(server: RecordingServer) -> GatewayClient:
    return GatewayClient(
        GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions"), max_retries=0
    )


async def spread() -> SpreadTransport:
    transport = (await shared_async_client())._transport
    assert isinstance(transport, SpreadTransport)
    return transport


def test_a_burst_opens_pools_and_leaves_only_so_many(server: RecordingServer) -> None:
    server.reply(whole(answer(), wait_s=0.05))
    calls = CALLS_PER_POOL * (KEPT_POOLS + 2)

    async def burst() -> None:
        found = await asyncio.gather(*[client(server).achat(HELLO) for _ in range(calls)])
        assert [answered.text for answered in found] == ["Hello."] * calls
        transport = await spread()
        assert len(transport._pools) == KEPT_POOLS
        assert {pool.calls for pool in transport._pools} == {0}

    asyncio.run(burst())


def test_one_call_after_another_uses_one_connection(server: RecordingServer) -> None:
    server.reply(whole(answer()))

    async def calls() -> int:
        for _ in range(5):
            await client(server).achat(HELLO)
        return len((await spread())._pools)

    assert asyncio.run(calls()) == 1
    assert server.accepted == 1


def test_a_cancelled_or_failed_call_gives_its_place_back(server: RecordingServer) -> None:
    server.reply(events(0.2, *deltas("Hel", "lo.")))

    async def cancelled() -> set[int]:
        async def read() -> None:
            async with client(server).astream(HELLO) as stream:
                async for _ in stream:
                    pass

        tasks = [asyncio.create_task(read()) for _ in range(CALLS_PER_POOL + 1)]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        nowhere = GatewayClient(GatewayOptions(base_url="http://127.0.0.1:9/v1"), max_retries=0)
        await asyncio.gather(nowhere.achat(HELLO), return_exceptions=True)
        return {pool.calls for pool in (await spread())._pools}

    assert asyncio.run(cancelled()) == {0}


@pytest.mark.parametrize("way", ["timeout", "cancel", "cut"])
def test_a_whole_answer_that_breaks_off_gives_its_place_back(server: RecordingServer, way: str) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    server.reply(Reply((head,), "close") if way == "cut" else Reply((head, 5.0)))
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    asking = GatewayClient(options, max_retries=0, timeout_s=0.2 if way == "timeout" else 5)

    async def broken() -> set[int]:
        tasks = [asyncio.create_task(asking.achat(HELLO)) for _ in range(CALLS_PER_POOL + 1)]
        if way == "cancel":
            await asyncio.sleep(0.2)
            for task in tasks:
                task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(failure, BaseException) for failure in found)
        return {pool.calls for pool in (await spread())._pools}

    assert asyncio.run(broken()) == {0}
    server.wait_until_open(0)


def test_a_proxy_in_the_environment_keeps_httpxs_own_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    async def transport() -> httpx.AsyncBaseTransport:
        return (await shared_async_client())._transport

    assert not isinstance(asyncio.run(transport()), SpreadTransport)
