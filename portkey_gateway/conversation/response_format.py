"""The form of an answer, in OpenAI's words, from a class or a JSON schema: pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_NAME: Final = "response_format"
_KINDS: Final = frozenset({"text", "json_object", "json_schema"})
# OpenAI takes no other signs in a name, such as those of a generic class.
_NO_SIGN: Final = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME: Final = 64
_IN_WORDS: Final = (
    "Answer with one JSON object that fits the JSON schema below, and with nothing else: "
    "no explanation, no code fence.\n\n{schema}"
)


def is_response_format(value: Any) -> bool:
    """Tell whether it is in OpenAI's form: ``{"type": "json_schema", …}``, or of type ``text`` or ``json_object``."""
    return isinstance(value, Mapping) and value.get("type") in _KINDS and "properties" not in value


def as_response_format(value: Any) -> Any:
    """Return a form in OpenAI's words; what is neither a pydantic class nor a JSON schema stays as it is.

    Args:
        value: a pydantic class, a JSON schema of an object, or what is in OpenAI's form already.
    """
    if isinstance(value, type) and hasattr(value, "model_json_schema"):
        value = value.model_json_schema()
    if is_response_format(value) or not isinstance(value, Mapping):
        return value
    if isinstance(value.get("schema"), Mapping):
        # What stands under json_schema in OpenAI's form.
        return {"type": "json_schema", "json_schema": {**value, "name": fitting_name(value.get("name"))}}
    return {"type": "json_schema", "json_schema": {"name": fitting_name(value.get("title")), "schema": dict(value)}}


def fitting_name(name: Any) -> str:
    """The name of a form as OpenAI takes it."""
    return _NO_SIGN.sub("_", str(name or ""))[:_LONGEST_NAME] or _NAME


def schema_in_words(schema: Mapping[str, Any]) -> str:
    """The wish for an answer of this JSON schema, for a model that nothing binds to it."""
    return _IN_WORDS.format(schema=json.dumps(schema, ensure_ascii=False))
