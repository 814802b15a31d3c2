"""Fills a JSON schema with values found in a text: the arguments of a tool call, or JSON asked for in words."""

import math
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from portkey_gateway.sandbox.claude.brain import mining

Schema = Mapping[str, Any]
AnySchema = Schema | bool
"""What may stand inside a schema: `true` lets every value pass."""

_MAX_DEPTH: Final = 4

_PLACE_WORDS: Final = frozenset(
    ("address", "city", "country", "destination", "location", "origin", "place", "region", "state", "town")
)
_NAME_WORDS: Final = frozenset(
    ("author", "company", "customer", "name", "owner", "person", "product", "recipient", "title", "user", "who")
)
_QUERY_WORDS: Final = frozenset(
    ("input", "instruction", "instructions", "keywords", "prompt", "q", "query", "question", "request", "search")
)
_PROSE_WORDS: Final = frozenset(("answer", "description", "explanation", "note", "reason", "response", "summary"))
_TEXT_WORDS: Final = frozenset(("body", "content", "message", "phrase", "sentence", "text"))
_SUM_WORDS: Final = frozenset(("calculation", "equation", "expr", "expression", "formula"))

# A joke is what everybody asks a structured output for.
_PHRASES: Final = {
    "setup": "Why did the {topic} cross the road?",
    "punchline": "To get to the other side!",
}
_EXAMPLES: Final = {
    "time": "12:00:00Z",
    "duration": "PT1H",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_EXPRESSION: Final = re.compile(r"[\d(][\d\s.+*/()^%-]*[\d)]")
_AFTER_COLON: Final = re.compile(r":\s*(\S.*)\Z", re.DOTALL)


def fill(schema: Schema, text: str, *, around: Sequence[str] = ()) -> dict[str, Any]:
    """Return an object that fits the schema, from what the text says.

    Required properties are always there; others only when the text mentions them. A value the text does not hold is
    the schema's default, the first choice of an enum, or a phrase made of the property's name.

    Args:
        schema: The schema of an object.
        text: What to take the values from.
        around: Where to look for a place or a name the text only points at, as in `its population`; nearest first.
    """
    return _Filler(schema, text, around).object(schema, 0)


def resolve(schema: AnySchema, root: Schema) -> Schema:
    """Follow references and take the first choice that is not null."""
    for _ in range(_MAX_DEPTH):
        if isinstance(schema, bool):
            break
        if "$ref" in schema:
            schema = _follow(schema["$ref"], root)
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            schema = next((choice for choice in choices if choice != {"type": "null"}), choices[0])
        elif parts := schema.get("allOf"):
            rest = {key: value for key, value in schema.items() if key != "allOf"}
            schema = {**rest, **resolve(parts[0], root)}
        else:
            break
    return {} if isinstance(schema, bool) else schema


def type_of(schema: Schema) -> str:
    """Return the one type a resolved schema stands for."""
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    return next((each for each in kind if each != "null"), "null") if isinstance(kind, list) else str(kind)


def _follow(reference: str, root: Schema) -> Schema:
    target: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        target = target[step.replace("~1", "/").replace("~0", "~")] if step else target
    return target  # type: ignore[no-any-return]  # a validated schema refers to schemas only


def _first_found(find: Callable[[str], list[str]], *texts: str) -> list[str]:
    return next((found for text in texts if (found := find(text))), [])


class _Filler:
    """Hands out the values of a text, each once, in order."""

    def __init__(self, root: Schema, text: str, around: Sequence[str]) -> None:
        self._root = root
        self._text = text
        self._numbers = deque(mining.numbers(text))
        self._quotes = deque(mining.quotes(text))
        self._places = deque(_first_found(mining.places, text, *around))
        self._names = deque(name for name in _first_found(mining.names, text, *around) if name not in self._places)

    def object(self, schema: Schema, depth: int) -> dict[str, Any]:
        if depth > _MAX_DEPTH:  # a schema may require itself
            return {}
        required = schema.get("required") or ()
        filled = {}
        for name, part in (schema.get("properties") or {}).items():
            if name in required or self._mentions(name, part):
                filled[name] = self._value(name, part, depth + 1)
        return filled

    def _mentions(self, name: str, part: AnySchema) -> bool:
        words = mining.words_of(name)
        if re.search(rf"\b(?:no|without)\b(?: \w+)? {re.escape(words[-1])}", self._text, re.IGNORECASE):
            return False
        spoken = re.search(r"[ _-]?".join(map(re.escape, words)), self._text, re.IGNORECASE)
        return spoken is not None or bool(self._chosen(resolve(part, self._root).get("enum") or ()))

    def _value(self, name: str, part: AnySchema, depth: int) -> Any:
        schema = resolve(part, self._root)
        if not isinstance(part, bool):
            schema = {**schema, **part}  # what stands beside a reference, such as a default, counts too
        if "const" in schema:
            return schema["const"]
        if options := schema.get("enum"):
            return next(iter(self._chosen(options)), schema.get("default", options[0]))
        return self._typed(name, schema, depth)

    def _typed(self, name: str, schema: Schema, depth: int) -> Any:
        match type_of(schema):
            case "integer" | "number" as kind:
                return self._number(name, schema, whole=kind == "integer")
            case "boolean":
                return self._boolean(name, schema)
            case "array":
                return self._array(name, schema, depth)
            case "object":
                return self.object(schema, depth)
            case "null":
                return None
            case _:
                return self._string(name, schema)

    def _chosen(self, options: Any) -> list[Any]:
        """Return those options the text names."""
        return [
            option
            for option in options
            if option is not None and re.search(rf"(?<!\w){re.escape(str(option))}(?!\w)", self._text, re.IGNORECASE)
        ]

    def _number(self, name: str, schema: Schema, *, whole: bool) -> int | float:
        said = mining.numbers(mining.labelled(self._text, name) or "")
        if said:
            value = said[0]
            if value in self._numbers:
                self._numbers.remove(value)
        elif self._numbers:
            value = self._numbers.popleft()
        else:
            value = schema.get("default") or 0
        step = 1 if whole else 0.5
        low = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf) + step)
        high = schema.get("maximum", schema.get("exclusiveMaximum", math.inf) - step)
        value = min(max(value, low), high)
        return int(value) if whole else value

    def _boolean(self, name: str, schema: Schema) -> bool:
        said = mining.labelled(self._text, name)
        if said is not None:
            return said.lower().split()[0] not in {"false", "no", "off", "not"}
        return bool(schema.get("default", True))

    def _array(self, name: str, schema: Schema, depth: int) -> list[Any]:
        part = schema.get("items") or {"type": "string"}
        items = resolve(part, self._root)
        least = schema.get("minItems", 0)
        kind = type_of(items)
        if "enum" in items:
            return self._chosen(items["enum"]) or list(items["enum"][: max(1, least)])
        if kind in {"integer", "number"}:
            count = max(least, len(self._numbers))
        elif kind == "object":
            named = any(_NAME_WORDS & set(mining.words_of(key)) for key in items.get("properties") or ())
            count = max(least, len(self._names) if named else 0, 1)
        else:
            count = max(least, len(self._quotes) or len(self._names) + len(self._places), 1)
        return [] if depth > _MAX_DEPTH else [self._value(name, part, depth + 1) for _ in range(count)]

    def _string(self, name: str, schema: Schema) -> str:
        words = set(mining.words_of(name))
        said = mining.labelled(self._text, name)
        if said:
            return said
        if exact := self._formatted(words, str(schema.get("format") or "")):
            return exact
        if name in _PHRASES:
            return _PHRASES[name].format(topic=mining.topic(self._text) or "chicken")
        if found := self._mined(mining.words_of(name)):
            return found
        if "default" in schema and schema["default"] is not None:
            return str(schema["default"])
        title = " ".join(mining.words_of(name)).capitalize()
        about = mining.topic(self._text)
        return f"{title} about {about}" if about else mining.shorten(self._text) or title

    def _formatted(self, words: set[str], form: str) -> str | None:
        """Return a value for a format JSON Schema names, or that the property's name tells."""
        day = next(iter(mining.dates(self._text)), "2026-01-01")
        if form == "email" or "email" in words:
            return next(iter(mining.emails(self._text)), "someone@example.com")
        if form in {"uri", "url"} or words & {"url", "uri", "link"}:
            return next(iter(mining.urls(self._text)), "https://example.com")
        if form == "date-time":
            return f"{day}T00:00:00Z"
        if form == "date" or "date" in words:
            return day
        return _EXAMPLES.get(form)

    def _mined(self, words: list[str]) -> str | None:
        said = set(words)
        if said & _SUM_WORDS and (found := _EXPRESSION.search(self._text)):
            return found[0].strip()
        if said & _PLACE_WORDS:
            return self._next(self._places, self._names, self._quotes)
        # What a name ends with says what it is: an `answer_style` is no answer.
        if words[-1] in _PROSE_WORDS:
            return mining.shorten(self._text)
        if said & _QUERY_WORDS:
            return self._next(self._quotes) or mining.shorten(self._text, 200)
        if words[-1] in _TEXT_WORDS:
            after = _AFTER_COLON.search(self._text)
            return self._next(self._quotes) or (after[1].strip() if after else self._text)
        return self._next(self._quotes, self._names, self._places)

    @staticmethod
    def _next(*pools: deque[str]) -> str | None:
        return next((pool.popleft() for pool in pools if pool), None)
