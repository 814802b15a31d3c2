"""Whether something became slower: the ratios of a run beside those that were reached.

``python -m benchmarks.guard FIGURES.json`` reads what ``python -m benchmarks --json`` wrote; ``--keep`` makes it what
is reached from now on. It reports, and never fails a build: a busy machine moves single ratios by a third.
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
    ratios = json.loads(arguments.figures.read_text(encoding="utf-8"))["ratios"]
    if arguments.keep:
        known = json.loads(REACHED.read_text(encoding="utf-8")) if REACHED.exists() else {}
        REACHED.write_text(json.dumps({**known, **rounded(ratios)}, indent=1) + "\n", encoding="utf-8")
        return
    print(report(ratios, json.loads(REACHED.read_text(encoding="utf-8"))))


def rounded(ratios: Ratios) -> dict[str, dict[str, float]]:
    """Ratios to two digits behind the point: no more of them counts."""
    return {title: {name: round(ratio, 2) for name, ratio in row.items()} for title, row in ratios.items()}


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
    rows = [[f"{title}: {name}", f"{known:.2f}", f"{now:.2f}"] for title, name, known, now in found]
    return render_table([f"above what was reached by more than {MARGIN:.2f}", "reached", "now"], rows)


if __name__ == "__main__":
    main()
