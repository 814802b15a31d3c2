"""Many prompts on one machine: so many at once, within limits, written as they are answered, resumed without loss."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from typing_extensions import Unpack

from portkey_gateway.batch.models import check_batch_model
from portkey_gateway.batch.options import BatchOptions, Settings
from portkey_gateway.batch.parquet import PARQUET_SUFFIX, check_parquet, write_parquet
from portkey_gateway.batch.progress import start_progress
from portkey_gateway.batch.results import ResultsFile
from portkey_gateway.batch.rows import Asking, BatchModel, Job, Reply
from portkey_gateway.batch.summary import BatchSummary
from portkey_gateway.batch.work import BatchWork, Task
from portkey_gateway.http.many import awork_off, work_off
from portkey_gateway.tracing.context import TraceContext, in_active_span, new_trace_id

_LOOK_UP_S: Final = 0.5


def run_batch(
    model: BatchModel,
    rows: Iterable[Mapping[str, Any]],
    results: str | os.PathLike[str],
    **options: Unpack[BatchOptions],
) -> BatchSummary:
    """Ask a model for the answer to every row, and write each as it comes.

    Said again with the same results, it goes on where the last run ended, however that ended: what was answered is not
    asked again; at most the rows that were under way are, ``max_concurrency`` of them. Rows are read one by one and
    never held; their ids are.

    All calls are one trace, each with the labels ``batch`` (the name) and ``row`` (the id), by which Portkey's log
    finds them. A row that fails is written with its error, and asked again only by ``retry_failed``. What would fail
    every row (a wrong key, a budget that is used up) ends the batch at once, and the row is left for the next run.

    Ctrl-C ends it, too; what is under way then is lost, and asked again.

    Args:
        model: ``BatchModel`` of ``portkey_langchain.batch`` or of ``portkey_llamaindex.batch``.
        rows: mappings, each with an id of its own.
        results: the file to write, as JSON lines (``Record`` says what stands in one). With the suffix ``.parquet`` the
            lines go to a file of the same name with ``.jsonl`` after it, of which the Parquet file is made at the end
            of each run (extra ``parquet``).
        options: as ``BatchOptions`` says.

    Raises:
        BatchError: if it ends early; its ``summary`` says what was done, and the next run goes on from there.
        ResultsInUseError: if another run writes to the results.
        TypeError: if ``model`` is no ``BatchModel``.
        ValueError: if a figure is out of range.
    """
    with _prepared(model, rows, results, options) as (work, asking, at_once):

        def ask(task: Task) -> Reply:
            while True:
                for at_s in work.waits(task):
                    work.over.wait(max(0.0, at_s - time.monotonic()))
                try:
                    return work.answered(task, asking.ask(task.row))
                except Exception as error:  # noqa: BLE001 raised again unless it may pass
                    work.again(task, error)

        work_off(work, ask, at_once)
    return work.result()


async def arun_batch(
    model: BatchModel,
    rows: Iterable[Mapping[str, Any]],
    results: str | os.PathLike[str],
    **options: Unpack[BatchOptions],
) -> BatchSummary:
    """Async twin of ``run_batch``: tasks in the place of threads; rows are read on the event loop."""
    with _prepared(model, rows, results, options) as (work, asking, at_once):

        async def ask(task: Task) -> Reply:
            while True:
                for at_s in work.waits(task):
                    await _until(at_s, work.over)
                try:
                    return work.answered(task, await asking.aask(task.row))
                except Exception as error:  # noqa: BLE001 raised again unless it may pass
                    work.again(task, error)

        await awork_off(work, ask, at_once)
    return work.result()


async def _until(at_s: float, over: threading.Event) -> None:
    # The event is one of threads, which end a batch, too.
    while not over.is_set() and (left_s := at_s - time.monotonic()) > 0:  # noqa: ASYNC110
        await asyncio.sleep(min(left_s, _LOOK_UP_S))


@contextmanager
def _prepared(
    model: BatchModel, rows: Iterable[Any], results: str | os.PathLike[str], given: BatchOptions
) -> Iterator[tuple[BatchWork, Asking, int]]:
    """A batch that is ready to run, and how many rows to ask at once; its results are open, and finished at the end."""
    check_batch_model(model)
    settings = Settings(**given)
    path = Path(results)
    lines, is_parquet = path, path.suffix == PARQUET_SUFFIX
    if is_parquet:
        check_parquet()
        lines = path.with_name(f"{path.name}.jsonl")
    with ResultsFile(lines) as file:
        job = Job(settings.name or path.stem, settings.trace_id or file.trace_id or active_trace_id())
        bar = start_progress(settings.progress, rows, settings.total, job.name)
        work = BatchWork(rows, file, job, bar, settings)
        try:
            with model.job(job) as asking:
                yield work, asking, settings.max_concurrency
        finally:
            work.stop()
            bar.close()
        if is_parquet:
            write_parquet(lines, path)


def active_trace_id() -> str:
    """The trace of a job that begins: that of an active OpenTelemetry span, else a new one."""
    return in_active_span(TraceContext(new_trace_id())).trace_id or new_trace_id()
