"""What ends a batch before its rows do. A row that fails ends nothing: it is kept with its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portkey_gateway.batch.summary import BatchSummary


class BatchError(Exception):
    """A batch cannot begin, or cannot go on; what was answered is in its results file, which the next run goes on from.

    Attributes:
        summary: what was done until then; ``None`` if it did not begin.
    """

    summary: BatchSummary | None = None


class RowError(BatchError):
    """A row that cannot be told from others: without an id, with one that was there before, or that is no mapping."""


class ResultsInUseError(BatchError):
    """Another run writes to the same results."""


class ResultsDamagedError(BatchError):
    """A results file holds a line in its middle that no batch wrote."""
