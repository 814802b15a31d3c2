"""What a call costs as it grows: ``python -m benchmarks.scaling``; ten times as much should cost ten times as much.

Each thing is done once, ten times and a hundred times as large, in turns; the figure is CPU time of this process for
one unit of it. Answers are checked, as in the other benchmarks.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.answers import expected_answer
from benchmarks.measures import SHORT_TOKENS, WrongAnswerError
from benchmarks.prompts import history_prompt, short_prompt, small_images_prompt
from benchmarks.report import render_table
from benchmarks.runner import BenchmarkProcess

FACTORS: Final = (1, 10, 100)
OURS: Final = {
    "ChatPortkey": "chat_portkey",
    "ChatPortkey, messages": "chat_portkey_messages",
    "Portkey (LlamaIndex)": "llamaindex_portkey",
    "Portkey (LlamaIndex), messages": "llamaindex_portkey_messages",
}
_MESSAGES: Final = 10
_CHUNKS: Final = 30
_REPEATS: Final = 10


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="also write the table there")
    arguments = parser.parse_args()
    with BenchmarkProcess("benchmarks.mock_gateway") as gateway, asyncio.Runner() as runner:
        table = render(measure(gateway.greeting, runner, rounds=arguments.rounds))
    print(table)
    if arguments.markdown:
        arguments.markdown.write_text(table + "\n", encoding="utf-8")


def measure(base_url: str, runner: asyncio.Runner, *, rounds: int) -> dict[tuple[str, str], list[float]]:
    """Measure what each of ours takes.

    Returns:
        By contender and what grows: µs for one unit, at each factor; medians of the rounds.
    """
    measured: dict[tuple[str, str], list[list[float]]] = {}
    for _ in range(rounds):
        for title, module in OURS.items():
            make = importlib.import_module(f"benchmarks.contenders.{module}").make
            for factor in FACTORS:
                for what, seconds, units in _grown(make, base_url, runner, factor):
                    measured.setdefault((title, what), [[] for _ in FACTORS])
                    measured[title, what][FACTORS.index(factor)].append(1e6 * seconds / units)
    return {key: [statistics.median(figures) for figures in by_factor] for key, by_factor in measured.items()}


def render(measured: dict[tuple[str, str], list[float]]) -> str:
    """The table: µs for one unit at each factor, and what the largest costs beside a hundred times the smallest."""
    rows = [
        [f"{title}: {what}", *(f"{figure:,.1f}" for figure in figures), f"{figures[-1] / figures[0]:.2f}"]
        for (title, what), figures in measured.items()
    ]
    return render_table(["µs for one", *(f"{factor} times" for factor in FACTORS), "largest to smallest"], rows)


def _grown(
    make: Callable[[str, int], Any], base_url: str, runner: asyncio.Runner, factor: int
) -> list[tuple[str, float, int]]:
    """What grows, the seconds that it took, and of how many units."""
    short, long = make(base_url, SHORT_TOKENS), make(base_url, _CHUNKS * factor)
    messages = history_prompt()[: _MESSAGES * factor]
    images = small_images_prompt(factor)
    return [
        ("a message", _invoke(short, messages), len(messages)),
        ("an image of 20 KB", _invoke(short, images), factor),
        ("a chunk", _stream(long, _CHUNKS * factor), _CHUNKS * factor),
        ("a call, so many at once", _at_once(short, runner, factor), factor),
    ]


def _invoke(contender: Any, prompt: list[dict[str, Any]]) -> float:
    prepared = contender.prepare(prompt)
    return _cpu_s(lambda: [_check(contender.invoke(prepared), prompt, SHORT_TOKENS)])


def _stream(contender: Any, tokens: int) -> float:
    prompt = short_prompt()
    prepared = contender.prepare(prompt)
    return _cpu_s(lambda: [_check("".join(contender.stream(prepared)), prompt, tokens)], repeats=2)


def _at_once(contender: Any, runner: asyncio.Runner, calls: int) -> float:
    prompt = short_prompt()
    prepared = contender.prepare(prompt)

    async def ask() -> list[str]:
        return await asyncio.gather(*(contender.ainvoke(prepared) for _ in range(calls)))

    return _cpu_s(lambda: [_check(answer, prompt, SHORT_TOKENS) for answer in runner.run(ask())])


def _cpu_s(work: Callable[[], Sequence[None]], *, repeats: int = _REPEATS) -> float:
    """CPU seconds of one time, once it was done before."""
    work()
    gc.collect()
    start_s = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - start_s) / repeats


def _check(answer: str, prompt: list[dict[str, Any]], tokens: int) -> None:
    if answer != expected_answer(prompt, tokens):
        raise WrongAnswerError(f"got {answer[:100]!r}")


if __name__ == "__main__":
    sys.exit(main())
