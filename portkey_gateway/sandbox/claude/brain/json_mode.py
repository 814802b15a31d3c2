"""Answers in JSON where a prompt asks for it in words, with a schema or the names of the keys."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from portkey_gateway.sandbox.claude.brain import mining
from portkey_gateway.sandbox.claude.brain.arguments import fill
from portkey_gateway.sandbox.claude.brain.conversation import Conversation

_WANTED: Final = re.compile(
    r"\b(?:return|respond|reply|output|answer|produce|write|give|format|formatted|conforms?|only|valid|as|in)\b"
    r"[^.]{0,60}\bjson\b|\bjson schema\b",
    re.IGNORECASE,
)
_KEYS: Final = re.compile(r"((?:[\"'`]\w+[\"'`](?:\s*(?:,|and|, and)\s*)?)+)\s*(?:as\s+)?(?:keys?|fields?|properties)")
_IDENTIFIER: Final = re.compile(r"\w+")


def is_wanted(conversation: Conversation) -> bool:
    """Tell whether the question, or the system prompt, asks for JSON."""
    return bool(_WANTED.search(conversation.question) or _WANTED.search(conversation.system))


def write(conversation: Conversation) -> str:
    """Return JSON text that fits the schema or the keys the prompt names."""
    prompt = f"{conversation.system}\n{conversation.question}"
    question = conversation.question
    found = list(_objects(prompt))
    for _, source in found:
        question = question.replace(source, " ")
    schemas = [value for value, _ in found if isinstance(value.get("properties"), dict)]
    keys = _KEYS.search(prompt)
    if schemas:
        # Prompts show an example first and the schema that counts last.
        return json.dumps(fill(_all_required(schemas[-1]), question), ensure_ascii=False)
    if keys:
        names = _IDENTIFIER.findall(re.sub(r"[,\s]and\s", " ", keys[1]))
        properties = {name: {"type": "string"} for name in names}
        unquoted = question.replace(keys[0], " ")
        return json.dumps(fill({"properties": properties, "required": names}, unquoted), ensure_ascii=False)
    return json.dumps({"answer": mining.shorten(conversation.asked)}, ensure_ascii=False)


def _all_required(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": list(schema["properties"]), **schema}


def _objects(text: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every JSON object in a text, with the text it was read from."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except ValueError:
            start = text.find("{", start + 1)
            continue
        if isinstance(value, dict):
            yield value, text[start:end]
        start = text.find("{", end)
