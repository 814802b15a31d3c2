"""Conversations that come back: calls of server tools with results, code that waits, summaries, system messages."""

import re
from typing import Any

import pytest

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.signatures import seal, sign
from portkey_gateway.sandbox.claude.validate import validate

Block = dict[str, Any]

BETAS = ["mcp-client-2025-11-20", "compact-2026-01-12", "compact-2026-09-04", "context-management-2025-06-27"]
WEATHER = {"name": "get_weather", "input_schema": {"type": "object"}}
CODE = {"type": "code_execution_20250825", "name": "code_execution"}
HI = {"role": "user", "content": "Hi"}
BYE = {"role": "user", "content": "Bye"}


def claude(*blocks: Block) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def user(*blocks: Block) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def text(words: str = "So.") -> Block:
    return {"type": "text", "text": words}


def search(use_id: str = "srvtoolu_1", name: str = "web_search") -> Block:
    return {"type": "server_tool_use", "id": use_id, "name": name, "input": {"query": "x"}}


def found(use_id: str = "srvtoolu_1") -> Block:
    return {"type": "web_search_tool_result", "tool_use_id": use_id, "content": []}


def code(use_id: str = "srvtoolu_9") -> Block:
    return {"type": "server_tool_use", "id": use_id, "name": "code_execution", "input": {"code": "…"}}


def ran(use_id: str = "srvtoolu_9") -> Block:
    done = {"type": "code_execution_result", "stdout": "", "stderr": "", "return_code": 0, "content": []}
    return {"type": "code_execution_tool_result", "tool_use_id": use_id, "content": done}


def call(**caller: Any) -> Block:
    return {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}, "caller": caller}


RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}
FROM_CODE = call(type="code_execution_20250825", tool_id="srvtoolu_9")
MCP_USE = {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "ask", "input": {}, "server_name": "docs"}
MCP_RESULT = {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False, "content": [text()]}
SUMMARY = {"type": "compaction", "content": "They greeted."}
SIGNED = {**SUMMARY, "signature": sign("They greeted.")}


def request(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": list(messages), **more}


WAITING = {"tools": [WEATHER, CODE], "container": "container_1"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(request(HI, claude(search(), found(), text()), BYE), id="search"),
        pytest.param(request(HI, claude(search(), search("srvtoolu_2"), found("srvtoolu_2"), found()), BYE), id="two"),
        pytest.param(request(HI, claude(search(), found())), id="paused-after-a-result"),
        pytest.param(request(HI, claude(text(), search())), id="paused-in-a-call"),
        pytest.param(request(HI, claude(search()), claude(found(), text()), BYE), id="one-turn-in-two-messages"),
        pytest.param(request(HI, claude(MCP_USE, MCP_RESULT, text()), BYE), id="mcp"),
        pytest.param(request(HI, claude(code(), FROM_CODE), user(RESULT), **WAITING), id="code-waits"),
        pytest.param(
            request(HI, claude(code(), FROM_CODE), user(RESULT), claude(ran(), text()), BYE, **WAITING),
            id="code-went-on",
        ),
        pytest.param(request(HI, claude(call(type="direct")), user(RESULT), tools=[WEATHER]), id="direct"),
        pytest.param(request(HI, claude(SUMMARY, text()), BYE), id="summary"),
        pytest.param(request(claude(SUMMARY), BYE), id="summary-first"),
        pytest.param(request(user(SIGNED), BYE), id="signed-summary"),
        pytest.param(request(HI, claude({"type": "compaction", "content": None}), BYE), id="summary-that-failed"),
    ],
)
def test_what_claude_gave_comes_back(body: dict[str, Any]) -> None:
    before = repr(body)

    validate(body, betas=BETAS)

    assert repr(body) == before


