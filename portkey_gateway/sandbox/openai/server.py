"""The emulated OpenAI as a server."""

from collections.abc import Mapping, Sequence
from typing import Any

from portkey_gateway.sandbox.openai.app import build_app
from portkey_gateway.sandbox.openai.reply import FinishReason
from portkey_gateway.sandbox.openai.state import OpenAIState
from portkey_gateway.sandbox.serving.server import EmulatedServer


class OpenAIServer(EmulatedServer):
    """An emulated OpenAI API on this machine; its `url` with `/v1` is the `base_url` of OpenAI's SDK.

    Use it as a context manager, or call `start` and `stop`.

    Args:
        port: The port to listen on; 0 takes a free one.
        host: The address to listen on.
    """

    name = "OpenAI"

    def __init__(self, port: int = 0, *, host: str = "127.0.0.1") -> None:
        state = OpenAIState()
        super().__init__(build_app(state), state, port=port, host=host)

    def reply_with(
        self,
        content: str | None = None,
        *,
        tool_calls: Sequence[Mapping[str, Any]] = (),
        refusal: str | None = None,
        finish_reason: FinishReason | None = None,
        reasoning_tokens: int = 0,
        usage: Mapping[str, Any] | None = None,
        match: str | None = None,
        times: int = 1,
    ) -> None:
        """Queue an exact reply for the next matching requests; `scripted.script` explains the arguments."""
        self._state.reply_with(
            content,
            tool_calls=tool_calls,
            refusal=refusal,
            finish_reason=finish_reason,
            reasoning_tokens=reasoning_tokens,
            usage=usage,
            match=match,
            times=times,
        )
