"""Run every fault and write the table of ``docs/reliability.md``: ``python -m tests.faults.report``.

With names of files (``test_tries.py``) only these are run, and the rows of the others stay.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(__file__).parent
PAGE: Final = FOLDER.parent.parent / "docs" / "reliability.md"
BEGIN: Final = "<!-- table: faults, made by `make reliability` -->\n"
END: Final = "<!-- end of table: faults -->\n"


class Tally:
    """Counts what came of the tests of each file."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = Path(report.location[0]).name
        self.tried[name] += report.when == "call" and not report.skipped
        self.failed[name] += report.failed


def subject(name: str) -> str:
    """What a file of tests says that it is about."""
    told = ast.get_docstring(ast.parse((FOLDER / name).read_text("utf-8"))) or ""
    return told.splitlines()[0].rstrip(".")


def table(tally: Tally) -> str:
    """The table, with what was tried and what of it failed."""
    rows = [
        f"| [{subject(name)}](../tests/faults/{name}) | {tally.tried[name]:,} | {tally.failed[name]:,} |"
        for name in sorted(tally.tried)
    ]
    total = f"| all | {tally.tried.total():,} | {tally.failed.total():,} |"
    return "\n".join(["| what breaks | cases tried | failed |", "|---|---|---|", *rows, total]) + "\n"


def known(made: str) -> Tally:
    """What a table tells."""
    tally = Tally()
    for name, tried, failed in re.findall(r"faults/(test_\w+\.py)\) \| ([\d,]+) \| ([\d,]+) \|", made):
        tally.tried[name] = int(tried.replace(",", ""))
        tally.failed[name] = int(failed.replace(",", ""))
    return tally


def main(names: list[str]) -> int:
    """Run, write, and return pytest's exit code."""
    run = Tally()
    code = pytest.main(
        ["-q", "-n", "auto", "--dist", "loadfile", *(str(FOLDER / name) for name in names or [""])], plugins=[run]
    )
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    made, _, behind = rest.partition(END)
    tally = known(made) if names else run
    for name in run.tried:
        tally.tried[name], tally.failed[name] = run.tried[name], run.failed[name]
    PAGE.write_text(before + BEGIN + table(tally) + END + behind, "utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
