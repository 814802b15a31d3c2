"""A queue of things that wait for a matching request: faults and scripted replies."""

import threading
from typing import Generic, Protocol, TypeVar


class Waiting(Protocol):
    """Something meant for a number of requests whose body contains a text."""

    @property
    def times(self) -> int:
        """How many requests get it."""
        ...

    @property
    def match(self) -> str | None:
        """The text to look for; None fits every request."""
        ...


ItemT = TypeVar("ItemT", bound=Waiting)


class MatchQueue(Generic[ItemT]):
    """Hands each request the first item that fits it. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[ItemT, int]] = []

    def put(self, item: ItemT) -> None:
        """Queue an item."""
        with self._lock:
            self._waiting.append((item, item.times))

    def take(self, text: str) -> ItemT | None:
        """Return the item for the request with this body, and count it down."""
        with self._lock:
            for index, (item, left) in enumerate(self._waiting):
                if item.match is None or item.match in text:
                    self._waiting[index : index + 1] = [(item, left - 1)] if left > 1 else []
                    return item
        return None

    def clear(self) -> None:
        """Forget everything that waits."""
        with self._lock:
            self._waiting.clear()
