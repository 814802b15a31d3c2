"""Figures as a table in Markdown, and as JSON."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.measures import FULL, MEASURES, Effort, sizes
from benchmarks.registry import COMPARISONS, ENTRIES, Comparison
from benchmarks.runner import Figures

_PACKAGES = (
    "portkey-frameworks", "langchain-core", "llama-index-core", "langchain-openai", "langchain-anthropic", "openai",
    "portkey-ai", "httpx", "pydantic",
)  # fmt: skip
_TITLES = {entry.module: entry.title for entry in ENTRIES}


def describe_machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "load": [],
    }


def note_load(machine: dict[str, Any]) -> None:
    """Add the load of the last minute: before a run it is others' work, after it the run's own too."""
    machine["load"].append(round(os.getloadavg()[0], 1))


def render_json(figures: Figures, machine: dict[str, Any], effort: Effort = FULL) -> dict[str, Any]:
    """Return everything: the figures of each round, their medians, the ratios, the machine and the sizes."""
    return {
        "machine": machine,
        "units": {measure.name: measure.unit for measure in MEASURES},
        "sizes": sizes(effort),
        "rounds": figures,
        "medians": {module: _medians(rounds) for module, rounds in figures.items()},
        "ratios": {title: dict(zip(_names(), row, strict=True)) for title, row in _ratio_rows(figures)},
    }


def render_markdown(figures: Figures, machine: dict[str, Any]) -> str:
    """Return the medians, the ratios and the machine as Markdown."""
    rounds = len(next(iter(next(iter(figures.values())).values())))
    medians = [[_TITLES[module], *map(_number, _medians(by_name).values())] for module, by_name in figures.items()]
    ratios = [[title, *(f"{ratio:.2f}" for ratio in row)] for title, row in _ratio_rows(figures)]
    columns = [f"{measure.name}, {measure.unit}" for measure in MEASURES]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    parts = [render_table([f"medians of {rounds} rounds" if rounds > 1 else "one round", *columns], medians)]
    if ratios:
        parts.append(render_table(["ratios", *_names()], ratios))
    load = " and ".join(map(str, machine["load"]))
    parts.append(
        f"Python {machine['python']}, {machine['system']}, {machine['cores']} cores, load before and after {load}; "
        f"{packages}."
    )
    return "\n\n".join(parts) + "\n"


def _names() -> list[str]:
    return [measure.name for measure in MEASURES]


def _medians(by_name: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(rounds) for name, rounds in by_name.items()}


def _ratio_rows(figures: Figures) -> list[tuple[str, list[float]]]:
    """Ratios are taken within each round, then their median: what slowed one round slowed both sides."""
    rows = []
    for comparison in COMPARISONS:
        if comparison.ours in figures:
            rows += _rows_of(comparison, figures)
    return rows


def _rows_of(comparison: Comparison, figures: Figures) -> list[tuple[str, list[float]]]:
    rows = []
    ours = _TITLES[comparison.ours]
    if {comparison.floor, comparison.network} <= figures.keys():
        bound = f"({_TITLES[comparison.floor]} + {_TITLES[comparison.network]})"
        rows.append((f"{ours} / {bound}", _ratios(figures, [comparison.ours], [comparison.floor, comparison.network])))
    if comparison.rival in figures:
        title = f"{ours} / {_TITLES[comparison.rival]}"
        rows.append((title, _ratios(figures, [comparison.ours], [comparison.rival])))
    return rows


def _ratios(figures: Figures, above: Sequence[str], below: Sequence[str]) -> list[float]:
    ratios = []
    for name in _names():
        rounds = zip(_sums(figures, above, name), _sums(figures, below, name), strict=True)
        ratios.append(statistics.median(over / under if under else math.inf for over, under in rounds))
    return ratios


def _sums(figures: Figures, modules: Sequence[str], name: str) -> list[float]:
    return [sum(one_round) for one_round in zip(*(figures[module][name] for module in modules), strict=True)]


def _number(value: float) -> str:
    """Three digits that count."""
    if value >= 100:  # noqa: PLR2004 three digits before the point
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 two digits before the point


def render_table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; the first column is text, the others are figures."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (head, rule, *rows))


def _line(cells: list[str], widths: list[int]) -> str:
    figures = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "| " + " | ".join([cells[0].ljust(widths[0]), *figures]) + " |"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
