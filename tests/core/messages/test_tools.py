"""Tools and the choice among them as Anthropic's own: nothing of a schema is lost."""

import copy
import warnings
from typing import Any

import pytest

from portkey_gateway.errors import PortkeyWarning
from portkey_gateway.messages.tools import encode_tool, encode_tool_choice, with_limited_strictness
from portkey_gateway.sandbox.claude.validate_schemas import validate_schemas

MARK = {"type": "ephemeral", "ttl": "1h"}
SCHEMA = {
    "type": "object",
    "properties": {"at": {"$ref": "#/definitions/Place"}},
    "required": ["at"],
    "additionalProperties": False,
    "definitions": {"Place": {"type": "string", "minLength": 1}},
}
FUNCTION = {"name": "look", "description": "Look.", "parameters": SCHEMA}
NAMED = {"type": "function", "function": {"name": "look"}}
ONE = {"disable_parallel_tool_use": True}


def encoded(tool: dict[str, Any]) -> Any:
    before = copy.deepcopy(tool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = encode_tool(tool)
    assert tool == before
    return made


# --- tools ------------------------------------------------------------------------------------------------------------


def test_a_function_keeps_its_schema_whole() -> None:
    tool = {"type": "function", "function": FUNCTION, "cache_control": MARK}
    assert encoded(tool) == {
        "name": "look",
        "description": "Look.",
        "input_schema": SCHEMA,
        "cache_control": MARK,
    }


@pytest.mark.parametrize("more", [{}, {"parameters": {}}, {"description": "", "parameters": None}])
def test_a_function_of_no_arguments_takes_an_empty_object(more: dict[str, Any]) -> None:
    assert encoded({"type": "function", "function": {"name": "now", **more}}) == {
        "name": "now",
        "input_schema": {"type": "object", "properties": {}},
    }


def test_alternatives_at_the_top_are_offered_as_one_object_with_a_warning() -> None:
    alternatives = [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]
    tool = {"type": "function", "function": {"name": "t", "parameters": {"anyOf": alternatives}}}
    with pytest.warns(PortkeyWarning, match="Claude takes no anyOf at the top of a schema, as tool 't' has it"):
        schema = encode_tool(tool)["input_schema"]
    assert schema == {"type": "object", "properties": {"a": {}, "b": {}}, "required": []}


@pytest.mark.parametrize("place", ["tool", "function"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("strict", True),
        ("strict", False),
        ("defer_loading", True),
        ("allowed_callers", ["code_execution_20250825"]),
        ("input_examples", [{"at": "it"}]),
        ("eager_input_streaming", True),
    ],
)
def test_what_is_said_of_a_tool_arrives_wherever_it_stands(option: str, value: Any, place: str) -> None:
    tool: dict[str, Any] = {"type": "function", "function": {**FUNCTION}}
    (tool if place == "tool" else tool["function"])[option] = value
    assert encoded(tool)[option] == value


def strict(parameters: Any, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "look", "parameters": parameters, "strict": True}, **more}


def test_a_strict_tool_has_its_schema_in_the_words_that_bind() -> None:
    made = encoded(strict(SCHEMA, cache_control=MARK))
    assert made == {
        "name": "look",
        "input_schema": {
            "type": "object",
            "properties": {"at": {"$ref": "#/$defs/Place"}},
            "required": ["at"],
            "additionalProperties": False,
            "$defs": {"Place": {"type": "string", "description": "minLength: 1"}},
        },
        "strict": True,
        "cache_control": MARK,
    }
    validate_schemas({"model": "claude-sonnet-4-5", "tools": [made]})
    open_one = {"type": "object", "properties": {"at": {"type": "string"}}}
    assert encoded(strict(open_one))["input_schema"] == {**open_one, "additionalProperties": False}


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object", "properties": {}}])
def test_a_strict_tool_of_no_arguments_takes_none(parameters: Any) -> None:
    assert encoded(strict(parameters))["input_schema"] == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"at": {}}},
        {"type": "object", "properties": {"at": {"type": "object"}}},
        {"type": "object", "properties": {"at": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
    ],
)
def test_a_schema_that_cannot_bind_is_sent_as_it_is_without_strict(schema: Any) -> None:
    with pytest.warns(PortkeyWarning, match="strict of tool 'look' is left out, its schema cannot bind Claude: name"):
        made = encode_tool(strict(schema))
    assert made == {"name": "look", "input_schema": schema}


def test_a_model_that_binds_no_tools_gets_the_schema_as_it_is() -> None:
    with pytest.warns(PortkeyWarning, match="strict of tool 'look' is left out, .*: this model binds no tools"):
        made = encode_tool(strict(SCHEMA), may_bind=False)
    assert made == {"name": "look", "input_schema": SCHEMA}
    assert encode_tool({"type": "function", "function": FUNCTION}, may_bind=False)["input_schema"] == SCHEMA


