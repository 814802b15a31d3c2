"""Every test that the table of parity names is there, and every line on `ChatPortkey` names one."""

import re
from pathlib import Path

import pytest

PARITY = Path(__file__).parents[2] / "docs" / "parity.md"
ROWS = [line for line in PARITY.read_text(encoding="utf-8").splitlines() if re.match(r"\| (?!Feature )", line)]
LINK = re.compile(r"\[`(test_\w+)`\]\(([^)]+)\)")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_a_line_names_tests_that_are_there(row: str) -> None:
    _, _, _, _, ours, _ = row.split("|")
    named = LINK.findall(ours)
    assert named
    for name, path in named:
        source = (PARITY.parent / path).read_text(encoding="utf-8")
        assert re.search(rf"^\s*(async )?def {name}\(", source, re.MULTILINE), f"{path} has no {name}"


def test_the_table_is_as_long_as_the_features_are_many() -> None:
    assert len(ROWS) >= 40
    assert len({row.split("|")[1] for row in ROWS}) == len(ROWS)
