"""What is told of the faults that were put into the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs.mutants import RECORD, render_mutants
from scripts.mutants import changes_nothing, codes

TOLD: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("change", "is_none"),
    [
        ('-return cast("Tool", given) +return cast(None, given)', True),
        ('-return cast("Tool", given) +return cast("XXToolXX", given)', True),
        ('-return cast("Tool", given) +return cast("Tool", None)', False),
        ('-return cast("Tool", a + b) +return cast("TOOL", a - b)', False),
        ("-return a + b +return a - b", False),
    ],
)
def test_another_type_in_a_cast_changes_nothing(change: str, is_none: bool) -> None:
    assert changes_nothing(change) is is_none


def test_codes_are_read_from_what_is_noted_of_each_file(tmp_path: Path) -> None:
    room = tmp_path / "http"
    room.mkdir()
    (room / "a.py.meta").write_text(json.dumps({"exit_code_by_key": {"a.1": 1, "a.2": None}}))
    (room / "b.py.meta").write_text(json.dumps({"exit_code_by_key": {"b.1": 0}}))
    assert codes("http", tmp_path) == {"a.1": 1, "a.2": None, "b.1": 0}


def test_the_table_counts_the_record() -> None:
    tried = sum(room["tried"] for room in TOLD["rooms"].values())
    last = render_mutants().splitlines()[-1]
    assert f"| {tried:,} |" in last


def test_more_than_85_in_a_hundred_are_noticed() -> None:
    rooms = TOLD["rooms"].values()
    others = sum(room["tried"] - room["same"] for room in rooms)
    assert 1 - sum(len(room["lives"]) for room in rooms) / others > 0.85
