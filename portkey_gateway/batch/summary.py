"""What a batch came to: counted as its rows are done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What one run of a batch came to."""

    trace_id: str
    """The trace of all its calls, which is that of the earlier runs on the same results: 32 hexadecimal digits."""
    answered: int = 0
    """Rows that were answered."""
    failed: int = 0
    """Rows that failed, and were kept with their error."""
    skipped: int = 0
    """Rows whose result was there before."""
    tries: int = 0
    """How often a row was asked, the tries that failed included."""
    input_tokens: int = 0
    """All input of the answers, cached or not."""
    output_tokens: int = 0
    """All output of the answers."""
    cost: float | None = None
    """What the answers cost in US dollars, as far as it is known (extra ``prices``); ``None`` where none is."""

    @property
    def rows(self) -> int:
        """All rows that were dealt with."""
        return self.answered + self.failed + self.skipped