def loosened(tools: list[dict[str, Any]], answer: dict[str, Any] | None = None) -> list[str]:
    """The names of the tools that are not strict any more; Claude takes the others."""
    made = with_limited_strictness(tools, answer)
    output = {"format": {"type": "json_schema", "schema": answer}} if answer else None
    validate_schemas({"model": "claude-sonnet-4-5", "tools": made, "output_config": output})
    assert [{**tool, "strict": True} for tool in made] == tools
    return [str(tool["name"]) for tool in made if "strict" not in tool]


def of_many(name: str, count: int, kind: Any = "string", *, required: bool = False) -> dict[str, Any]:
    properties = {f"p{index}": {"type": kind} for index in range(count)}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"name": name, "strict": True, "input_schema": {**schema, "required": [*properties] if required else []}}


def test_as_many_tools_are_strict_as_anthropic_compiles_for_one_request() -> None:
    many = [of_many(f"t{index}", 1, required=True) for index in range(22)]
    with pytest.warns(PortkeyWarning, match=r"strict of 't20', 't21' is left out: Anthropic compiles 20 strict tools"):
        assert loosened(many) == ["t20", "t21"]
    with pytest.warns(PortkeyWarning, match="strict of 'c' is left out"):
        assert loosened([of_many("a", 10), of_many("b", 14), of_many("c", 1)]) == ["c"]
    unions = [of_many("a", 10, ["string", "null"], required=True), of_many("b", 7, ["string", "null"], required=True)]
    with pytest.warns(PortkeyWarning, match="strict of 'b' is left out"):
        assert loosened(unions) == ["b"]
    with pytest.warns(PortkeyWarning, match="strict of 'a' is left out"):
        assert loosened([of_many("a", 10), of_many("b", 1)], of_many("", 20)["input_schema"]) == ["a"]


def test_what_anthropic_compiles_stays_strict() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loosened([of_many("a", 10), of_many("b", 10)], of_many("", 4)["input_schema"]) == []
        assert with_limited_strictness([{"type": "web_search_20250305", "name": "web_search"}], None) == [
            {"type": "web_search_20250305", "name": "web_search"}
        ]


def test_a_strict_tool_in_anthropics_form_is_the_callers_own() -> None:
    tool = {"name": "look", "input_schema": SCHEMA, "strict": True}
    assert encode_tool(tool, may_bind=False) == encoded(tool) == tool


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2, "cache_control": MARK},
        {"name": "look", "input_schema": {"type": "object"}, "strict": True},
        {"type": "custom", "name": "look", "input_schema": {"type": "object"}},
        {"type": "mcp_toolset", "mcp_server_name": "files"},
    ],
)
def test_a_tool_in_anthropics_form_arrives_as_it_is(tool: dict[str, Any]) -> None:
    assert encoded(tool) == tool


def test_a_server_tool_in_the_gateways_form_takes_anthropics() -> None:
    tool = {"type": "web_search", "web_search": {"name": "web_search_20250305", "max_uses": 2}, "cache_control": MARK}
    assert encoded(tool) == {
        "type": "web_search_20250305",
        "name": "web_search",
        "max_uses": 2,
        "cache_control": MARK,
    }


# --- the choice -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", **ONE}),
        ("auto", None, {"type": "auto"}),
        ("auto", False, {"type": "auto", **ONE}),
        ("required", None, {"type": "any"}),
        ("required", True, {"type": "any"}),
        ("required", False, {"type": "any", **ONE}),
        ("any", None, {"type": "any"}),
        ("none", None, {"type": "none"}),
        ("none", False, {"type": "none"}),
        (NAMED, None, {"type": "tool", "name": "look"}),
        (NAMED, False, {"type": "tool", "name": "look", **ONE}),
        ({"type": "tool", "name": "look"}, None, {"type": "tool", "name": "look"}),
        ({"type": "required", **ONE}, None, {"type": "any", **ONE}),
        ({"type": "auto", **ONE}, True, {"type": "auto", **ONE}),
        ({**NAMED, **ONE}, None, {"type": "tool", "name": "look", **ONE}),
        ({"type": "none", **ONE}, None, {"type": "none"}),
    ],
)
def test_a_choice_and_whether_one_call_is_enough(choice: Any, parallel: bool | None, expected: Any) -> None:
    assert encode_tool_choice(choice, parallel, has_tools=True) == expected


@pytest.mark.parametrize("choice", [None, "auto", "required", NAMED])
@pytest.mark.parametrize("parallel", [None, False])
def test_without_tools_there_is_no_choice(choice: Any, parallel: bool | None) -> None:
    """Anthropic refuses a `tool_choice` without tools."""
    assert encode_tool_choice(choice, parallel, has_tools=False) is None
