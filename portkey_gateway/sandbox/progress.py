"""Where the lines about slow steps go."""

import sys
from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str], None]
"""Receives one line, without a line break, whenever something slow begins, lasts or ends."""


def to_stderr(line: str) -> None:
    """Write a progress line to standard error, which leaves standard output to results."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def silent(_line: str) -> None:
    """Drop a progress line."""
