"""The form of an answer in every way to say it becomes OpenAI's."""

from typing import Any

import pytest
from pydantic import BaseModel

from portkey_gateway.conversation.response_format import as_response_format, fitting_name


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
