"""ChatPortkey with a Gemini behind the real gateway: a server in Gemini's own shape, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage, messages_from_dict, messages_to_dict

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, ainvoke, any_call, invoke
from tests.support.recording import RecordingServer, Reply, whole

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
USAGE = {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}


def told(*parts: dict[str, Any], reason: str | None = "STOP") -> dict[str, Any]:
    """An answer as ``generateContent`` gives it, or one event of ``streamGenerateContent``."""
    candidate = {"content": {"parts": [*parts], "role": "model"}, "index": 0}
    ended = {"finishReason": reason} if reason else {}
    return {"candidates": [{**candidate, **ended}], "usageMetadata": USAGE, "modelVersion": "gemini-3-pro"}


def reply(ask: Ask, *answers: dict[str, Any]) -> Reply:
    if ask in {invoke, ainvoke}:
        return whole(answers[0])
    events = b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in answers)
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(events)}\r\n\r\n".encode()
    return Reply((head, events))


@pytest.fixture
def gemini(sandbox: Sandbox, server: RecordingServer) -> ChatPortkey:
    host = server.base_url.replace("/v1", "/v1beta")
    return ChatPortkey(model="gemini-3-pro", provider="google", provider_api_key="k", base_url=sandbox.base_url,
                       custom_host=host, max_retries=0)  # fmt: skip


@any_call
def test_an_answer_is_whole_without_an_end_mark(gemini: ChatPortkey, server: RecordingServer, ask: Ask) -> None:
    server.reply(reply(ask, told({"text": "Hello."})))
    answer = ask(gemini, "Hi")
    assert answer.text == "Hello."
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_tokens"] == 7


@any_call
def test_the_proof_of_its_thoughts_goes_back_with_the_call(
    gemini: ChatPortkey, server: RecordingServer, ask: Ask
) -> None:
    call = {"functionCall": {"name": "look", "args": {"at": "sky"}}, "thoughtSignature": "Eq8B"}
    server.reply(reply(ask, told(call)), whole(told({"text": "Blue."})))
    answer = ask(gemini.bind_tools([TOOL]), "Look.")
    [called] = answer.tool_calls
    [stored] = messages_from_dict(json.loads(json.dumps(messages_to_dict([answer]))))
    result = ToolMessage("blue", tool_call_id=called["id"])
    assert gemini.invoke([HumanMessage("Look."), stored, result]).text == "Blue."
    replayed = server.requests[-1].json["contents"][1]["parts"][0]
    assert replayed["thoughtSignature"] == "Eq8B"
    assert replayed["functionCall"]["name"] == "look"


def test_it_is_told_to_nobody_else(server: RecordingServer) -> None:
    call = {"name": "look", "args": {}, "id": "1", "type": "tool_call"}
    kwargs = {"tool_call_extras": {"1": {"thought_signature": "Eq8B"}}}
    history = [
        HumanMessage("Look."),
        messages_from_dict(
            [{"type": "ai", "data": {"content": "", "tool_calls": [call], "additional_kwargs": kwargs}}]
        )[0],
        ToolMessage("blue", tool_call_id="1"),
    ]
    for name, provider in (("gpt-5", "openai"), ("claude-sonnet-4-6", "anthropic")):
        model = ChatPortkey(model=name, provider=provider, base_url=server.base_url, api_format="chat_completions")
        model.invoke(history)
        assert "Eq8B" not in json.dumps(server.requests[-1].json)


@any_call
def test_a_call_that_was_cut_is_no_call(gemini: ChatPortkey, server: RecordingServer, ask: Ask) -> None:
    call = {"functionCall": {"name": "look", "args": {}}}
    server.reply(reply(ask, told(call, reason="MAX_TOKENS")))
    answer = ask(gemini.bind_tools([TOOL]), "Look.")
    assert answer.tool_calls == []
    assert [each["name"] for each in answer.invalid_tool_calls] == ["look"]
    assert answer.response_metadata["finish_reason"] == "length"
