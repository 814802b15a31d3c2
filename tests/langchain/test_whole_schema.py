"""Classes that explain themselves keep the references by which they do."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import tool
from pydantic import BaseModel

from portkey_langchain.response_format import as_response_format
from portkey_langchain.tools import encode_tool
from portkey_langchain.whole_schema import convert_tool


class Node(BaseModel):
    """A node."""

    name: str
    kids: list[Node] = []


class Forest(BaseModel):
    """Trees."""

    trees: list[Node]


class Row(BaseModel):
    """A row of anything."""

    cells: list[Any]


def grow(forest: Forest) -> str:
    """Grow it."""
    return forest.trees[0].name


def function_of(given: Any, *, strict: bool | None = None) -> Any:
    tool: Any = encode_tool(given, strict=strict)
    return tool["function"]


HERSELF = {"$ref": "#/$defs/Node"}


@pytest.mark.parametrize("given", [Node, Node.model_json_schema()])
def test_the_top_is_an_object_that_refers_to_itself(given: Any) -> None:
    function = function_of(given)
    assert (function["name"], function["description"]) == ("Node", "A node.")
    parameters = function["parameters"]
    assert (parameters["type"], parameters["properties"]["kids"]["items"]) == ("object", HERSELF)
    assert parameters["$defs"]["Node"]["properties"]["kids"]["items"] == HERSELF
    assert as_response_format(given)["json_schema"]["schema"] == parameters


@pytest.mark.parametrize("given", [grow, tool(grow)])
def test_the_arguments_of_a_function_refer_too(given: Any) -> None:
    parameters = function_of(given)["parameters"]
    assert parameters["$defs"]["Node"]["properties"]["kids"]["items"] == HERSELF
    assert parameters["properties"]["forest"] == {"$ref": "#/$defs/Forest"}


def test_what_is_strict_is_closed_at_every_place() -> None:
    parameters = function_of(Node, strict=True)["parameters"]
    for each in (parameters, parameters["$defs"]["Node"]):
        assert (each["additionalProperties"], each["required"]) == (False, ["name", "kids"])


def test_other_schemas_are_as_langchain_writes_them() -> None:
    assert "$defs" not in convert_tool(Row)["function"]["parameters"]
    assert convert_tool(Row)["function"]["parameters"]["properties"]["cells"]["items"] == {}
