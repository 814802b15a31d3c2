"""The same on many processes or machines: a dataset of Ray Data's, asked by a pool of workers (extra ``ray``).

Each worker is a process with its own connections, and runs batches of rows as ``run_batch`` does, each with a results
file of its own in one folder. A batch that Ray hands out again, since its worker was lost, finds that file and goes on
from it; so does the whole job.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from typing_extensions import Unpack

from portkey_gateway.batch.errors import BatchError
from portkey_gateway.batch.limits import Limits
from portkey_gateway.batch.models import check_batch_model
from portkey_gateway.batch.options import BatchOptions, Settings
from portkey_gateway.batch.progress import start_progress
from portkey_gateway.batch.results import locked_folder, read_results
from portkey_gateway.batch.rows import BatchModel, RowId
from portkey_gateway.batch.run import active_trace_id, run_batch
from portkey_gateway.batch.summary import BatchSummary

ROWS_OF_A_BATCH: Final = 500
"""Rows that a worker is handed at a time, and that stand in one results file."""
CPUS_OF_A_WORKER: Final = 0.5
"""CPUs that Ray keeps for a worker, which waits for answers most of the time."""

_COUNTED: Final = ("answered", "failed", "skipped", "tries", "input_tokens", "output_tokens")


def run_batch_on_ray(
    model: BatchModel,
    dataset: Any,
    results: str | os.PathLike[str],
    *,
    workers: int = 2,
    rows_of_a_batch: int = ROWS_OF_A_BATCH,
    ray_remote_args: Mapping[str, Any] | None = None,
    **options: Unpack[BatchOptions],
) -> BatchSummary:
    """Ask a model for the answer to every row of a dataset, on a cluster of Ray's.

    Said again with the same folder it goes on where the last run ended: what was answered is not asked again. A worker
    that is lost in the middle is replaced, and its rows go to another one; only those that were under way,
    ``max_concurrency`` of them at the most, are asked a second time. Ray reads the dataset as fast as the workers ask.

    The rest is as in ``run_batch``: one trace, the labels ``batch`` and ``row``, failed rows kept with their error, an
    end at once to what would fail every row.

    Args:
        model: ``BatchModel`` of a framework; it is pickled, with its keys, to the workers.
        dataset: a ``ray.data.Dataset``, with an id in each row. That no other row has it is looked at within each batch
            alone: of rows with the same id elsewhere all are asked, and one counts.
        results: a folder that all workers see at the same path, such as a network file system; of JSON lines, which
            ``read_results`` and ``write_parquet`` take. The same job needs the same folder.
        workers: how many processes ask at the same time; together they have ``workers * max_concurrency`` rows under
            way, and share the ``limits`` evenly.
        rows_of_a_batch: how many rows a worker is handed at a time.
        ray_remote_args: what Ray shall know of the workers, such as ``{"num_cpus": 1}`` (0.5 by default).
        options: as ``BatchOptions`` says; ``max_concurrency`` holds for each worker, ``stop_after_failures`` too.

    Raises:
        BatchError: if it ends early, as where a worker meets a wrong key; the next run goes on from there.
        ResultsInUseError: if another run writes to the folder.
        ImportError: if Ray is not installed, naming the extra.
        TypeError: if ``model`` is no ``BatchModel``.
        ValueError: if a figure is out of range.
    """
    check_batch_model(model)
    ray = _ray()
    settings, folder = Settings(**options), Path(results)
    if workers < 1 or rows_of_a_batch < 1:
        raise ValueError(f"workers={workers} and rows_of_a_batch={rows_of_a_batch} have to be 1 or more")
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(locked_folder(folder))
        done, trace_id = _done(folder, retry_failed=settings.retry_failed)
        name, trace_id = settings.name or folder.name, settings.trace_id or trace_id or active_trace_id()
        bar = start_progress(settings.progress, None, settings.total, name)
        stack.callback(bar.close)
        limits = (settings.limits or Limits()).shared(workers)
        told = replace(settings, name=name, trace_id=trace_id, limits=limits, progress=False, total=None)
        # Kept until the end: a worker that takes over from a lost one asks for it.
        reference = ray.put(done)
        counted = dataset.map_batches(
            Worker,
            fn_constructor_args=(model, str(folder), reference, told),
            batch_size=rows_of_a_batch,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=workers),
            **{"num_cpus": CPUS_OF_A_WORKER, **(ray_remote_args or {})},
        )
        summary = BatchSummary(trace_id)
        try:
            for part in counted.iter_rows():
                summary = _added(summary, part)
                bar.show(summary)
        except ray.exceptions.RayError as error:
            found = _batch_error(error)
            found.summary = summary
            raise found from error
    return summary


class Worker:
    """One worker: asks for the rows that Ray hands it, and answers with what they came to.

    Args:
        model: as its framework gives it.
        folder: of the results.
        done: reference to the ids of the rows that had their result when the job began.
        settings: how to ask.
    """

    def __init__(self, model: BatchModel, folder: str, done: Any, settings: Settings) -> None:
        self._model = model
        self._folder = Path(folder)
        self._done: set[RowId] = _ray().get(done)
        self._settings = settings
        self._failures_in_a_row = 0

    def __call__(self, rows: Any) -> dict[str, list[Any]]:
        """Ask for the rows of a batch.

        Args:
            rows: a table of Arrow's.
        """
        given: list[dict[str, Any]] = rows.to_pylist()
        column = self._settings.id_column
        path = self._folder / f"{_digest(row.get(column) for row in given)}.jsonl"
        waiting = [row for row in given if row.get(column) not in self._done]
        summary = run_batch(self._model, waiting, path, **self._settings.as_options())
        summary = replace(summary, skipped=summary.skipped + len(given) - len(waiting))
        self._count_failures(summary)
        return {name: [value] for name, value in asdict(summary).items()}

    def _count_failures(self, summary: BatchSummary) -> None:
        """A batch may be too short for the limit that holds within it."""
        self._failures_in_a_row = 0 if summary.answered else self._failures_in_a_row + summary.failed
        most = self._settings.stop_after_failures
        if most and self._failures_in_a_row >= most:
            raise BatchError(f"{self._failures_in_a_row} rows failed one after the other (stop_after_failures)")


def _done(folder: Path, *, retry_failed: bool) -> tuple[set[RowId], str | None]:
    """The rows that have their result, and the trace of the earlier runs."""
    done: set[RowId] = set()
    trace_id: str | None = None
    for record in read_results(folder):
        trace_id = trace_id or record.get("trace_id")
        if record["status"] == "answered" or not retry_failed:
            done.add(record["id"])
    return done, trace_id


def _digest(ids: Iterable[Any]) -> str:
    """A name for a batch: a batch that is handed out again has the same rows, and so the same name."""
    return hashlib.sha256("\n".join(map(repr, ids)).encode()).hexdigest()[:32]


def _added(summary: BatchSummary, part: Mapping[str, Any]) -> BatchSummary:
    counts = {name: getattr(summary, name) + part[name] for name in _COUNTED}
    cost = summary.cost if part["cost"] is None else (summary.cost or 0.0) + part["cost"]
    return replace(summary, **counts, cost=cost)


def _batch_error(error: BaseException) -> BatchError:
    """What a worker ended the job with, found among what Ray raised around it."""
    cause: BaseException | None = error
    while cause is not None:
        for each in (cause, getattr(cause, "cause", None)):
            if isinstance(each, BatchError):
                return type(each)(*each.args)
        cause = cause.__cause__
    return BatchError(f"Ray ended the job: {error}")


def _ray() -> Any:
    try:
        import_module("ray.data")
        return import_module("ray")
    except ImportError as error:
        raise ImportError("a batch on Ray needs Ray Data: pip install 'portkey-frameworks[ray]'") from error