NO_CALL = (
    "{}: unexpected `tool_use_id` found in `{}` blocks: {}. "
    "Each `{}` block must have a corresponding `{}` block before it."
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            request(HI, claude(search(), text()), BYE),
            "messages.1: `web_search` tool use with id `srvtoolu_1` was found without a corresponding "
            "`web_search_tool_result` block",
            id="no-result",
        ),
        pytest.param(
            request(HI, claude(MCP_USE), BYE),
            "messages.1: `ask` tool use with id `mcptoolu_1` was found without a corresponding `mcp_tool_result` block",
            id="no-mcp-result",
        ),
        pytest.param(
            request(HI, claude(found(), search()), BYE),
            NO_CALL.format(
                "messages.1.content.0",
                "web_search_tool_result",
                "srvtoolu_1",
                "web_search_tool_result",
                "server_tool_use",
            ),
            id="result-first",
        ),
        pytest.param(
            request(HI, claude(search(), ran("srvtoolu_1")), BYE),
            NO_CALL.format(
                "messages.1.content.1",
                "code_execution_tool_result",
                "srvtoolu_1",
                "code_execution_tool_result",
                "server_tool_use",
            ),
            id="another-tool's-result",
        ),
        pytest.param(
            request(HI, claude(MCP_RESULT), BYE),
            NO_CALL.format("messages.1.content.0", "mcp_tool_result", "mcptoolu_1", "mcp_tool_result", "mcp_tool_use"),
            id="no-mcp-call",
        ),
        pytest.param(
            request(HI, claude(search(), found(), search(), found()), BYE),
            "messages: `tool_use` ids must be unique",
            id="twice",
        ),
        pytest.param(
            request(HI, claude(search("toolu_1"), found("toolu_1")), BYE),
            "messages.1.content.0.server_tool_use.id: String should match pattern '^srvtoolu_[a-zA-Z0-9_]+$'",
            id="id",
        ),
        pytest.param(
            request(HI, claude(search(name="get_weather"), found()), BYE),
            "messages.1.content.0.server_tool_use.name: Input should be ",
            id="no-server-tool",
        ),
        pytest.param(
            request(HI, claude(code(), FROM_CODE), user(RESULT), tools=[WEATHER, CODE]),
            "container_id is required when there are pending tool uses generated by code execution with tools.",
            id="no-container",
        ),
        pytest.param(
            request(HI, claude(code(), FROM_CODE), user(RESULT, text()), **WAITING),
            "messages.2.content.1: only `tool_result` blocks are allowed while programmatic tool calls are pending",
            id="words-to-code",
        ),
        pytest.param(
            request(HI, claude(code(), {**FROM_CODE, "cache_control": {"type": "ephemeral"}}), user(RESULT), **WAITING),
            "messages.1.content.1.tool_use: cache_control cannot be set for tool calls made by code execution",
            id="mark-on-a-call-of-code",
        ),
        pytest.param(
            request(HI, claude(code(), FROM_CODE), user({**RESULT, "cache_control": {"type": "ephemeral"}}), **WAITING),
            "messages.2.content.0.tool_result: cache_control cannot be set for tool calls made by code execution",
            id="mark-on-its-result",
        ),
        pytest.param(
            request(claude(SIGNED), claude(SUMMARY), BYE), "messages: holds more than one `compaction` block", id="two"
        ),
        pytest.param(
            request(HI, claude(SIGNED), BYE),
            "messages.1.content.0: a `compaction` block must be the first block of the conversation",
            id="signed-amid",
        ),
        pytest.param(
            request(claude({**SIGNED, "content": "They fought."}), BYE),
            "messages.0.content.0: Invalid `signature` in `compaction` block",
            id="changed-summary",
        ),
        pytest.param(
            request(claude(SIGNED), BYE, context_management={"edits": [{"type": "compact_20260112"}]}),
            "messages.0.content.0: a `compaction` block cannot be sent with a `compact_20260112` edit",
            id="signed-and-edited",
        ),
        pytest.param(
            request(HI, claude({"type": "compaction", "content": ""}), BYE),
            "messages.1.content.0.compaction.content: String should have at least 1 character",
            id="empty-summary",
        ),
        pytest.param(
            request(
                HI, claude(call(type="direct")), user({**RESULT, "content": "", "is_error": True}), tools=[WEATHER]
            ),
            "messages.2.content.0.tool_result: content cannot be empty if `is_error` is true",
            id="empty-error",
        ),
        pytest.param(
            request(
                HI, claude(call(type="direct")), user({**RESULT, "content": [], "is_error": True}), tools=[WEATHER]
            ),
            "messages.2.content.0.tool_result: content cannot be empty if `is_error` is true",
            id="empty-list-error",
        ),
        pytest.param(
            request(HI, context_management={"edits": []}, compaction={"type": "summarize"}),
            "compaction: cannot be combined with `context_management`",
            id="two-compactions",
        ),
        pytest.param(
            request(
                HI,
                context_management={
                    "edits": [{"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 49_999}}]
                },
            ),
            "context_management.edits.0.compact_20260112.trigger.value: Input should be greater than or equal to 50000",
            id="early-compaction",
        ),
    ],
)
def test_what_claude_did_not_give_is_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        validate(body, betas=BETAS)

    assert caught.value.message.startswith(message)


