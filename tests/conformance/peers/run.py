"""One way through their tests, in a process of its own: ``python -m tests.conformance.peers.run messages -k skills``.

What follows the way's name goes to pytest; a run with such arguments does not count, and its results are not kept.
"""

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import pytest

from portkey_gateway.sandbox.gateway import GatewayProcess
from tests.conformance.peers.plugin import RecordedTests
from tests.conformance.peers.replay import Replay, ReplayServer
from tests.conformance.peers.results import WAYS, Way, save
from tests.conformance.peers.sdist import ANTHROPIC
from tests.conformance.peers.stand_in import PROVIDER_API_KEY, constructor

_FOREIGN: Final = ("PORTKEY_", "ANTHROPIC_", "LANGSMITH_", "LANGCHAIN_", "PYTEST_")
_PYTEST: Final = (
    *("--noconftest", "-c", os.devnull, "-q", "--tb=short", "--timeout=60"),
    *("-W", "ignore", "-W", "always::portkey_gateway.PortkeyWarning", "--disable-warnings"),
    *("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout", "-p", "pytest_socket", "-p", "no:cacheprovider"),
    *("-o", "asyncio_mode=auto", "--disable-socket", "--allow-unix-socket", "--allow-hosts=127.0.0.1,::1,localhost"),
)


def run(way: Way, further: Sequence[str] = ()) -> int:
    """Run their recorded tests one way, keep the results and return pytest's exit code."""
    theirs = ANTHROPIC.unpacked()
    replay = Replay()
    plugin = RecordedTests(replay, theirs / "tests" / "cassettes")
    with ReplayServer(replay) as server, _class_for(way, server.url):
        _share_the_name_tests_with(theirs / "tests")
        tests = theirs / "tests" / "integration_tests" / "test_chat_models.py"
        code = pytest.main([str(tests), f"--rootdir={theirs}", *_PYTEST, *further], plugins=[plugin])
    if not further:
        save(way, plugin.results)
    return int(code)


@contextmanager
def _class_for(way: Way, url: str) -> Iterator[None]:
    """Have ``ChatAnthropic`` mean, for this process, what the way says."""
    gateway = GatewayProcess()
    if way != "anthropic":
        gateway.start()  # before the environment is cleared: it may have to be installed
    try:
        _clear_environment()
        if way == "anthropic":
            os.environ |= {"ANTHROPIC_API_URL": url, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": PROVIDER_API_KEY}
        else:
            route = {"base_url": f"{gateway.url}/v1", "provider": "anthropic", "custom_host": f"{url}/v1"}
            package = importlib.import_module("langchain_anthropic")
            vars(package)["ChatAnthropic"] = constructor({**route, "api_format": way})
        yield
    finally:
        gateway.stop()


def _clear_environment() -> None:
    """Forget what the developer's shell says of providers, proxies and traces, and every plugin that happens to be."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ |= {"LANGSMITH_TRACING": "false", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def _share_the_name_tests_with(folder: os.PathLike[str]) -> None:
    """Let ``tests.unit_tests`` be found, which theirs import: their folder is called as ours is.

    A list in the place of the path that Python works out itself, which would forget the addition.
    """
    ours = importlib.import_module("tests")
    ours.__path__ = [*ours.__path__, str(folder)]


def main() -> None:
    """Run the way that the command line names."""
    chosen: Way | None = next((way for way in WAYS if way in sys.argv[1:2]), None)
    if chosen is None:
        sys.exit(f"Which way? One of {', '.join(WAYS)}")
    sys.exit(run(chosen, sys.argv[2:]))


if __name__ == "__main__":
    main()
