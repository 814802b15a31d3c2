"""The state of a running batch, which the sync and the async way share: what is next, what came of it, when to stop."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from portkey_gateway.batch.errors import BatchError, RowError
from portkey_gateway.batch.limits import Limits
from portkey_gateway.batch.options import Settings
from portkey_gateway.batch.progress import Progress
from portkey_gateway.batch.records import answered, encode_record, failed
from portkey_gateway.batch.results import ResultsFile
from portkey_gateway.batch.rows import Job, Reply, Row, RowId, read_row
from portkey_gateway.batch.summary import BatchSummary
from portkey_gateway.errors import (
    AuthenticationError,
    BudgetExceededError,
    OverloadedError,
    PermissionDeniedError,
    PortkeyError,
    RateLimitError,
)
from portkey_gateway.http.retry import RetryPolicy

FIRST_DELAY_S: Final = 2.0
"""Seconds before a row is asked again; each further time waits twice as long."""
MAX_DELAY_S: Final = 60.0
"""Seconds that no such wait exceeds."""

_EVERY_ROWS: Final = (AuthenticationError, PermissionDeniedError, BudgetExceededError)
"""What would fail every row after this one, too."""
_TOO_FAST: Final = (RateLimitError, OverloadedError)
"""What says that all shall ask less, not this row alone."""


class Stopped(Exception):  # noqa: N818 it is no error
    """The batch ended while a row waited for its next try: the row is left as it was."""


@dataclass(slots=True)
class Task:
    """One row that is being asked."""

    row: Row
    tries: int = 0
    again_at_s: float = 0.0
    """The earliest time to ask again, by the monotonic clock."""
    counted: float = 0.0
    """The tokens that its try was counted with."""


class BatchWork:
    """Rows, handed out one by one and never held; what comes of each is written at once. Safe to use from many threads.

    Args:
        rows: the rows as they were given; read as far as they are asked.
        results: where they are written.
        job: what all of them belong to.
        progress: shows what is done.
        settings: how to ask.
    """

    def __init__(
        self, rows: Iterable[Any], results: ResultsFile, job: Job, progress: Progress, settings: Settings
    ) -> None:
        self.summary = BatchSummary(job.trace_id)
        self.over = threading.Event()
        """Set once nothing more is handed out."""
        self._rows: Iterator[Any] = iter(rows)
        self._results = results
        self._job = job
        self._progress = progress
        self._settings = settings
        self._limits = settings.limits or Limits()
        self._policy = RetryPolicy(settings.retries, FIRST_DELAY_S, MAX_DELAY_S)
        self._failures_in_a_row = 0
        self._given = 0
        self._seen: set[RowId] = set()
        self._error: BatchError | None = None
        self._reading, self._lock = threading.Lock(), threading.Lock()

    def __len__(self) -> int:
        """How many rows wait at the most: nobody knows of rows that are made as they are read."""
        return sys.maxsize

    # --- rows -------------------------------------------------------------------------------------------------------

    def take(self) -> Task | None:
        """The next row that has no result yet; ``None`` if there is none, or the batch is over."""
        with self._reading:
            while not self.over.is_set():
                try:
                    row = self._next()
                except StopIteration:
                    return None
                except BatchError as error:
                    self._end(error)
                    return None
                except Exception as error:  # noqa: BLE001 the caller's iterable may raise whatever it likes
                    self._end(BatchError(f"row {self._given + 1} cannot be read: {error}"), error)
                    return None
                if not self._is_done(row):
                    return Task(row)
                self._count(skipped=1)
        return None

    def _next(self) -> Row:
        given = next(self._rows)
        self._given += 1
        row = read_row(given, self._given, self._settings.id_column)
        if row.id in self._seen:
            raise RowError(f"row {self._given} has the id {row.id!r}, which an earlier row has: each needs its own")
        self._seen.add(row.id)
        return row

    def _is_done(self, row: Row) -> bool:
        return row.id in self._results.answered or (row.id in self._results.failed and not self._settings.retry_failed)

    # --- tries ------------------------------------------------------------------------------------------------------

    def waits(self, task: Task) -> Iterator[float]:
        """The times to wait for, by the monotonic clock, before the next try of a row, each after the other.

        Raises:
            Stopped: if the batch is over when one has come.
        """
        # A place within the limits is taken only then: one in the future would hold back those that could go now.
        yield task.again_at_s
        self._check_running()
        at_s, task.counted = self._limits.reserve(time.monotonic())
        yield at_s
        self._check_running()

    def answered(self, task: Task, reply: Reply) -> Reply:
        """Note that a try was answered."""
        task.tries += 1
        self._limits.settle(task.counted, reply.total_tokens)
        return reply

    def again(self, task: Task, error: Exception) -> None:
        """Note that a try failed, and when the next one shall be.

        Raises:
            Exception: the error itself, if there shall be none.
        """
        task.tries += 1
        self._limits.refund(task.counted)
        delay_s = self._delay_s(task, error)
        if delay_s is None:
            raise error
        task.again_at_s = time.monotonic() + delay_s
        if isinstance(error, _TOO_FAST):
            self._limits.pause(task.again_at_s)

    def _delay_s(self, task: Task, error: Exception) -> float | None:
        if not isinstance(error, PortkeyError) or self.over.is_set():
            return None
        return self._policy.delay_s(error, task.tries - 1, jitter=random.random())  # noqa: S311 it only spreads tries

    def _check_running(self) -> None:
        if self.over.is_set():
            raise Stopped

    # --- results ----------------------------------------------------------------------------------------------------

    def settle(self, task: Task, reply: Reply, /) -> None:
        """Write what a row was answered."""
        try:
            line = encode_record(answered(task.row, reply, tries=task.tries, trace_id=self._job.trace_id))
        except ValueError as error:
            kind = type(reply.output).__name__
            told = ValueError(f"the answer is a {kind}, which JSON does not know: {error}")
            self._fail(task, told)
            return
        usage = reply.usage
        if self._write(task, line):
            self._failures_in_a_row = 0
            self._count(
                answered=1,
                tries=task.tries,
                input_tokens=usage.get("input_tokens", 0),
                output_tokens=usage.get("output_tokens", 0),
                cost=reply.cost,
            )

    def fail(self, task: Task, error: Exception, /) -> None:
        """Write what a row failed with; what would fail all others, too, ends the batch, and the row is left."""
        if isinstance(error, Stopped):
            return
        if isinstance(error, _EVERY_ROWS):
            self._count(tries=task.tries)
            self._end(BatchError(f"row {task.row.id!r} failed as every other would: {error}"), error)
            return
        self._fail(task, error)

    def _fail(self, task: Task, error: Exception) -> None:
        line = encode_record(failed(task.row, error, tries=task.tries, trace_id=self._job.trace_id))
        if not self._write(task, line):
            return
        self._failures_in_a_row += 1
        self._count(failed=1, tries=task.tries)
        most = self._settings.stop_after_failures
        if most and self._failures_in_a_row >= most:
            told = f"{self._failures_in_a_row} rows failed one after the other (stop_after_failures), the last: {error}"
            self._end(BatchError(told), error)

    def _write(self, task: Task, line: bytes) -> bool:
        try:
            return self._results.add(line)
        except OSError as error:
            self._end(BatchError(f"the result of row {task.row.id!r} cannot be written: {error}"), error)
            return False

    def _count(self, *, cost: float | None = None, **more: int) -> None:
        with self._lock:
            summary = self.summary
            counted: dict[str, Any] = {name: getattr(summary, name) + count for name, count in more.items()}
            if cost is not None:
                counted["cost"] = (summary.cost or 0.0) + cost
            self.summary = summary = replace(summary, **counted)
        self._progress.show(summary)

    # --- the end ----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Hand out nothing more."""
        self.over.set()

    def _end(self, error: BatchError, cause: Exception | None = None) -> None:
        with self._lock:
            if self._error is None:
                error.__cause__ = cause
                self._error = error
        self.stop()

    def result(self) -> BatchSummary:
        """What the batch came to.

        Raises:
            BatchError: if it ended early.
        """
        if self._error is not None:
            self._error.summary = self.summary
            raise self._error
        return self.summary
