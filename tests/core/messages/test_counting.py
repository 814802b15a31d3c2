"""The body for counting is what the gateway would make of the same request; the emulated Claude counts both alike."""

from typing import Any

import pytest

from portkey_gateway import GatewayClient, GatewayOptions
from portkey_gateway.chat_completions.encode import prepare_for_claude
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.messages.counting import encode_for_counting
from portkey_gateway.sandbox import Sandbox

MARK = {"type": "ephemeral"}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "Look.", "parameters": {"type": "object", "properties": {"at": {}}}},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "it"}'}}


def full_request(model: str) -> ChatRequest:
    request: Any = {
        "model": model,
        "max_tokens": 50,
        "temperature": 0.5,
        "messages": [
            {"role": "system", "content": "Be brief."},
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
    }
    return request  # type: ignore[no-any-return]  # built as a caller would


def test_the_count_is_that_of_the_call_itself(sandbox: Sandbox) -> None:
    client = GatewayClient(GatewayOptions.model_validate(sandbox.options()))
    request = full_request(sandbox.model)

    count = client.count_tokens(encode_for_counting(request))
    usage = client.chat(request).usage

    assert usage is not None
    assert count == usage.input_tokens
    counted, asked = [logged.body for logged in sandbox.claude.requests]
    assert [_plain(message) for message in counted["messages"]] == [_plain(message) for message in asked["messages"]]
    assert counted["system"] == asked["system"]
    assert counted["tools"] == asked["tools"]
    assert counted["tool_choice"] == asked["tool_choice"]


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """One text may be said as a string or as a block."""
    content = message["content"]
    return {**message, "content": [{"type": "text", "text": content}] if isinstance(content, str) else content}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        ({"type": "function", "function": {"name": "look"}}, {"type": "tool", "name": "look"}),
    ],
)
def test_every_tool_choice(choice: Any, expected: dict[str, Any]) -> None:
    request: ChatRequest = {**full_request("claude-x"), "tool_choice": choice}
    assert encode_for_counting(request)["tool_choice"] == expected


def test_thinking_server_tools_and_replayed_thoughts_count_too() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    request: Any = {
        "model": "claude-x",
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [{"role": "assistant", "content": "Well.", "content_blocks": [thought]}, {"role": "user"}],
        "tools": [{"type": "web_search", "web_search": {"name": "web_search_20250305", "max_uses": 2}}, {"type": "x"}],
    }
    body = encode_for_counting(request)
    assert body["thinking"] == request["thinking"]
    assert body["messages"] == [{"role": "assistant", "content": [thought]}, {"role": "user", "content": []}]
    assert body["tools"][0] == {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    assert "tool_choice" not in body
    assert "system" not in body


def test_what_the_gateway_would_lose_is_mended_before(sandbox: Sandbox) -> None:
    client = GatewayClient(GatewayOptions.model_validate(sandbox.options()))
    request: Any = {
        "model": sandbox.model,
        "messages": [{"role": "system", "content": ""}, *full_request("x")["messages"][-1:]],
    }
    prepared: Any = prepare_for_claude(request)
    assert client.count_tokens(encode_for_counting(prepared)) > 0
