"""JSON schemas as people and libraries write them, and what is meant by them."""

from __future__ import annotations

import copy
import json
from typing import Any, Final

from hypothesis import strategies as st
from jsonschema import Draft202012Validator, validators  # type: ignore[import-untyped]  # it has no types

from portkey_gateway.conversation.bound_schema import as_bound_schema
from portkey_gateway.sandbox.claude.validate_schemas import validate_schemas

Schema = dict[str, Any]

_LIMITS: Final = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
)  # fmt: skip
_ANY_OF: Final = Draft202012Validator.VALIDATORS["anyOf"]
_WITHOUT_LIMITS: Final = validators.extend(Draft202012Validator, {**dict.fromkeys(_LIMITS), "oneOf": _ANY_OF})


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": [*properties]} if properties else {}),
    }


def bound(schema: Any) -> Any:
    """What binds; a judge of its own takes it, for an answer and for a tool."""
    before = copy.deepcopy(schema)
    made = as_bound_schema(schema)
    assert schema == before, "the caller's schema was changed"
    if made is not None:
        judge(made)
    return made


def judge(schema: Any) -> None:
    output = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    tool = {"tools": [{"name": "t", "input_schema": schema, "strict": True}]}
    for body in (output, tool):
        validate_schemas({"model": "claude-sonnet-4-5", **body})


def is_meant(value: Any, schema: Schema) -> bool:
    """Tell whether a value is of the types of a schema, whatever its limits, and to however many choices it fits."""
    return bool(_WITHOUT_LIMITS(schema).is_valid(value))


def is_valid(value: Any, schema: Schema) -> bool:
    """Tell whether a schema takes a value."""
    return bool(Draft202012Validator(schema).is_valid(value))


# --- values -----------------------------------------------------------------------------------------------------------

TEXTS = st.text(max_size=5)
INTEGERS = st.integers(-99, 99)
NUMBERS = INTEGERS | st.floats(-99, 99)
_SIMPLE: Final[dict[str, st.SearchStrategy[Any]]] = {
    "string": TEXTS,
    "integer": INTEGERS,
    "number": NUMBERS,
    "boolean": st.booleans(),
    "null": st.none(),
}


