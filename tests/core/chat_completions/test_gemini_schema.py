"""JSON schemas in the words that Gemini knows."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AnyUrl, BaseModel, Field

from portkey_gateway import EncodingError, PortkeyWarning
from portkey_gateway.chat_completions.gemini_schema import as_all_take_it, as_gemini_takes_it
from tests.providers.emulated import RefusedError
from tests.providers.gemini import check_schema

TEXT = {"type": "string"}
NULL = {"type": "null"}
CLOSED = {"additionalProperties": False}


def properties(**told: Any) -> dict[str, Any]:
    return {"type": "object", "properties": told}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"const": "a", "type": "string"}, {"type": "string", "enum": ["a"]}),
        ({"enum": [1, 2], "type": "integer"}, {"type": "integer", "description": "One of: 1, 2."}),
        ({"enum": [1, 2], "description": "A."}, {"type": "integer", "description": "A. One of: 1, 2."}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [TEXT, {"type": "integer"}]}),
        ({"anyOf": [TEXT, {"type": "null"}], "title": "A"}, {"type": "string", "nullable": True, "title": "A"}),
        ({"oneOf": [TEXT, {"type": "integer"}]}, {"anyOf": [TEXT, {"type": "integer"}]}),
        ({"allOf": [TEXT], "description": "A."}, {"type": "string", "description": "A."}),
        ({"type": "string", "format": "uri"}, {"type": "string", "description": "Format: uri."}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        (
            {"type": "array", "prefixItems": [TEXT, {"type": "integer"}], "minItems": 2},
            {"type": "array", "items": {"anyOf": [TEXT, {"type": "integer"}]}, "minItems": 2},
        ),
        ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "description": "More than 0."}),
        (
            {"type": "number", "exclusiveMaximum": 1.5, "multipleOf": 0.5, "description": "A."},
            {"type": "number", "description": "A. Less than 1.5. A multiple of 0.5."},
        ),
        (
            {"type": "array", "items": TEXT, "uniqueItems": True},
            {"type": "array", "items": TEXT, "description": "Each of them once."},
        ),
        ({"type": "null"}, NULL),
        ({"type": ["null"]}, NULL),
        ({"anyOf": [NULL]}, NULL),
        ({"type": ["array", "null"], "items": TEXT}, {"type": "array", "items": TEXT, "nullable": True}),
        ({"allOf": [properties(a=TEXT), properties(b=TEXT)]}, properties(a=TEXT, b=TEXT)),
        (
            {**properties(c=TEXT), "required": ["c"], "allOf": [{**properties(a=TEXT), "required": ["a"]}]},
            {**properties(a=TEXT, c=TEXT), "required": ["a", "c"]},
        ),
    ],
)
def test_a_property_in_geminis_words(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert as_gemini_takes_it(properties(a=given)) == properties(a=expected)


def test_a_property_may_be_called_as_a_word_of_schemas_is() -> None:
    told = properties(const={"const": "a"}, required=TEXT, format=TEXT)
    assert as_gemini_takes_it(told)["properties"].keys() == {"const", "required", "format"}


def test_definitions_stand_in_their_places() -> None:
    told = {**properties(a={"$ref": "#/$defs/A", "description": "B."}), "$defs": {"A": {**TEXT, "description": "A."}}}
    assert as_all_take_it(told) == properties(a={"type": "string", "description": "B."})
    old = {**properties(a={"$ref": "#/definitions/A"}), "definitions": {"A": TEXT}}
    assert as_all_take_it(old) == properties(a=TEXT)


@pytest.mark.parametrize("reference", ["A", "B"])
def test_a_schema_that_explains_itself_is_an_error(reference: str) -> None:
    told = {**properties(a={"$ref": f"#/$defs/{reference}"}), "$defs": {"A": properties(a={"$ref": "#/$defs/A"})}}
    with pytest.raises(EncodingError, match=f"a schema explains '{reference}' by itself, or not at all"):
        as_gemini_takes_it(told)


@pytest.mark.parametrize("takes", [as_gemini_takes_it, as_all_take_it])
@pytest.mark.parametrize(
    ("field", "where"),
    [
        ({"type": "object", "additionalProperties": TEXT}, "a"),
        ({"type": "object"}, "a"),
        ({"type": ["object", "null"], "additionalProperties": True}, "a"),
        ({"type": "array", "items": {"type": "object"}}, r"a\[\]"),
        (properties(b={"type": "object"}), r"a\.b"),
    ],
)
def test_an_object_that_does_not_name_its_fields_is_an_error(field: Any, where: str, takes: Any) -> None:
    with pytest.raises(EncodingError, match=f"^{where} is an object that does not name its fields"):
        takes(properties(a=field))


def test_neither_is_a_tool_that_takes_anything() -> None:
    with pytest.raises(EncodingError, match=r"^a schema is an object that does not name its fields"):
        as_gemini_takes_it({"type": "object", "additionalProperties": TEXT})
    assert as_gemini_takes_it({"type": "object", "additionalProperties": True}) == {"type": "object"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"anyOf": [TEXT, NULL]}, {"anyOf": [TEXT, NULL]}),
        ({"type": ["string", "null"], "title": "A"}, {"anyOf": [TEXT, NULL], "title": "A"}),
        ({**properties(b=TEXT), **CLOSED}, {**properties(b=TEXT), **CLOSED}),
        ({"type": "string", "format": "uri", "examples": ["a"]}, {**TEXT, "description": "Format: uri."}),
        ({"anyOf": [{"const": "a"}]}, {"type": "string", "enum": ["a"]}),
    ],
)
def test_a_property_in_the_words_of_all(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert as_all_take_it(properties(a=given)) == properties(a=expected)


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(gt=0)]


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class Everything(BaseModel):
    color: Color
    size: Size
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    page: AnyUrl | None = None
    names: list[str]
    pair: tuple[int, str]
    either: int | str | None = None


def test_a_pydantic_class_of_everything_is_taken() -> None:
    given = Everything.model_json_schema()
    with pytest.raises(RefusedError):
        check_schema(given, "parameters")
    check_schema(as_gemini_takes_it(given), "parameters")


@pytest.mark.parametrize("takes", [as_gemini_takes_it, as_all_take_it])
@pytest.mark.parametrize(
    ("lost", "word"),
    [
        ({"additionalProperties": {"type": "integer"}}, "additionalProperties"),
        ({"patternProperties": {"^x-": {"type": "string"}}}, "patternProperties"),
        ({"dependentRequired": {"a": ["b"]}}, "dependentRequired"),
        ({"not": {"required": ["b"]}}, "not"),
    ],
)
def test_what_gemini_has_no_word_for_is_named(takes: Any, lost: dict[str, Any], word: str) -> None:
    inner = {**properties(b=TEXT), **lost}
    with pytest.warns(PortkeyWarning, match=f"{word} in the parameters of 'x', at a.b, does not reach Gemini"):
        takes(properties(a=properties(b=inner)), "the parameters of 'x'")


def test_what_is_closed_or_open_loses_nothing() -> None:
    for more in ({"additionalProperties": False}, {"additionalProperties": True}, {"$schema": "x"}):
        assert as_gemini_takes_it({**properties(a=TEXT), **more}) == properties(a=TEXT)


@pytest.mark.parametrize("takes", [as_gemini_takes_it, as_all_take_it])
@pytest.mark.parametrize("items", [{}, {"items": {}}])
def test_a_list_of_anything_is_one_of_texts_and_that_is_said(takes: Any, items: dict[str, Any]) -> None:
    with pytest.warns(PortkeyWarning, match="the schema, at rows, lists anything: Gemini wants one kind"):
        told = takes(properties(rows={"type": "array", **items}), "the schema")
    assert told["properties"]["rows"]["items"] == TEXT
