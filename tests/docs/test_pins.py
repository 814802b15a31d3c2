"""The pinned frameworks are not left behind."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Final

import pytest

REQUIREMENTS: Final = Path(__file__).parents[2] / "requirements"
HALF_A_YEAR: Final = dt.timedelta(days=183)


def test_pins_are_not_older_than_half_a_year() -> None:
    renewed = dt.date.fromisoformat((REQUIREMENTS / "renewed.txt").read_text().strip())
    age = dt.datetime.now(dt.UTC).date() - renewed
    assert age < HALF_A_YEAR, f"the pins were renewed on {renewed}: run `make lock`, then the tests"


def test_no_pin_names_where_it_was_downloaded() -> None:
    for path in REQUIREMENTS.glob("*.txt"):
        assert not re.search(r"https?://|file:|--index|--find-links", path.read_text()), path.name


@pytest.mark.parametrize(
    ("page", "said", "package"),
    [
        ("parity.md", r"`ChatOpenAI` \(langchain-openai ([\d.]+)\)", "langchain-openai"),
        ("models.md", r"\(`langchain` ([\d.]+)\)", "langchain"),
    ],
)
def test_what_is_said_of_another_package_is_tested_with_that_version(page: str, said: str, package: str) -> None:
    [version] = re.findall(said, (REQUIREMENTS.parent / "docs" / page).read_text(encoding="utf-8"))
    assert f"\n{package}=={version}\n" in (REQUIREMENTS / "dev.txt").read_text(encoding="utf-8")
