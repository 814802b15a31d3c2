"""One conversation in which every block stands that Claude takes or says, in Anthropic's form, and what it needs."""

from __future__ import annotations

from typing import Any, Final

from portkey_gateway.sandbox.claude.signatures import seal, sign
from tests.langchain.media import MARK, PDF_SOURCE, PNG_SOURCE, TEXT

Block = dict[str, Any]

HOUR: Final = {"type": "ephemeral", "ttl": "1h"}
_CITED: Final = {"citations": {"enabled": True}}


def text(said: str, **more: Any) -> Block:
    return {"type": "text", "text": said, **more}


def _document(source: Block, **more: Any) -> Block:
    return {"type": "document", "source": source, **more}


def _served(number: int, name: str, **given: Any) -> Block:
    return {"type": "server_tool_use", "id": f"srvtoolu_{number}", "name": name, "input": given}


def _result(number: int, kind: str, content: Any) -> Block:
    return {"type": f"{kind}_tool_result", "tool_use_id": f"srvtoolu_{number}", "content": content}


def _call(number: int, **more: Any) -> Block:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": "look", "input": {"at": f"place {number}"}, **more}


def _answered(number: int, content: Any, **more: Any) -> Block:
    return {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": content, **more}


def _citing(said: str, **location: Any) -> Block:
    return text(said, citations=[{"cited_text": "Blue.", **location}])


_PLAIN_SOURCE: Final = {"type": "text", "media_type": "text/plain", "data": TEXT}
_CONTENT_SOURCE: Final = {"type": "content", "content": [text("Blue."), {"type": "image", "source": PNG_SOURCE}]}
_SEARCH_RESULT: Final[Block] = {
    "type": "search_result", "source": "https://a.org", "title": "Sky", "content": [text("Blue.")], **_CITED
}  # fmt: skip
_CODED: Final = {"type": "code_execution_result", "stdout": "1\n", "stderr": "", "return_code": 0, "content": []}
_FETCHED: Final = {
    "type": "web_fetch_result",
    "url": "https://a.org",
    "content": _document(_PLAIN_SOURCE, title="A", **_CITED),
    "retrieved_at": "2026-01-01T00:00:00Z",
}
_PAGE: Final = {
    "type": "web_search_result",
    "url": "https://a.org",
    "title": "A",
    "encrypted_content": seal("Blue."),
    "page_age": "May 1, 2026",
}
_SHELL: Final = {
    "type": "bash_code_execution_result",
    "stdout": "a",
    "stderr": "",
    "return_code": 0,
    "content": [{"type": "bash_code_execution_output", "file_id": "file_1"}],
}
_EDITOR: Final = {
    "type": "text_editor_code_execution_view_result",
    "file_type": "text",
    "content": "a",
    "num_lines": 1,
    "start_line": 1,
    "total_lines": 1,
}
_FOUND: Final = {
    "type": "tool_search_tool_search_result",
    "tool_references": [{"type": "tool_reference", "tool_name": "look"}],
}

SHOWN: Final[list[Block]] = [
    _document(PDF_SOURCE, title="Report", context="Of last year.", **_CITED),
    _document(_PLAIN_SOURCE, title="Greetings", context="From Cologne.", **_CITED),
    _document(_CONTENT_SOURCE, title="Pieces", context="Two.", **_CITED),
    _document({"type": "file", "file_id": "file_2"}, title="Uploaded", **_CITED),
    _document({"type": "url", "url": "https://a.org/a.pdf"}, title="Linked", context="Web.", **_CITED),
    {"type": "image", "source": PNG_SOURCE},
    {"type": "image", "source": {"type": "url", "url": "https://a.org/a.png"}},
    {"type": "image", "source": {"type": "file", "file_id": "file_3"}},
    _SEARCH_RESULT,
    {"type": "container_upload", "file_id": "file_4"},
    text("What is all this?", cache_control=HOUR),
]
"""What a user shows first."""

THOUGHT_AND_CALLED: Final[list[Block]] = [
    {"type": "thinking", "thinking": "Two places.", "signature": sign("Two places.")},
    {"type": "redacted_thinking", "data": seal("Nothing to see.")},
    _citing("One.", type="char_location", document_index=1, document_title="Greetings", start_char_index=0,
            end_char_index=5),
    _citing("Two.", type="page_location", document_index=0, document_title="Report", start_page_number=1,
            end_page_number=2),
    _citing("Three.", type="content_block_location", document_index=2, document_title="Pieces", start_block_index=0,
            end_block_index=1),
    _citing("Four.", type="search_result_location", search_result_index=0, source="https://a.org", title="Sky",
            start_block_index=0, end_block_index=1),
    _call(1), _call(2), _call(3),
]  # fmt: skip

FOUND_BY_TOOLS: Final[list[Block]] = [
    _answered(1, [text("This:"), {"type": "image", "source": PNG_SOURCE},
                  _document(PDF_SOURCE, title="Found", context="There.", **_CITED), _SEARCH_RESULT],
              cache_control=MARK),
    _answered(2, [text("No light."), {"type": "image", "source": PNG_SOURCE}], is_error=True),
    _answered(3, [{"type": "tool_reference", "tool_name": "look"}]),
]  # fmt: skip

SERVED: Final[list[Block]] = [
    text("I search."),
    _served(1, "web_search", query="sky"),
    _result(1, "web_search", [_PAGE]),
    _citing("It is blue.", type="web_search_result_location", url="https://a.org", title="A",
            encrypted_index=seal("https://a.org")),
    _served(2, "web_fetch", url="https://a.org"),
    _result(2, "web_fetch", _FETCHED),
    _served(3, "tool_search_tool_bm25", query="look"),
    _result(3, "tool_search", _FOUND),
    _served(4, "bash_code_execution", command="ls"),
    _result(4, "bash_code_execution", _SHELL),
    _served(5, "text_editor_code_execution", command="view", path="/a"),
    _result(5, "text_editor_code_execution", _EDITOR),
    _served(6, "code_execution", code="print(1)"),
    _result(6, "code_execution", _CODED),
    _served(7, "web_search", query="?"),
    _result(7, "web_search", {"type": "web_search_tool_result_error", "error_code": "unavailable"}),
    _served(9, "advisor"),
    _result(9, "advisor", {"type": "advisor_result", "text": "Look up.", "stop_reason": "end_turn"}),
    text("All of it."),
]  # fmt: skip

MCP: Final[list[Block]] = [
    {
        "type": "mcp_tool_listing",
        "mcp_server_name": "files",
        "tools": [
            {"name": "find", "description": "Find.", "input_schema": {"type": "object", "properties": {}}},
        ],
    },
    {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "find", "server_name": "files", "input": {"q": "a"}},
    {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": [text("b")], "is_error": False},
    {"type": "mcp_tool_use", "id": "mcptoolu_2", "name": "find", "server_name": "files", "input": {}},
    {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_2", "content": [text("No.")], "is_error": True},
    text("It is b."),
]

CODE_CALLS: Final[list[Block]] = [
    text("Code looks."),
    _served(8, "code_execution", code="await look(at='place 4')"),
    _call(4, caller={"type": "code_execution_20250825", "tool_id": "srvtoolu_8"}),
]
CODE_HEARS: Final[list[Block]] = [_answered(4, "blue")]
CODE_ENDS: Final[list[Block]] = [_result(8, "code_execution", _CODED), text("Code saw it.")]

FELL_BACK: Final[list[Block]] = [
    {"type": "fallback", "from": {"model": "claude-sonnet-4-6"}, "to": {"model": "claude-sonnet-4-5"}},
    text("Another Claude says it."),
]
SUMMED_UP: Final[list[Block]] = [{"type": "compaction", "content": "They spoke of the sky."}, text("Go on.")]
REFUSED: Final[list[Block]] = [text("Well, I")]

TURNS: Final[list[tuple[list[Block], list[Block], Block]]] = [
    (SHOWN, THOUGHT_AND_CALLED, {}),
    ([*FOUND_BY_TOOLS, text("And the web?")], SERVED, {}),
    ([text("The files?")], MCP, {}),
    ([text("By code?")], CODE_CALLS, {}),
    (CODE_HEARS, CODE_ENDS, {}),
    ([text("Another?")], FELL_BACK, {}),
    ([text("Something bad?")], REFUSED, {"stop_reason": "refusal", "refusal": {"category": "cyber"}}),
    ([text("Sum up.")], SUMMED_UP, {}),
]
"""What a user says, what Claude answers, and how the answer ends."""

MESSAGES: Final[list[Block]] = [
    message
    for shown, said, _ in TURNS
    for message in ({"role": "user", "content": shown}, {"role": "assistant", "content": said})
]
"""The whole conversation, as Claude has to receive it over ``messages``, but for a last question."""

LOOK: Final[Block] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
    "allowed_callers": ["direct", "code_execution_20250825"],
}
TOOLS: Final[list[Block]] = [
    {"type": "web_search_20250305", "name": "web_search"},
    {"type": "web_fetch_20250910", "name": "web_fetch"},
    {"type": "code_execution_20250825", "name": "code_execution"},
    {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"},
    {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-4-7"},
    LOOK,
]
ASKED: Final[Block] = {
    "mcp_servers": [{"type": "url", "url": "https://mcp.example.com/sse", "name": "files"}],
    "betas": ["mcp-client-2026-09-15"],
    "container": "container_1",
    "fallbacks": [{"model": "claude-sonnet-4-5"}],
    "tools": [*TOOLS, {"type": "mcp_toolset", "mcp_server_name": "files"}],
}
"""Parameters that the conversation needs over ``messages``."""

_CARRIED: Final = frozenset({"text", "image", "document", "tool_result"})
_CARRIED_SOURCES: Final = frozenset({"base64", "url", "text"})


def _is_carried(block: Block) -> bool:
    return block["type"] in _CARRIED and block.get("source", {}).get("type", "text") in _CARRIED_SOURCES


def _uncited(block: Block) -> Block:
    is_document = block["type"] == "document"
    return {name: value for name, value in block.items() if not is_document or name != "citations"}


def _plain(block: Block) -> Block:
    """A block of a user's as chat completions carry it: a document has no details, and an hour is five minutes."""
    if block["type"] == "tool_result":
        # Claude cites all documents of a conversation, or none.
        content = block["content"]
        return block if isinstance(content, str) else {**block, "content": [*map(_uncited, content)]}
    kept = {name: value for name, value in block.items() if name not in {"title", "context", "citations"}}
    return {**kept, "cache_control": MARK} if kept.get("cache_control") == HOUR else kept


CHAT_TURNS: Final[list[tuple[list[Block], list[Block], Block]]] = [
    ([_plain(block) for block in shown if _is_carried(block)], said, how)
    for shown, said, how in TURNS
    if said is not CODE_CALLS and shown is not CODE_HEARS
]
"""What of it chat completions carry through the open-source gateway: not what called from code."""


def _as_chat_result(result: Block) -> Block:
    """A mark goes inside, and that a tool failed is said in words."""
    told = {name: value for name, value in result.items() if name not in {"cache_control", "is_error"}}
    if mark := result.get("cache_control"):
        told["content"] = [*told["content"][:-1], {**told["content"][-1], "cache_control": mark}]
    if result.get("is_error"):
        told["content"] = [text("Error:"), *told["content"]]
    return told


def _as_chat_messages(shown: list[Block]) -> list[Block]:
    """Each result is a message of its own."""
    results = [[_as_chat_result(block)] for block in shown if block["type"] == "tool_result"]
    rest = [block for block in shown if block["type"] != "tool_result"]
    return [{"role": "user", "content": content} for content in [*results, *([rest] if rest else [])]]


CHAT_MESSAGES: Final[list[Block]] = [
    message
    for shown, said, _ in CHAT_TURNS
    for message in (*_as_chat_messages(shown), {"role": "assistant", "content": said})
]
"""The whole conversation, as Claude has to receive it over chat completions, but for a last question."""
CHAT_ASKED: Final[Block] = {"tools": TOOLS}

WRITTEN: Final = {"messages": (TURNS, ASKED, MESSAGES), "chat_completions": (CHAT_TURNS, CHAT_ASKED, CHAT_MESSAGES)}
"""By format: the turns, the parameters that they need, and what Claude has to receive."""
