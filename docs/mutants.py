"""What the page of reliability shows of the faults that were put into the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

RECORD: Final = Path(__file__).parent / "mutants.json"
"""Written by ``scripts.mutants``."""


def render_mutants() -> str:
    """Render the record as a table, a line for each room, and a list of the faults that no test noticed."""
    told: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    rooms: dict[str, dict[str, Any]] = told["rooms"]
    counts = {
        f"`{name}/`": (room["made"], room["tried"], room["same"], len(room["lives"])) for name, room in rooms.items()
    }
    made, tried, same, lived = (sum(numbers) for numbers in zip(*counts.values(), strict=True))
    rows = [
        f"| {name} | {made:,} | {tried:,} | {same:,} | {tried - same - lived:,} | {1 - lived / (tried - same):.0%} |\n"
        for name, (made, tried, same, lived) in {**counts, "all rooms": (made, tried, same, lived)}.items()
    ]
    return (
        f"On {told['date']} with Python {told['python']}:\n\n"
        "| room | faults that can be made | tried | of them none at all | noticed | of the others |\n"
        "|---|---|---|---|---|---|\n" + "".join(rows)
    )
