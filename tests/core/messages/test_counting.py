"""What is counted of a request is what is then read of it: the emulated Claude counts both alike."""

from typing import Any

import pytest

from portkey_gateway import GatewayClient, GatewayOptions
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.options import ApiFormat
from portkey_gateway.sandbox import Sandbox

MARK = {"type": "ephemeral"}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look.",
        "parameters": {"type": "object", "properties": {"at": {}}, "additionalProperties": False},
    },
}
NOTHING = {"type": "object", "additionalProperties": False}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "it"}'}}
COUNTED = ("messages", "system", "tools", "tool_choice", "thinking")


def full_request(model: str, **more: Any) -> ChatRequest:
    request: Any = {
        "model": model,
        "max_tokens": 50,
        "temperature": 0.5,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": ""},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind.", "cache_control": MARK}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{PIXEL}"},
                        "cache_control": MARK,
                    },
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "file", "file": {"mime_type": "text/plain", "file_data": "A text."}},
                    {"type": "file", "file": {"file_url": "https://example.com/a.pdf"}},
                ],
            },
            {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "a pixel"},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [TOOL],
        "tool_choice": "auto",
        **more,
    }
    return request  # type: ignore[no-any-return]  # built as a caller would


def client(sandbox: Sandbox, api_format: ApiFormat = "messages") -> GatewayClient:
    return GatewayClient(GatewayOptions(**sandbox.options(), api_format=api_format))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tools": [TOOL, SEARCH]},
        {"tool_choice": "look"},
        {"tool_choice": "required", "parallel_tool_calls": False},
        {"thinking": {"type": "disabled"}},
        {"system": "Speak like a pirate."},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": NOTHING}}},
    ],
)
def test_the_count_is_that_of_the_call_itself(sandbox: Sandbox, more: dict[str, Any]) -> None:
    request = full_request(sandbox.model, **more)

    count = client(sandbox).count_tokens(request)
    usage = client(sandbox).chat(request).usage

    assert usage is not None
    assert count == usage.input_tokens
    counted, asked = [logged.body for logged in sandbox.claude.requests]
    assert {name: counted.get(name) for name in COUNTED} == {name: asked.get(name) for name in COUNTED}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tools": [TOOL, SEARCH]},
        {"tool_choice": {"type": "function", "function": {"name": "look"}}},
        {"tool_choice": "any"},
        {"tools": None, "tool_choice": None},
    ],
)
def test_so_it_is_of_a_chat_completion(sandbox: Sandbox, more: dict[str, Any]) -> None:
    request = full_request(sandbox.model, **more)
    request["messages"].pop()  # the emulated Claude counts a few tokens for a message, and neighbours are one here only
    asking = client(sandbox, "chat_completions")

    count = asking.count_tokens(request)
    usage = asking.chat(request).usage

    assert usage is not None
    assert count == usage.input_tokens
    counted, asked = [logged.body for logged in sandbox.claude.requests]
    assert counted["system"] == asked["system"]
    assert counted.get("tools") == asked.get("tools")
    assert counted.get("tool_choice") == asked.get("tool_choice")
    assert [_plain(message) for message in counted["messages"]] == [_plain(message) for message in asked["messages"]]


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """One text may be said as a string or as a block."""
    content = message["content"]
    return {**message, "content": [{"type": "text", "text": content}] if isinstance(content, str) else content}


def test_replayed_thoughts_count_too(sandbox: Sandbox) -> None:
    sandbox.claude.reply_with({"type": "thinking", "thinking": "Let me see."}, "42.")
    thinking = {"type": "enabled", "budget_tokens": 1024}
    asked: Any = {
        "model": sandbox.model,
        "max_tokens": 2000,
        "thinking": thinking,
        "messages": [{"role": "user", "content": "What is 6 times 7?"}],
    }
    thought, _ = client(sandbox).chat(asked).blocks
    block = {"type": "thinking", "thinking": thought.text, "signature": thought.signature}
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "c1", "content": "a pixel"}
    looped = [*asked["messages"], {"role": "assistant", "content": [block], "tool_calls": [call]}, result]
    request: Any = {**asked, "messages": looped, "tools": [TOOL]}

    usage = client(sandbox).chat(request).usage

    assert usage is not None
    assert client(sandbox).count_tokens(request) == usage.input_tokens
    assert sandbox.claude.requests[-1].body["messages"][1]["content"][0] == block
