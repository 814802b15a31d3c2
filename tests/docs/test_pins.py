"""The pinned frameworks are not left behind."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Final

REQUIREMENTS: Final = Path(__file__).parents[2] / "requirements"
HALF_A_YEAR: Final = dt.timedelta(days=183)


def test_pins_are_not_older_than_half_a_year() -> None:
    renewed = dt.date.fromisoformat((REQUIREMENTS / "renewed.txt").read_text().strip())
    age = dt.datetime.now(dt.UTC).date() - renewed
    assert age < HALF_A_YEAR, f"the pins were renewed on {renewed}: run `make lock`, then the tests"


def test_no_pin_names_where_it_was_downloaded() -> None:
    for path in REQUIREMENTS.glob("*.txt"):
        assert not re.search(r"https?://|file:|--index|--find-links", path.read_text()), path.name
