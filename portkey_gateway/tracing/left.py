"""Steps and calls that are over though nobody tells: cancelled where the framework does not say so, or never read."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from portkey_gateway.tracing.spans import OpenSpan
    from portkey_gateway.tracing.steps import Tracing

_LOOK_S: Final = 5.0
"""Seconds after which all that is open is looked at again."""


class CallUnderWay(Protocol):
    """A call of ours that is not over."""

    def leave(self, tracing: Tracing) -> None:
        """Tell of it as it is: nobody hears any more."""

    def end_left(self, tracing: Tracing, span: OpenSpan) -> None:
        """Tell that nobody will ever go on with it."""


class Left:
    """What one receiver has to end by itself.

    Attributes:
        streams: the framework's ids of steps whose stream is gone.
        calls: calls that nobody will ever go on with, and their spans.
        under_way: the calls that are told of once they are over.
    """

    def __init__(self) -> None:
        # Filled by the collector of garbage, which may come at any time: so without a lock.
        self.streams = deque[str]()
        self.calls = deque[tuple[CallUnderWay, "OpenSpan"]]()
        self.under_way = weakref.WeakSet[CallUnderWay]()
        self._looks_s = 0.0

    def end(self, tracing: Tracing, *, look: bool = False, at_once: bool = False) -> None:
        """End what is over by now.

        Args:
            tracing: the receiver's.
            look: whether to look at all that is open, if that was not done just now.
            at_once: whether to do so in any case.
        """
        while self.calls:
            call, span = self.calls.popleft()
            call.end_left(tracing, span)
        while self.streams:
            _leave(tracing, self.streams.popleft(), GeneratorExit())
        if at_once or (look and time.monotonic() >= self._looks_s):
            self._looks_s = time.monotonic() + _LOOK_S
            for key in tracing.open.left():
                _leave(tracing, key, asyncio.CancelledError())

    def end_inside(self, tracing: Tracing, key: str, error: BaseException | None = None) -> None:
        """End what is over in a step that ends now.

        Args:
            tracing: the receiver's.
            key: the framework's id of that step.
            error: what it ends with.
        """
        for left in tracing.open.left_in(key, failed=error is not None):
            # What was not told is no error, unless it is one that goes through everything, as when a process ends.
            is_told = error is None or isinstance(error, Exception)
            _leave(tracing, left, asyncio.CancelledError() if is_told or error is None else error)

    def leave_calls(self, tracing: Tracing) -> None:
        """Tell of the calls that are under way as they are."""
        for call in list(self.under_way):
            call.leave(tracing)


def _leave(tracing: Tracing, key: str, error: BaseException) -> None:
    """End a span, if it is open, of whose end nobody tells."""
    if (span := tracing.open.touch(key)) and span.awaits_call:
        tracing.open.take(key)  # no request was sent
    elif span:
        tracing.fail(key, error)
