"""The shape of requests: unknown keys wherever they stand, missing ones, wrong types, in OpenAI's words."""

from typing import Any

import pytest

from portkey_gateway.sandbox.openai.errors import OpenAIError
from portkey_gateway.sandbox.openai.validate import validate


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content, **more}]}


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
TEXT = {"type": "text", "text": "Hi"}


@pytest.mark.parametrize(
    ("more", "message", "param", "code"),
    [
        ({"foo": 1}, "Unrecognized request argument supplied: foo", None, None),
        ({"foo": 1, "bar": 2}, "Unrecognized request arguments supplied: foo, bar", None, None),
        ({"thinking": {"type": "enabled"}}, "Unrecognized request argument supplied: thinking", None, None),
        (user("x", cache_control={}), "messages[0].cache_control", "messages[0].cache_control", "unknown_parameter"),
        (
            user([TEXT, {**TEXT, "cache_control": {"type": "ephemeral"}}]),
            "Unknown parameter: 'messages[0].content[1].cache_control'.",
            "messages[0].content[1].cache_control",
            "unknown_parameter",
        ),
        (
            {"tools": [{**TOOL, "cache_control": {}}]},
            "Unknown parameter: 'tools[0].cache_control'.",
            "tools[0].cache_control",
            "unknown_parameter",
        ),
        (
            {"tools": [{"type": "function", "function": {**TOOL["function"], "input_schema": {}}}]},  # type: ignore[dict-item]
            "Unknown parameter: 'tools[0].function.input_schema'.",
            "tools[0].function.input_schema",
            "unknown_parameter",
        ),
        (
            user([{"type": "image_url", "image_url": "http://example.com/a.png"}]),
            "Invalid type for 'messages[0].content[0].image_url': expected an object, but got a string instead.",
            "messages[0].content[0].image_url",
            "invalid_type",
        ),
        (
            user([{"type": "document", "source": {}}]),
            "Invalid value: 'document'. Supported values are: 'text', 'image_url', 'input_audio', and 'file'.",
            "messages[0].content[0].type",
            "invalid_value",
        ),
        (
            user([{"text": "no type"}]),
            "Missing required parameter: 'messages[0].content[0].type'.",
            "messages[0].content[0].type",
            "missing_required_parameter",
        ),
        (
            user(None),
            (
                "Invalid type for 'messages[0].content': "
                "expected one of a string or array of objects, but got null instead."
            ),
            "messages[0].content",
            "invalid_type",
        ),
        (
            user(5),
            (
                "Invalid type for 'messages[0].content': "
                "expected one of a string or array of objects, but got an integer instead."
            ),
            "messages[0].content",
            "invalid_type",
        ),
        (
            {"messages": [{"role": "human", "content": "Hi"}]},
            (
                "Invalid value: 'human'. Supported values are: 'developer', 'system', 'user', 'assistant', 'tool', "
                "and 'function'."
            ),
            "messages[0].role",
            "invalid_value",
        ),
        (
            {"messages": [{"content": "Hi"}]},
            "Missing required parameter: 'messages[0].role'.",
            "messages[0].role",
            "missing_required_parameter",
        ),
        (
            {"messages": [{"role": "user"}]},
            "Missing required parameter: 'messages[0].content'.",
            "messages[0].content",
            "missing_required_parameter",
        ),
        ({"messages": "Hi"}, "expected an array of objects, but got a string instead", "messages", "invalid_type"),
        ({"temperature": "hot"}, "expected a decimal, but got a string instead", "temperature", "invalid_type"),
        ({"max_tokens": 1.5}, "expected an integer, but got a decimal instead", "max_tokens", "invalid_type"),
        ({"stream": 1}, "expected a boolean, but got an integer instead", "stream", "invalid_type"),
        ({"n": True}, "expected an integer, but got a boolean instead", "n", "invalid_type"),
        ({"stop": [1]}, "Invalid type for 'stop[0]': expected a string", "stop[0]", "invalid_type"),
        (
            {"response_format": {"type": "json"}},
            "Invalid value: 'json'. Supported values are: 'text', 'json_schema', and 'json_object'.",
            "response_format.type",
            "invalid_value",
        ),
        ({"tool_choice": "any", "tools": [TOOL]}, "'none', 'auto', and 'required'", "tool_choice", "invalid_value"),
        ({"store": True, "metadata": {"a": 1}}, "Invalid type for 'metadata.a'", "metadata.a", "invalid_type"),
        ({"logit_bias": {"50256": "x"}}, "expected an integer", "logit_bias.50256", "invalid_type"),
        (
            user([{"type": "image_url", "image_url": {"url": "http://e.com/a.png", "detail": "huge"}}]),
            "Supported values are: 'auto', 'low', 'high', and 'original'.",
            "messages[0].content[0].image_url.detail",
            "invalid_value",
        ),
        (
            {"messages": [{"role": "tool", "tool_call_id": "c", "content": [{"type": "image_url", "text": ""}]}]},
            "Invalid value: 'image_url'. Supported values are: 'text'.",
            "messages[0].content[0].type",
            "invalid_value",
        ),
    ],
)
def test_it_is_refused(more: dict[str, Any], message: str, param: str | None, code: str | None) -> None:
    with pytest.raises(OpenAIError) as caught:
        validate({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], **more})
    error = caught.value
    assert (error.status, error.param, error.code) == (400, param, code)
    assert message in error.message


@pytest.mark.parametrize("body", [None, [], "text", 5, 1.5, True])
def test_a_body_is_an_object(body: object) -> None:
    with pytest.raises(OpenAIError, match="expected an object") as caught:
        validate(body)
    assert caught.value.status == 400
