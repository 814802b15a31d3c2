"""A streamed answer as the caller holds it: two short shells, sync and async, around what does no I/O."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeAlias

from portkey_gateway.conversation.answer import Answer, Delta
from portkey_gateway.conversation.fold import Decoding, Fold
from portkey_gateway.errors import warn
from portkey_gateway.http.body import Received, ReplyT
from portkey_gateway.http.call import Call
from portkey_gateway.http.redacting import Redacting
from portkey_gateway.http.reply import AsyncReply, Reply
from portkey_gateway.http.stream_body import aiter_stream, iter_stream
from portkey_gateway.info import GatewayInfo

Asked: TypeAlias = tuple[Received[ReplyT], Call, Decoding]
"""A response whose body is still to be read, the call that it answers, and how to decode it."""


class Watch(Protocol):
    """Is told of a call as it goes on: it is entered before the request is sent, and left when all is over."""

    def __enter__(self) -> Self:
        """The call begins."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The call is over."""
        ...

    def answering(self, so_far: Callable[[], Answer]) -> None:
        """The answer begins; ``so_far`` tells what came of it."""
        ...

    def chunk(self) -> None:
        """A piece of the answer came."""
        ...

    def answered(self, answer: Answer) -> None:
        """The whole answer came."""
        ...


class _Stream(Generic[ReplyT]):
    """What the sync and the async stream share."""

    __slots__ = ("_ask", "_decoding", "_fold", "_received", "_redacting", "_watch")

    _ask: Callable[[], Any]
    _received: Received[ReplyT]
    _redacting: Redacting
    _decoding: Decoding
    _fold: Fold
    _watch: Watch

    def _begin(self, received: Received[ReplyT], call: Call, decoding: Decoding) -> Self:
        del self._ask  # nothing has to hold the request any more
        self._received = received
        self._redacting = call.redacting()
        self._decoding = decoding
        self._fold = decoding.begin(received.info)
        self._watch.answering(self._fold.answer)
        return self

    def _end(self) -> None:
        answer = self.answer
        if self._received.has_broken and answer.usage is None:
            warn("the connection broke behind the end of the answer: what it used, and so its cost, was not told")
        self._watch.answered(answer)

    @property
    def info(self) -> GatewayInfo:
        """What the response headers say of the call."""
        return self._fold.info

    @property
    def answer(self) -> Answer:
        """What was received so far; the whole answer once the iteration is over."""
        return self._fold.answer()


class AnswerStream(_Stream[Reply]):
    """A streamed answer: enter it, iterate over its deltas, then take the whole ``answer``.

    Entering sends the request and raises what ``GatewayClient.chat`` does.

    Args:
        ask: sends the request.
        watch: is told of the call, and the answer once the iteration is over.
    """

    __slots__ = ()

    _ask: Callable[[], Asked[Reply]]

    def __init__(self, ask: Callable[[], Asked[Reply]], watch: Watch) -> None:
        self._ask = ask
        self._watch = watch

    def __enter__(self) -> Self:
        self._watch.__enter__()
        try:
            return self._begin(*self._ask())
        except BaseException as error:
            self._watch.__exit__(type(error), error, error.__traceback__)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._received.reply.close()
        finally:
            self._watch.__exit__(kind, error, trace)

    def __iter__(self) -> Generator[Delta]:
        """Yield what each chunk adds, to the very end of the body, so that the connection can be used again."""
        events = self._decoding.events(self.info)
        with self._redacting, closing(iter_stream(self._received, events)) as body:
            if _is_event_stream(self._received.reply):
                for data in body:
                    self._watch.chunk()
                    yield from map(self._fold.add, events.feed(data))
                yield from map(self._fold.add, events.close())
            else:
                # From the gateway's response cache, which knows whole answers only; an error; or events without a name.
                yield from self._fold.add_body(b"".join(body), events)
        self._end()


class AsyncAnswerStream(_Stream[AsyncReply]):
    """Async twin of ``AnswerStream``.

    A class and no ``asynccontextmanager``: when an event loop ends in the middle of a stream, asyncio closes all its
    async generators at once, one that waits for another among them.
    """

    __slots__ = ()

    _ask: Callable[[], Awaitable[Asked[AsyncReply]]]

    def __init__(self, ask: Callable[[], Awaitable[Asked[AsyncReply]]], watch: Watch) -> None:
        self._ask = ask
        self._watch = watch

    async def __aenter__(self) -> Self:
        self._watch.__enter__()
        try:
            return self._begin(*await self._ask())
        except BaseException as error:
            self._watch.__exit__(type(error), error, error.__traceback__)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._received.reply.close()
        finally:
            self._watch.__exit__(kind, error, trace)

    async def __aiter__(self) -> AsyncGenerator[Delta]:
        """Yield what each chunk adds, to the very end of the body."""
        events = self._decoding.events(self.info)
        async with aclosing(aiter_stream(self._received, events)) as body:
            with self._redacting:
                if _is_event_stream(self._received.reply):
                    async for data in body:
                        self._watch.chunk()
                        deltas = map(self._fold.add, events.feed(data))
                        del data  # what was cut into events is not held while these are read
                        for delta in deltas:
                            yield delta
                    for delta in map(self._fold.add, events.close()):
                        yield delta
                else:
                    for delta in self._fold.add_body(b"".join([data async for data in body]), events):
                        yield delta
        self._end()


def _is_event_stream(reply: Reply | AsyncReply) -> bool:
    return reply.headers.get("content-type", "").lower().startswith("text/event-stream")
