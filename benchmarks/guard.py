"""Whether something became slower: the ratios of a run beside those that were reached.

``python -m benchmarks.guard FIGURES.json`` reads what ``python -m benchmarks --json`` wrote; ``--keep`` makes it what
is reached from now on. It reports, and never fails a build: a busy machine moves single ratios by a third. A figure
that depends on how much was done is compared with one of the same size alone, so a quick run's with a quick run's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.report import render_table

REACHED: Final = Path(__file__).parent / "reached.json"
MARGIN: Final = 1.35
"""By how much a ratio may be above the one that was reached."""

Ratios = Mapping[str, Mapping[str, float]]


def main() -> None:
    """Compare, or keep, the ratios of a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("figures", type=Path, help="what `python -m benchmarks --json` wrote")
    parser.add_argument("--keep", action="store_true", help="make these the ratios that are reached")
    arguments = parser.parse_args()
    told = json.loads(arguments.figures.read_text(encoding="utf-8"))
    ratios = sized(told["ratios"], told["sizes"])
    reached = json.loads(REACHED.read_text(encoding="utf-8")) if REACHED.exists() else {}
    if arguments.keep:
        REACHED.write_text(json.dumps(kept(ratios, reached), indent=1) + "\n", encoding="utf-8")
    else:
        print(report(ratios, reached))


def sized(ratios: Ratios, sizes: Mapping[str, int]) -> Ratios:
    """Ratios whose names tell of how much they were taken, where they depend on it."""
    return {
        title: {f"{name} of {sizes[name]}" if name in sizes else name: ratio for name, ratio in row.items()}
        for title, row in ratios.items()
    }


def kept(ratios: Ratios, reached: Ratios) -> Ratios:
    """What is reached from now on: three digits that count, for 0.006 as for 1.31; what was not measured stays."""
    added = {title: {name: float(f"{ratio:.3g}") for name, ratio in row.items()} for title, row in ratios.items()}
    return {**reached, **{title: {**reached.get(title, {}), **row} for title, row in added.items()}}


def slower(ratios: Ratios, reached: Ratios) -> list[tuple[str, str, float, float]]:
    """The ratios that are above what was reached by more than the margin: title, measure, reached, now."""
    return [
        (title, name, reached[title][name], ratio)
        for title, row in ratios.items()
        for name, ratio in row.items()
        if name in reached.get(title, {}) and ratio > reached[title][name] * MARGIN
    ]


def report(ratios: Ratios, reached: Ratios) -> str:
    """What became slower, as a table, or that nothing did."""
    found = slower(ratios, reached)
    if not found:
        return f"No ratio is above the one that was reached by more than {MARGIN:.2f}."
    rows = [[f"{title}: {name}", f"{known:.3g}", f"{now:.3g}"] for title, name, known, now in found]
    return render_table([f"above what was reached by more than {MARGIN:.2f}", "reached", "now"], rows)


if __name__ == "__main__":
    main()
