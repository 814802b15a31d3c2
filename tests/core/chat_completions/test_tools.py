"""Tools of a conversation as the gateway's chat completions take them."""

import copy
import warnings
from typing import Any, cast

import pytest

from portkey_gateway.chat_completions.tools import as_received, encode_tool
from portkey_gateway.conversation.request import Tool
from portkey_gateway.errors import PortkeyWarning
from portkey_gateway.routing import Route

MARK = {"type": "ephemeral"}
FUNCTION = {"name": "look", "description": "Look.", "parameters": {"type": "object", "properties": {}}}


def encoded(tool: dict[str, Any], *, for_claude: bool = True) -> Any:
    before = copy.deepcopy(tool)
    made = encode_tool(cast("Tool", tool), Route(is_claude=for_claude))
    assert tool == before
    return made


@pytest.mark.parametrize("for_claude", [True, False])
@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": FUNCTION},
        {"type": "function", "function": FUNCTION, "cache_control": MARK},
        {"type": "web_search", "web_search": {"name": "web_search_20250305"}},
        {"name": "look", "input_schema": {"type": "object"}},
    ],
)
def test_a_tool_in_a_form_that_the_gateway_takes_stays_as_it_is(tool: dict[str, Any], for_claude: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert encoded(tool, for_claude=for_claude) == tool


@pytest.mark.parametrize("for_claude", [True, False])
def test_a_server_tool_names_its_type_below_its_name(for_claude: bool) -> None:
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2, "cache_control": MARK}
    assert encoded(tool, for_claude=for_claude) == {
        "type": "web_search",
        "web_search": {"max_uses": 2, "name": "web_search_20250305"},
        "cache_control": MARK,
    }
    assert encoded({"type": "bash_20250124", "name": "bash"}) == {"type": "bash", "bash": {"name": "bash_20250124"}}


PLAIN: dict[str, Any] = {"type": "function", "function": FUNCTION, "cache_control": MARK}
in_either_place = pytest.mark.parametrize("place", ["tool", "function"])
CARRIED = ["defer_loading", "allowed_callers", "input_examples"]


def said(name: str, place: str) -> dict[str, Any]:
    return {**PLAIN, name: True} if place == "tool" else {**PLAIN, "function": {**FUNCTION, name: True}}


@pytest.mark.parametrize("name", ["strict", "eager_input_streaming"])
@in_either_place
def test_what_the_gateway_drops_of_a_tool_is_left_out_with_a_warning(name: str, place: str) -> None:
    with pytest.warns(PortkeyWarning, match=rf"{name} of tool 'look' does not reach Claude: api_format='messages'"):
        assert encoded(said(name, place)) == PLAIN
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoded({**PLAIN, name: False})


@pytest.mark.parametrize("name", CARRIED)
@in_either_place
def test_what_the_gateway_takes_from_a_function_stands_there(name: str, place: str) -> None:
    assert encoded(said(name, place)) == {**PLAIN, "function": {**FUNCTION, name: True}}


@pytest.mark.parametrize("name", CARRIED)
@pytest.mark.parametrize("other", [{"targets": (("bedrock", "anthropic.claude"),)}, {"is_mixed": True}])
def test_it_stays_behind_where_another_would_refuse_or_lose_it(name: str, other: dict[str, Any]) -> None:
    with pytest.warns(PortkeyWarning, match=rf"{name} of tool 'look' does not reach Claude"):
        assert encode_tool(cast("Tool", said(name, "tool")), Route(is_claude=True, **other)) == PLAIN


@pytest.mark.parametrize("name", ["defer_loading", "allowed_callers", "input_examples", "eager_input_streaming"])
def test_what_only_claude_knows_is_left_out_for_others_with_a_warning(name: str) -> None:
    plain = {"type": "function", "function": FUNCTION}
    with pytest.warns(PortkeyWarning, match=f"{name} of tool 'look' is left out: only Claude knows it"):
        assert encoded({**plain, name: True}, for_claude=False) == plain


@pytest.mark.parametrize("tool", [{"strict": True}, {"function": {**FUNCTION, "strict": True}}])
def test_others_are_told_to_be_strict(tool: dict[str, Any]) -> None:
    told = {"type": "function", "function": FUNCTION, **tool}
    inside = {"type": "function", "function": {**FUNCTION, "strict": True}}
    assert encoded(told, for_claude=False) == inside


@pytest.mark.parametrize(
    ("parameters", "received"),
    [
        (None, {"type": "object", "properties": {}, "required": [], "$defs": {}}),
        (
            {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False},
            {"type": "object", "properties": {"a": {}}, "required": ["a"], "$defs": {}},
        ),
        (
            {"$ref": "#/definitions/P", "definitions": {"P": {"type": "object", "properties": {"a": {}}}}},
            {
                "type": "object",
                "properties": {"a": {}},
                "required": [],
                "$defs": {"P": {"type": "object", "properties": {"a": {}}}},
            },
        ),
    ],
)
def test_claude_is_told_of_a_function_with_every_key_of_its_schema(parameters: Any, received: dict[str, Any]) -> None:
    function = {"name": "look", **({"parameters": parameters} if parameters else {})}
    tool: Any = {"type": "function", "function": function, "cache_control": MARK}
    before = copy.deepcopy(tool)
    made: Any = as_received(tool, Route(is_claude=True))
    assert made == {**tool, "function": {"name": "look", "parameters": received}}
    assert tool == before


def test_other_tools_are_received_as_they_are() -> None:
    tool: Any = {"type": "web_search", "web_search": {"name": "web_search_20250305"}}
    assert as_received(tool, Route(is_claude=True)) == tool
