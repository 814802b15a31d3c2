"""What stands beside messages and tools: ranges, what goes together, and what which model takes."""

from typing import Any

import pytest

from portkey_gateway.sandbox.openai.errors import OpenAIError
from portkey_gateway.sandbox.openai.validate import validate


def request(model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}


def refusal(body: object) -> tuple[int, str, str | None, str | None]:
    with pytest.raises(OpenAIError) as caught:
        validate(body)
    error = caught.value
    assert error.body()["error"]["type"] == "invalid_request_error"
    return error.status, error.message, error.param, error.code


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 2, "top_p": 0.5, "presence_penalty": -2, "frequency_penalty": 2},
        {"n": 128, "seed": 1, "stop": ["a", "b", "c", "d"], "user": "me"},
        {"stop": "END", "logprobs": True, "top_logprobs": 20},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"store": True, "metadata": {"k" * 64: "v" * 512}},
        {"max_tokens": 16_384},
        {"max_completion_tokens": 16_384, "service_tier": "flex", "verbosity": "medium"},
        {"temperature": None, "stop": None, "max_tokens": None, "stream": None, "reasoning_effort": None},
        {"model": "gpt-5", "reasoning_effort": "minimal", "verbosity": "low", "temperature": 1, "logprobs": False},
        {"model": "o3", "reasoning_effort": "high", "max_completion_tokens": 100_000},
        {"model": "gpt-5.1", "temperature": 0.2, "top_p": 0.5},
        {"model": "gpt-5.6-sol", "prompt_cache_options": {"mode": "explicit"}, "reasoning_effort": "max"},
        {"model": "gpt-4o-search-preview", "web_search_options": {}},
        {"model": "gpt-5-chat-latest", "temperature": 0, "max_tokens": 10},
    ],
)
def test_it_is_taken(more: dict[str, Any]) -> None:
    validate(request(**more))


@pytest.mark.parametrize(
    ("more", "message", "param", "code"),
    [
        ({"temperature": 2.1}, "decimal above maximum value", "temperature", "decimal_above_max_value"),
        ({"top_p": -0.1}, "decimal below minimum value", "top_p", "decimal_below_min_value"),
        ({"n": 0}, "Expected a value >= 1, but got 0 instead.", "n", "integer_below_min_value"),
        ({"n": 129}, "Expected a value <= 128", "n", "integer_above_max_value"),
        ({"max_tokens": 0}, "integer below minimum value", "max_tokens", "integer_below_min_value"),
        ({"stop": []}, "Invalid 'stop': empty array", "stop", "empty_array"),
        ({"stop": list("abcde")}, "array with maximum length 4", "stop", "array_above_max_length"),
        (
            {"stream_options": {"include_usage": True}},
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
            None,
        ),
        (
            {"stream_options": {"include_usage": True}, "stream": False},
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
            None,
        ),
        ({"top_logprobs": 2}, "only allowed when 'logprobs' is enabled", "top_logprobs", None),
        ({"metadata": {"a": "b"}}, "only allowed when 'store' is enabled", "metadata", None),
        (
            {"store": True, "metadata": {str(n): "" for n in range(17)}},
            "too many properties",
            "metadata",
            "object_above_max_properties",
        ),
        ({"store": True, "metadata": {"a": "b" * 513}}, "length 513", "metadata.a", "string_above_max_length"),
        (
            {"max_tokens": 1, "max_completion_tokens": 1},
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "max_tokens",
            "invalid_parameter_combination",
        ),
        (
            {"max_completion_tokens": 20_000},
            (
                "max_completion_tokens is too large: 20000. This model supports at most 16384 completion tokens, "
                "whereas you provided 20000."
            ),
            "max_completion_tokens",
            "invalid_value",
        ),
        ({"reasoning_effort": "low"}, "Unrecognized request argument supplied: reasoning_effort", None, None),
        ({"verbosity": "low"}, "Supported values are: 'medium'.", "verbosity", "unsupported_value"),
        ({"prompt_cache_options": {}}, "Unsupported parameter", "prompt_cache_options", "unsupported_parameter"),
        ({"web_search_options": {}}, "Unsupported parameter", "web_search_options", "unsupported_parameter"),
        ({"modalities": ["audio"]}, "does not support audio output", "modalities", "invalid_value"),
        (
            {"model": "gpt-4o-audio-preview", "modalities": ["text", "audio"]},
            "Missing required parameter: 'audio'.",
            "audio",
            "missing_required_parameter",
        ),
        (
            {
                "model": "gpt-4o-audio-preview",
                "modalities": ["text", "audio"],
                "audio": {"voice": "alloy", "format": "wav"},
                "stream": True,
            },
            "does not support 'wav' when stream=true",
            "audio.format",
            "unsupported_value",
        ),
        (
            {"model": "gpt-5", "max_tokens": 5},
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead."
            ),
            "max_tokens",
            "unsupported_parameter",
        ),
        (
            {"model": "o3", "temperature": 0.5},
            (
                "Unsupported value: 'temperature' does not support 0.5 with this model. "
                "Only the default (1) value is supported."
            ),
            "temperature",
            "unsupported_value",
        ),
        ({"model": "gpt-5", "top_p": 0.9}, "Unsupported parameter: 'top_p'", "top_p", "unsupported_parameter"),
        ({"model": "gpt-5", "stop": "x"}, "Unsupported parameter: 'stop'", "stop", "unsupported_parameter"),
        ({"model": "o4-mini", "logprobs": True}, "'logprobs'", "logprobs", "unsupported_parameter"),
        (
            {"model": "gpt-5.1", "reasoning_effort": "low", "temperature": 0},
            "Only the default (1) value is supported.",
            "temperature",
            "unsupported_value",
        ),
        (
            {"model": "gpt-5", "reasoning_effort": "none"},
            (
                "Unsupported value: 'reasoning_effort' does not support 'none' with this model. "
                "Supported values are: 'minimal', 'low', 'medium', and 'high'."
            ),
            "reasoning_effort",
            "unsupported_value",
        ),
    ],
)
def test_it_is_refused(more: dict[str, Any], message: str, param: str | None, code: str | None) -> None:
    status, said, where, why = refusal(request(**more))
    assert (status, where, why) == (400, param, code)
    assert message in said


def test_a_prompt_must_fit_the_model() -> None:
    long = [{"role": "user", "content": "word " * 20_000}]
    validate(request("gpt-4.1", messages=long))
    status, said, param, code = refusal(request("gpt-3.5-turbo", messages=long))
    assert (status, param, code) == (400, "messages", "context_length_exceeded")
    assert "This model's maximum context length is 16385 tokens. However, your messages resulted in 25" in said


def test_models_that_are_none() -> None:
    assert refusal(request("gpt-9")) == (
        404,
        "The model `gpt-9` does not exist or you do not have access to it.",
        None,
        "model_not_found",
    )
    status, said, param, _ = refusal(request("text-embedding-3-small"))
    assert (status, param) == (404, "model")
    assert said.startswith("This is not a chat model")
    assert refusal({"messages": []}) == (400, "you must provide a model parameter", None, None)
