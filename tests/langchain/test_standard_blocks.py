"""`output_version="v1"`: content in LangChain's standard blocks, whole and streamed, in Claude's order."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.signatures import is_sealed, sign
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call

CALL: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "Köln", "times": [1, 2]}}
SAID: tuple[str | dict[str, Any], ...] = (
    {"type": "redacted_thinking", "text": "Nothing to see."},
    {"type": "thinking", "thinking": "The user greets me."},
    "Hello, I look",
    " that up.",
    CALL,
    {**CALL, "id": "toolu_2", "input": {}},
)


@any_call
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_content_blocks_say_what_claude_said(model: ChatPortkey, sandbox: Sandbox, ask: Ask, version: str) -> None:
    sandbox.claude.reply_with(*SAID)
    answer = ask(model.with_options(output_version=version), "Hi")
    redacted, *rest = (_plain(block) for block in answer.content_blocks)
    assert is_sealed(redacted["value"]["data"])
    assert rest == [
        {
            "type": "reasoning",
            "reasoning": "The user greets me.",
            "extras": {"signature": sign("The user greets me.")},
        },
        {"type": "text", "text": "Hello, I look"},
        {"type": "text", "text": " that up."},
        {"type": "tool_call", "id": "toolu_1", "name": "look", "args": CALL["input"]},
        {"type": "tool_call", "id": "toolu_2", "name": "look", "args": {}},
    ]
    assert answer.text == "Hello, I look that up."
    assert [call["id"] for call in answer.tool_calls] == ["toolu_1", "toolu_2"]


@any_call
def test_content_itself_is_in_standard_blocks(model: ChatPortkey, sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.reply_with(*SAID)
    answer = ask(model.with_options(output_version="v1"), "Hi")
    assert answer.content == answer.content_blocks
    assert answer.response_metadata["output_version"] == "v1"


@any_call
def test_plain_text_is_a_block_too(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model.with_options(output_version="v1"), "Say exactly: Hi there.")
    assert [_plain(block) for block in answer.content] == [{"type": "text", "text": "Hi there."}]
    assert answer.text == "Hi there."


def _plain(block: Any) -> Any:
    return {key: value for key, value in block.items() if key != "index"}
