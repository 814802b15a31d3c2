"""Tools, the choice among them, and the schemas of tools and answers."""

from typing import Any

import pytest

from portkey_gateway.sandbox.openai.errors import OpenAIError
from portkey_gateway.sandbox.openai.validate import validate

Schema = dict[str, Any]
STRING: Schema = {"type": "string"}


def strict_object(**properties: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def function(parameters: Schema | None = None, name: str = "f", **more: Any) -> dict[str, Any]:
    about = {"name": name, **({} if parameters is None else {"parameters": parameters}), **more}
    return {"type": "function", "function": about}


def request(text: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


def answer_form(schema: Schema, *, name: str = "form", strict: bool = True) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}}


def refusal(body: dict[str, Any]) -> OpenAIError:
    with pytest.raises(OpenAIError) as caught:
        validate(body)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [function()]},
        {"tools": [function({"type": "object", "properties": {}}), function(name="g" * 64)], "tool_choice": "required"},
        {"tools": [function()], "tool_choice": {"type": "function", "function": {"name": "f"}}},
        {
            "tools": [function()],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [function()]}},
        },
        {"tools": [function()], "parallel_tool_calls": False, "tool_choice": "none"},
        {"tools": [{"type": "custom", "custom": {"name": "run"}}]},
        {"functions": [{"name": "f"}], "function_call": "auto"},
        {"tools": [function({"type": "object", "properties": {"a": {"anyOf": [STRING, {"type": "null"}]}}})]},
    ],
)
def test_tools_are_taken(more: dict[str, Any]) -> None:
    validate(request(**more))


@pytest.mark.parametrize(
    ("more", "message", "param", "code"),
    [
        ({"tools": []}, "empty array", "tools", "empty_array"),
        ({"tools": [function()] * 129}, "maximum length 128", "tools", "array_above_max_length"),
        ({"tools": [function(name="a.b")]}, "'^[a-zA-Z0-9_-]+$'", "tools[0].function.name", "invalid_value"),
        ({"tools": [function(name="a" * 65)]}, "too long", "tools[0].function.name", "string_above_max_length"),
        ({"tools": [function(description="d" * 1025)]}, "1024", "tools[0].function.description", None),
        ({"tool_choice": "auto"}, "only allowed when 'tools' are specified", "tool_choice", None),
        ({"parallel_tool_calls": True}, "only allowed when 'tools' are specified", "parallel_tool_calls", None),
        (
            {"tools": [function()], "tool_choice": {"type": "function", "function": {"name": "g"}}},
            "no function named 'g' was specified in the 'tools' parameter.",
            "tool_choice",
            None,
        ),
    ],
)
def test_tools_are_refused(more: dict[str, Any], message: str, param: str, code: str | None) -> None:
    error = refusal(request(**more))
    assert (error.param, error.code) == (param, code or error.code)
    assert message in error.message


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"type": "string"}, """schema must be a JSON Schema of 'type: "object"', got 'type: "string"'."""),
        ({}, """got 'type: "None"'."""),
        ({"type": "object"}, "In context=(), object schema missing properties."),
        (
            {"type": "object", "properties": {"a": {"type": "array"}}},
            "In context=('properties', 'a'), array schema missing items.",
        ),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, "#/properties/a/type"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}, "leads nowhere"),
    ],
)
def test_a_tool_s_schema_is_refused(parameters: Schema, complaint: str) -> None:
    error = refusal(request(tools=[function(), function(parameters, name="g")]))
    assert error.message.startswith("Invalid schema for function 'g': ")
    assert complaint in error.message
    assert (error.param, error.code) == ("tools[1].function.parameters", "invalid_function_parameters")


