"""How long a call may still take: its silence and its whole time. No I/O but a look at the clock."""

from __future__ import annotations

import math
import time
from typing import Self

TOTAL_TIMEOUT_S = 7200.0
"""Seconds that a whole call may take by default: the longest answers, of 128,000 tokens, take about one hour."""
END_WAIT_S = 2.0
"""Seconds to wait, after a stream's end mark, for what may follow it (guardrails' verdicts) and for its last byte."""


class Deadline:
    """When a call, with all its tries, has to be over.

    Args:
        total_s: seconds from now; ``None`` for no end.
    """

    __slots__ = ("at", "total_s")

    def __init__(self, total_s: float | None) -> None:
        self.total_s = total_s
        self.at = math.inf if total_s is None else time.monotonic() + total_s


class Patience(float):
    """Seconds to wait for the next byte.

    As a number it is what holds at the beginning; our own connections ask anew for every byte (``left_s``), so that
    a server which sends one now and then gains no time.
    """

    __slots__ = ("_end", "silence_s")
    _end: float
    silence_s: float

    def __new__(cls, silence_s: float | None, deadline: Deadline) -> Self:
        """Take the shorter of both.

        Args:
            silence_s: seconds without a byte; ``None`` for no bound.
            deadline: that of the whole call.
        """
        self: Self = super().__new__(cls, max(0.0, min(silence_s or math.inf, deadline.at - time.monotonic())))
        self.silence_s = silence_s or math.inf
        self._end = deadline.at
        return self

    def hurry(self, seconds: float) -> None:
        """Wait so much longer at the most, whatever comes."""
        self._end = min(self._end, time.monotonic() + seconds)

    def left_s(self) -> float | None:
        """Seconds to wait for the next byte now; ``None`` for ever."""
        left_s = self._end - time.monotonic()
        if left_s > self.silence_s:
            return self.silence_s
        return None if left_s == math.inf else left_s

    def whole_s(self) -> float | None:
        """Seconds that are left of the whole call; ``None`` for no end."""
        return None if self._end == math.inf else self._end - time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the time of the whole call is over."""
        return time.monotonic() >= self._end
