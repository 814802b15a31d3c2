"""The pytest plugin that picks their recorded tests, winds each one's cassette, and keeps how it ended."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from portkey_gateway import PortkeyWarning
from tests.conformance.peers.cassettes import cassette_name, read_cassette
from tests.conformance.peers.replay import Replay
from tests.conformance.peers.results import Results

_MARKERS = ("vcr: has recorded answers", "default_cassette(name): their file", "retry(**options): of no effect here")


class RecordedTests:
    """Keeps the results of the tests that pytest runs."""

    def __init__(self, replay: Replay, cassettes: Path) -> None:
        self.results: Results = {}
        self._replay = replay
        self._cassettes = cassettes

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make their markers known."""
        for marker in _MARKERS:
            config.addinivalue_line("markers", marker)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what needs the real Anthropic."""
        config.hook.pytest_deselected(items=[item for item in items if not item.get_closest_marker("vcr")])
        items[:] = [item for item in items if item.get_closest_marker("vcr")]

    def pytest_runtest_setup(self, item: pytest.Function) -> None:
        """Wind the test's cassette."""
        marker = item.get_closest_marker("default_cassette")
        name = cassette_name(item.originalname, marker.args[0] if marker else None)
        self._replay.rewind(read_cassette(self._cassettes / name))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep how the test ended, and what it asked."""
        if report.when != "call" and report.passed:
            return
        self.results[report.nodeid.rpartition("::")[2]] = {
            "passed": report.passed,
            "reason": _reason(report.longrepr) if report.failed else "",
            "line": _line(report.longrepr, Path(report.fspath).name) if report.failed else "",
            "asked": self._replay.asked,
            "recorded": self._replay.recorded,
            "warned": [],
        }

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """Keep what we warned of; pytest tells it after the test."""
        result = self.results.get(nodeid.rpartition("::")[2])
        said = str(warning_message.message)
        if result and issubclass(warning_message.category, PortkeyWarning) and said not in result["warned"]:
            result["warned"].append(said)


def _reason(failure: Any) -> str:
    crash = getattr(failure, "reprcrash", None)
    said = (crash.message if crash else str(failure)).strip()
    return said.splitlines()[0] if said else ""


def _line(failure: Any, file_name: str) -> str:
    """Return the line of the test itself in which it failed, with its number."""
    found = ""
    for entry in getattr(getattr(failure, "reprtraceback", None), "reprentries", []):
        where = getattr(entry, "reprfileloc", None)
        if where and Path(str(where.path)).name == file_name:
            source = [text.lstrip("> ") for text in entry.lines if text.strip() and not text.startswith("E ")]
            found = f"line {where.lineno}: {source[0]}" if source else f"line {where.lineno}"
    return found