def values_of(schema: Schema, definitions: Schema) -> st.SearchStrategy[Any]:
    """Values that a schema of the subset takes."""
    if "$ref" in schema:
        return values_of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return st.one_of([values_of(each, definitions) for each in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kind = schema["type"]
    if kind == "object":
        return _objects_of(schema, definitions)
    if kind == "array":
        return st.lists(values_of(schema["items"], definitions), min_size=schema.get("minItems", 0), max_size=3)
    return st.one_of([_SIMPLE[each] for each in ([kind] if isinstance(kind, str) else kind)])


def _objects_of(schema: Schema, definitions: Schema) -> st.SearchStrategy[Any]:
    parts = {name: values_of(each, definitions) for name, each in schema["properties"].items()}
    needed = {name: parts[name] for name in schema.get("required", ())}
    return st.fixed_dictionaries(needed, optional={name: each for name, each in parts.items() if name not in needed})


# --- schemas that can be said in the words that bind ------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "type", "properties", "$ref"])
COUNTS = st.integers(0, 3)
_TOLD = st.fixed_dictionaries(
    {}, optional={"title": TEXTS, "description": TEXTS, "default": st.none() | TEXTS, "examples": st.just([1])}
)
_FORMATS = st.sampled_from(["date-time", "date", "uuid", "email", "password", "binary"])


def _with(told: st.SearchStrategy[Schema], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Schema]:
    """Schemas with words about them, and perhaps with these keywords."""
    parts = st.tuples(told, _TOLD, st.fixed_dictionaries({}, optional=optional))
    return parts.map(lambda each: each[1] | each[2] | each[0])


def _of(**keywords: Any) -> st.SearchStrategy[Schema]:
    return st.just(keywords)


_LEAVES = st.one_of(
    _with(_of(type="string"), minLength=COUNTS, maxLength=COUNTS, pattern=st.just("a"), format=_FORMATS),
    _with(_of(type="integer"), minimum=INTEGERS, exclusiveMaximum=INTEGERS),
    _with(_of(type="number"), maximum=NUMBERS, multipleOf=st.just(0.5)),
    _with(_of(type="boolean") | _of(type="null")),
    _with(_of(type=["string", "null"]) | _of(type=["integer", "string"])),
    _with(st.lists(TEXTS | INTEGERS | st.none(), min_size=1, unique=True).map(lambda values: {"enum": values})),
    _with(st.lists(TEXTS, min_size=1, unique=True).map(lambda values: {"type": "string", "enum": values})),
    _with(TEXTS.map(lambda value: {"const": value, "type": "string"})),
    _with(_of(**{"$ref": "#/$defs/One"}) | _of(allOf=[{"$ref": "#/$defs/Two"}])),
)


@st.composite
def _objects(draw: st.DrawFn, parts: st.SearchStrategy[Any]) -> Schema:
    properties = draw(st.dictionaries(NAMES, parts, max_size=3))
    made: Schema = {"type": "object", "properties": properties}
    required = [name for name in properties if draw(st.booleans())]
    if draw(st.booleans()) or required:
        made["required"] = required
    if draw(st.booleans()):
        made["additionalProperties"] = False
    return made


def _combined(parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    some = st.lists(parts, min_size=1, max_size=3)
    choice = st.sampled_from(["anyOf", "oneOf"])
    return st.one_of(
        _with(_objects(parts), minProperties=COUNTS),
        _with(
            parts.map(lambda items: {"type": "array", "items": items}),
            minItems=COUNTS,
            maxItems=COUNTS,
            uniqueItems=st.booleans(),
        ),
        _with(
            st.tuples(choice, some).map(lambda each: {each[0]: each[1]}), discriminator=st.just({"propertyName": "a"})
        ),
        _with(parts.map(lambda part: {"anyOf": [part, {"type": "null"}]})),
    )


@st.composite
def _whole(draw: st.DrawFn, parts: st.SearchStrategy[Any], defined: st.SearchStrategy[Any]) -> Schema:
    """An object with definitions, perhaps in the words of draft 7; or a reference to one, and nothing else."""
    top = draw(_objects(parts))
    made = draw(_with(st.just(top)) | _with(_of(**{"$ref": "#/$defs/Top"})))
    definitions = {"One": draw(defined), "Two": draw(defined), "Top": top}
    is_old = draw(st.booleans())
    return _in_draft_7({**made, "definitions": definitions}) if is_old else {**made, "$defs": definitions}


def _in_draft_7(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_in_draft_7(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _in_draft_7(each) for name, each in schema.items()}
    if isinstance(reference := schema.get("$ref"), str):
        made["$ref"] = reference.replace("$defs", "definitions")
    return made


_UNREFERRING = _LEAVES.filter(lambda part: part.keys().isdisjoint({"$ref", "allOf"}))


def _is_small(schema: Schema) -> bool:
    """Tell whether there are no more choices and properties than Anthropic takes."""
    # In the place of a reference alone stands what it leads to.
    top = (schema.get("$defs") or schema["definitions"])["Top"]
    written = json.dumps([schema, top] if "$ref" in schema else schema)
    return written.count('Of": [') + written.count('"type": [') <= 16 and written.count('": {') <= 24


SAYABLE = _whole(
    st.recursive(_LEAVES, _combined, max_leaves=4), st.recursive(_UNREFERRING, _combined, max_leaves=2)
).filter(_is_small)

# --- and others -------------------------------------------------------------------------------------------------------

_ODD_LEAVES: st.SearchStrategy[Any] = st.sampled_from(
    [
        {},
        True,
        {"description": "Anything."},
        {"type": "array"},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"const": {"a": 1}},
        {"enum": [["a"], 1]},
        {"$ref": "#"},
        {"$ref": "#/$defs/Top"},
        {"$ref": "#/$defs/Gone"},
        {"$ref": "#/properties/a"},
        {"$ref": "#/$defs/One", "type": "string"},
        {"$ref": "#/$defs/One/properties/a"},
    ]
)


def _oddly_combined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    two = st.lists(parts, min_size=2, max_size=2)
    mapped = st.dictionaries(NAMES, parts, min_size=1, max_size=2)
    return st.one_of(
        _combined(parts),
        two.map(lambda each: {"type": "array", "prefixItems": each}),
        two.map(lambda each: {"type": "array", "items": each[0], "contains": each[1]}),
        two.map(lambda each: {"allOf": each}),
        two.map(lambda each: {"anyOf": each, "oneOf": each}),
        two.map(lambda each: {"allOf": each[:1], "anyOf": each[1:]}),
        two.map(lambda each: {"type": "string", "anyOf": each}),
        parts.map(lambda each: {"type": "string", "not": each}),
        parts.map(lambda each: {"type": "object", "additionalProperties": each}),
        mapped.map(lambda each: {"type": "object", "patternProperties": each}),
        mapped.map(lambda each: {"type": ["object", "null"], "properties": each}),
        mapped.map(lambda each: {"type": "object", "properties": each, "required": ["of_nothing"]}),
        mapped.map(lambda each: {"type": "object", "properties": each, "anyOf": [{"required": ["a"]}]}),
        mapped.map(lambda each: {"anyOf": [{"type": "object", "properties": each}], "required": ["a"]}),
        mapped.map(lambda each: {"allOf": [{"type": "object", "properties": each}], "required": ["a"]}),
        mapped.map(lambda each: {"type": "object", "properties": each, "$defs": each}),
        parts.map(lambda each: {"type": ["array", "null"], "items": each}),
    )


_ODD = st.recursive(_LEAVES | _LEAVES | _LEAVES | _ODD_LEAVES, _oddly_combined, max_leaves=5)
ANY = SAYABLE | _whole(_ODD, _ODD)

_KEYWORDS = st.sampled_from(
    ["type", "properties", "required", "items", "anyOf", "oneOf", "allOf", "enum", "const", "$ref", "$defs",
     "definitions", "additionalProperties", "minItems", "format", "default", "description", "a"]
)  # fmt: skip
_WORDS = st.sampled_from(["object", "array", "string", "#", "#/$defs/a", "#/definitions/a", "date", "a"])
_JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYWORDS, inner, max_size=4),
    max_leaves=12,
)
NO_SCHEMAS = st.dictionaries(_KEYWORDS, _JSON, max_size=5) | st.dictionaries(_KEYWORDS, _JSON, max_size=4).map(
    lambda parts: {"type": "object", "properties": parts, "required": [*parts], "$defs": parts}
)
