"""The emulated Claude as a server."""

from collections.abc import Mapping
from typing import Any

from portkey_gateway.sandbox.claude.app import build_app
from portkey_gateway.sandbox.claude.reply import StopReason
from portkey_gateway.sandbox.claude.state import ClaudeState
from portkey_gateway.sandbox.serving.server import EmulatedServer


class ClaudeServer(EmulatedServer):
    """An emulated Anthropic API on this machine; its `url` is the `base_url` of Anthropic's SDK.

    Use it as a context manager, or call `start` and `stop`.

    Args:
        port: The port to listen on; 0 takes a free one.
        host: The address to listen on.
    """

    name = "Claude"

    def __init__(self, port: int = 0, *, host: str = "127.0.0.1") -> None:
        state = ClaudeState()
        super().__init__(build_app(state), state, port=port, host=host)

    def reply_with(
        self,
        *content: str | Mapping[str, Any],
        stop_reason: StopReason | None = None,
        stop_sequence: str | None = None,
        usage: Mapping[str, Any] | None = None,
        refusal: Mapping[str, Any] | None = None,
        match: str | None = None,
        times: int = 1,
    ) -> None:
        """Queue an exact reply for the next matching requests; `scripted.script` explains the arguments."""
        self._state.reply_with(
            content,
            stop_reason=stop_reason,
            stop_sequence=stop_sequence,
            usage=usage,
            refusal=refusal,
            match=match,
            times=times,
        )
