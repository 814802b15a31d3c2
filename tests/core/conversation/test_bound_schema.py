"""Any schema in the words that bind Claude, or none: what binds is taken, and holds what the schema holds."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.conversation.bound_schema import as_bound_schema
from tests.core.conversation.schemas import ANY, NO_SCHEMAS, SAYABLE, bound, closed, is_meant, is_valid, values_of

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
NULL = {"type": "null"}
REFERENCE = {"$ref": "#/$defs/Place"}


def part(schema: Any) -> Any:
    """A part of an object as it binds."""
    made = bound(closed(x=schema))
    assert made is not None
    assert made == closed(x=made["properties"]["x"])
    return made["properties"]["x"]


# --- what is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    [
        TEXT,
        NULL,
        {"type": "boolean", "default": True},
        {"type": ["string", "null"], "title": "Name", "description": "A name."},
        {"type": "string", "format": "date-time"},
        {"enum": ["a", 1, 0.5, True, None]},
        {"type": "string", "enum": ["a"]},
        {"const": 3},
        {"type": "array", "items": TEXT, "minItems": 1},
        {"anyOf": [TEXT, NULL]},
        closed(),
        closed(y=closed(z=TEXT)),
        {"type": "object", "properties": {"y": TEXT, "z": TEXT}, "required": ["z"], "additionalProperties": False},
        {"type": "object", "properties": {"y": TEXT}, "additionalProperties": False},
    ],
)
def test_what_the_subset_knows_stays_as_it_is(schema: Any) -> None:
    assert part(schema) == schema


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({**NUMBER, "minimum": 0, "multipleOf": 0.5}, {**NUMBER, "description": "minimum: 0, multipleOf: 0.5"}),
        (
            {**TEXT, "description": "A word.", "maxLength": 3},
            {**TEXT, "description": "A word. (maxLength: 3)"},
        ),
        ({**TEXT, "pattern": "^a"}, {**TEXT, "description": "pattern: ^a"}),
        ({**TEXT, "format": "password"}, {**TEXT, "description": "format: password"}),
        (
            {"type": "array", "items": {**TEXT, "minLength": 1}, "minItems": 2, "uniqueItems": True},
            {
                "type": "array",
                "items": {**TEXT, "description": "minLength: 1"},
                "description": "minItems: 2, uniqueItems: True",
            },
        ),
        ({**TEXT, "examples": ["a"]}, {**TEXT, "description": "examples: ['a']"}),
        ({"anyOf": [TEXT, NULL], "maxLength": 3}, {"anyOf": [TEXT, NULL], "description": "maxLength: 3"}),
    ],
)
def test_what_is_only_a_limit_is_told_in_words(schema: Any, expected: Any) -> None:
    assert part(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"oneOf": [TEXT, NUMBER], "discriminator": {"propertyName": "kind"}}, {"anyOf": [TEXT, NUMBER]}),
        ({"allOf": [TEXT], "description": "A name."}, {**TEXT, "description": "A name."}),
        (
            {"allOf": [{**TEXT, "maxLength": 3}], "description": "A name."},
            {**TEXT, "description": "A name. maxLength: 3"},
        ),
        ({**TEXT, "nullable": True, "description": "A."}, {"anyOf": [TEXT, NULL], "description": "A."}),
        ({"anyOf": [TEXT, NUMBER], "nullable": True}, {"anyOf": [TEXT, NUMBER, NULL]}),
        ({"anyOf": [TEXT, NULL], "nullable": True}, {"anyOf": [TEXT, NULL]}),
        ({**TEXT, "nullable": False}, TEXT),
        ({"type": "object", "properties": {"y": TEXT}}, {**closed(y=TEXT), "required": None}),
        ({**closed(y=TEXT), "required": ["y", "y"]}, closed(y=TEXT)),
        ({"type": "object", "properties": {}}, closed()),
        ({**TEXT, "$id": "x", "$schema": "y", "strict": True}, TEXT),
    ],
)
def test_what_can_be_said_otherwise_is(schema: Any, expected: Any) -> None:
    assert part(schema) == {name: value for name, value in expected.items() if value is not None}


@pytest.mark.parametrize("keyword", ["$defs", "definitions"])
def test_definitions_stay_definitions(keyword: str) -> None:
    reference = {"$ref": f"#/{keyword}/Place", "description": "Where."}
    schema = {
        **closed(at=reference, there=REFERENCE),
        keyword: {"Place": {"type": "object", "properties": {"a": TEXT}}},
    }
    place = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False}
    described = {"anyOf": [REFERENCE], "description": "Where."}
    assert bound(schema) == {**closed(at=described, there=REFERENCE), "$defs": {"Place": place}}


def test_a_description_beside_a_reference_is_kept_as_long_as_there_is_room() -> None:
    described = {**REFERENCE, "description": "Where."}
    definitions = {"Place": closed(name=TEXT)}
    nullable = {**described, "nullable": True}
    assert bound({**closed(at=nullable), "$defs": definitions}) == {
        **closed(at={"anyOf": [REFERENCE, NULL], "description": "Where."}),
        "$defs": definitions,
    }
    many = {f"p{index}": described for index in range(17)}
    assert bound({**closed(**many), "$defs": definitions}) == {
        **closed(**{name: {**closed(name=TEXT), "description": "Where."} for name in many}),
        "$defs": definitions,
    }
    costly = {"Place": closed(name={"type": ["string", "null"]})}
    told = [{"anyOf": [REFERENCE], "description": "Where."}] * 15 + [REFERENCE] * 2
    assert bound({**closed(**many), "$defs": costly}) == {
        **closed(**dict(zip(many, told, strict=True))),
        "$defs": costly,
    }
    assert bound({**described, "$defs": definitions}) == {
        **closed(name=TEXT),
        "description": "Where.",
        "$defs": definitions,
    }


def test_a_reference_at_the_top_is_replaced_by_what_it_leads_to() -> None:
    definitions = {"Place": {"$ref": "#/$defs/Town"}, "Town": closed(name=TEXT)}
    assert bound({**REFERENCE, "title": "A place.", "$defs": definitions}) == {
        **closed(name=TEXT),
        "$defs": definitions,
    }
    assert bound({"allOf": [REFERENCE], "$defs": definitions}) is not None
    assert bound({**REFERENCE, "$defs": {"Place": TEXT}}) is None


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        {"description": "Anything."},
        {"type": "any"},
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "object", "additionalProperties": TEXT},
        {**closed(y=TEXT), "additionalProperties": True},
        {**closed(y=TEXT), "additionalProperties": TEXT},
        {"type": "object", "properties": {"y": TEXT}, "required": ["z"]},
        {"type": "object", "properties": {"y": TEXT}, "anyOf": [{"required": ["y"]}]},
        {"type": ["object", "null"], "properties": {"y": TEXT}},
        {"type": "array"},
        {"type": "array", "items": [TEXT, TEXT]},
        {"type": "array", "prefixItems": [TEXT, TEXT]},
        {"type": ["array", "null"], "items": TEXT},
        {"anyOf": []},
        {"anyOf": [TEXT], "oneOf": [TEXT]},
        {"anyOf": [TEXT, {"type": "object"}]},
        {"anyOf": [closed(y=TEXT)], "required": ["z"]},
        {"allOf": [TEXT, {"minLength": 1}]},
        {"allOf": [closed(y=TEXT)], "required": ["z"]},
        {"allOf": [TEXT], "$ref": "#/$defs/Place"},
        {**REFERENCE, "properties": {"y": TEXT}},
        {"enum": [["a"]]},
        {"const": {"a": 1}},
        {**TEXT, "not": {"const": "a"}},
        {"$ref": "#"},
        {"$ref": "#/$defs/Gone"},
        {"$ref": "#/properties/x"},
        {"$ref": "#/$defs/Place/properties/name"},
        {"$ref": "https://example.com/place.json"},
        {**REFERENCE, "$defs": {}, "type": "string"},
        {**closed(y={"$ref": "#/properties/x/$defs/Here"}), "$defs": {"Here": TEXT}},
    ],
)
def test_what_cannot_be_said_binds_nothing(schema: Any) -> None:
    assert bound({**closed(x=schema), "$defs": {"Place": closed(name=TEXT)}}) is None


@pytest.mark.parametrize("schema", [TEXT, {"anyOf": [closed(x=TEXT)]}, {"type": "array", "items": TEXT}, {}])
def test_only_an_object_binds(schema: Any) -> None:
    assert bound(schema) is None


@pytest.mark.parametrize(
    "definitions",
    [
        {"Place": closed(near=REFERENCE)},
        {"Place": closed(near={"type": "array", "items": {"anyOf": [REFERENCE, NULL]}})},
        {"Place": {"$ref": "#/$defs/Town"}, "Town": closed(near=REFERENCE)},
        {"Place": REFERENCE},
    ],
)
def test_what_explains_itself_binds_nothing(definitions: Any) -> None:
    assert bound({**closed(at=REFERENCE), "$defs": definitions}) is None
    assert bound({**REFERENCE, "$defs": definitions}) is None
    assert bound({**closed(at=TEXT), "$defs": definitions}) is None


def test_a_definition_may_be_used_more_than_once() -> None:
    definitions = {"Trip": closed(start=REFERENCE, end=REFERENCE), "Place": closed(name=TEXT)}
    schema = {**closed(trip={"$ref": "#/$defs/Trip"}, home=REFERENCE), "$defs": definitions}
    assert bound(schema) == schema


@pytest.mark.parametrize(("count", "binds"), [(24, True), (25, False)])
def test_only_so_many_properties_may_be_left_out(count: int, *, binds: bool) -> None:
    optional = {f"p{index}": TEXT for index in range(count)}
    assert (bound({"type": "object", "properties": optional}) is not None) is binds
    inside = {"type": "object", "properties": {f"p{index}": TEXT for index in range(count - 1)}}
    halved = {"type": "object", "properties": {"p": REFERENCE}, "$defs": {"Place": inside}}
    assert (bound(halved) is not None) is binds
    assert bound(closed(**optional)) is not None


@pytest.mark.parametrize(("count", "binds"), [(16, True), (17, False)])
@pytest.mark.parametrize("union", [{"anyOf": [TEXT, NULL]}, {"oneOf": [TEXT, NULL]}, {"type": ["string", "null"]}])
def test_only_so_many_may_be_of_one_type_or_another(count: int, union: Any, *, binds: bool) -> None:
    assert (bound(closed(**{f"p{index}": union for index in range(count)})) is not None) is binds


def test_what_is_data_is_no_schema() -> None:
    data = {"properties": {"a": {}}, "required": 1, "anyOf": 2, "$ref": 3}
    assert part({**TEXT, "default": data}) == {**TEXT, "default": data}
    named = closed(**{"$ref": TEXT, "properties": TEXT, "anyOf": TEXT, "type": TEXT, "enum": TEXT, "$defs": TEXT})
    assert bound(named) == named


# --- whatever the schema ----------------------------------------------------------------------------------------------


@given(SAYABLE, st.data())
def test_what_is_made_of_sayable_parts_binds_and_means_the_same(schema: dict[str, Any], data: st.DataObject) -> None:
    made = bound(schema)
    assert made is not None
    assert made == bound(made)
    value = data.draw(values_of(made, made.get("$defs", {})))
    assert is_valid(value, made)
    assert is_meant(value, schema)


@given(ANY, st.data())
def test_what_binds_never_takes_what_the_schema_does_not_mean(schema: dict[str, Any], data: st.DataObject) -> None:
    made = bound(schema)
    if made is None:
        return
    value = data.draw(values_of(made, made.get("$defs", {})))
    if is_valid(value, made):
        assert is_meant(value, schema)


@given(NO_SCHEMAS)
def test_nothing_is_ever_raised(schema: dict[str, Any]) -> None:
    before = copy.deepcopy(schema)
    as_bound_schema(schema)
    assert schema == before
