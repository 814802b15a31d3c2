"""What docs/parity.md says of llama-index-llms-anthropic, tried: ``make peers`` downloads it and runs these.

It wants another SDK of Anthropic's than the emulated Claude is made of, so the sandbox runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httpx
import pytest

collect_ignore_glob = [] if find_spec("llama_index.llms") and find_spec("llama_index.llms.anthropic") else ["test_*.py"]

SDK: Any = import_module("anthropic")


class Claude:
    """The emulated Claude of another process."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def reply_with(self, *content: Any, **how: Any) -> None:
        self._post("replies", {"content": content, **how})

    def fail_with(self, kind: str, **how: Any) -> None:
        self._post("faults", {"kind": kind, **how})

    def bodies(self) -> list[dict[str, Any]]:
        return [request["body"] for request in self._requests()]

    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = self._requests()[-1]["headers"]
        return headers

    def clear(self) -> None:
        httpx.delete(f"{self.base_url}/_sandbox").raise_for_status()

    def _requests(self) -> list[dict[str, Any]]:
        requests: list[dict[str, Any]] = httpx.get(f"{self.base_url}/_sandbox/requests").json()["requests"]
        return requests

    def _post(self, place: str, order: dict[str, Any]) -> None:
        httpx.post(f"{self.base_url}/_sandbox/{place}", json=order).raise_for_status()


@pytest.fixture(scope="session")
def server() -> Iterator[Claude]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "portkey_gateway.sandbox", "--port", "0", "--claude-port", "0", "--quiet"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout
        exported = (line.removeprefix("export ").strip().partition("=") for line in process.stdout)
        custom_host = next(value for name, _, value in exported if name == "PORTKEY_CUSTOM_HOST")
        yield Claude(custom_host.removesuffix("/v1"))
        process.terminate()


@pytest.fixture
def claude(server: Claude) -> Claude:
    server.clear()
    return server


def llm(claude: Claude, **more: Any) -> Any:
    """Their class, straight to the emulated Claude."""
    made = import_module("llama_index.llms.anthropic").Anthropic
    given = {"model": "claude-sonnet-4-6", "api_key": "sk-ant-test", "max_retries": 0, **more}
    return made(base_url=claude.base_url, **given)
