"""The body of a streamed answer: behind the end of the answer a break is none. Sync and async twins adjacent."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final, Protocol, Self

import httpx

from portkey_gateway.http.body import BodyTooLargeError, Bounds, Received, araw_body, raw_body
from portkey_gateway.http.failures import stream_error
from portkey_gateway.http.reply import AsyncReply, Reply

_NOTHING: Final[Iterator[bytes]] = iter(())


class Ending(Protocol):
    """What is known of the end of a streamed answer."""

    is_whole: bool
    """Whether the answer was told to its end."""
    has_ended: bool
    """Whether the end mark of the stream came."""


def iter_stream(received: Received[Reply], ending: Ending) -> Generator[bytes]:
    """Yield the body of a streamed answer as it comes, and close the response.

    Args:
        received: the response.
        ending: what was learned from the bytes that were yielded; a break behind the end is none.

    Raises:
        StreamError: if the connection breaks before, the time is over, or the body is too large.
    """
    bounds = Bounds(received)
    is_ending = False
    try:
        for data in raw_body(received):
            yield from bounds.admit(data)
            if ending.has_ended and not is_ending:
                is_ending = True
                received.hurry()
    except (httpx.RequestError, BodyTooLargeError) as error:
        if not (ending.is_whole or ending.has_ended):
            raise stream_error(error, received) from error
        received.has_broken = True
    finally:
        received.reply.close()


def aiter_stream(received: Received[AsyncReply], ending: Ending) -> AsyncStreamBody:
    """Async twin of ``iter_stream``."""
    return AsyncStreamBody(received, ending)


class AsyncStreamBody:
    """The body of a streamed answer as it comes.

    A class: of an asynchronous generator the loop takes note, and its frame keeps the last piece until the next one is
    asked for. For a stream that is open that is most of the time.

    Args:
        received: the response.
        ending: as in ``iter_stream``.
    """

    __slots__ = ("_bounds", "_ending", "_is_ending", "_is_over", "_pieces", "_raw", "_received")

    def __init__(self, received: Received[AsyncReply], ending: Ending) -> None:
        self._received = received
        self._ending = ending
        self._bounds = Bounds(received)
        self._raw = araw_body(received)
        self._pieces: Iterator[bytes] = _NOTHING
        self._is_ending = self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._is_over:
            raise StopAsyncIteration
        try:
            while (piece := next(self._pieces, None)) is None:
                if self._ending.has_ended and not self._is_ending:
                    self._is_ending = True
                    self._received.hurry()
                self._pieces = iter(self._bounds.admit(await anext(self._raw)))
        except (httpx.RequestError, BodyTooLargeError) as error:
            await self.aclose()
            if not (self._ending.is_whole or self._ending.has_ended):
                raise stream_error(error, self._received) from error
            self._received.has_broken = True
            raise StopAsyncIteration from None
        except BaseException:  # the end, too
            await self.aclose()
            raise
        if self._bounds.are_whole:
            self._pieces = _NOTHING  # it would hold the piece
        return piece

    async def aclose(self) -> None:
        """Close the response."""
        self._is_over = True
        self._pieces = _NOTHING
        await self._received.reply.close()
