"""The kind of a streamed block is told by what stands in it, since the gateway deletes its type."""

from typing import Any

import pytest

from portkey_gateway.chat_completions.kinds import ServerToolKinds


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("web_search", "web_search_tool_result"),
        ("web_fetch", "web_fetch_tool_result"),
        ("code_execution", "code_execution_tool_result"),
        ("bash_code_execution", "bash_code_execution_tool_result"),
        ("text_editor_code_execution", "text_editor_code_execution_tool_result"),
        ("tool_search_tool_regex", "tool_search_tool_result"),
        ("tool_search_tool_bm25", "tool_search_tool_result"),
    ],
)
def test_a_call_and_its_result_are_named_after_the_tool(name: str, result: str) -> None:
    kinds = ServerToolKinds()
    use = {"id": "srvtoolu_1", "name": name, "input": {}}
    assert kinds.named(use) == {"type": "server_tool_use", **use}
    told = {"tool_use_id": "srvtoolu_1", "content": []}
    assert kinds.named(told) == {"type": result, **told}
    unasked = {"tool_use_id": "srvtoolu_2", "content": []}
    assert kinds.named(unasked) == unasked


def test_a_call_of_an_mcp_server_is_told_by_its_server() -> None:
    kinds = ServerToolKinds()
    use = {"id": "mcptoolu_1", "name": "search", "server_name": "files", "input": {}}
    assert kinds.named(use) == {"type": "mcp_tool_use", **use}
    told: dict[str, Any] = {"tool_use_id": "mcptoolu_1", "content": [], "is_error": False}
    assert kinds.named(told) == {"type": "mcp_tool_result", **told}


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"file_id": "file_1"}, "container_upload"),
        ({"content": "What was said."}, "compaction"),
        ({"content": None, "encrypted_content": "Eo8B"}, "compaction"),
        ({"content": "What was said.", "signature": "Eo8B", "tool_changes": []}, "compaction"),
        ({"mcp_server_name": "files", "tools": []}, "mcp_tool_listing"),
        ({"from": {"model": "a"}, "to": {"model": "b"}}, "fallback"),
        ({"from": {"model": "a"}, "to": {"model": "b"}, "trigger": {"type": "refusal"}}, "fallback"),
    ],
)
def test_blocks_that_stand_alone(raw: dict[str, Any], kind: str) -> None:
    assert ServerToolKinds().named(raw) == {"type": kind, **raw}


@pytest.mark.parametrize("raw", [{"of_a": "kind"}, {"type": "of_a_kind", "a": 1}, {"type": 5, "a": 1}])
def test_what_is_not_known_or_has_a_type_stays_as_it_is(raw: dict[str, Any]) -> None:
    assert ServerToolKinds().named(raw) == raw