def system(words: str = "Be brief.") -> dict[str, Any]:
    return {"role": "system", "content": words}


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([HI, system()], id="last"),
        pytest.param([HI, system(), claude(text()), BYE], id="before-claude"),
        pytest.param([HI, HI, system()], id="after-two-of-the-user"),
        pytest.param([HI, claude(call(type="direct")), user(RESULT), system()], id="after-a-tool-result"),
        pytest.param([HI, claude(search(), found()), system(), claude(text()), BYE], id="after-a-server-tool"),
    ],
)
def test_a_system_message_in_its_place_passes(messages: list[Any]) -> None:
    validate(request(*messages, tools=[WEATHER], model="claude-opus-5"))


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        pytest.param([system(), HI], "messages.0: role 'system' must follow a 'user' message", id="first"),
        pytest.param(
            [HI, claude(text()), system(), claude(text()), BYE], "messages.2: role 'system' must follow", id="claude"
        ),
        pytest.param(
            [HI, system(), BYE],
            "messages.1: role 'system' must precede an 'assistant' message or end the array",
            id="before-the-user",
        ),
        pytest.param([HI, system("")], "messages.1: system messages must have non-empty content", id="empty"),
        pytest.param([HI, system(" ")], "messages: text content blocks must contain non-whitespace text", id="white"),
    ],
)
def test_a_system_message_out_of_place_is_refused(messages: list[Any], message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        validate(request(*messages, tools=[WEATHER], model="claude-opus-5"))

    assert caught.value.message.startswith(message)


INLINE = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": WEATHER}}


def change(kind: str, name: str) -> Block:
    return {"type": kind, "tool": {"type": "tool_reference", "name": name}}


def changing(*blocks: Block, **more: Any) -> dict[str, Any]:
    return request(HI, {"role": "system", "content": list(blocks)}, model="claude-opus-5", **more)


def test_tools_are_added_and_removed_by_names_that_are_known() -> None:
    betas = ["inline-tools-2026-09-15"]
    validate(changing(change("tool_removal", "get_weather"), tools=[WEATHER]), betas=betas)
    validate(changing(INLINE, change("tool_removal", "get_weather")), betas=betas)

    with pytest.raises(ClaudeError, match="Tool reference 'get_weather' has no tool definition"):
        validate(changing(change("tool_addition", "get_weather")), betas=betas)
    with pytest.raises(ClaudeError, match="tool 'get_weather' is already defined"):
        validate(changing(INLINE, tools=[WEATHER]), betas=betas)
    text_tool = {"type": "tool_definition", "definition": {**WEATHER, "input_schema": {"type": "string"}}}
    with pytest.raises(ClaudeError, match=r"definition\.custom\.input_schema\.type: Input should be 'object'"):
        validate(changing({**INLINE, "tool": text_tool}), betas=betas)


def page(content: str) -> Block:
    return {"type": "web_search_result", "url": "https://a.org", "title": "A", "encrypted_content": content}


def cited(index: str) -> Block:
    place = {"type": "web_search_result_location", "url": "https://a.org", "title": "A", "cited_text": "Blue."}
    return {**text(), "citations": [{**place, "encrypted_index": index}]}


def searched(content: str, index: str) -> dict[str, Any]:
    return request(HI, claude(search(), {**found(), "content": [page(content)]}, cited(index)), BYE)


def test_what_a_search_gave_out_comes_back() -> None:
    validate(searched(seal("Blue."), seal("https://a.org")), betas=BETAS)


@pytest.mark.parametrize(
    ("content", "index", "told"),
    [
        ("forged", seal("i"), "messages.1.content.1: Invalid `encrypted_content` in `search_result` block"),
        ("", seal("i"), "messages.1.content.1: Invalid `encrypted_content` in `search_result` block"),
        (seal("Blue."), "forged", "messages.1.content.2: Invalid `encrypted_index` in `citations`"),
    ],
)
def test_what_no_search_gave_out_is_refused(content: str, index: str, told: str) -> None:
    with pytest.raises(ClaudeError, match=re.escape(told)):
        validate(searched(content, index), betas=BETAS)
