"""One way through their tests, in a process of its own: ``python -m tests.conformance.openai_peer.run ours -k usage``.

What follows the way's name goes to pytest; a run with such arguments does not count, and its results are not kept.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, get_args

import pytest

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.conformance.peers.results import BUILD
from tests.conformance.peers.sdist import OPENAI

Way = Literal["theirs", "ours"]
"""``ChatOpenAI`` straight to the emulated OpenAI, or ``ChatPortkey`` in its place, through the real gateway."""

WAYS: Final[tuple[Way, ...]] = get_args(Way)
RENAMED: Final[Mapping[str, str]] = {
    "model_name": "model",
    "max_completion_tokens": "max_tokens",
    "api_key": "provider_api_key",
    "openai_api_key": "provider_api_key",
}
"""What ``ChatOpenAI`` calls otherwise than ``ChatPortkey``."""

_FOREIGN: Final = ("PORTKEY_", "OPENAI_", "LANGSMITH_", "LANGCHAIN_", "PYTEST_")
_MARKERS: Final = ("scheduled: asked of the real OpenAI", "flaky: tried again there", "vcr: has recorded answers")
_PYTEST: Final = (
    *("--noconftest", "-c", os.devnull, "-q", "--tb=short", "--timeout=60"),
    *("-W", "ignore", "--disable-warnings"),
    *("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout", "-p", "pytest_socket", "-p", "no:cacheprovider"),
    # One loop for all: ChatOpenAI's connections outlive the loops that they began in.
    *("-o", "asyncio_default_test_loop_scope=session", "-o", "asyncio_default_fixture_loop_scope=session"),
    *("-o", "asyncio_mode=auto", "--disable-socket", "--allow-unix-socket", "--allow-hosts=127.0.0.1,::1,localhost"),
)


class Outcome(TypedDict):
    """How a test ended."""

    passed: bool
    reason: str


class Outcomes:
    """The pytest plugin that keeps how each test ended."""

    def __init__(self) -> None:
        self.of: dict[str, Outcome] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make their markers known."""
        for marker in _MARKERS:
            config.addinivalue_line("markers", marker)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep how the test ended; a skipped one is none."""
        if report.skipped or (report.when != "call" and report.passed):
            return
        said = str(getattr(getattr(report.longrepr, "reprcrash", None), "message", report.longrepr or ""))
        name = report.nodeid.rpartition("::")[2]
        self.of[name] = {"passed": report.passed, "reason": said.splitlines()[0] if said else ""}


def construct(given: Mapping[str, Any], route: Mapping[str, Any]) -> ChatPortkey:
    """What comes where their tests write ``ChatOpenAI(...)``.

    Args:
        given: what a test writes; ``None`` is what is not said, and an address of the test's own leads nowhere.
        route: the options that lead through the gateway.
    """
    options: dict[str, Any] = {}
    parameters: dict[str, Any] = dict(given.get("model_kwargs") or {})
    for theirs, value in given.items():
        name = RENAMED.get(theirs, theirs)
        if theirs not in {"model_kwargs", "base_url"} and value is not None:
            (options if name in ChatPortkey.model_fields else parameters)[name] = value
    more = {"model_kwargs": parameters} if parameters else {}
    return ChatPortkey(**{"model": "gpt-3.5-turbo", **route, **options, **more})


def run(way: Way, further: list[str]) -> int:
    """Run their tests one way, keep how they ended, and return pytest's exit code."""
    theirs = OPENAI.unpacked()
    outcomes = Outcomes()
    with Sandbox(openai=True) as sandbox:
        for name in list(os.environ):
            if name.startswith(_FOREIGN) or name.lower().endswith("_proxy"):
                del os.environ[name]
        route = sandbox.options("openai")
        os.environ |= {"OPENAI_API_KEY": route["provider_api_key"], "OPENAI_BASE_URL": route["custom_host"]}
        os.environ |= {"LANGSMITH_TRACING": "false", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        if way == "ours":
            package = importlib.import_module("langchain_openai")
            vars(package)["ChatOpenAI"] = lambda **given: construct(given, route)
        # Their folder is called as ours is; a list in the place of the path that Python works out itself.
        ours = importlib.import_module("tests")
        ours.__path__ = [*ours.__path__, str(theirs / "tests")]
        tests = theirs / "tests" / "integration_tests" / "chat_models" / "test_base.py"
        code = pytest.main([str(tests), f"--rootdir={theirs}", *_PYTEST, *further], plugins=[outcomes])
    if not further:
        outcomes_file(way).write_text(json.dumps(outcomes.of, indent=1) + "\n", encoding="utf-8")
    return int(code)


def outcomes_file(way: Way) -> Path:
    """Where it is kept how the tests of a way ended."""
    return BUILD / f"openai-{way}.json"


if __name__ == "__main__":
    chosen: Way | None = next((way for way in WAYS if way in sys.argv[1:2]), None)
    sys.exit(run(chosen, sys.argv[2:]) if chosen else f"Which way? One of {', '.join(WAYS)}")
