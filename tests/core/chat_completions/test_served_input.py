"""Input tokens of a streamed answer with server tools: the gateway tells those of its start alone, which is said."""

from __future__ import annotations

import pytest

from portkey_gateway import GatewayClient, GatewayOptions, PortkeyWarning
from tests.core.chat_completions.told import block_chunk
from tests.support.calls import HELLO
from tests.support.recording import RecordingServer, deltas, events

SERVED = block_chunk(0, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}})


def ask(*, is_served: bool) -> None:
    *said, last = deltas("Hello.")
    served = [{"choices": [{"index": 0, "delta": SERVED}]}] if is_served else []
    with RecordingServer() as server:
        server.reply(events(*served, *said, last))
        options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
        with GatewayClient(options, max_retries=0).stream(HELLO) as stream:
            list(stream)
        assert stream.answer.usage


def test_it_is_said_of_a_stream_with_server_tools_alone() -> None:
    ask(is_served=False)  # every warning is an error here
    with pytest.warns(PortkeyWarning, match="input tokens of an answer with server tools are told without"):
        ask(is_served=True)
