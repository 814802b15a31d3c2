"""How fast a batch may ask: requests and tokens a minute, spread evenly. Decisions only, no clock and no sleep."""

from __future__ import annotations

import threading
from typing import Final

EXPECTED_TOKENS: Final = 1000
"""Tokens that a row is taken to need, in and out, before any answer told."""

_MINUTE_S: Final = 60.0


class Pace:
    """So much a minute and no more, evenly spread: no minute sees more, wherever it begins.

    What a request takes moves the time at which the next may go. Not safe to use from many threads by itself.

    Args:
        per_minute: how much may go in a minute; ``None`` for no limit.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._seconds_each = _MINUTE_S / per_minute if per_minute else 0.0
        self._free_at_s = float("-inf")

    def reserve(self, amount: float, now_s: float) -> float:
        """Take a place in the row, and return the time at which to go."""
        goes_at_s = max(self._free_at_s, now_s)
        self._free_at_s = goes_at_s + amount * self._seconds_each
        return goes_at_s

    def correct(self, difference: float) -> None:
        """Account for what a request took beyond its estimate, or below it."""
        self._free_at_s += difference * self._seconds_each

    def pause(self, until_s: float) -> None:
        """Let nothing more go before a time."""
        self._free_at_s = max(self._free_at_s, until_s)


class Limits:
    """The pace of requests and of tokens together; safe to use from many threads.

    How many tokens a row needs is known only after its answer. Until then it counts with the mean of all answers so
    far, before the first one with ``expected_tokens``; its answer puts that right.

    Args:
        requests_per_minute: ``None`` for no limit.
        tokens_per_minute: input (what is read from a cache included) and output together; ``None`` for no limit.
        expected_tokens: what a row is taken to need before any answer told.

    Raises:
        ValueError: if one of them is not above 0.
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        expected_tokens: float = EXPECTED_TOKENS,
    ) -> None:
        given = {
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
            "expected_tokens": expected_tokens,
        }
        for name, value in given.items():
            if value is not None and not value > 0:
                raise ValueError(f"{name} has to be above 0, not {value!r}")
        self._given = (requests_per_minute, tokens_per_minute, expected_tokens)
        self._requests = Pace(requests_per_minute)
        self._tokens = Pace(tokens_per_minute)
        self._expected = float(expected_tokens)
        self._told_tokens = 0
        self._told = 0
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Limits], tuple[float | None, float | None, float]]:
        """A pickle begins anew: another process has a clock of its own."""
        return Limits, self._given

    def shared(self, among: int) -> Limits:
        """The same limits, shared evenly: those of one of so many that ask at the same time."""
        requests, tokens, expected = self._given
        return Limits(requests and requests / among, tokens and tokens / among, expected)

    @property
    def expected_tokens(self) -> float:
        """What the next row is taken to need."""
        return self._told_tokens / self._told if self._told else self._expected

    def reserve(self, now_s: float) -> tuple[float, float]:
        """Take a place for one request.

        Returns:
            The time at which to go, and the tokens that were counted for it.
        """
        with self._lock:
            expected = self.expected_tokens
            return max(self._requests.reserve(1, now_s), self._tokens.reserve(expected, now_s)), expected

    def settle(self, counted: float, tokens: int | None) -> None:
        """Put right what was counted for a request.

        Args:
            counted: as ``reserve`` told.
            tokens: what the answer says; ``None`` if it says nothing, so that the estimate stays.
        """
        if tokens is None:
            return
        with self._lock:
            self._told_tokens += tokens
            self._told += 1
            self._tokens.correct(tokens - counted)

    def refund(self, counted: float) -> None:
        """Give back what was counted for a request that took no tokens."""
        with self._lock:
            self._tokens.correct(-counted)

    def pause(self, until_s: float) -> None:
        """Let nothing more go before a time, as when a provider says that it was too much."""
        with self._lock:
            self._requests.pause(until_s)
