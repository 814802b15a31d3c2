"""Tool definitions, their schemas, and the choice among them."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.validate import validate
from portkey_gateway.sandbox.json_schema import schema_fault

OBJECT = {"type": "object"}
SCHEMA_2020_12 = (
    "JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). "
    "Learn more about tool use at https://docs.claude.com/en/docs/tool-use."
)


def tool(name: str = "add", schema: Any = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "input_schema": OBJECT if schema is None else schema, **more}


def request(*tools: dict[str, Any], **changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Hi"}]
    return {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": messages, "tools": list(tools), **changes}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            request(tool(schema={"type": "object", "properties": {}, "required": [], "$defs": {}}, description="")),
            id="as-the-gateway-sends",
        ),
        pytest.param(
            request(
                tool(schema={**OBJECT, "additionalProperties": False}, type="custom", strict=True, description="Adds")
            ),
            id="all-said",
        ),
        pytest.param(request(tool("a" * 128)), id="longest-name"),
        pytest.param(request(tool(), tool("sub"), tool_choice={"type": "tool", "name": "sub"}), id="choice-tool"),
        pytest.param(
            request(tool(), tool_choice={"type": "auto", "disable_parallel_tool_use": True}), id="choice-auto"
        ),
        pytest.param(request(tool(), tool_choice={"type": "any"}), id="choice-any"),
        pytest.param(request(tool(), tool_choice={"type": "none"}), id="choice-none"),
        pytest.param(request({"type": "web_search_20250305", "name": "web_search", "max_uses": 2}), id="web-search"),
        pytest.param(request({"type": "code_execution_20250825", "name": "code_execution"}), id="code-execution"),
        pytest.param(request({"type": "bash_20250124", "name": "bash"}), id="bash"),
        pytest.param(
            request({"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}), id="text-editor"
        ),
        pytest.param(
            request(tool(schema={"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, OBJECT]}}})),
            id="union-inside",
        ),
    ],
)
def test_good_tools_pass(body: dict[str, Any]) -> None:
    before = repr(body)

    validate(body)

    assert repr(body) == before


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            request(tool("two words")),
            "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
            id="name-with-space",
        ),
        pytest.param(
            request(tool("a" * 129)),
            "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
            id="long-name",
        ),
        pytest.param(
            request(tool("add\n")),
            "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
            id="name-with-line",
        ),
        pytest.param(
            request(tool(schema={**OBJECT, "properties": {"filter[id]": {"type": "string"}}})),
            "tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'",
            id="property-with-brackets",
        ),
        pytest.param(request(tool(), tool()), "tools: Tool names must be unique.", id="twice"),
        pytest.param(request({"name": "add"}), "tools.0.custom.input_schema: Field required", id="no-schema"),
        pytest.param(request({"input_schema": OBJECT}), "tools.0.custom.name: Field required", id="no-name"),
        pytest.param(
            request(tool(parameters={})), "tools.0.custom.parameters: Extra inputs are not permitted", id="extra-key"
        ),
        pytest.param(
            request(tool(description=None)), "tools.0.custom.description: Input should be a valid string", id="null"
        ),
        pytest.param(
            request({"type": "web_search_20250305", "name": "search"}),
            "tools.0.web_search_20250305.name: Input should be 'web_search'",
            id="server-tool-renamed",
        ),
        pytest.param(request(tool(schema={})), "tools.0.custom.input_schema.type: Field required", id="no-type"),
        pytest.param(
            request(tool(schema={"type": "string"})),
            "tools.0.custom.input_schema.type: Input should be 'object'",
            id="string",
        ),
        pytest.param(
            request(tool(schema={"type": "object", "anyOf": [OBJECT]})),
            "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
            id="union-on-top",
        ),
        pytest.param(
            request(tool(schema={"type": "object", "properties": {"p": {"$ref": "#/definitions/P"}}})),
            f"tools.0.custom.input_schema: {SCHEMA_2020_12} (#/properties/p/$ref: '#/definitions/P' leads nowhere)",
            id="dangling-reference",
        ),
        pytest.param(
            request(tool_choice={"type": "auto"}),
            "tool_choice: tool_choice may only be specified while providing tools.",
            id="choice-without-tools",
        ),
        pytest.param(
            request(tool(), tool_choice={"type": "tool", "name": "sub"}),
            "tool_choice.tool.name: Tool 'sub' not found in provided tools",
            id="choice-of-nothing",
        ),
        pytest.param(
            request(tool(), tool_choice={"type": "tool"}), "tool_choice.tool.name: Field required", id="choice-nameless"
        ),
        pytest.param(
            request(tool(), tool_choice={"type": "function", "function": {"name": "add"}}),
            "tool_choice: Input tag 'function' found using 'type' does not match any of the expected tags: "
            "'any', 'auto', 'none', 'tool'",
            id="openai-choice",
        ),
        pytest.param(
            request(tool(), tool_choice="auto"), "tool_choice: Input should be a valid dictionary", id="choice-text"
        ),
        pytest.param(
            request(tool(), tool_choice=None), "tool_choice: Input should be a valid dictionary", id="choice-null"
        ),
    ],
)
def test_bad_tools_are_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        validate(body)

    assert (caught.value.status, caught.value.message) == (400, message)


def test_an_openai_tool_is_refused_by_its_type() -> None:
    with pytest.raises(
        ClaudeError, match=r"^tools\.0: Input tag 'function' found using 'type' does not match .*'custom'"
    ):
        validate(request({"type": "function", "function": {"name": "add", "parameters": OBJECT}}))


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"$ref": "#/$defs/A", "$defs": {"A": True}}, id="defs"),
        pytest.param({"$ref": "#/definitions/A", "definitions": {"A": {"type": "integer"}}}, id="definitions"),
        pytest.param({"$ref": "#"}, id="root"),
        pytest.param({"$ref": "#/anyOf/0", "anyOf": [{"type": ["string", "null"]}]}, id="into-list"),
        pytest.param({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {}}}, id="escaped"),
        pytest.param({"properties": {"type": {"type": "string"}, "$ref": {"minLength": 0}}}, id="names-like-keywords"),
        pytest.param({"enum": [1, "a", None], "default": {"type": "nonsense"}, "x-note": {"type": 1}}, id="values"),
        pytest.param({"items": False, "prefixItems": [{}], "additionalProperties": {"type": "number"}}, id="booleans"),
        pytest.param({"minimum": 0.5, "multipleOf": 0.1, "uniqueItems": True, "pattern": "^a$"}, id="limits"),
    ],
)
def test_good_schemas_have_no_fault(schema: dict[str, Any]) -> None:
    assert schema_fault(schema) is None


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        pytest.param({"type": "any"}, "#/type:", id="unknown-type"),
        pytest.param({"type": []}, "#/type:", id="no-type"),
        pytest.param({"type": ["string", "string"]}, "#/type:", id="type-twice"),
        pytest.param({"properties": {"a": {"type": "int"}}}, "#/properties/a/type:", id="nested-type"),
        pytest.param({"properties": {"a": "string"}}, "#/properties/a:", id="no-schema"),
        pytest.param({"properties": {"a": True, "b": []}}, "#/properties/b:", id="list-for-schema"),
        pytest.param({"properties": []}, "#/properties:", id="properties-list"),
        pytest.param({"required": True}, "#/required:", id="required-of-draft-3"),
        pytest.param({"required": ["a", "a"]}, "#/required:", id="required-twice"),
        pytest.param({"exclusiveMinimum": True, "minimum": 1}, "#/exclusiveMinimum:", id="minimum-of-draft-4"),
        pytest.param({"items": [{"type": "string"}]}, "#/items:", id="items-of-draft-7"),
        pytest.param({"anyOf": []}, "#/anyOf:", id="empty-union"),
        pytest.param({"allOf": [{}, {"not": 1}]}, "#/allOf/1/not:", id="deep"),
        pytest.param({"enum": "a"}, "#/enum:", id="enum-text"),
        pytest.param({"minLength": -1}, "#/minLength:", id="negative"),
        pytest.param({"multipleOf": 0}, "#/multipleOf:", id="multiple-of-nothing"),
        pytest.param({"title": None}, "#/title:", id="title-null"),
        pytest.param({"uniqueItems": "yes"}, "#/uniqueItems:", id="unique-text"),
        pytest.param({"$ref": "#/$defs/B", "$defs": {"A": {}}}, "#/$ref:", id="dangling"),
        pytest.param({"$ref": "#/anyOf/1", "anyOf": [{}]}, "#/$ref:", id="dangling-in-list"),
        pytest.param({"$ref": "https://example.com/a.json"}, "#/$ref:", id="elsewhere"),
        pytest.param({"$defs": {"A": {"$ref": "#/$defs/B"}}}, "#/$defs/A/$ref:", id="dangling-in-defs"),
    ],
)
def test_bad_schemas_are_told_by_the_place_of_their_fault(schema: dict[str, Any], place: str) -> None:
    fault = schema_fault(schema)

    assert fault is not None
    assert fault.startswith(place)
