"""Batches on Ray Data through the real gateway: two workers, of which one is killed."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import portkey_langchain.batch
import portkey_llamaindex.batch
from portkey_gateway.batch import BatchError, BatchSummary, Limits, ResultsInUseError, read_results, write_parquet
from portkey_gateway.batch.on_ray import run_batch_on_ray
from portkey_gateway.batch.results import locked_folder
from portkey_gateway.batch.rows import BatchModel
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.support.batches import results

AT_ONCE = 4
Model = Callable[..., BatchModel]


def langchain(sandbox: Sandbox, prompt: Any = "prompt", **more: Any) -> BatchModel:
    options: dict[str, Any] = {**sandbox.options(), **more}
    return portkey_langchain.batch.BatchModel(ChatPortkey(model=sandbox.model, **options), prompt)


def llamaindex(sandbox: Sandbox, prompt: Any = "prompt", **more: Any) -> BatchModel:
    options: dict[str, Any] = {**sandbox.options(), **more}
    return portkey_llamaindex.batch.BatchModel(Portkey(model=sandbox.model, **options), prompt)


@pytest.fixture(params=[langchain, llamaindex], ids=["langchain", "llamaindex"])
def model(request: pytest.FixtureRequest) -> Model:
    made: Model = request.param
    return made


def rows_of(ray: Any, count: int) -> Any:
    return ray.data.from_items([{"id": f"r{number}", "prompt": f"Say hello {number}."} for number in range(count)])


def asked(sandbox: Sandbox) -> Counter[str]:
    """How often each prompt reached Claude.

    A request with a wrong key, which the workers of an earlier test may still send, is refused before its body is read.
    """
    return Counter(json.dumps(request.body["messages"]) for request in sandbox.claude.requests if request.body)


def test_two_workers_answer_every_row_once_in_one_trace(
    ray: Any, sandbox: Sandbox, model: Model, tmp_path: Path
) -> None:
    dataset, job = rows_of(ray, 60), model(sandbox)
    summary = run_batch_on_ray(job, dataset, tmp_path, rows_of_a_batch=10, max_concurrency=AT_ONCE)
    assert (summary.answered, summary.failed, summary.skipped) == (60, 0, 0)
    records = results(tmp_path)
    assert {record["id"] for record in records} == {f"r{number}" for number in range(60)}
    assert {record["trace_id"] for record in records} == {summary.trace_id}
    assert all(f"hello {record['id'][1:]}" in record["output"] for record in records)
    assert (len(asked(sandbox)), asked(sandbox).total()) == (60, 60)
    assert summary.input_tokens == sum(record["usage"]["input_tokens"] for record in records)
    assert write_parquet(tmp_path, tmp_path / "all.parquet") == 60
    again = run_batch_on_ray(job, dataset, tmp_path, rows_of_a_batch=7)  # in other batches, too
    assert (again.answered, again.skipped, again.trace_id) == (0, 60, summary.trace_id)
    assert asked(sandbox).total() == 60


def test_a_killed_worker_loses_nothing_and_pays_again_only_for_what_was_under_way(
    ray: Any, sandbox: Sandbox, tmp_path: Path
) -> None:
    workers, folder = tmp_path / "workers", tmp_path / "answers"
    workers.mkdir()

    def prompt(row: Mapping[str, Any]) -> str:
        (workers / str(os.getpid())).touch()
        return str(row["prompt"])

    told: list[BatchSummary] = []
    job, dataset = langchain(sandbox, prompt), rows_of(ray, 600)

    def run() -> None:
        told.append(run_batch_on_ray(job, dataset, folder, rows_of_a_batch=60, max_concurrency=AT_ONCE))

    running = threading.Thread(target=run)
    running.start()
    while len(list(workers.iterdir())) < 2 or len(list(read_results(folder))) < 150:
        assert running.is_alive()
        time.sleep(0.05)
    killed = next(iter(workers.iterdir())).name
    os.kill(int(killed), signal.SIGKILL)
    running.join()
    assert len({record["id"] for record in results(folder)}) == 600
    assert all(record["status"] == "answered" for record in results(folder))
    counts = asked(sandbox)
    assert len(counts) == 600
    assert counts.total() - 600 <= AT_ONCE
    assert max(counts.values()) <= 2
    assert len(list(workers.iterdir())) > 2  # another process took over
    [summary] = told
    assert summary.rows == 600


def test_rows_that_fail_are_kept_with_their_error(ray: Any, sandbox: Sandbox, model: Model, tmp_path: Path) -> None:
    sandbox.claude.inject(Fault("status", status=400, message="too long", match="hello 7."))
    job, dataset = model(sandbox), rows_of(ray, 20)
    assert run_batch_on_ray(job, dataset, tmp_path, rows_of_a_batch=10).failed == 1
    [failed] = [record for record in results(tmp_path) if record["status"] == "failed"]
    assert (failed["id"], failed["error"]["status"]) == ("r7", 400)
    assert run_batch_on_ray(job, dataset, tmp_path, rows_of_a_batch=10).skipped == 20
    assert run_batch_on_ray(job, dataset, tmp_path, rows_of_a_batch=6, retry_failed=True).answered == 1
    assert all(record["status"] == "answered" for record in results(tmp_path))


def test_a_wrong_key_ends_the_job_with_a_clear_error(ray: Any, sandbox: Sandbox, model: Model, tmp_path: Path) -> None:
    key = "wrong-key-not-a-secret"
    job = model(sandbox, provider_api_key=key)
    with pytest.raises(BatchError, match="as every other would") as told:
        run_batch_on_ray(job, rows_of(ray, 200), tmp_path, rows_of_a_batch=10, max_concurrency=AT_ONCE)
    assert len(sandbox.claude.requests) <= 4 * AT_ONCE
    assert key not in str(told.value)
    assert not results(tmp_path)


def test_too_many_failures_end_the_job_however_short_its_batches(ray: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.claude.inject(Fault("status", status=400, message="no credit", times=1000))
    with pytest.raises(BatchError, match="12 rows failed one after the other"):
        run_batch_on_ray(
            langchain(sandbox), rows_of(ray, 200), tmp_path, workers=1, rows_of_a_batch=4, stop_after_failures=12
        )
    assert asked(sandbox).total() == 12


def test_two_jobs_do_not_write_to_one_folder(ray: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    with locked_folder(tmp_path), pytest.raises(ResultsInUseError):
        run_batch_on_ray(langchain(sandbox), rows_of(ray, 1), tmp_path)


def test_workers_share_the_limits(ray: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    limits = Limits(requests_per_minute=600)
    run_batch_on_ray(langchain(sandbox), rows_of(ray, 40), tmp_path, rows_of_a_batch=5, limits=limits)
    times = sorted(request.time for request in sandbox.claude.requests)
    # Two workers at five a second each: what each sends is 0.2 s apart, so no second sees more than 12.
    assert max(sum(start <= at < start + 1 for at in times) for start in times) <= 12
