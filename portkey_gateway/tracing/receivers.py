"""Which receivers of this process want to be told of something, as long as they live."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portkey_gateway.tracing.steps import Tracing


class Receivers:
    """A set that is read at every call, without a lock, and seldom changed; it keeps nobody alive."""

    def __init__(self) -> None:
        self._known: tuple[weakref.ref[Tracing], ...] = ()
        # The collector may tell of what is gone while this thread changes the set.
        self._lock = threading.RLock()

    def __bool__(self) -> bool:
        """Whether there may be one."""
        return bool(self._known)

    def __len__(self) -> int:
        """How many there may be."""
        return len(self._known)

    def live(self) -> list[Tracing]:
        """All of them."""
        return [tracing for each in self._known if (tracing := each()) is not None]

    def add(self, tracing: Tracing) -> None:
        """From now on this one is told of calls."""
        with self._lock:
            self._known = (*self._known, weakref.ref(tracing, self._forget))

    def discard(self, tracing: Tracing) -> None:
        """From now on this one is not."""
        with self._lock:
            self._known = tuple(each for each in self._known if each() is not tracing)

    def _forget(self, gone: weakref.ref[Tracing]) -> None:
        with self._lock:
            self._known = tuple(each for each in self._known if each is not gone)


RECEIVERS = Receivers()
"""Those of this process that want spans of our own calls."""
