"""Schemas that bind output and tool inputs: the subset of JSON Schema that Anthropic compiles."""

import json
from typing import Any

import pytest
from anthropic import transform_schema
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from portkey_gateway.sandbox.claude.brain import think
from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.validate import validate


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def bound(schema: Any, text: str = "Hi", **more: Any) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": text}],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        **more,
    }


def strict(schema: Any, **more: Any) -> dict[str, Any]:
    body = bound(None, tools=[{"name": "add", "input_schema": schema, "strict": True}], **more)
    return {key: value for key, value in body.items() if key != "output_config"}


STRING = {"type": "string"}

GOOD = [
    closed(),
    closed(name=STRING),
    closed(kind={"enum": ["a", 1, None]}, fixed={"const": 3}, either={"anyOf": [STRING, {"type": "null"}]}),
    closed(items={"type": "array", "items": STRING, "minItems": 1}, when={"type": "string", "format": "date"}),
    closed(name={"type": ["string", "null"], "description": "A name", "title": "Name", "default": "x"}),
    {**closed(inner={"$ref": "#/$defs/Inner"}), "$defs": {"Inner": closed(name=STRING)}},
]
BAD = [
    ({"type": "object", "properties": {}}, "For 'object' type, 'additionalProperties' must be explicitly set to false"),
    (
        {**closed(), "additionalProperties": True},
        "For 'object' type, 'additionalProperties: true' is not supported. Please set 'additionalProperties' to false",
    ),
    (
        closed(inner={"type": "object"}),
        "For 'object' type, 'additionalProperties' must be explicitly set to false",
    ),
    (
        closed(age={"type": "integer", "minimum": 0, "maximum": 9}),
        "For 'integer' type, properties maximum, minimum are not supported",
    ),
    (closed(age={"type": "number", "multipleOf": 2}), "For 'number' type, property 'multipleOf' is not supported"),
    (closed(name={"type": "string", "minLength": 1}), "For 'string' type, property 'minLength' is not supported"),
    (
        closed(some={"type": "array", "items": STRING, "maxItems": 3}),
        "For 'array' type, property 'maxItems' is not supported",
    ),
    (
        closed(some={"type": "array", "items": STRING, "minItems": 2}),
        "For 'array' type, 'minItems' values other than 0 or 1 are not supported",
    ),
    (closed(name={"type": "string", "format": "color"}), "For 'string' type, format 'color' is not supported"),
    (closed(either={"oneOf": [STRING]}), "Schema type 'oneOf' is not supported"),
    (closed(anything={}), "Schema type '' is not supported"),
    (closed(kind={"enum": [{"a": 1}]}), "'enum' values must be strings, numbers, booleans or null"),
    (
        {**closed(tree={"$ref": "#/$defs/Tree"}), "$defs": {"Tree": closed(inner={"$ref": "#/$defs/Tree"})}},
        "Circular reference detected in schema definitions: Tree -> Tree",
    ),
]


@pytest.mark.parametrize("schema", GOOD)
def test_a_schema_inside_the_subset_passes(schema: Any) -> None:
    validate(bound(schema))
    validate(strict(schema))


@pytest.mark.parametrize(("schema", "message"), BAD)
def test_a_schema_outside_the_subset_is_refused(schema: Any, message: str) -> None:
    for body, path in ((bound(schema), "output_config.format.schema"), (strict(schema), "tools.0.custom")):
        with pytest.raises(ClaudeError) as caught:
            validate(body)
        assert caught.value.message == f"{path}: {message}"
    loose = strict(schema)
    loose["tools"][0]["strict"] = False
    validate(loose)


@pytest.mark.parametrize("make", [bound, strict])
def test_older_models_take_no_schema(make: Any) -> None:
    validate({**make(closed()), "model": "claude-opus-4-1"})
    for model in ("claude-sonnet-4-20250514", "claude-3-7-sonnet-latest"):
        with pytest.raises(ClaudeError, match=f"'{model}' does not support"):
            validate({**make(closed()), "model": model})


def test_schemas_are_bounded_together() -> None:
    fitting = {**closed(**{f"p{index}": STRING for index in range(24)}), "required": []}
    validate(bound(fitting))
    with pytest.raises(ClaudeError, match="too many optional parameters \\(25\\)"):
        validate(bound({**fitting, "properties": {**fitting["properties"], "more": STRING}}))
    unions = {f"p{index}": {"anyOf": [STRING, {"type": "null"}]} for index in range(17)}
    with pytest.raises(ClaudeError, match="17 parameters with type arrays or anyOf"):
        validate(bound(closed(**unions)))


def test_bound_output_excludes_citations_and_prefill() -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grass is green."}}
    body = bound(closed(answer=STRING))
    plain = [{"role": "user", "content": [document, {"type": "text", "text": "Hi"}]}]
    cited = [{"role": "user", "content": [{**document, "citations": {"enabled": True}}]}]
    begun = [*body["messages"], {"role": "assistant", "content": "{"}]

    validate(body | {"messages": plain})
    for messages, word in ((cited, "citations"), (begun, "prefill")):
        with pytest.raises(ClaudeError, match=word):
            validate(body | {"messages": messages})


class City(BaseModel):
    name: str
    population: int
    twin: str | None


class Country(BaseModel):
    capital: City
    others: list[City]
    free: bool


def answer(body: dict[str, Any]) -> Any:
    validate(body)
    reply = think(body)
    assert [block["type"] for block in reply.content] == ["text"]
    assert reply.stop_reason == "end_turn"
    return json.loads(reply.content[0]["text"])


def test_the_answer_fits_its_schema() -> None:
    said = answer(bound(transform_schema(Country), "Tell me of Paris and its 7 bridges"))

    country = Country.model_validate(said)
    assert country.capital.name == "Paris"
    assert country.capital.population == 7
    assert set(said) == {"capital", "others", "free"}


@pytest.mark.parametrize("kind", [list[str], int, list[City], City | int])
def test_the_answer_may_be_something_else_than_an_object(kind: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    adapter.validate_python(answer(bound(transform_schema(adapter.json_schema()), "Say 3 things about Rome")))


@given(st.text(max_size=200).filter(str.strip))
def test_whatever_is_asked_the_answer_fits(text: str) -> None:
    Country.model_validate(answer(bound(transform_schema(Country), text)))


def test_tools_are_called_first_and_their_results_are_in_the_answer() -> None:
    tool = {"name": "get_weather", "description": "Get the weather", "input_schema": closed(location=STRING)}
    body = bound(closed(temperature={"type": "number"}), "What is the weather in Paris?", tools=[tool])
    called = think(body)
    assert called.stop_reason == "tool_use"

    result = {"type": "tool_result", "tool_use_id": called.content[0]["id"], "content": "75 degrees"}
    turns = [{"role": "assistant", "content": list(called.content)}, {"role": "user", "content": [result]}]

    assert answer(body | {"messages": [*body["messages"], *turns]}) == {"temperature": 75}
