"""What the calls of a trace cost so far, summed up as their answers come."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, Protocol

from portkey_gateway.conversation.cost import Cost
from portkey_gateway.info import GatewayInfo
from portkey_gateway.prices import has_prices
from portkey_gateway.tracing.find import find_trace_id

MAX_TRACES: Final = 10_000
"""Traces that are remembered, those heard of last; some 300 bytes each, so 3 MB at the most."""


class Priced(Protocol):
    """An answer, or the vectors of one request."""

    @property
    def info(self) -> GatewayInfo:
        """What the gateway says of the call."""
        ...

    @property
    def cost(self) -> Cost | None:
        """What it costs; ``None`` if that is not known."""


@dataclass(frozen=True, slots=True)
class TraceCost:
    """What the whole answers of one trace cost in this process, so far."""

    total: float = 0.0
    """In ``currency``; the fields are those of ``Cost``."""
    input: float = 0.0
    output: float = 0.0
    currency: str = "USD"
    answers: int = 0
    """How many answers that is; each request for embeddings has one, too."""
    unpriced: int = 0
    """How many answers came beside them whose price is not known: the sum is without them."""


class TraceCosts:
    """The sums of many traces; safe to use from many threads.

    Args:
        max_traces: how many are remembered.
    """

    def __init__(self, max_traces: int = MAX_TRACES) -> None:
        self._max_traces = max_traces
        self._sums: OrderedDict[str, TraceCost] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, answer: Priced) -> None:
        """Add an answer to the sum of its trace; of one without a trace, or without prices installed, nothing is kept.

        Args:
            answer: a whole one.
        """
        trace_id = answer.info.trace_id
        if not trace_id or not has_prices():
            return
        cost = answer.cost
        with self._lock:
            known = self._sums.pop(trace_id, None) or TraceCost()
            if cost is None:
                known = TraceCost(
                    known.total, known.input, known.output, known.currency, known.answers, known.unpriced + 1
                )
            else:
                sums = (known.total + cost["total"], known.input + cost["input"], known.output + cost["output"])
                known = TraceCost(*sums, known.currency, known.answers + 1, known.unpriced)
            self._sums[trace_id] = known
            if len(self._sums) > self._max_traces:
                self._sums.popitem(last=False)

    def get(self, trace_id: str) -> TraceCost | None:
        """The sum of a trace; ``None`` if nothing was heard of it, or long ago."""
        return self._sums.get(trace_id)


TRACE_COSTS: Final = TraceCosts()
"""The process's own."""


def trace_cost(of: Any) -> TraceCost | None:
    """Tell what the calls of a trace cost so far: those of this process that gave a whole answer.

    Args:
        of: the trace's id, or anything of it that tells its trace: a message, a response, an answer, a run.

    Returns:
        The sum; ``None`` if nothing is known of the trace, as where no prices are installed (extra ``prices``).

    Raises:
        EncodingError: if ``of`` tells no trace.
    """
    return TRACE_COSTS.get(find_trace_id(of))
