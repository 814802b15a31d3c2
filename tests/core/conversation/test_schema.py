"""A tool's schema as Claude takes it: an object at the top, and all else as it was."""

import copy
import warnings
from typing import Any

import pytest

from portkey_gateway.conversation.schema import as_object_schema, explains_itself, modernised, with_object_at_top
from portkey_gateway.errors import EncodingError, PortkeyWarning
from tests.core.warned import warned

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
CITY = {"type": "object", "properties": {"name": TEXT}, "required": ["name"]}


def as_object(schema: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(schema)
    made = as_object_schema(schema, tool="t")
    assert schema == before, "the caller's schema was changed"
    return made


@pytest.mark.parametrize(
    "schema",
    [
        CITY,
        {**CITY, "additionalProperties": False, "minProperties": 1, "$schema": "https://json-schema.org/draft-07"},
        {
            "type": "object",
            "properties": {"city": {"$ref": "#/definitions/City"}, "or": {"anyOf": [TEXT, NUMBER]}},
            "definitions": {"City": CITY},
        },
    ],
)
def test_an_object_stays_as_it_is_to_the_last_keyword(schema: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert as_object(schema) == schema


def test_a_schema_of_nothing_is_an_object_of_nothing() -> None:
    assert as_object({}) == {"type": "object", "properties": {}}
    assert as_object({"description": "None."}) == {"type": "object", "properties": {}, "description": "None."}
    assert as_object({"properties": {"a": TEXT}}) == {"type": "object", "properties": {"a": TEXT}}


def test_a_top_level_reference_is_replaced_by_what_it_names_and_definitions_stay() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/definitions/Node"}}, "additionalProperties": False}
    modern = {**node, "properties": {"next": {"$ref": "#/$defs/Node"}}}
    schema = {"$ref": "#/definitions/Node", "definitions": {"Node": node}}
    assert as_object(schema) == {**modern, "$defs": {"Node": modern}}


def test_the_parts_of_all_of_are_joined() -> None:
    schema = {"allOf": [CITY, {"properties": {"size": NUMBER}, "required": ["size"]}], "additionalProperties": False}
    assert as_object(schema) == {
        "type": "object",
        "properties": {"name": TEXT, "size": NUMBER},
        "required": ["name", "size"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_alternatives_are_offered_as_one_object_and_a_warning_says_so(keyword: str) -> None:
    other = {"type": "object", "properties": {"name": TEXT, "size": NUMBER}, "required": ["size", "name"]}
    with pytest.warns(PortkeyWarning, match=f"Claude takes no {keyword} at the top of a schema, as tool 't' has it"):
        made = as_object({keyword: [CITY, other]})
    assert made == {"type": "object", "properties": {"name": TEXT, "size": NUMBER}, "required": ["name"]}


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"$ref": "#/$defs/Gone"}, r"tool 't' refers to '#/\$defs/Gone', which it does not hold"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, r"tool 't' explains '#/\$defs/A' by itself"),
        ({"allOf": [False]}, "tool 't' has False where a schema of arguments has to stand"),
        ({"anyOf": [{"required": 1}]}, "the parameters of tool 't' are no JSON schema"),
    ],
)
def test_what_is_no_schema_is_an_error_that_names_the_tool(schema: dict[str, Any], named: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PortkeyWarning)
        with pytest.raises(EncodingError, match=named):
            as_object(schema)


def _of(name: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"next": {"anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}]}}}


def test_what_the_top_refers_to_stands_at_the_top() -> None:
    schema = {"$defs": {"Node": _of("Node")}, "$ref": "#/$defs/Node"}
    assert with_object_at_top(schema) == {**_of("Node"), "$defs": {"Node": _of("Node")}}
    assert with_object_at_top(_of("Node")) == _of("Node")
    dangling = {"$ref": "#/$defs/Other", "$defs": {}}
    assert with_object_at_top(dangling) == dangling


@pytest.mark.parametrize(
    ("definitions", "does"),
    [
        ({"A": _of("A")}, True),
        ({"A": _of("B"), "B": _of("A")}, True),
        ({"A": _of("B"), "B": {"type": "string", "default": {"$ref": "#/$defs/A"}}}, False),
        ({}, False),
    ],
)
def test_a_schema_that_explains_itself_is_told_apart(definitions: dict[str, Any], does: bool) -> None:
    assert explains_itself({**_of("A"), "$defs": definitions}) is does


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (
            {"$ref": "#/$defs/Gone"},
            "the schema of tool 't' refers to '#/$defs/Gone', which it does not hold",
        ),
        (
            {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
            "the schema of tool 't' explains '#/$defs/A' by itself",
        ),
        ({"allOf": ["x"]}, "the schema of tool 't' has 'x' where a schema of arguments has to stand"),
        ({"allOf": 7}, "the parameters of tool 't' are no JSON schema: 'int' object is not iterable"),
    ],
)
def test_what_is_no_schema_is_said_in_full(schema: dict[str, Any], text: str) -> None:
    with pytest.raises(EncodingError) as caught:
        as_object(schema)
    assert caught.value.message == text


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_how_to_keep_alternatives_apart_is_said(keyword: str) -> None:
    with warned() as texts:
        as_object({keyword: [CITY, True]})
    [text] = texts
    assert text == (
        f"Claude takes no {keyword} at the top of a schema, as tool 't' has it: its alternatives are offered as one "
        "object; wrap them in a property to keep them apart"
    )


def test_a_property_of_several_alternatives_is_any_of_what_they_say() -> None:
    each = [{"properties": {"a": schema}, "required": ["a"]} for schema in (TEXT, NUMBER, {"type": "null"})]
    with warned():
        made = as_object({"anyOf": [*each, {"properties": {"a": TEXT}, "required": ["a"]}]})
    assert made["properties"]["a"] == {"anyOf": [TEXT, NUMBER, {"type": "null"}, TEXT]}
    assert made["required"] == ["a"]


def test_what_stands_beside_alternatives_and_references_holds_too() -> None:
    schema = {"$ref": "#/$defs/City", "$defs": {"City": CITY}, "properties": {"b": NUMBER}, "required": ["b", "name"]}
    assert as_object(schema) == {
        "type": "object",
        "properties": {"name": TEXT, "b": NUMBER},
        "required": ["name", "b"],
        "$defs": {"City": CITY},
    }


def test_old_definitions_are_moved_and_data_are_none() -> None:
    old = {"$ref": "#/definitions/A"}
    new = {"$ref": "#/$defs/A"}
    schema = {
        "properties": {"definitions": old, "b": {"default": old, "enum": [old], "const": old, "examples": [old]}},
        "items": [old, True],
        "definitions": {"A": {"items": old}},
        "$defs": {"B": old},
        "$ref": 7,
    }
    data = schema["properties"]["b"]  # type: ignore[index]  # it is one
    assert modernised(schema) == {
        "properties": {"definitions": new, "b": data},
        "items": [new, True],
        "$defs": {"A": {"items": new}, "B": new},
        "$ref": 7,
    }
