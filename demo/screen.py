"""How the demo prints."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable

WIDTH = 88
INDENT = 12


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
    lines = textwrap.wrap(text, WIDTH - INDENT) or [""]
    print(f"{who:>10}  " + ("\n" + " " * INDENT).join(lines), flush=True)


def said_in_pieces(who: str, pieces: Iterable[str]) -> None:
    """Print what somebody says, piece by piece as it comes, wrapped like all else."""
    print(f"{who:>10}  ", end="", flush=True)
    column = INDENT
    for piece in pieces:
        for word in re.findall(r"\s+|\S+", piece):
            if column + len(word) > WIDTH and not word.isspace():
                sys.stdout.write("\n" + " " * INDENT)
                column = INDENT
            sys.stdout.write(word)
            column += len(word)
        sys.stdout.flush()
    print(flush=True)


def table(rows: list[tuple[str, ...]]) -> None:
    """Print rows in columns, the first row as their heads; columns after the first are figures."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *figures = row
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))]
        print(" " * INDENT + "  ".join(cells), flush=True)
