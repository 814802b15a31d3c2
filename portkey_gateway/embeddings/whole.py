"""All texts of one piece of work, which several calls may embed in parts. No I/O; sync and async ways share it."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from portkey_gateway.embeddings.request import check_texts
from portkey_gateway.errors import PortkeyError


class Whole:
    """All texts, and what is embedded of them. Safe to use from many threads.

    When a request of any part fails for good, no other begins, and what was embedded by then stands in the error's
    ``embedded``, by the places among all texts.

    Args:
        texts: all of them.

    Attributes:
        lengths: how long the vectors are that came.

    Raises:
        EncodingError: if one of them cannot be embedded.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.lengths: set[int] = set()
        self._texts = check_texts(texts)
        self._vectors: dict[int, list[float]] = {}
        self._error: Exception | None = None
        self._is_asked_for = False
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._texts)

    @property
    def has_failed(self) -> bool:
        """Whether nothing more shall be sent."""
        return self._error is not None

    @property
    def embedded(self) -> dict[int, list[float]]:
        """The vectors that came, by the places of their texts."""
        with self._lock:
            return dict(sorted(self._vectors.items()))

    def part(self, texts: Sequence[str]) -> Part:
        """Some of the texts, each of which is part of one call; of equal ones the first that is of none yet.

        Other texts, as of a subclass that puts something before each, are a whole of their own; so are the same ones
        when they are asked for again, as by a subclass that tries twice.
        """
        if len(texts) == len(self):
            with self._lock:
                is_first, self._is_asked_for = not self._is_asked_for, True
            return Part(self if is_first else Whole(texts), range(len(texts)))
        with self._lock:
            places = [waiting.popleft() for text in texts if (waiting := self._places.get(text))]
        return Part(self, places) if len(places) == len(texts) else Whole(texts).part(texts)

    def settle(self, places: Sequence[int], vectors: list[list[float]]) -> None:
        """Note the vectors of some texts."""
        with self._lock:
            self._vectors.update(zip(places, vectors, strict=True))
            self.lengths.update(map(len, vectors))

    def fail(self, error: Exception) -> None:
        """Note that a request failed for good; the first failure counts."""
        with self._lock:
            self._error = self._error or error

    def failure(self) -> Exception | None:
        """What the work failed with, and in it what was embedded by now."""
        if isinstance(self._error, PortkeyError):
            self._error.embedded = self.embedded
        return self._error

    @cached_property
    def _places(self) -> dict[str, deque[int]]:
        places: dict[str, deque[int]] = defaultdict(deque)
        for place, text in enumerate(self._texts):
            places[text].append(place)
        return places


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the texts, which one call embeds."""

    whole: Whole
    places: Sequence[int]
    """Where they stand among all."""
