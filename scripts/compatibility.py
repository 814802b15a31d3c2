"""Run the tests in this environment and note in ``docs/compatibility.json`` what they ran with, and how many passed.

``python -m scripts.compatibility --command "make test" tests`` runs them; what it does not know itself pytest is told.
``--results FILE …`` takes those of runs that are over (``pytest --junitxml FILE``), which count as one: a test that ran
in several of them counts by the last. The table of the page is written from the file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from docs.compatibility import RECORD, SHOWN

_FAILED_TESTS: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Note a run; returns pytest's exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.compatibility", description=__doc__)
    parser.add_argument("--command", required=True, help="what somebody types to do the same")
    parser.add_argument("--results", nargs="+", type=Path, help="files that pytest's --junitxml wrote")
    options, for_pytest = parser.parse_known_args(arguments)
    code, results = (0, options.results) if options.results else _run(for_pytest)
    if code not in {0, _FAILED_TESTS}:
        return code
    note(RECORD, {"command": options.command, **count(results), **environment()})
    return code


def _run(arguments: Sequence[str]) -> tuple[int, list[Path]]:
    file = Path(tempfile.mkdtemp()) / "results.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={file}", *arguments]
    return subprocess.run(command, check=False).returncode, [file]  # noqa: S603 our own arguments


def count(results: Iterable[Path]) -> dict[str, int]:
    """Add up what files of ``--junitxml`` tell, in their order.

    Returns:
        How many tests ``passed``, ``failed`` and were ``skipped``.
    """
    told: dict[tuple[str | None, str | None], str] = {}
    for file in results:
        for case in ET.parse(file).getroot().iter("testcase"):  # noqa: S314 pytest wrote it
            is_failed = case.find("failure") is not None or case.find("error") is not None
            outcome = "failed" if is_failed else "skipped" if case.find("skipped") is not None else "passed"
            told[case.get("classname"), case.get("name")] = outcome
    counted = Counter(told.values())
    return {name: counted[name] for name in ("passed", "failed", "skipped")}


def environment() -> dict[str, Any]:
    """What runs here: the date, Python, the system, and the versions of what the page shows."""
    versions: dict[str, str] = {}
    for package in SHOWN:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
    }


def note(record: Path, run: dict[str, Any]) -> None:
    """Write a run into the record, in the place of an earlier one of the same command with the same Python."""
    runs = json.loads(record.read_text(encoding="utf-8")) if record.exists() else []
    same = [run[name] for name in ("command", "python")]
    kept = [known for known in runs if [known[name] for name in ("command", "python")] != same]
    record.write_text(json.dumps([*kept, run], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
