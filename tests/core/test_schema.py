"""What leaves ``simplify_parameters`` has nothing at its top that the gateway would drop."""

import copy
import warnings
from typing import Any

import pytest

from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.schema import simplify_parameters

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
CITY = {"type": "object", "properties": {"name": TEXT}, "required": ["name"]}


def simplify(schema: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(schema)
    simplified = simplify_parameters(schema, tool="t")
    assert schema == before, "the caller's schema was changed"
    return simplified


def test_a_plain_schema_stays_as_it_is() -> None:
    schema = {"type": "object", "title": "T", "properties": {"a": TEXT}, "required": ["a"], "$defs": {"C": CITY}}
    assert simplify(schema) == schema


def test_definitions_become_defs_and_references_follow_them_wherever_they_stand() -> None:
    simplified = simplify(
        {
            "type": "object",
            "properties": {"cities": {"type": "array", "items": {"$ref": "#/definitions/City"}}},
            "definitions": {"City": CITY, "Tour": {"anyOf": [{"$ref": "#/definitions/City"}, {"type": "null"}]}},
        }
    )
    assert simplified == {
        "type": "object",
        "properties": {"cities": {"type": "array", "items": {"$ref": "#/$defs/City"}}},
        "$defs": {"City": CITY, "Tour": {"anyOf": [{"$ref": "#/$defs/City"}, {"type": "null"}]}},
    }


def test_a_property_named_definitions_and_data_that_looks_like_a_reference_are_left_alone() -> None:
    properties = {
        "definitions": {"type": "object", "properties": {"x": TEXT}},
        "link": {"enum": [{"$ref": "#/definitions/City"}]},
    }
    simplified = simplify({"type": "object", "properties": properties, "additionalProperties": False})
    assert simplified["properties"] == properties


def test_a_top_level_reference_is_replaced_by_what_it_names() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}, "required": ["next"]}
    simplified = simplify({"$ref": "#/$defs/Node", "$defs": {"Node": node}})
    assert simplified == {**node, "$defs": {"Node": node}}


def test_the_parts_of_all_of_are_joined() -> None:
    simplified = simplify(
        {
            "allOf": [{"$ref": "#/definitions/City"}, {"properties": {"size": NUMBER}, "required": ["size"]}],
            "properties": {"country": TEXT},
            "definitions": {"City": CITY},
        }
    )
    assert simplified["properties"] == {"name": TEXT, "size": NUMBER, "country": TEXT}
    assert simplified["required"] == ["name", "size"]
    assert "allOf" not in simplified


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_alternatives_are_offered_as_one_object_and_a_warning_says_so(keyword: str) -> None:
    alternatives = [
        {"type": "object", "properties": {"kind": TEXT, "id": NUMBER}, "required": ["kind", "id"]},
        {"type": "object", "properties": {"kind": TEXT, "id": TEXT, "name": TEXT}, "required": ["kind", "name"]},
    ]
    with pytest.warns(PortkeyWarning, match=rf"top-level {keyword} in the schema of tool 't'"):
        simplified = simplify({keyword: alternatives})
    assert simplified == {
        "type": "object",
        "properties": {"kind": TEXT, "id": {"anyOf": [NUMBER, TEXT]}, "name": TEXT},
        "required": ["kind"],
    }


def test_a_closed_or_open_object_is_nothing_to_warn_about() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for open_or_closed in (True, False):
            simplified = simplify({"type": "object", "properties": {}, "additionalProperties": open_or_closed})
            assert "additionalProperties" not in simplified


def test_what_is_lost_is_named() -> None:
    schema = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": NUMBER, "minProperties": 1}
    with pytest.warns(PortkeyWarning, match="additionalProperties, minProperties .* tool 't'"):
        assert simplify(schema) == {"type": "object", "properties": {"a": TEXT}}


def test_a_dangling_reference_is_an_error_that_names_it() -> None:
    with pytest.raises(EncodingError, match=r"tool 't' refers to '#/\$defs/Gone'"):
        simplify({"$ref": "#/definitions/Gone"})
