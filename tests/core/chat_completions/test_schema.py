"""What leaves ``simplify_parameters`` has nothing at its top that the gateway would drop."""

import copy
import warnings
from typing import Any

import pytest

from portkey_gateway.chat_completions.schema import simplify_parameters
from portkey_gateway.errors import EncodingError, PortkeyWarning

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
    with pytest.warns(PortkeyWarning, match=rf"no {keyword} at the top of a schema, as tool 't' has it"):
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


@pytest.mark.parametrize(
    "definitions",
    [
        {"Node": {"$ref": "#/$defs/Node"}},
        {"Node": {"$ref": "#/$defs/Other"}, "Other": {"allOf": [{"$ref": "#/$defs/Node"}]}},
        {"Node": {"anyOf": [{"properties": {"a": TEXT}}, {"$ref": "#/$defs/Node"}]}},
    ],
)
def test_a_definition_that_is_explained_by_itself_is_an_error(definitions: dict[str, Any]) -> None:
    with pytest.raises(EncodingError, match=r"tool 't' explains '#/\$defs/Node' by itself"):
        simplify({"$ref": "#/$defs/Node", "$defs": definitions})


def test_a_definition_may_stand_behind_two_alternatives() -> None:
    reference = {"$ref": "#/$defs/City"}
    with pytest.warns(PortkeyWarning, match="anyOf"):
        simplified = simplify({"anyOf": [reference, {"allOf": [reference]}], "$defs": {"City": CITY}})
    assert simplified == {**CITY, "$defs": {"City": CITY}}


def test_a_schema_that_allows_everything_adds_nothing() -> None:
    assert simplify({"allOf": [True, CITY]}) == CITY
    assert simplify({"$ref": "#/$defs/Any", "$defs": {"Any": True}}) == {"type": "object", "$defs": {"Any": True}}
    with pytest.warns(PortkeyWarning, match="anyOf"):
        assert simplify({"anyOf": [True, CITY]})["properties"] == {"name": TEXT}


def test_an_argument_that_may_be_anything_is_one_of_the_alternatives() -> None:
    alternatives = [{"properties": {"a": True}}, {"properties": {"a": TEXT}}]
    with pytest.warns(PortkeyWarning, match="anyOf"):
        assert simplify({"anyOf": alternatives})["properties"] == {"a": {"anyOf": [True, TEXT]}}


@pytest.mark.parametrize("part", [False, None, "City", [CITY]])
@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_what_is_no_schema_is_an_error_that_names_it(keyword: str, part: Any) -> None:
    with pytest.raises(EncodingError, match=r"of tool 't' has .* where a schema of arguments has to stand"):
        simplify({keyword: [part]})


def test_the_warning_points_at_the_one_who_asks() -> None:
    with pytest.warns(PortkeyWarning) as caught:
        simplify({"type": "object", "minProperties": 1})
    assert caught[0].filename == __file__
