"""Put small faults into the code, one at a time, and count how many of them the tests of the core notice.

``python -m scripts.mutants [SAMPLE]``, by mutmut. All of them take hours, so a sample is drawn, the same each time:
of 1,000 the share is told to within three points. Writes ``docs/mutants.json``, of which ``docs.tables`` makes a table.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypedDict

ROOT: Final = Path(__file__).parents[1]
RECORD: Final = ROOT / "docs" / "mutants.json"
ROOMS: Final = ("http", "conversation", "chat_completions", "messages")
MUTANTS: Final = ROOT / "mutants" / "portkey_gateway"
SAMPLE: Final = 1_000
DRAWN: Final = 3
"""Which sample: another one once tests were written from what lived in the last, since these know its faults."""
LIVES: Final = {0, 33}
"""What mutmut notes of a fault that all tests passed with, and of one in code that no test of the core runs."""


class Room(TypedDict):
    """What came of the faults in one room."""

    made: int
    tried: int
    same: int
    """How many of those that no test noticed change nothing: another type named in a ``cast`` does the same."""
    lives: dict[str, str]
    """The faults that no test noticed: their names for mutmut, and the lines that they change."""


def main(arguments: Sequence[str]) -> None:
    """Make the faults, try a sample, and write what came of it."""
    size = int(arguments[0]) if arguments else SAMPLE
    # It makes all of them before it asks which are wanted.
    _mutmut("run", "portkey_gateway.http.retry.*")
    made = {name: code for room in ROOMS for name, code in codes(room).items()}
    wanted = random.Random(DRAWN).sample(sorted(made), min(size, len(made)))  # noqa: S311 no secret
    _mutmut("run", *wanted)
    found = {room: _found(room, set(wanted)) for room in ROOMS}
    told = {"date": dt.datetime.now(dt.UTC).date().isoformat(), "python": platform.python_version(), "rooms": found}
    RECORD.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def codes(room: str, mutants: Path = MUTANTS) -> dict[str, int | None]:
    """What mutmut noted of each fault in a room; None of those that were not tried."""
    noted: dict[str, int | None] = {}
    for file in sorted((mutants / room).glob("*.py.meta")):
        noted |= json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
    return noted


def _found(room: str, wanted: set[str]) -> Room:
    noted = codes(room)
    tried = {name: code for name, code in noted.items() if name in wanted and code is not None}
    unnoticed = {name: _change(name) for name, code in tried.items() if code in LIVES}
    lives = {name: change for name, change in unnoticed.items() if not changes_nothing(change)}
    return {"made": len(noted), "tried": len(tried), "same": len(unnoticed) - len(lives), "lives": lives}


def changes_nothing(change: str) -> bool:
    """Whether the lines that a fault takes away and puts in do the same."""
    before, _, after = _CAST.sub("cast(", change).partition(" +")
    return before.removeprefix("-") == after


def _change(name: str) -> str:
    """The lines that a fault takes away and puts in."""
    shown = subprocess.run([*MUTMUT, "show", name], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 our own
    return " ".join(line[0] + " ".join(line[1:].split()) for line in shown.splitlines() if _is_change(line))


_CAST: Final = re.compile(r'cast\((?:None|"[^"]*"), ')


def _is_change(line: str) -> bool:
    return line.startswith(("-", "+")) and not line.startswith(("---", "+++"))


MUTMUT: Final = [sys.executable, "-m", "mutmut"]


def _mutmut(*arguments: str) -> None:
    subprocess.run([*MUTMUT, *arguments], cwd=ROOT, check=True)  # noqa: S603 our own


if __name__ == "__main__":
    main(sys.argv[1:])
