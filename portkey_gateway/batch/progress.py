"""The progress of a batch, as tqdm shows it (extra ``batch``)."""

from __future__ import annotations

import threading
from collections.abc import Sized
from importlib import import_module
from typing import Any

from typing_extensions import override

from portkey_gateway.batch.summary import BatchSummary


class Progress:
    """Nothing is shown; what shows something derives from this."""

    def show(self, summary: BatchSummary) -> None:
        """Show what was done so far."""

    def close(self) -> None:
        """Leave what was shown last."""


class Bar(Progress):
    """A bar with the rows done, failed and there before, the tokens and the cost. Safe to use from many threads.

    Args:
        total: how many rows there are; ``None`` if nobody knows.
        name: of the batch.

    Raises:
        ImportError: if tqdm is not installed.
    """

    def __init__(self, total: int | None, name: str) -> None:
        try:
            tqdm = import_module("tqdm.std").tqdm
        except ImportError as error:
            raise ImportError("progress needs tqdm: pip install 'portkey-frameworks[batch]'") from error
        self._bar: Any = tqdm(total=total, desc=name, unit="row", dynamic_ncols=True)
        self._lock = threading.Lock()

    @override
    def show(self, summary: BatchSummary) -> None:
        told = {"failed": summary.failed, "before": summary.skipped, "tokens": _tokens(summary), "cost": _cost(summary)}
        with self._lock:
            self._bar.set_postfix({name: value for name, value in told.items() if value}, refresh=False)
            # A row whose thread came late may be counted by another one's summary.
            self._bar.update(max(0, summary.rows - self._bar.n))

    @override
    def close(self) -> None:
        with self._lock:
            self._bar.close()


def start_progress(shown: bool, rows: Any, total: int | None, name: str) -> Progress:
    """Begin to show progress, if it is to be shown.

    Args:
        shown: whether.
        rows: the rows, whose number may be known.
        total: their number, if the caller says it.
        name: of the batch.
    """
    if not shown:
        return Progress()
    known = len(rows) if total is None and isinstance(rows, Sized) else total
    return Bar(known, name)


def _tokens(summary: BatchSummary) -> int:
    return summary.input_tokens + summary.output_tokens


def _cost(summary: BatchSummary) -> str:
    return "" if summary.cost is None else f"${summary.cost:.4f}"
