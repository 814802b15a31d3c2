"""The betas that a request needs: each is named, and the emulated Claude takes what names exactly these."""

from typing import Any

import pytest

from portkey_gateway.conversation.betas import needed_betas
from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.validate import validate

CONTEXT = "context-management-2025-06-27"
COMPACT = "compact-2026-01-12"
ADVANCED = "advanced-tool-use-2025-11-20"
MCP = "mcp-client-2025-11-20"
CHANGES = "mid-conversation-tool-changes-2026-07-01"
INLINE = "inline-tools-2026-09-15"

HELLO = {"role": "user", "content": "Hello"}
TOOL = {"name": "look", "input_schema": {"type": "object"}}
SERVER = {"type": "url", "url": "https://mcp.example.com", "name": "docs"}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "docs"}
ADDITION = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "look"}}
REMOVAL = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "look"}}
DEFINED = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {**TOOL, "name": "find"}}}


def request(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A request of a user, with what the system says next."""
    messages = [HELLO, *([{"role": "system", "content": [*blocks]}] if blocks else [])]
    return {"model": "claude-opus-5", "max_tokens": 100, "messages": messages, **more}


def edits(*kinds: str) -> dict[str, Any]:
    return request(context_management={"edits": [{"type": kind} for kind in kinds]})


def tools(*given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return request(tools=[*given], **more)


def said(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A request in which Claude said this before."""
    answered = [HELLO, {"role": "assistant", "content": [*blocks]}, HELLO]
    return {**request(**more), "messages": answered}


SUMMARY = {"type": "compaction", "content": "They spoke."}
FALLBACK = {"type": "fallback", "from": {"model": "claude-opus-5"}, "to": {"model": "claude-opus-4-8"}}
MCP_USE = {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "find", "server_name": "docs", "input": {}}
MCP_RESULT = {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": "b", "is_error": False}
LISTING = {"type": "mcp_tool_listing", "mcp_server_name": "docs", "tools": []}
ADVISED: list[dict[str, Any]] = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "advisor", "input": {}},
    {"type": "advisor_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "advisor_result", "text": "Up."}},
]

IN_BETA = [
    (said(SUMMARY), {COMPACT}),
    (said(FALLBACK, {"type": "text", "text": "Hi"}), {"server-side-fallback-2026-07-01"}),
    (said(MCP_USE, MCP_RESULT), {MCP}),
    (said(LISTING), {"mcp-client-2026-09-15"}),
    (said(*ADVISED), {"advisor-tool-2026-03-01"}),
    (edits("clear_tool_uses_20250919"), {CONTEXT}),
    (edits("clear_thinking_20251015"), {CONTEXT}),
    (edits("compact_20260112"), {COMPACT}),
    (edits("clear_tool_uses_20250919", "compact_20260112"), {CONTEXT, COMPACT}),
    (tools(TOOLSET, mcp_servers=[SERVER]), {MCP}),
    (request(mcp_servers=[SERVER]), {"mcp-client-2025-04-04"}),
    (tools({"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-5"}), {"advisor-tool-2026-03-01"}),
    (request(output_config={"task_budget": {"type": "tokens", "total": 20_000}}), {"task-budgets-2026-03-13"}),
    (request(thinking={"type": "adaptive", "display": "updates"}), {"thinking-display-updates-2026-08-18"}),
    (request(ADDITION, tools=[TOOL]), {CHANGES}),
    (request(REMOVAL, tools=[TOOL]), {CHANGES}),
    (request(DEFINED), {INLINE}),
    (request(DEFINED, REMOVAL, tools=[TOOL]), {INLINE, CHANGES}),
    (request(compaction={"type": "summarize"}), {"compact-2026-09-04"}),
    (request(fallbacks=[{"model": "claude-opus-4-8"}]), {"server-side-fallback-2026-07-01"}),
    (request(thread={"type": "create"}), {"message-threads-2026-08-12"}),
    (request(model="claude-opus-4-6", speed="fast"), {"fast-mode-2026-02-01"}),
    *(
        (
            tools({"type": kind, "name": "computer", "display_width_px": 800, "display_height_px": 600}),
            {beta},
        )
        for kind, beta in (
            ("computer_20250124", "computer-use-2025-01-24"),
            ("computer_20251124", "computer-use-2025-11-24"),
        )
    ),
]
NO_LONGER = [
    (tools({"type": "web_fetch_20250910", "name": "web_fetch"}), {"web-fetch-2025-09-10"}),
    (tools({"type": "code_execution_20250522", "name": "code_execution"}), {"code-execution-2025-05-22"}),
    (tools({"type": "memory_20250818", "name": "memory"}), {CONTEXT}),
    (tools(TOOL, {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}), {ADVANCED}),
    (tools(TOOL, {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}), {ADVANCED}),
    (tools({**TOOL, "input_examples": [{}]}), {ADVANCED}),
    (request(speed="fast"), {"fast-mode-2026-02-01"}),
]
GENERAL = [
    request(),
    tools(TOOL, {"type": "web_search_20250305", "name": "web_search"}),
    request({"type": "text", "text": "Be brief."}),
    request(output_config={"effort": "low"}),
    request(thinking={"type": "adaptive", "display": "summarized"}),
    request(container={"skills": [{"type": "anthropic", "skill_id": "xlsx"}]}),
]


@pytest.mark.parametrize(("body", "betas"), IN_BETA)
def test_what_is_in_beta_is_named_and_then_taken(body: dict[str, Any], betas: set[str]) -> None:
    assert {*needed_betas(body)} == betas
    validate(body, betas=needed_betas(body))
    with pytest.raises(ClaudeError):
        validate(body)


@pytest.mark.parametrize(("body", "betas"), NO_LONGER)
def test_what_was_in_beta_once_is_still_named_and_it_does_no_harm(body: dict[str, Any], betas: set[str]) -> None:
    assert {*needed_betas(body)} == betas
    validate(body, betas=needed_betas(body))
    validate(body)


@pytest.mark.parametrize("body", GENERAL)
def test_what_is_general_needs_none(body: dict[str, Any]) -> None:
    assert [*needed_betas(body)] == []
    validate(body)


def test_a_profile_of_a_user_needs_one_though_it_is_no_part_of_the_body() -> None:
    assert [*needed_betas(request(user_profile_id="profile_1"))] == ["user-profiles-2026-03-24"]


def test_a_request_of_much_names_all_its_betas() -> None:
    body = tools(
        TOOL,
        TOOLSET,
        {"type": "memory_20250818", "name": "memory"},
        mcp_servers=[SERVER],
        context_management={"edits": [{"type": "compact_20260112"}]},
    )
    assert {*needed_betas(body)} == {MCP, CONTEXT, COMPACT}
    validate(body, betas=needed_betas(body))


# --- before it is encoded ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "betas"),
    [
        ({"type": "function", "function": {"name": "look", "input_examples": [{}]}}, [ADVANCED]),
        ({"type": "function", "function": {"name": "look"}, "input_examples": [{}]}, [ADVANCED]),
        ({"type": "function", "function": {"name": "look", "input_examples": []}}, []),
        ({"type": "function", "function": {"name": "mcp_toolset"}}, []),
        ({"type": "function", "function": None}, []),
        (
            {"type": "computer", "computer": {"name": "computer_20250124", "display_width_px": 800}},
            ["computer-use-2025-01-24"],
        ),
        ({"type": "web_search", "web_search": {"name": "web_search_20250305"}}, []),
    ],
)
def test_tools_in_the_forms_of_a_conversation_are_known_too(tool: dict[str, Any], betas: list[str]) -> None:
    assert [*needed_betas(tools(tool))] == betas


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None, "tools": None, "mcp_servers": [], "output_config": None, "thinking": None},
        {"context_management": None, "speed": None, "user_profile_id": ""},
        {"context_management": {}, "output_config": {"task_budget": None}, "thinking": {"type": "disabled"}},
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "system", "content": None}]},
        {"messages": [{"role": "user", "content": [ADDITION]}, {"role": "assistant", "content_blocks": [ADDITION]}]},
    ],
)
def test_where_nothing_is_asked_for_nothing_is_needed(body: dict[str, Any]) -> None:
    assert [*needed_betas(body)] == []
