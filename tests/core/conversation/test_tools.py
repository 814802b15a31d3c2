"""A function is one in whichever form it is told, and a provider's own tool stays what it is."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.conversation.tools import as_function, is_server_tool, is_toolset

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"at": {"type": "string"}}}
LOOK: dict[str, Any] = {"name": "look", "description": "Look."}
FUNCTION: dict[str, Any] = {"type": "function", "function": {**LOOK, "parameters": SCHEMA}}


@pytest.mark.parametrize(
    "tool",
    [
        FUNCTION,
        {**LOOK, "input_schema": SCHEMA},
        {**LOOK, "input_schema": SCHEMA, "type": "custom"},
        {**LOOK, "input_schema": SCHEMA, "type": None},
        {**LOOK, "parameters": SCHEMA},
        {**LOOK, "parameters": SCHEMA, "type": "function"},
        {**SCHEMA, "title": "look", "description": "Look."},
    ],
)
def test_a_function_in_any_form(tool: dict[str, Any]) -> None:
    before = repr(tool)
    assert as_function(tool) == FUNCTION
    assert repr(tool) == before


def test_what_is_said_beside_it_stays_beside_it() -> None:
    more = {"strict": True, "defer_loading": True, "cache_control": {"type": "ephemeral"}}
    for form in ({"input_schema": SCHEMA}, {"type": "function", "parameters": SCHEMA}):
        assert as_function({**LOOK, **form, **more}) == {**FUNCTION, **more}


@pytest.mark.parametrize("parameters", [{}, {"parameters": None}])
def test_a_function_of_no_arguments(parameters: dict[str, Any]) -> None:
    told = as_function({"type": "function", "name": "look", "description": None, **parameters})
    assert told == {"type": "function", "function": {"name": "look", "parameters": {}}}


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "memory_20250818", "name": "memory", "input_schema": SCHEMA},
        {"type": "computer_toolset_20260801"},
        {"type": "mcp", "server_label": "docs", "parameters": SCHEMA},
        {"type": "custom", "name": "look", "format": {"type": "text"}},
        {"type": "object", "properties": {}},
        {"name": "look"},
    ],
)
def test_any_other_tool_stays_as_it_is(tool: dict[str, Any]) -> None:
    assert as_function(tool) == tool


@pytest.mark.parametrize(
    ("tool", "server", "toolset"),
    [
        ({"type": "mcp_toolset", "mcp_server_name": "docs"}, True, True),
        ({"type": "mcp_toolset"}, False, False),
        ({"type": "other", "mcp_server_name": "docs"}, False, False),
        ({"type": "computer_toolset_20260801"}, True, True),
        ({"type": "computer_toolset_2026"}, False, False),
        ({"type": "web_search_20250305", "name": "web_search"}, True, False),
        ({"type": "web_search_20250305"}, False, False),
        ({"type": "custom", "name": "look"}, False, False),
        ({"type": "function", "function": {}}, False, False),
        ({"name": "look"}, False, False),
        ({"type": "memory_20250818", "name": "memory", "input_schema": SCHEMA}, False, False),
        ({}, False, False),
    ],
)
def test_a_tool_of_anthropic_s_own_is_told_by_its_type(tool: dict[str, Any], *, server: bool, toolset: bool) -> None:
    assert (is_server_tool(tool), is_toolset(tool)) == (server, toolset)
