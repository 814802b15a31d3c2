"""Whatever arrives is either taken or refused with an error a client can read: nothing makes the judge fall over."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.signatures import seal, sign
from portkey_gateway.sandbox.claude.validate import validate

CACHED = {"type": "ephemeral", "ttl": "1h"}
GOOD: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 4000,
    "temperature": 1,
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "system": [{"type": "text", "text": "Be brief.", "cache_control": CACHED}],
    "tools": [
        {
            "name": "add",
            "description": "Adds",
            "input_schema": {
                "type": "object",
                "properties": {
                    "a": {"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]},
                    "b": {"items": {"enum": [1]}},
                },
                "required": ["a"],
                "$defs": {"N": {"type": "number", "minimum": 0}},
            },
        },
        {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["example.com"]},
    ],
    "tool_choice": {"type": "auto"},
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Once"}]}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Once"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": sign("Hm.")},
                {"type": "redacted_thinking", "data": seal("Hm.")},
                {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "42"}]},
                {"type": "text", "text": "Go on", "cache_control": CACHED},
            ],
        },
    ],
}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside a body."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


WORDS = st.sampled_from(
    ["text", "image", "document", "tool_use", "base64", "url", "content", "object", "auto", "any", ""]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.sampled_from(["type", "$ref"]), inner),
    max_leaves=6,
)


def test_the_unchanged_body_is_taken() -> None:
    assert validate(GOOD) is None  # type: ignore[func-returns-value]  # that it returns is the point


@given(place=st.sampled_from(list(places(GOOD))), replacement=JSON, remove=st.booleans())
def test_any_change_is_taken_or_refused_in_words(place: tuple[Any, ...], replacement: Any, remove: bool) -> None:
    body = deepcopy(GOOD)
    *way, last = place
    parent: Any = body
    for key in way:
        parent = parent[key]
    if remove:
        del parent[last]
    else:
        parent[last] = replacement

    refusal = refusal_of(body)

    assert refusal is None or (refusal.status in (400, 404) and refusal.message)


@given(JSON)
def test_any_json_is_refused_in_words(body: Any) -> None:
    refusal = refusal_of(body)

    assert refusal is not None
    assert refusal.status == 400


def refusal_of(body: Any) -> ClaudeError | None:
    try:
        validate(body)
    except ClaudeError as error:
        return error
    return None
