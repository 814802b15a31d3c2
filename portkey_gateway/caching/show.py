"""A cache report for the eye: as text, as HTML and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import accumulate
from typing import Any, Final

from portkey_gateway.caching.turns import Figures, Turn

_HEAD: Final = ("", "calls", "input", "read", "written", "uncached", "read of what could be", "cost", "saved")
_MAX_ROWS: Final = 40


def render_text(models: Mapping[str, Figures], total: Figures, turns: Sequence[Turn]) -> str:
    """Render a table of the sums and the latest turns, in columns of one width."""
    rows = [_HEAD, *_rows(models, total, turns)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = []
    for name, *cells in rows:
        right = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *right]).rstrip())
    return "\n".join(lines)


def render_html(models: Mapping[str, Figures], total: Figures, turns: Sequence[Turn]) -> str:
    """Render the same as an HTML table."""
    head, *body = (
        "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)
        for tag, row in (("th", _HEAD), *(("td", row) for row in _rows(models, total, turns)))
    )
    lines = "".join(f"<tr>{row}</tr>" for row in body)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def plot(turns: Sequence[Turn], axes: Any = None) -> Any:
    """Plot tokens over turns as bars, and the money saved so far as a line, where it is known.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as plt  # noqa: PLC0415 an extra
    except ImportError as error:
        raise ImportError('a plot needs matplotlib: pip install "portkey-frameworks[plot]"') from error
    if axes is None:
        _, axes = plt.subplots(figsize=(8.96, 4.2), layout="constrained")
    places = range(1, len(turns) + 1)
    bottom = [0] * len(turns)
    for label, color, tokens in (
        ("read", "#4c9f70", [turn.figures.read_tokens for turn in turns]),
        ("written", "#e0a030", [_written(turn.figures) for turn in turns]),
        ("uncached", "#c0504d", [turn.figures.uncached_tokens for turn in turns]),
    ):
        axes.bar(places, tokens, bottom=bottom, label=label, color=color)
        bottom = [below + more for below, more in zip(bottom, tokens, strict=True)]
    axes.set_xlabel("call")
    axes.set_ylabel("input tokens")
    axes.legend(loc="upper left")
    known = [turn.figures.saved for turn in turns if turn.figures.saved is not None]
    if known and len(known) == len(turns):
        money = axes.twinx()
        money.plot(places, list(accumulate(known)), color="black", marker=".", label="saved so far")
        money.set_ylabel("US dollars")
        money.legend(loc="upper right")
    return axes


def _rows(models: Mapping[str, Figures], total: Figures, turns: Sequence[Turn]) -> Iterator[tuple[str, ...]]:
    for name, figures in models.items():
        yield _row(name or "?", figures)
    if len(models) > 1:
        yield _row("all models", total)
    first = max(0, len(turns) - _MAX_ROWS)
    for number, turn in enumerate(turns[first:], first + 1):
        model = f" {turn.model}" if len(models) > 1 else ""
        yield _row(f"  {number}{model}", turn.figures)


def _row(name: str, figures: Figures) -> tuple[str, ...]:
    share = figures.share_read
    return (
        name,
        f"{figures.calls:,}",
        f"{figures.input_tokens:,}",
        f"{figures.read_tokens:,}",
        f"{_written(figures):,}",
        f"{figures.uncached_tokens:,}",
        "" if share is None else f"{share:.1%}",
        _money(figures.cost),
        _money(figures.saved) or f"{figures.saved_share:.0%} of the input's price",
    )


def _written(figures: Figures) -> int:
    return figures.written_5m_tokens + figures.written_1h_tokens


def _money(dollars: float | None) -> str:
    return "" if dollars is None else f"{dollars:.4f} USD"
