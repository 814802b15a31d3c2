"""A call that failed leaves nothing: not its request, with its media, until Python's collector comes by."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage

from portkey_gateway import PortkeyError
from portkey_gateway.http.call import Call
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.support.recording import RecordingServer, Reply, whole
from tests.support.wires import Wire

_SSE: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_REPLIES: Final = {
    "status": whole(b'{"error":{"message":"no"}}', status=400),
    "no answer": whole(b"<html>"),
    "breaks off": Reply((_SSE,), "close"),
}


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.freeze()  # what was there before is not looked at
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


async def _consume(answer: Any) -> None:
    answer = await answer if inspect.isawaitable(answer) else answer
    if inspect.isasyncgen(answer):
        async for _ in answer:
            pass
    elif inspect.isgenerator(answer):
        for _ in answer:
            pass


def _langchain(base_url: str, wire: Wire) -> dict[str, Callable[[], Any]]:
    options: dict[str, Any] = {"base_url": base_url, "provider": "anthropic", "max_retries": 0}
    model = ChatPortkey(model="claude-sonnet-4-5", api_format=wire.api_format, **options)
    return {
        "chat": lambda: model.invoke("Hi"),
        # ``ainvoke`` keeps the error in a list of its own frame.
        "achat": lambda: model._agenerate([HumanMessage("Hi")]),
        "stream": lambda: model.stream("Hi"),
        "astream": lambda: model.astream("Hi"),
    }


def _llamaindex(base_url: str, wire: Wire) -> dict[str, Callable[[], Any]]:
    options: dict[str, Any] = {"base_url": base_url, "provider": "anthropic", "max_retries": 0}
    model = Portkey(model="claude-sonnet-4-5", api_format=wire.api_format, **options)
    hello = [ChatMessage("Hi")]
    return {
        "chat": lambda: model.chat(hello),
        "achat": lambda: model.achat(hello),
        "stream": lambda: model.stream_chat(hello),
        "astream": lambda: model.astream_chat(hello),
    }


def _left() -> list[Any]:
    return [one for one in gc.get_objects() if issubclass(type(one), Call | PortkeyError)]


async def _fail(ask: Callable[[], Any]) -> None:
    try:
        await _consume(ask())
    except PortkeyError:
        return
    pytest.fail("it did not fail")


@pytest.mark.parametrize("of", [_langchain, _llamaindex])
@pytest.mark.parametrize("way", ["chat", "achat", "stream", "astream"])
@pytest.mark.parametrize("failure", [*_REPLIES, "nobody there"])
@pytest.mark.usefixtures("uncollected")
def test_nothing_is_left_of_a_call_that_failed(
    server: RecordingServer, closed_port: int, wire: Wire, *, of: Any, way: str, failure: str
) -> None:
    if failure in _REPLIES:
        server.reply(_REPLIES[failure])
    base_url = server.base_url if failure in _REPLIES else f"http://127.0.0.1:{closed_port}/v1"
    ask = of(base_url, wire)[way]

    async def leave() -> tuple[int, int]:
        before = len(_left())
        await _fail(ask)
        for _ in range(3):
            await asyncio.sleep(0)  # the loop holds what it handled last until its next turns (Python 3.12)
        return before, len(_left())

    before, after = asyncio.run(leave())

    assert after == before
