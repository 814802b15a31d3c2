"""What the library answered, kept for a while: the state that the sync and the async way share. No I/O."""

from __future__ import annotations

import copy
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Self

from portkey_gateway.errors import (
    APIConnectionError,
    PortkeyError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    warn,
)

MAX_KEPT: Final = 1024
"""Answers that are kept; what was not used for the longest time is forgotten first."""
_DOWN: Final = (APIConnectionError, RateLimitError, RequestTimeoutError, ServerError)


class KeptPrompts:
    """Answers of the library by what was asked; safe to use from many threads.

    A copy is the same object, so that copies of a prompt share it; a pickle leaves the answers behind.

    Args:
        clock: tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, tuple[float, Any]] = OrderedDict()
        self._told: set[bytes] = set()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Share the answers."""
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        """Begin empty elsewhere."""
        return type(self), ()

    def put(self, key: bytes, answer: Any) -> None:
        """Keep an answer."""
        with self._lock:
            self._answers[key] = (self._clock(), copy.deepcopy(answer))
            self._answers.move_to_end(key)
            if len(self._answers) > MAX_KEPT:
                self._answers.popitem(last=False)

    def fresh(self, key: bytes, max_age_s: float) -> Any:
        """An answer that is younger than so many seconds, or ``None``."""
        with self._lock:
            kept_at, answer = self._answers.get(key, (0.0, None))
            if answer is None or self._clock() - kept_at >= max_age_s:
                return None
            self._answers.move_to_end(key)
            return copy.deepcopy(answer)

    def stand_in(self, key: bytes, error: PortkeyError) -> Any:
        """The last answer, however old, in the place of one that cannot be had; a warning says so.

        Raises:
            PortkeyError: the error, if nothing is kept, or if the library is not down but refuses.
        """
        with self._lock:
            kept_at, answer = self._answers.get(key, (0.0, None))
            age_s = self._clock() - kept_at
        if answer is None or not isinstance(error, _DOWN):
            raise error
        warn(f"the prompt library is down, so a prompt as it was {age_s:.0f} s ago is used: {error}")
        return copy.deepcopy(answer)

    def is_first(self, key: bytes) -> bool:
        """Tell whether this is asked for the first time of this key."""
        with self._lock:
            is_first = key not in self._told
            self._told.add(key)
            return is_first
