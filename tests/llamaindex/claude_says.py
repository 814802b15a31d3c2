"""Answers of Claude's with blocks that LlamaIndex has no class for, in Anthropic's form."""

from __future__ import annotations

from typing import Any

from portkey_gateway.sandbox.claude.signatures import seal, sign

Block = dict[str, Any]

SEARCH: Block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "sky"}}
PAGE = {"type": "web_search_result", "url": "https://a.org", "title": "A", "encrypted_content": seal("Blue.")}
CODE: Block = {"type": "server_tool_use", "id": "srvtoolu_2", "name": "code_execution", "input": {"code": "print(1)"}}
PRINTED = {"type": "code_execution_result", "stdout": "1\n", "stderr": "", "return_code": 0, "content": []}
MCP: Block = {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "find", "server_name": "files", "input": {"q": "a"}}
CALL: Block = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}}
CALLER = {"type": "code_execution_20250825", "tool_id": "srvtoolu_2"}


def cited(*locations: Block) -> Block:
    return {"type": "text", "text": "It is blue.", "citations": [{"cited_text": "Blue.", **each} for each in locations]}


def text(said: str) -> Block:
    return {"type": "text", "text": said}


def served(name: str, **given: Any) -> Block:
    """A call of a tool that Anthropic runs."""
    return {"type": "server_tool_use", "id": "srvtoolu_3", "name": name, "input": given}


ANSWERS: dict[str, list[Block]] = {
    "a fetched page": [
        served("web_fetch", url="https://a.org"),
        {
            "type": "web_fetch_tool_result",
            "tool_use_id": "srvtoolu_3",
            "content": {
                "type": "web_fetch_result",
                "url": "https://a.org",
                "content": {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Blue."},
                    "title": "A",
                    "citations": {"enabled": True},
                },
                "retrieved_at": "2026-01-01T00:00:00Z",
            },
        },
        text("It is blue."),
    ],
    "tools that were found": [
        served("tool_search_tool_bm25", query="sky"),
        {
            "type": "tool_search_tool_result",
            "tool_use_id": "srvtoolu_3",
            "content": {
                "type": "tool_search_tool_search_result",
                "tool_references": [{"type": "tool_reference", "tool_name": "look"}],
            },
        },
        text("It is blue."),
    ],
    "a shell": [
        served("bash_code_execution", command="ls"),
        {
            "type": "bash_code_execution_tool_result",
            "tool_use_id": "srvtoolu_3",
            "content": {
                "type": "bash_code_execution_result",
                "stdout": "a",
                "stderr": "",
                "return_code": 0,
                "content": [{"type": "bash_code_execution_output", "file_id": "file_1"}],
            },
        },
        text("It is blue."),
    ],
    "an editor": [
        served("text_editor_code_execution", command="view", path="/a"),
        {
            "type": "text_editor_code_execution_tool_result",
            "tool_use_id": "srvtoolu_3",
            "content": {
                "type": "text_editor_code_execution_view_result",
                "file_type": "text",
                "content": "a",
                "num_lines": 1,
                "start_line": 1,
                "total_lines": 1,
            },
        },
        text("It is blue."),
    ],
    "a search": [
        text("I look."),
        SEARCH,
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [PAGE]},
        cited({"type": "web_search_result_location", "url": "https://a.org", "title": "A",
               "encrypted_index": seal("https://a.org")}),
        text(" Mostly."),
    ],
    "a search that failed": [
        SEARCH,
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"},
        },
        text("No."),
    ],
    "code between thoughts": [
        {"type": "thinking", "thinking": "Hm.", "signature": sign("Hm.")},
        CODE,
        {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": PRINTED},
        {"type": "thinking", "thinking": "So.", "signature": sign("So.")},
        text("It is 1."),
    ],
    "a call of code": [CODE, {**CALL, "caller": CALLER}],
    "an MCP server": [
        MCP,
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": [text("b")], "is_error": False},
        text("It is b."),
    ],
    "redacted thoughts": [{"type": "redacted_thinking", "data": seal("Hm.")}, text("Blue.")],
    "a compaction": [{"type": "compaction", "content": "They spoke of the sky."}, text("Yes.")],
    "an upload": [{"type": "container_upload", "file_id": "file_1"}, text("Yes.")],
    "citations": [
        cited({"type": "char_location", "document_index": 0, "document_title": "A", "start_char_index": 0,
               "end_char_index": 5}),
        text(" And "),
        cited({"type": "char_location", "document_index": 0, "document_title": None, "start_char_index": 0,
               "end_char_index": 5},
              {"type": "page_location", "document_index": 0, "document_title": "A", "start_page_number": 1,
               "end_page_number": 2}),
        cited({"type": "search_result_location", "search_result_index": 0, "source": "s", "title": "A",
               "start_block_index": 0, "end_block_index": 1}),
    ],
}  # fmt: skip
