"""The record of runs: what a run is noted as, and what the page shows of it."""

from __future__ import annotations

import json
import platform
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from docs import compatibility as page
from scripts import compatibility as script
from tests.docs.blocks import ROOT

FAILED = (
    '<testcase classname="a" name="one"><failure/></testcase><testcase classname="a" name="two"><error/></testcase>'
)
PASSED = '<testcase classname="a" name="one"/><testcase classname="b" name="one"/>'
SKIPPED = '<testcase classname="a" name="three"><skipped/></testcase>'


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "compatibility.json"
    monkeypatch.setattr(script, "RECORD", file)
    monkeypatch.setattr(page, "RECORD", file)
    return file


def test_runs_that_are_over_count_as_one(record: Path, tmp_path: Path) -> None:
    for name, cases in {"a.xml": FAILED + SKIPPED, "b.xml": PASSED}.items():
        (tmp_path / name).write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    script.main(["--command", "make test", "--results", str(tmp_path / "a.xml"), str(tmp_path / "b.xml")])
    [run] = json.loads(record.read_text())
    # What failed in the first and passed in the second has passed.
    assert (run["passed"], run["failed"], run["skipped"]) == (2, 1, 1)
    assert run["python"] == platform.python_version()
    assert run["versions"]["httpx"] == version("httpx")
    line = page.render_runs().splitlines()[2]
    assert line.startswith(f"| `make test` | {run['python']} | langchain-core {version('langchain-core')}, ")
    assert " | 2 | 1 | 1 | " in line
    assert page.render_runs().count("\n") == 3


def test_without_runs_the_page_says_so(record: Path) -> None:
    assert not record.exists()
    assert page.render_runs() == "No run has been noted yet.\n"


def test_a_run_takes_the_place_of_the_same_one_before_it(record: Path) -> None:
    for passed in (1, 2):
        script.note(record, {"command": "make test", "python": "3.11.7", "passed": passed})
    script.note(record, {"command": "make test", "python": "3.13.1", "passed": 3})
    assert [run["passed"] for run in json.loads(record.read_text())] == [2, 3]


def test_tests_are_run_and_noted(record: Path, tmp_path: Path) -> None:
    (tmp_path / "test_two.py").write_text("def test_a(): pass\ndef test_b(): assert False\n")
    code = script.main(["--command", "two", str(tmp_path / "test_two.py"), "--rootdir", str(tmp_path)])
    [run] = json.loads(record.read_text())
    assert (code, run["passed"], run["failed"]) == (1, 1, 1)


def test_the_page_names_what_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "docs" / "compatibility.md").read_text()
    extras = project["optional-dependencies"]
    assert extras["langchain"] == ["langchain-core>=1.7,<2"]
    assert extras["llamaindex"] == ["llama-index-core>=0.14.25,<0.15"]
    assert "langchain-core 1.7 or newer" in text
    assert "llama-index-core 0.14.25 or newer" in text
    assert "Python 3.11, 3.12 and 3.13" in text
    assert [line[-4:] for line in project["classifiers"] if ":: 3." in line] == ["3.11", "3.12", "3.13"]
