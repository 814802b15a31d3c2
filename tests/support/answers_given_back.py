"""Answers of Claude's whose order or end matters when they go back, in Anthropic's form."""

from __future__ import annotations

from typing import Any, Final

from portkey_gateway.sandbox.claude.signatures import seal, sign

Block = dict[str, Any]

LOOK: Final[Block] = {
    "name": "look",
    "description": "Look at a place.",
    "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}},
}
_FLAT: Final = {"name": "look", "parameters": LOOK["input_schema"]}
FORMS: Final[dict[str, Block]] = {
    "Anthropic's": LOOK,
    "Anthropic's, with its type": {**LOOK, "type": "custom"},
    "OpenAI's Responses'": {**_FLAT, "type": "function"},
    "OpenAI's, without its type": _FLAT,
}
"""One tool, as people write it."""
SEARCH: Final[Block] = {"type": "web_search_20250305", "name": "web_search"}
CODE: Final[Block] = {"type": "code_execution_20250825", "name": "code_execution"}


def text(said: str) -> Block:
    return {"type": "text", "text": said}


def thought(said: str) -> Block:
    return {"type": "thinking", "thinking": said, "signature": sign(said)}


def call(number: int, **more: Any) -> Block:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": "look", "input": {"at": f"place {number}"}, **more}


def searching() -> Block:
    return {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "sky"}}


def found() -> Block:
    page = {"type": "web_search_result", "url": "https://a.org", "title": "A", "encrypted_content": seal("Blue.")}
    return {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [page]}


ORDERS: Final[dict[str, list[Block]]] = {
    "text behind a call": [call(1), text("I wait.")],
    "texts and calls": [text("One."), call(1), text("Two."), call(2)],
    "thoughts and calls": [thought("First."), call(1), thought("Second."), call(2)],
    "a search behind a call": [call(1), searching(), found(), text("Blue."), call(2)],
    "a toolset's": [call(1, toolset_name="browser")],
}
"""Answers with calls that something else follows, or of a toolset."""

BY_CODE: Final[list[Block]] = [
    {"type": "server_tool_use", "id": "srvtoolu_2", "name": "code_execution", "input": {"code": "await look()"}},
    call(4, caller={"type": "code_execution_20250825", "tool_id": "srvtoolu_2"}),
]
OF_CODE: Final[list[Block]] = [{**LOOK, "allowed_callers": ["code_execution_20250825"]}, CODE]
"""The tools for a call by code."""
