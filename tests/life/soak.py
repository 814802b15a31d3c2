"""Ask again and again, and look at what it leaves: ``python -m tests.life.soak [CALLS]``, 100,000 by default.

Writes what was measured into ``docs/soak.json`` and the table of ``docs/reliability.md``. The gateway and the emulated
Claude run in a process of their own, so that all of the figures are ours.
"""

from __future__ import annotations

import asyncio
import gc
import json
import platform
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, TypedDict

from portkey_gateway import PortkeyError
from portkey_gateway.sandbox import Sandbox
from tests.life.asking import Model, awhole, models, pieces, question, streamed, whole

DOCS: Final = Path(__file__).parents[2] / "docs"
FIGURES: Final = DOCS / "soak.json"
BEGIN: Final = "<!-- table: soak, made by `make soak` -->\n"
END: Final = "<!-- end of table: soak -->\n"
CALLS: Final = 100_000
AT_ONCE: Final = 32
READINGS: Final = 10
"""How often the process is looked at."""


class Reading(TypedDict):
    """What a process holds after so many calls."""

    calls: int
    memory_mb: float
    files: int
    threads: int


class Soak(TypedDict):
    """What came of all calls."""

    day: str
    python: str
    calls: int
    wrong: int
    seconds: int
    readings: list[Reading]


def main(calls: int) -> int:
    """Run, write, and return how many answers were wrong."""
    ours, theirs = get_context("spawn").Pipe()
    serving = get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    serving.start()
    try:
        found = soak(ours.recv(), calls)
    finally:
        ours.send(None)
        serving.join()
    FIGURES.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    write_table(found)
    sys.stdout.write(table(found))
    return found["wrong"]


def _serve(told: Connection) -> None:
    with Sandbox() as sandbox:
        told.send({"model": sandbox.model, **sandbox.options()})
        told.recv()


def soak(options: dict[str, Any], calls: int) -> Soak:
    """Ask in every way, as many at once as there are threads: both frameworks and formats, in threads and in loops."""
    asked = models({**options, "max_retries": 0})
    begun = time.monotonic()
    readings: list[Reading] = []
    wrong = done = 0
    for until in [calls * step // READINGS for step in range(READINGS + 1)]:
        wrong += _ask(asked, range(done, until))
        done = until
        readings.append(_read(done))
        sys.stdout.write(f"{readings[-1]}\n")
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "calls": calls,
        "wrong": wrong,
        "seconds": round(time.monotonic() - begun),
        "readings": readings,
    }


def _ask(asked: list[Model], numbers: range) -> int:
    """Ask half of the questions in threads, half in a loop, and count the wrong answers."""
    half = numbers.start + len(numbers) // 2
    with ThreadPoolExecutor(AT_ONCE) as threads:
        ways: list[Callable[[Model, str], str]] = [whole, lambda model, text: "".join(pieces(model, text))]
        in_threads = threads.map(
            lambda number: _is_right(ways[number // len(asked) % 2], asked[number % len(asked)], number),
            range(numbers.start, half),
        )
        wrong = sum(not is_right for is_right in in_threads)
    return wrong + asyncio.run(_ask_in_a_loop(asked, range(half, numbers.stop)))


def _is_right(way: Callable[[Model, str], str], model: Model, number: int) -> bool:
    text, answer = question(number)
    try:
        return way(model, text) == answer
    except PortkeyError as error:  # told and counted: one refused call must not hide what the others leave
        return _tell(number, error)


def _tell(number: int, error: PortkeyError) -> bool:
    sys.stdout.write(f"call {number}: {type(error).__name__}: {error}\n")
    return False


async def _ask_in_a_loop(asked: list[Model], numbers: range) -> int:
    left = iter(numbers)
    wrong = 0

    async def work() -> None:
        nonlocal wrong
        for number in left:
            text, answer = question(number)
            way = (awhole, streamed)[number // len(asked) % 2]
            try:
                wrong += await way(asked[number % len(asked)], text) != answer
            except PortkeyError as error:
                wrong += not _tell(number, error)

    async with asyncio.TaskGroup() as working:
        for _ in range(AT_ONCE):
            working.create_task(work())
    return wrong


def _read(calls: int) -> Reading:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])  # of Linux
    return {
        "calls": calls,
        "memory_mb": round(pages * 4096 / 1e6, 1),
        "files": len(list(Path("/dev/fd").iterdir())),
        "threads": threading.active_count(),
    }


def table(found: Soak) -> str:
    """The table, with a line that says what was run."""
    rows = [
        f"| {each['calls']:,} | {each['memory_mb']:,.0f} | {each['files']} | {each['threads']} |"
        for each in found["readings"]
    ]
    said = (
        f"{found['calls']:,} calls on {found['day']} with Python {found['python']}, in {found['seconds']:,} seconds; "
        f"wrong answers: {found['wrong']}.\n\n"
    )
    return said + "\n".join(["| calls | memory in MB | open files | threads |", "|---|---|---|---|", *rows]) + "\n"


def write_table(found: Soak) -> None:
    """Write the table into the page."""
    page = DOCS / "reliability.md"
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, _, behind = rest.partition(END)
    page.write_text(before + BEGIN + table(found) + END + behind, "utf-8")


if __name__ == "__main__":
    sys.exit(1 if main(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS) else 0)
