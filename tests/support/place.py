"""A sandbox as another process sees it; ``python -m tests.support.place`` runs one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Provider:
    """An emulated provider, prepared and looked at through its ``/_sandbox``."""

    base_url: str

    def reply_with(self, *content: Any, **how: Any) -> None:
        self._post("replies", {"content": content, **how})

    def fail_with(self, kind: str, **how: Any) -> None:
        self._post("faults", {"kind": kind, **how})

    def requests(self) -> list[dict[str, Any]]:
        requests: list[dict[str, Any]] = httpx.get(f"{self.base_url}/_sandbox/requests").json()["requests"]
        return requests

    def bodies(self) -> list[dict[str, Any]]:
        return [request["body"] for request in self.requests()]

    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = self.requests()[-1]["headers"]
        return headers

    def clear(self) -> None:
        httpx.delete(f"{self.base_url}/_sandbox").raise_for_status()

    def _post(self, place: str, order: dict[str, Any]) -> None:
        httpx.post(f"{self.base_url}/_sandbox/{place}", json=order).raise_for_status()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sandbox with both providers listens, and how it is asked."""

    gateway_url: str
    claude_url: str
    openai_url: str
    model: str
    provider_api_key: str
    config: dict[str, Any]
    """OpenAI, and Claude when it fails."""

    @classmethod
    def of(cls, sandbox: Sandbox) -> Place:
        """Of a running sandbox."""
        return cls(
            gateway_url=sandbox.base_url,
            claude_url=sandbox.claude.url,
            openai_url=sandbox.openai.url,
            model=sandbox.model,
            provider_api_key=sandbox.provider_api_key,
            config=sandbox.config("openai", "anthropic"),
        )

    @property
    def claude(self) -> Provider:
        return Provider(self.claude_url)

    @property
    def openai(self) -> Provider:
        return Provider(self.openai_url)


@contextmanager
def running_elsewhere(environment: dict[str, str]) -> Iterator[Place]:
    """Run a sandbox in a process with this environment."""
    command = [sys.executable, "-m", "tests.support.place"]
    with Popen(command, env=environment, stdin=PIPE, stdout=PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdin
        assert process.stdout
        yield Place(**json.loads(process.stdout.readline()))
        process.stdin.close()


def main() -> None:
    """Run a sandbox until the end of the input, and tell where it is in one line of JSON."""
    from portkey_gateway.sandbox import Sandbox  # noqa: PLC0415 - it wants an SDK that the asking process cannot have

    with Sandbox(openai=True) as sandbox:
        sys.stdout.write(json.dumps(asdict(Place.of(sandbox))) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