STRICT_FAULTS: list[Any] = [
    (
        {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
        "In context=(), 'additionalProperties' is required to be supplied and to be false.",
    ),
    (
        {**strict_object(a=STRING, b=STRING), "required": ["a"]},
        (
            "In context=(), 'required' is required to be supplied and to be an array including every key "
            "in properties. Missing 'b'."
        ),
    ),
    ({**strict_object(a=STRING), "required": ["a", "z"]}, "Extra required key 'z' supplied."),
    (
        strict_object(a={"type": "object", "properties": {}}),
        "In context=('properties', 'a'), 'additionalProperties' is required",
    ),
    (
        strict_object(a={"type": "array", "items": {"type": "object", "properties": {}}}),
        "In context=('properties', 'a', 'items'), 'additionalProperties' is required",
    ),
    (strict_object(a={"allOf": [STRING]}), "In context=('properties', 'a'), 'allOf' is not permitted."),
    (strict_object(a={"oneOf": [STRING]}), "'oneOf' is not permitted."),
    (strict_object(a={"type": "string", "format": "uri"}), "'uri' is not a valid format."),
    (strict_object(a={"description": "?"}), "In context=('properties', 'a'), schema must have a 'type' key."),
    (strict_object(a=True), "In context=('properties', 'a'), schema must have a 'type' key."),
    (strict_object(a={"type": "array"}), "array schema missing items."),
    (
        {**strict_object(a={"$ref": "#/$defs/A", "description": "x"}), "$defs": {"A": STRING}},
        "$ref cannot have keywords {'description'}.",
    ),
    ({**strict_object(a={"$ref": "#/$defs/A"}), "$defs": {"A": {"type": "object"}}}, "In context=('$defs', 'A')"),
    ({**strict_object(a=STRING), "anyOf": [strict_object()]}, "at the top level"),
]


@pytest.mark.parametrize(("schema", "complaint"), STRICT_FAULTS)
def test_strict_mode_has_rules_of_its_own(schema: Schema, complaint: str) -> None:
    error = refusal(request(response_format=answer_form(schema)))
    assert error.message.startswith("Invalid schema for response_format 'form': ")
    assert complaint in error.message
    assert (error.param, error.code) == ("response_format", None)
    tool = refusal(request(tools=[function(schema, strict=True)]))
    assert complaint in tool.message
    validate(request(response_format=answer_form(strict_object(a=STRING))))
    validate(request(tools=[function(strict_object(a=STRING), strict=True)]))


def test_what_is_not_strict_is_taken_as_it_is() -> None:
    loose = {"type": "object", "properties": {"a": {"type": "string", "format": "uri"}}}
    validate(request(response_format=answer_form(loose, strict=False)))
    validate(request(tools=[function(loose, strict=False)]))


def test_strict_schemas_are_neither_too_deep_nor_too_large() -> None:
    deep = strict_object()
    for _ in range(10):
        deep = strict_object(a=deep)
    validate(request(response_format=answer_form(deep)))
    assert "11 levels of nesting" in refusal(request(response_format=answer_form(strict_object(a=deep)))).message
    many = strict_object(**{f"p{number}": STRING for number in range(5001)})
    assert "5001 object properties" in refusal(request(response_format=answer_form(many))).message


def test_an_answer_s_form_needs_a_name_and_a_schema() -> None:
    unnamed = refusal(request(response_format=answer_form(strict_object(), name="a b")))
    assert (unnamed.param, unnamed.code) == ("response_format.json_schema.name", "invalid_value")
    missing = refusal(request(response_format={"type": "json_schema", "json_schema": {"name": "a"}}))
    assert missing.message == "Missing required parameter: 'response_format.json_schema.schema'."


def test_old_models_are_not_bound_to_a_schema() -> None:
    error = refusal({**request(response_format=answer_form(strict_object())), "model": "gpt-4-turbo"})
    assert "'response_format' of type 'json_schema' is not supported with this model" in error.message


def test_json_objects_must_be_spoken_of() -> None:
    wanted = {"type": "json_object"}
    error = refusal(request("Hi", response_format=wanted))
    assert error.message == (
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    )
    assert error.param == "messages"
    validate(request("Answer in JSON.", response_format=wanted))
