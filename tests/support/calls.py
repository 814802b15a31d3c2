"""The four ways to ask a `GatewayClient`, under one signature, so that twins share their tests."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import pytest

from portkey_gateway import Answer, GatewayClient
from portkey_gateway.conversation.request import ChatRequest

HELLO: Final[ChatRequest] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello!"}],
}


class Ask(Protocol):
    """One way to ask."""

    def __call__(self, client: GatewayClient, request: ChatRequest = HELLO, **labels: Any) -> Answer: ...


def chat(client: GatewayClient, request: ChatRequest = HELLO, **labels: Any) -> Answer:
    return client.chat(request, **labels)


def achat(client: GatewayClient, request: ChatRequest = HELLO, **labels: Any) -> Answer:
    return asyncio.run(client.achat(request, **labels))


def stream(client: GatewayClient, request: ChatRequest = HELLO, **labels: Any) -> Answer:
    with client.stream(request, **labels) as answer:
        for _ in answer:
            pass
    return answer.answer


def astream(client: GatewayClient, request: ChatRequest = HELLO, **labels: Any) -> Answer:
    return asyncio.run(astream_in_loop(client, request, **labels))


async def astream_in_loop(client: GatewayClient, request: ChatRequest = HELLO, **labels: Any) -> Answer:
    async with client.astream(request, **labels) as answer:
        async for _ in answer:
            pass
    return answer.answer


def is_streamed(ask: Ask) -> bool:
    return ask in {stream, astream}


any_call = pytest.mark.parametrize("ask", [chat, achat, stream, astream])
whole_call = pytest.mark.parametrize("ask", [chat, achat])
streamed_call = pytest.mark.parametrize("ask", [stream, astream])
