"""The form of an answer in every way to say it becomes OpenAI's."""

from typing import Any

import pytest
from pydantic import BaseModel

from portkey_gateway.conversation.response_format import as_response_format, fitting_name, schema_in_words


class City(BaseModel):
    """A city."""

    name: str


SCHEMA = City.model_json_schema()


@pytest.mark.parametrize("value", [City, SCHEMA, {"name": "City", "schema": SCHEMA}])
def test_a_class_and_a_schema_are_said_in_openai_s_words(value: Any) -> None:
    assert as_response_format(value) == {"type": "json_schema", "json_schema": {"name": "City", "schema": SCHEMA}}


@pytest.mark.parametrize(
    "value", [None, "text", {"type": "text"}, {"type": "json_object"}, {"type": "json_schema", "json_schema": {}}]
)
def test_anything_else_stays_as_it_is(value: Any) -> None:
    assert as_response_format(value) is value


def test_a_schema_of_an_object_is_no_form_of_openai_s() -> None:
    named = as_response_format({"type": "object", "properties": {}})
    assert named == {
        "type": "json_schema",
        "json_schema": {"name": "response_format", "schema": {"type": "object", "properties": {}}},
    }


@pytest.mark.parametrize(
    ("name", "fitted"),
    [
        ("City", "City"),
        ("Box[int]", "Box_int_"),
        ("a" * 70, "a" * 64),
        ("", "response_format"),
        (None, "response_format"),
    ],
)
def test_names_are_fitted(name: Any, fitted: str) -> None:
    assert fitting_name(name) == fitted


class Plain:
    """No class of pydantic's."""


@pytest.mark.parametrize("value", [Plain, City(name="Bern"), int])
def test_a_class_that_has_no_schema_and_an_object_of_one_stay_as_they_are(value: Any) -> None:
    assert as_response_format(value) is value


@pytest.mark.parametrize("more", [{"strict": True}, {"description": "A city.", "strict": None}])
def test_what_stands_beside_a_schema_stays(more: dict[str, Any]) -> None:
    asked = {"schema": SCHEMA, **more}
    assert as_response_format(asked) == {
        "type": "json_schema",
        "json_schema": {"name": "response_format", "schema": SCHEMA, **more},
    }


def test_a_schema_is_told_in_words_as_it_is() -> None:
    assert schema_in_words({"title": "Größe"}) == (
        "Answer with one JSON object that fits the JSON schema below, and with nothing else: no explanation, no code "
        'fence.\n\n{"title": "Größe"}'
    )
