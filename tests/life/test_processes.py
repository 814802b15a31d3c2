"""Programs that use a model in many loops, threads and processes, and end with open streams: no warning, no leak."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.support.proxy import Proxy

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def proxy(portkey_sandbox: Sandbox) -> Iterator[Proxy]:
    """Counts the connections to the gateway."""
    with Proxy(portkey_sandbox.base_url) as running:
        yield running


@pytest.mark.parametrize("program", ["loops", "nested", "on_uvloop", "pickled", "processes", "leaves"])
@pytest.mark.parametrize(("framework", "api_format"), [("langchain", "messages"), ("llamaindex", "chat_completions")])
def test_a_program_says_nothing_and_leaves_nothing(
    sandbox: Sandbox, proxy: Proxy, program: str, framework: str, api_format: str
) -> None:
    options: dict[str, Any] = {"model": sandbox.model, **sandbox.options(), "base_url": proxy.base_url}
    given = json.dumps({**options, "api_format": api_format, "max_retries": 0})
    run = [sys.executable, "-W", "error", "-X", "dev", "-m", "tests.life.programs", program, framework, given]

    ended = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)  # noqa: S603 our own

    # asyncio's development mode complains of a machine that is busy.
    said = [line for line in ended.stderr.splitlines() if not line.startswith("Executing <")]
    assert (said, ended.stdout, ended.returncode) == ([], "done\n", 0)
    proxy.wait_until_at_most(0)
