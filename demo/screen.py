"""How the demo prints."""

from __future__ import annotations

import sys
import textwrap

WIDTH = 88


def title(text: str) -> None:
    """Print the headline of a show."""
    print(f"\n{text}\n{'=' * len(text)}", flush=True)


def step(text: str) -> None:
    """Print the headline of one step."""
    print(f"\n--- {text} {'-' * max(0, WIDTH - len(text) - 5)}", flush=True)


def note(text: str) -> None:
    """Print a remark."""
    print(text, flush=True)


def said(who: str, text: str) -> None:
    """Print what somebody said, wrapped and indented."""
    lines = textwrap.wrap(text, WIDTH - 12) or [""]
    print(f"{who:>10}  " + f"\n{'':12}".join(lines), flush=True)


def begin(who: str) -> None:
    """Begin a line that grows by ``grow``."""
    print(f"{who:>10}  ", end="", flush=True)


def grow(text: str) -> None:
    """Print a piece as soon as it comes."""
    sys.stdout.write(text)
    sys.stdout.flush()


def table(rows: list[tuple[str, ...]]) -> None:
    """Print rows in columns, the first row as their heads; columns after the first are figures."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *figures = row
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))]
        print(" " * 12 + "  ".join(cells), flush=True)
