"""The schemas that bind Claude's output, and those of strict tools: a subset of JSON Schema.

Source: Anthropic's documentation, "Structured outputs", "JSON Schema limitations" and "Schema complexity limits";
`transform_schema` of its SDK, which rewrites what this refuses; wording as the API's users have published it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.blocks import Wire
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.models import takes_schemas
from portkey_gateway.sandbox.json_schema import schema_fault

_NUMERIC: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_UNSUPPORTED: Final[Mapping[str, tuple[str, ...]]] = {
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "string": ("minLength", "maxLength"),
    "array": ("maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems"),
    "object": ("patternProperties", "propertyNames", "minProperties", "maxProperties", "dependentSchemas"),
}
_UNSUPPORTED_ANYWHERE: Final = ("oneOf", "not", "if", "then", "else")
_FORMATS: Final = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
_DEFINITIONS: Final = ("$defs", "definitions")
_MIN_ITEMS: Final = (0, 1)

_MAX_STRICT_TOOLS: Final = 20
_MAX_OPTIONAL: Final = 24
_MAX_UNIONS: Final = 16


def validate_schemas(body: Wire) -> None:
    """Check the output's schema and those of the strict tools, each and together.

    Raises:
        ClaudeError: A schema is outside the subset, all are too complex together, or the model takes none.
    """
    schemas = [
        (f"tools.{index}.custom", tool["input_schema"])
        for index, tool in enumerate(body.get("tools", ()))
        if tool.get("strict") and "input_schema" in tool
    ]
    if len(schemas) > _MAX_STRICT_TOOLS:
        raise invalid(f"Too many strict tools ({len(schemas)}). The maximum number of strict tools is 20.")
    if schemas and not takes_schemas(body["model"]):
        raise invalid(f"'{body['model']}' does not support strict tools.")
    output = (body.get("output_config") or {}).get("format")
    if output:
        if not takes_schemas(body["model"]):
            raise invalid(f"'{body['model']}' does not support output format.")
        schemas.append(("output_config.format.schema", output["schema"]))
    for path, schema in schemas:
        _check(path, schema)
    _check_complexity([schema for _, schema in schemas])


def _check(path: str, schema: Wire) -> None:
    fault = schema_fault(schema)
    if fault:
        raise invalid(f"{path}: Invalid JSON schema: {fault}")
    for part in _parts(schema):
        complaint = _complaint(part)
        if complaint:
            raise invalid(f"{path}: {complaint}")
    cycle = _cycle(schema)
    if cycle:
        raise invalid(f"{path}: Circular reference detected in schema definitions: {cycle}")


def _complaint(part: object) -> str | None:
    """Return what the subset does not have in one schema, not looking into those inside it."""
    return next(_complaints(part), None)


def _complaints(part: object) -> Iterator[str]:
    if not isinstance(part, dict):
        yield "boolean schemas are not supported"
        return
    for keyword in _UNSUPPORTED_ANYWHERE:
        if keyword in part:
            yield f"Schema type '{keyword}' is not supported"
    if any("$ref" in each for each in part.get("allOf", ()) if isinstance(each, dict)):
        yield "'allOf' with '$ref' is not supported"
    if any(isinstance(value, dict | list) for value in part.get("enum", ())):
        yield "'enum' values must be strings, numbers, booleans or null"
    if not part.keys() & {"type", "anyOf", "allOf", "$ref", "enum", "const"}:
        yield "Schema type '' is not supported"
    kinds = part.get("type", ())
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        yield from _complaints_of_kind(kind, part)


def _complaints_of_kind(kind: str, part: Mapping[str, Any]) -> Iterator[str]:
    found = [keyword for keyword in _UNSUPPORTED.get(kind, ()) if keyword in part]
    if len(found) == 1:
        yield f"For '{kind}' type, property '{found[0]}' is not supported"
    elif found:
        yield f"For '{kind}' type, properties {', '.join(sorted(found))} are not supported"
    if kind == "array" and part.get("minItems", 0) not in _MIN_ITEMS:
        yield "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    if kind == "string" and part.get("format", _FORMATS[0]) not in _FORMATS:
        yield f"For 'string' type, format '{part['format']}' is not supported"
    if kind == "object" and "additionalProperties" not in part:
        yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
    elif kind == "object" and part["additionalProperties"] is not False:
        given = "true" if part["additionalProperties"] is True else "object"
        yield (
            f"For 'object' type, 'additionalProperties: {given}' is not supported. "
            "Please set 'additionalProperties' to false"
        )


def _parts(schema: object) -> Iterator[object]:
    """Yield a schema and every schema inside it."""
    yield schema
    if not isinstance(schema, dict):
        return
    for inside in _inside(schema):
        yield from _parts(inside)


def _inside(schema: Mapping[str, Any]) -> Iterator[object]:
    for keyword in ("properties", *_DEFINITIONS):
        yield from schema.get(keyword, {}).values()
    for keyword in ("anyOf", "allOf"):
        yield from schema.get(keyword, ())
    if "items" in schema:
        yield schema["items"]


def _cycle(schema: Mapping[str, Any]) -> str | None:
    """Return a chain of references that leads back to its beginning."""
    named = {
        f"#/{keyword}/{name}": definition
        for keyword in _DEFINITIONS
        for name, definition in schema.get(keyword, {}).items()
    }
    points_to = {name: _references(definition) for name, definition in {**named, "#": schema}.items()}
    for start in points_to:
        chain = _chain_back(start, start, points_to, ())
        if chain:
            return " -> ".join(step.rpartition("/")[2] for step in chain)
    return None


def _chain_back(
    start: str, here: str, points_to: Mapping[str, list[str]], passed: tuple[str, ...]
) -> tuple[str, ...] | None:
    for step in points_to.get(here, ()):
        if step == start:
            return (*passed, here, step)
        if step not in passed and step != here:
            chain = _chain_back(start, step, points_to, (*passed, here))
            if chain:
                return chain
    return None


def _references(definition: object) -> list[str]:
    """Return where the references of one definition point, not those of the definitions inside it."""
    if not isinstance(definition, dict):
        return []
    own = {key: value for key, value in definition.items() if key not in _DEFINITIONS}
    return [part["$ref"] for part in _parts(own) if isinstance(part, dict) and "$ref" in part]


def _check_complexity(schemas: list[Wire]) -> None:
    parts = [part for schema in schemas for part in _parts(schema) if isinstance(part, dict)]
    optional = sum(len(part.get("properties", {}).keys() - set(part.get("required") or ())) for part in parts)
    if optional > _MAX_OPTIONAL:
        raise invalid(
            f"Schemas contains too many optional parameters ({optional}), which would make grammar compilation "
            f"inefficient. Reduce the number of optional parameters in your tool schemas (limit: {_MAX_OPTIONAL})."
        )
    unions = sum("anyOf" in part or isinstance(part.get("type"), list) for part in parts)
    if unions > _MAX_UNIONS:
        raise invalid(
            f"Schemas contains too many parameters with union types ({unions} parameters with type arrays or anyOf). "
            "This causes exponential compilation cost. Reduce the number of nullable or union-typed parameters "
            f"(limit: {_MAX_UNIONS} parameters with unions)."
        )
