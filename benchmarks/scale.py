"""``make scale``: rows a second on one machine and on Ray, and 10,000 rows of which one worker is killed.

Writes the tables of ``docs/scale.md``. The gateway, the emulated Claude and the workers all run on this machine.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from portkey_gateway.batch import read_results, run_batch
from portkey_gateway.batch.on_ray import run_batch_on_ray
from portkey_gateway.batch.results import ResultsFile
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_langchain import ChatPortkey
from portkey_langchain.batch import BatchModel

PAGE = Path(__file__).parent.parent / "docs" / "scale.md"
BEGIN, END = "<!-- table: scale, made by `make scale` -->\n", "<!-- end of table: scale -->\n"
AT_ONCE = 16
SLOW_S, SLOW_ROWS, FAST_ROWS, ROWS_OF_A_BATCH = 1.0, 640, 1920, 160
KILLED_ROWS, KILLED_AFTER, WORKERS = 10_000, 3000, 2


def rows(count: int) -> list[dict[str, Any]]:
    """Prompts that can be told from each other."""
    return [{"id": f"r{number}", "prompt": f"Say hello {number}."} for number in range(count)]


def model(sandbox: Sandbox, prompt: Any = "prompt") -> BatchModel:
    """What is asked."""
    return BatchModel(ChatPortkey(model=sandbox.model, **sandbox.options()), prompt)


def speed(sandbox: Sandbox, run: Callable[[BatchModel, list[dict[str, Any]], str], Any], count: int) -> float:
    """Rows a second, from the first to the last that reached Claude: without what starting takes."""
    sandbox.claude.clear()
    if count == SLOW_ROWS:
        sandbox.claude.inject(Fault("slow", seconds=SLOW_S, times=count))
    with tempfile.TemporaryDirectory() as folder:
        run(model(sandbox), rows(count), f"{folder}/out.jsonl")
    times = sorted(request.time for request in sandbox.claude.requests)
    assert len(times) == count
    return (count - 1) / (times[-1] - times[0])


def speeds(sandbox: Sandbox, ray: Any) -> list[str]:
    """A row of the table for each way to run."""

    def here(asked: BatchModel, given: list[dict[str, Any]], path: str) -> None:
        run_batch(asked, given, path, max_concurrency=AT_ONCE)

    def on_ray(workers: int) -> Callable[[BatchModel, list[dict[str, Any]], str], None]:
        def run(asked: BatchModel, given: list[dict[str, Any]], path: str) -> None:
            dataset = ray.data.from_items(given)
            cpus = {"num_cpus": 0.25}
            run_batch_on_ray(
                asked,
                dataset,
                path,
                workers=workers,
                max_concurrency=AT_ONCE,
                rows_of_a_batch=ROWS_OF_A_BATCH,
                ray_remote_args=cpus,
            )

        return run

    ways = {"`run_batch`": here, **{f"Ray, workers: {count}": on_ray(count) for count in (1, 2, 4)}}
    lines = ["| | rows/s, answers at once | rows/s, answers that take a second |", "|---|---|---|"]
    for name, run in ways.items():
        fast, slow = speed(sandbox, run, FAST_ROWS), speed(sandbox, run, SLOW_ROWS)
        lines.append(f"| {name} | {fast:.0f} | {slow:.0f} |")
        print(lines[-1], flush=True)
    return lines


def killed(sandbox: Sandbox, ray: Any) -> list[str]:
    """What became of many rows when one of two workers was killed."""
    sandbox.claude.clear()
    with tempfile.TemporaryDirectory() as folder:
        workers, answers = Path(folder, "workers"), Path(folder, "answers")
        workers.mkdir()

        def prompt(row: Mapping[str, Any]) -> str:
            (workers / str(os.getpid())).touch()
            return str(row["prompt"])

        def run() -> None:
            run_batch_on_ray(model(sandbox, prompt), ray.data.from_items(rows(KILLED_ROWS)), answers, workers=WORKERS)

        running = threading.Thread(target=run)
        began_s = time.monotonic()
        running.start()
        while len(sandbox.claude.requests) < KILLED_AFTER or len(list(workers.iterdir())) < WORKERS:
            time.sleep(0.5)
        os.kill(int(next(iter(workers.iterdir())).name), signal.SIGKILL)
        running.join()
        took_s = time.monotonic() - began_s
        answered = {record["id"] for record in read_results(answers) if record["status"] == "answered"}
    times = Counter(json.dumps(request.body["messages"]) for request in sandbox.claude.requests)
    told = {
        "rows": f"{KILLED_ROWS:,}",
        "answered": f"{len(answered):,}",
        "lost": KILLED_ROWS - len(answered),
        "asked of Claude": f"{times.total():,}",
        "asked twice": sum(count > 1 for count in times.values()),
        "under way in the killed worker, at most": AT_ONCE,
        "seconds": f"{took_s:.0f}",
    }
    return [f"| {' | '.join(told)} |", "|---" * len(told) + "|", f"| {' | '.join(map(str, told.values()))} |"]


def ids_held() -> str:
    """What a million rows that are done take in memory, as a run holds them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out.jsonl")
        path.write_text("".join(f'{{"id": "r{number}", "status": "answered"}}\n' for number in range(1_000_000)))
        tracemalloc.start()
        with ResultsFile(path):
            held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return f"A million ids take {held / 1e6:.0f} MB"


def main() -> None:
    """Measure, show and write."""
    ray = import_module("ray")
    context = import_module("ray.data").DataContext.get_current()
    context.enable_progress_bars = False
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=200 * 2**20, log_to_driver=False)
    with Sandbox() as sandbox:
        sandbox.claude.remember(2 * KILLED_ROWS)
        lines = [*speeds(sandbox, ray), "", *killed(sandbox, ray), "", f"{ids_held()}."]
    told = "\n".join(lines) + "\n"
    print(told)
    page = PAGE.read_text("utf-8")
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(page[:begin] + "\n" + told + "\n" + page[end:], "utf-8")


if __name__ == "__main__":
    main()
