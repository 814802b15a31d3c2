"""Whatever arrives is refused with an error a client can read, or answered: nothing makes judge or answer fall over."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.sandbox.openai import sse, tokens
from portkey_gateway.sandbox.openai.answer import build_completion
from portkey_gateway.sandbox.openai.compose import compose
from portkey_gateway.sandbox.openai.errors import OpenAIError
from portkey_gateway.sandbox.openai.validate import validate

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]}, "b": {"type": "string", "enum": ["x"]}},
    "required": ["a", "b"],
    "additionalProperties": False,
    "$defs": {"N": {"type": "number", "minimum": 0}},
}
GOOD: dict[str, Any] = {
    "model": "gpt-4o",
    "temperature": 1,
    "stop": ["END"],
    "n": 2,
    "logprobs": True,
    "top_logprobs": 2,
    "max_completion_tokens": 40,
    "store": True,
    "metadata": {"a": "b"},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}},
    "tools": [{"type": "function", "function": {"name": "add", "parameters": SCHEMA, "strict": True}}],
    "tool_choice": "auto",
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "text", "text": "Add 1 and 2 with json"},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{"}}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "3"},
    ],
}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside a body."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


WORDS = st.sampled_from(["text", "image_url", "file", "function", "custom", "object", "auto", "any", "json_object", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.sampled_from(["type", "$ref"]), inner),
    max_leaves=6,
)


def refusal_of(body: Any) -> OpenAIError | None:
    try:
        validate(body)
    except OpenAIError as error:
        return error
    return None


def test_the_unchanged_body_is_taken() -> None:
    assert refusal_of(GOOD) is None


@given(place=st.sampled_from(list(places(GOOD))), replacement=JSON, remove=st.booleans())
def test_any_change_is_answered_or_refused_in_words(place: tuple[Any, ...], replacement: Any, remove: bool) -> None:
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

    if refusal is not None:
        assert refusal.status in (400, 404)
        assert refusal.message
    else:
        completion = build_completion(compose(body), body, cached_tokens=0)
        assert all(map(sse.encode, sse.chunks(completion, None)))
        assert completion["usage"]["prompt_tokens"] == tokens.count_prompt(body)


@given(JSON)
def test_any_json_is_refused_in_words(body: Any) -> None:
    refusal = refusal_of(body)

    assert refusal is not None
    assert refusal.status == 400
