"""Portkey with a Gemini behind the real gateway: a server in Gemini's own shape, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, MessageRole

from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from tests.llamaindex.ways import ask, chat_way
from tests.support.recording import RecordingServer, Reply, whole

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"functionCall": {"name": "look", "args": {"at": "sky"}}, "thoughtSignature": "Eq8B"}


def told(*parts: dict[str, Any]) -> dict[str, Any]:
    """An answer as ``generateContent`` gives it, or one event of ``streamGenerateContent``."""
    candidate = {"content": {"parts": [*parts], "role": "model"}, "index": 0, "finishReason": "STOP"}
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3-pro"}


def reply(way: str, answer: dict[str, Any]) -> Reply:
    if "stream" not in way:
        return whole(answer)
    event = b"data: " + json.dumps(answer).encode() + b"\r\n\r\n"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(event)}\r\n\r\n".encode()
    return Reply((head, event))


@pytest.fixture
def gemini(sandbox: Sandbox, server: RecordingServer) -> Portkey:
    host = server.base_url.replace("/v1", "/v1beta")
    return Portkey(model="gemini-3-pro", provider="google", provider_api_key="k", base_url=sandbox.base_url,
                   custom_host=host, max_retries=0)  # fmt: skip


@chat_way
def test_the_proof_of_its_thoughts_goes_back_with_the_call(gemini: Portkey, server: RecordingServer, way: str) -> None:
    server.reply(reply(way, told(CALL)), whole(told({"text": "Blue."})))
    answer = ask(gemini, way, [ChatMessage("Look.")], tools=[TOOL])
    stored = ChatMessage.model_validate_json(answer.message.model_dump_json())
    [call] = gemini.get_tool_calls_from_response(answer)
    result = ChatMessage(role=MessageRole.TOOL, content="blue", additional_kwargs={"tool_call_id": call.tool_id})
    assert gemini.chat([ChatMessage("Look."), stored, result]).message.content == "Blue."
    replayed = server.requests[-1].json["contents"][1]["parts"][0]
    assert replayed["thoughtSignature"] == "Eq8B"
