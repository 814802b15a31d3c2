"""Makes a value fit its schema, where a model that is bound to it could say nothing else.

What the brain finds in the question stays wherever it fits; what is too long, too many or missing is mended. Source of
what can bind: OpenAI's guide "Structured Outputs", "Supported schemas".
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.brain.arguments import fill
from portkey_gateway.sandbox.openai.pattern import example_of

Schema = Mapping[str, Any]

_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_VALUE: Final = "value"
# What requires itself has no end, and no value either: any will do.
_DEEPEST: Final = 30


def bind(value: Any, schema: Schema) -> Any:
    """Return the value, mended so that it fits the schema."""
    return _Binder(schema).bind(value, schema)


class _Binder:
    def __init__(self, root: Schema) -> None:
        self._root = root
        self._depth = 0

    def bind(self, value: Any, schema: Schema | bool) -> Any:
        schema = self._follow(schema)
        if "anyOf" in schema:
            fitting = [option for option in schema["anyOf"] if self._is_kind(value, option)]
            return self.bind(value, fitting[0]) if fitting else self._least(schema)
        if allowed := _allowed(schema):
            return value if value in allowed else allowed[0]
        return self._mend(value, schema) if self._is_kind(value, schema) else self._least(schema)

    def _mend(self, value: Any, schema: Schema) -> Any:
        if isinstance(value, dict):
            return self._object(value, schema)
        if isinstance(value, list):
            return self._array(value, schema)
        if isinstance(value, str):
            return _string(value, schema)
        return value if isinstance(value, bool) or value is None else _number(value, schema)

    def _object(self, value: dict[str, Any], schema: Schema) -> dict[str, Any]:
        parts = schema.get("properties") or {}
        required = schema.get("required") or ()
        return {
            name: self.bind(value[name], part) if name in value else self._least(part)
            for name, part in parts.items()
            if name in value or name in required
        }

    def _array(self, value: list[Any], schema: Schema) -> list[Any]:
        items = schema.get("items") or {}
        kept = [self.bind(each, items) for each in value[: schema.get("maxItems", len(value))]]
        return kept + [self._least(items) for _ in range(schema.get("minItems", 0) - len(kept))]

    def _least(self, schema: Schema | bool) -> Any:
        """Return the smallest value that fits: null and empty lists end what refers to itself."""
        schema = self._follow(schema)
        if "anyOf" in schema:
            options = [self._follow(option) for option in schema["anyOf"]]
            return self._least(next((option for option in options if option.get("type") == "null"), options[0]))
        if _allowed(schema):
            return self.bind(None, schema)
        kinds = _kinds(schema)
        if "null" in kinds or self._depth > _DEEPEST:
            return None
        if "object" in kinds:
            self._depth += 1
            least = self._object({}, schema)
            self._depth -= 1
            return least
        if "array" in kinds:
            return self._array([], schema)
        return self.bind(fill({"properties": {_VALUE: schema}, "required": [_VALUE]}, "")[_VALUE], schema)

    def _is_kind(self, value: Any, schema: Schema | bool) -> bool:
        schema = self._follow(schema)
        if allowed := _allowed(schema):
            return value in allowed
        if "anyOf" in schema:
            return any(self._is_kind(value, option) for option in schema["anyOf"])
        kinds = _kinds(schema)
        if isinstance(value, bool):
            return "boolean" in kinds
        if isinstance(value, dict) and "object" in kinds:
            # Of several objects, the one whose constants it has.
            parts = schema.get("properties") or {}
            return all(
                self._is_kind(value[name], part)
                for name, part in parts.items()
                if name in value and "const" in self._follow(part)
            )
        return any(isinstance(value, _KINDS[kind]) for kind in kinds)

    def _follow(self, schema: Schema | bool) -> Schema:
        for _ in range(_DEEPEST):
            if isinstance(schema, bool):
                break
            if "$ref" not in schema:
                return schema
            target: Any = self._root
            for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")] if step else target
            schema = target
        return {}  # `true`, and what refers to itself, say nothing


def _allowed(schema: Schema) -> list[Any]:
    """Return the only values a schema takes; none where it takes more."""
    return [schema["const"]] if "const" in schema else schema.get("enum") or []


def _kinds(schema: Schema) -> list[str]:
    kind = schema.get("type") or list(_KINDS)
    return kind if isinstance(kind, list) else [kind]


def _string(value: str, schema: Schema) -> str:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return example_of(schema["pattern"])
    value = value[: schema.get("maxLength", len(value))]
    return value.ljust(schema.get("minLength", 0), ".")


def _number(value: float, schema: Schema) -> float:
    step = schema.get("multipleOf")
    if not step:
        return value
    bound: float = math.floor(value / step) * step
    if bound < schema.get("minimum", -math.inf) or bound <= schema.get("exclusiveMinimum", -math.inf):
        bound += step
    return bound
