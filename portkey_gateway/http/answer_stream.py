"""A streamed answer as the caller holds it: two short shells, sync and async, around what does no I/O."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing
from typing import Self, TypeAlias

import httpx

from portkey_gateway.conversation.answer import Answer, Delta
from portkey_gateway.conversation.fold import Decoding, Fold
from portkey_gateway.http import transport
from portkey_gateway.info import GatewayInfo

Asked: TypeAlias = tuple[httpx.Response, transport.Call, Decoding]
"""A response whose body is still to be read, the call that it answers, and how to decode it."""


class _Stream:
    """What the sync and the async stream share."""

    _response: httpx.Response
    _call: transport.Call
    _decoding: Decoding
    _fold: Fold
    _on_whole: Callable[[Answer], None]

    def _begin(self, response: httpx.Response, call: transport.Call, decoding: Decoding) -> Self:
        self._response = response
        self._call = call
        self._decoding = decoding
        self._fold = decoding.begin(call.info(response))
        return self

    @property
    def info(self) -> GatewayInfo:
        """What the response headers say of the call."""
        return self._fold.info

    @property
    def answer(self) -> Answer:
        """What was received so far; the whole answer once the iteration is over."""
        return self._fold.answer()


class AnswerStream(_Stream):
    """A streamed answer: enter it, iterate over its deltas, then take the whole ``answer``.

    Entering sends the request and raises what ``GatewayClient.chat`` does.

    Args:
        ask: sends the request.
        on_whole: is told the answer once the iteration is over.
    """

    def __init__(self, ask: Callable[[], Asked], on_whole: Callable[[Answer], None]) -> None:
        self._ask = ask
        self._on_whole = on_whole

    def __enter__(self) -> Self:
        return self._begin(*self._ask())

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def __iter__(self) -> Generator[Delta]:
        """Yield what each chunk adds, to the very end of the body, so that the connection can be used again."""
        with self._call.redacting(), closing(transport.iter_body(self._response, self.info)) as body:
            if _is_event_stream(self._response):
                events = self._decoding.events(self.info)
                for data in body:
                    yield from map(self._fold.add, events.feed(data))
                yield from map(self._fold.add, events.close())
            else:
                # From the gateway's response cache, which knows whole answers only; or an error.
                yield self._fold.add_whole(b"".join(body))
        self._on_whole(self.answer)


class AsyncAnswerStream(_Stream):
    """Async twin of ``AnswerStream``.

    A class and no ``asynccontextmanager``: when an event loop ends in the middle of a stream, asyncio closes all its
    async generators at once, one that waits for another among them.
    """

    def __init__(self, ask: Callable[[], Awaitable[Asked]], on_whole: Callable[[Answer], None]) -> None:
        self._ask = ask
        self._on_whole = on_whole

    async def __aenter__(self) -> Self:
        return self._begin(*await self._ask())

    async def __aexit__(self, *_: object) -> None:
        await self._response.aclose()

    async def __aiter__(self) -> AsyncGenerator[Delta]:
        """Yield what each chunk adds, to the very end of the body."""
        async with aclosing(transport.aiter_body(self._response, self.info)) as body:
            with self._call.redacting():
                if _is_event_stream(self._response):
                    events = self._decoding.events(self.info)
                    async for data in body:
                        for event in events.feed(data):
                            yield self._fold.add(event)
                    for event in events.close():
                        yield self._fold.add(event)
                else:
                    yield self._fold.add_whole(b"".join([data async for data in body]))
        self._on_whole(self.answer)


def _is_event_stream(response: httpx.Response) -> bool:
    content_type: str = response.headers.get("content-type", "")
    return content_type.startswith("text/event-stream")
