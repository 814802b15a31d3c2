"""The table and the picture of ``docs/performance.md``: ``python -m benchmarks.page FIGURES.json …``.

Reads what ``python -m benchmarks --json`` wrote; of several files, which hold a part of the contenders each, the later
ones win.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.registry import ENTRIES
from benchmarks.report import render_table

_ROOT: Final = Path(__file__).parent.parent
PAGE: Final = _ROOT / "docs" / "performance.md"
PICTURE: Final = _ROOT / "docs" / "images" / "performance.png"
_BEGIN: Final = "<!-- from: python -m benchmarks.page -->\n"
_BEGIN_COUNTED: Final = "<!-- from: python -m benchmarks.page, functions -->\n"
_END: Final = "\n<!-- end -->"
_MEASURES: Final = (
    "import", "invoke", "ainvoke", "stream", "burst", "astream", "500 streams", "first token", "image", "history",
)  # fmt: skip
_TITLES: Final = {entry.module: entry.title for entry in ENTRIES}
_COUNTED: Final = {"invoke, counted": "a call", "burst, counted": "a chunk", "history, counted": "1000 messages"}

Ratios = Mapping[str, Mapping[str, float]]


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("figures", type=Path, nargs="+", help="what `python -m benchmarks --json` wrote")
    arguments = parser.parse_args()
    read = [json.loads(path.read_text(encoding="utf-8")) for path in arguments.figures]
    ratios = {title: row for each in read for title, row in each["ratios"].items()}
    text = _with(PAGE.read_text(encoding="utf-8"), _BEGIN, render(ratios, read))
    PAGE.write_text(_with(text, _BEGIN_COUNTED, render_counted(read)), encoding="utf-8")
    draw(ratios, PICTURE)


def _with(text: str, begin: str, table: str) -> str:
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(_END)
    return f"{before}{begin}{table}{_END}{after}"


def render(ratios: Ratios, read: Sequence[Mapping[str, Any]]) -> str:
    """The table: a line for each comparison, a column for each measure; and the machine."""
    rows = [[title, *(f"{row[name]:.2f}" for name in _MEASURES)] for title, row in sorted(ratios.items())]
    machine = read[0]["machine"]
    rounds = [str(max(len(figures) for by in each["rounds"].values() for figures in by.values())) for each in read]
    loads = ", ".join(str(load) for each in read for load in each["machine"]["load"])
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    told = (
        f"Medians of {' and '.join(dict.fromkeys(rounds))} rounds; Python {machine['python']}, {machine['system']}, "
        f"{machine['cores']} cores, load meanwhile {loads}; {packages}."
    )
    return f"{render_table(['ours to', *_MEASURES], rows)}\n\n{told}"


def render_counted(read: Sequence[Mapping[str, Any]]) -> str:
    """The table of function calls: a line for each contender."""
    medians = {module: figures for each in read for module, figures in each["medians"].items()}
    rows = [[_TITLES[module], *(f"{figures[name]:,.0f}" for name in _COUNTED)] for module, figures in medians.items()]
    return render_table(["function calls", *_COUNTED.values()], rows)


def draw(ratios: Ratios, path: Path) -> None:
    """A picture of all ratios: the shorter a bar, the less ours costs; at 1 both cost the same."""
    from matplotlib.figure import Figure  # noqa: PLC0415 only here

    titles = sorted(ratios)
    figure = Figure(figsize=(9, 1.1 + 0.16 * len(titles) * len(_MEASURES)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(titles)
    for place, title in enumerate(titles):
        positions = [index + place * height for index in range(len(_MEASURES))]
        axes.barh(positions, [min(ratios[title][name], 3) for name in _MEASURES], height, label=title)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks([index + 0.4 for index in range(len(_MEASURES))], _MEASURES)
    axes.invert_yaxis()
    axes.set_xlabel("cost of ours beside theirs; 1: the same")
    axes.legend(fontsize="small", loc="lower right")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
