"""What the emulated Claude received, for tests that look behind the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox


def choice(kind: str, api_format: str) -> dict[str, Any]:
    """What arrives of a choice where one call at a time is wanted, which only ``messages`` can say."""
    return {"type": kind, **({"disable_parallel_tool_use": True} if api_format == "messages" else {})}


class Received:
    """The bodies of the requests that came through the gateway, latest last."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self._sandbox.claude.requests]

    @property
    def latest(self) -> dict[str, Any]:
        return self.bodies[-1]

    @property
    def content(self) -> Any:
        """The content of the latest request's last message."""
        return self.latest["messages"][-1]["content"]
