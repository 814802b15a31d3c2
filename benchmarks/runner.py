"""Runs all contenders in turns: one round after the other, one measure after the other, one contender after the other.

Whatever slows the machine for a while slows all contenders alike, so their ratios hold.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.measures import MEASURES
from benchmarks.registry import Entry

Figures = dict[str, dict[str, list[float]]]
"""By contender's module, by measure's name: one figure a round."""

_ROOT = Path(__file__).parent.parent
# Tracers, proxies and routes of the user's own would be measured too.
_FOREIGN_VARIABLES = (
    "LANGSMITH_", "LANGCHAIN_", "PORTKEY_", "OPENAI_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
    "PYTHONDONTWRITEBYTECODE",  # what pip installed is compiled already, what is imported from here is not
)  # fmt: skip


class BenchmarkError(Exception):
    """A process of the benchmark died; what it said stands above."""


def run(
    entries: Sequence[Entry],
    *,
    rounds: int,
    is_quick: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Measure the contenders.

    Args:
        entries: who takes part.
        rounds: how often everything is measured, each time in fresh processes.
        is_quick: do less of everything: a smoke run.
        on_progress: is told what comes next.

    Raises:
        BenchmarkError: if a contender fails or gets a wrong answer.
    """
    figures: Figures = {entry.module: {measure.name: [] for measure in MEASURES} for entry in entries}
    with BenchmarkProcess("benchmarks.mock_gateway") as gateway:
        for number in range(1, rounds + 1):
            with ExitStack() as stack:
                workers = {
                    entry.module: stack.enter_context(
                        BenchmarkProcess(
                            "benchmarks.worker",
                            entry.module,
                            gateway.greeting,
                            "quick" if is_quick else "full",
                            folder=entry.folder,
                        )
                    )
                    for entry in entries
                }
                for measure in MEASURES:
                    on_progress(f"round {number} of {rounds}: {measure.name}")
                    for module, worker in workers.items():
                        figures[module][measure.name].append(float(worker.ask(measure.name)))
    return figures


class BenchmarkProcess:
    """A module of ours in a process of its own, spoken to in lines; entering waits until it is ready."""

    def __init__(self, module: str, *arguments: str, folder: str = "") -> None:
        self._name = " ".join((module, *arguments))
        environment = {
            name: value for name, value in os.environ.items() if not name.upper().startswith(_FOREIGN_VARIABLES)
        }
        if folder:
            environment["PYTHONPATH"] = str(_ROOT / folder)
        self._process = subprocess.Popen(  # noqa: S603 our own modules
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env=environment,
        )
        self.greeting = ""

    def ask(self, question: str) -> str:
        """Send a line and return the one that answers it."""
        assert self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchmarkError(f"{self._name} died")
        return line.strip()

    def __enter__(self) -> Self:
        self.greeting = self._read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        # Closes its standard input, at which it ends by itself.
        self._process.communicate()
