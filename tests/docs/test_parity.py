"""Every test that the tables of parity name is there, and every line on our models names one."""

import re
from pathlib import Path

import pytest

PARITY = Path(__file__).parents[2] / "docs" / "parity.md"
LINK = re.compile(r"\[`(test_\w+)`\]\(([^)]+)\)")
_, *SECTIONS = re.split(r"^## ", PARITY.read_text(encoding="utf-8"), flags=re.MULTILINE)
ROWS = {
    section.split("\n", 1)[0]: [line for line in section.splitlines() if re.match(r"\| (?!Feature )", line)]
    for section in SECTIONS
}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{framework}-{row.split('|')[1].strip()[:40]}")
        for framework, rows in ROWS.items()
        for row in rows
    ],
)
def test_a_line_names_tests_that_are_there(row: str) -> None:
    *_, ours, _ = row.split("|")
    named = LINK.findall(ours)
    assert named
    for name, path in named:
        source = (PARITY.parent / path).read_text(encoding="utf-8")
        assert re.search(rf"^\s*(async )?def {name}\(", source, re.MULTILINE), f"{path} has no {name}"


@pytest.mark.parametrize("framework", ["LangChain", "LlamaIndex"])
def test_a_table_is_as_long_as_the_features_are_many(framework: str) -> None:
    rows = ROWS[framework]
    assert len(rows) >= 70
    assert len({row.split("|")[1] for row in rows}) == len(rows)
