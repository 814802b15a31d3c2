"""What a call has from the span around it, remembered for a while longer than that span is open."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.spans import Attribute

MAX_REMEMBERED: Final = 10_000
"""How many surroundings are remembered, as many as runs; at most 450 bytes each, and labels."""

_INHERITED: Final = (
    semconv.METADATA,
    semconv.CONVERSATION_ID,
    semconv.SESSION_ID,
    semconv.USER_ID,
    semconv.AGENT_NAME,
)


class Surroundings(NamedTuple):
    """What a call has from what is around it, where the framework told of that one only."""

    trace_id: str | None
    attributes: Mapping[str, Attribute]

    @classmethod
    def of(
        cls, trace_id: str | None, attributes: Mapping[str, Attribute], last: Surroundings | None = None
    ) -> Surroundings:
        """Those of a span.

        Args:
            trace_id: the trace that it stands in.
            attributes: all that is told of it.
            last: those of the last one, which it may share: most spans of a trace have the same, labels and all.
        """
        own: dict[str, Attribute] = {}
        if not attributes.keys().isdisjoint(_INHERITED):
            own = {name: attributes[name] for name in _INHERITED if name in attributes}
        return last if last and last[0] == trace_id and last[1] == own else cls(trace_id, own)


class RememberedSurroundings:
    """Surroundings by an id of theirs. Safe to use from many threads; bounded.

    Args:
        most: how many are remembered.

    Attributes:
        last: those that were noted last.
    """

    def __init__(self, most: int = MAX_REMEMBERED) -> None:
        self._most: Final = most
        self._known: OrderedDict[str, Surroundings] = OrderedDict()
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self.last: Surroundings | None = None
        self._lock = threading.Lock()

    def note(self, key: str | None, surroundings: Surroundings) -> None:
        """Remember them; without an id there is nothing to remember."""
        if key is None:
            return
        with self._lock:
            self.last = self._known[key] = surroundings
            if len(self._known) > self._most:
                self._forgotten[self._known.popitem(last=False)[0]] = None
                if len(self._forgotten) > self._most:
                    self._forgotten.popitem(last=False)

    def forget(self, key: str | None) -> None:
        """Remember them no longer."""
        with self._lock:
            self._known.pop(key or "", None)

    def has_forgotten(self, key: str | None) -> bool:
        """Whether those of an id were remembered until others came; of ids longer ago that is not known."""
        return key in self._forgotten

    def get(self, key: str | None) -> Surroundings | None:
        """Those of an id, if they are remembered."""
        return self._known.get(key) if key else None
