"""A model for batches that needs no gateway, and the two ways to run a batch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from portkey_gateway.batch import BatchSummary, Reply, arun_batch, read_results, run_batch
from portkey_gateway.batch.rows import Job, Row
from portkey_gateway.info import GatewayInfo, read_gateway_info

Running = Callable[..., BatchSummary]


def _run_async(*given: Any, **options: Any) -> BatchSummary:
    return asyncio.run(arun_batch(*given, **options))


WAYS: Final[dict[str, Running]] = {"sync": run_batch, "async": _run_async}


def echo(row: Row) -> Reply:
    """The row's prompt, for three tokens."""
    return Reply(str(row.values.get("prompt")), usage={"input_tokens": 2, "output_tokens": 1})


class Model:
    """Answers rows by a function, and notes which were asked.

    Attributes:
        asked: the ids of the rows, once for each try.
        most_at_once: how many were under way at the same time.
        jobs: the jobs that were opened.
    """

    def __init__(self, answer: Callable[[Row], Reply] = echo) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self._at_once = 0
        self.asked: list[Any] = []
        self.most_at_once = 0
        self.jobs: list[Job] = []

    @contextmanager
    def job(self, job: Job) -> Iterator[Model]:
        self.jobs.append(job)
        yield self

    @contextmanager
    def _under_way(self, row: Row) -> Iterator[None]:
        with self._lock:
            self.asked.append(row.id)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def ask(self, row: Row) -> Reply:
        with self._under_way(row):
            return self._answer(row)

    async def aask(self, row: Row) -> Reply:
        with self._under_way(row):
            await asyncio.sleep(0)
            return self._answer(row)


def info(status: int, **headers: str) -> GatewayInfo:
    """What the gateway says of an error."""
    return read_gateway_info(status, {name.replace("_", "-"): value for name, value in headers.items()})


def results(path: Path) -> list[dict[str, Any]]:
    """What counts of each row, with any field."""
    return [{**record} for record in read_results(path)]
