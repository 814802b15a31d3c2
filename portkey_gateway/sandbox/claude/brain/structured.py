"""Answers in JSON that is bound to a schema: `output_config.format`."""

import json
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.brain import sight
from portkey_gateway.sandbox.claude.brain.arguments import fill, resolve, type_of
from portkey_gateway.sandbox.claude.brain.conversation import Conversation

_ROOT: Final = "answer"


def schema_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema that binds the answer to a request, if one does."""
    output = (body.get("output_config") or {}).get("format")
    return output["schema"] if output else None


def write(schema: Mapping[str, Any], conversation: Conversation) -> str:
    """Return JSON text that fits the schema, its values taken from the question and what came since."""
    documents = [sight.read_document(block) for block in conversation.shown if block["type"] == "document"]
    told = "\n".join([*(result.text for result in conversation.results), *documents])
    text = f"{told}\n{conversation.asked}" if told else conversation.asked
    root = resolve(schema, schema)
    if type_of(root) == "object":
        definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
        value: Any = fill({**root, **definitions}, text)
    else:
        # A schema of something else is filled as the only property of an object; its references keep their meaning.
        value = fill({**schema, "properties": {_ROOT: schema}, "required": [_ROOT]}, text)[_ROOT]
    return json.dumps(value, ensure_ascii=False)
