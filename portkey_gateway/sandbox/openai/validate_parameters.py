"""The rules of parameters: their ranges, which go together, and which models take them.

Source: OpenAI's API reference, "Create chat completion"; its guides "Reasoning models" and "Using GPT-5.2" for what
reasoning models do not take.
"""

from typing import Any, Final

from portkey_gateway.sandbox.openai import models
from portkey_gateway.sandbox.openai.errors import OpenAIError, empty_array, invalid, unsupported_parameter
from portkey_gateway.sandbox.openai.parts import Wire
from portkey_gateway.sandbox.openai.shape import listed

_RANGES: Final = {
    "temperature": (0, 2, "decimal"),
    "top_p": (0, 1, "decimal"),
    "presence_penalty": (-2, 2, "decimal"),
    "frequency_penalty": (-2, 2, "decimal"),
    "n": (1, 128, "integer"),
    "top_logprobs": (0, 20, "integer"),
    "max_tokens": (1, None, "integer"),
    "max_completion_tokens": (1, None, "integer"),
}
_MOST_STOPS: Final = 4
_MOST_METADATA: Final = 16
_LONGEST_KEY: Final = 64
_LONGEST_VALUE: Final = 512

# With reasoning, sampling is not the caller's to set; each of these may only have its default.
_SAMPLING_DEFAULTS: Final[dict[str, Any]] = {"temperature": 1, "presence_penalty": 0, "frequency_penalty": 0}
_NOT_WITH_REASONING: Final = ("top_p", "logprobs", "top_logprobs", "logit_bias")
_NEVER_ON_REASONING_MODELS: Final = ("stop",)
_NOT_ON_O_SERIES: Final = ("parallel_tool_calls",)


def validate_parameters(request: Wire) -> None:
    """Check what stands beside messages and tools.

    Raises:
        OpenAIError: A value is out of range, two parameters do not go together, or the model does not take one.
    """
    # null is a value for almost every parameter, and means that it was not given.
    given = {key: value for key, value in request.items() if value is not None}
    for name, (low, high, kind) in _RANGES.items():
        if name in given:
            _check_range(name, given[name], low, high, kind)
    _check_stop(given.get("stop"))
    _check_pairs(given)
    _check_metadata(given)
    model = given["model"]
    if models.reasons(model):
        _check_reasoning_model(model, given)
    elif "reasoning_effort" in given:
        raise invalid("Unrecognized request argument supplied: reasoning_effort")
    _check_model(model, given)


def check_length(name: str, value: str, longest: int) -> None:
    """Check the length of a string.

    Raises:
        OpenAIError: It is too long.
    """
    if len(value) > longest:
        raise invalid(
            f"Invalid '{name}': string too long. Expected a string with maximum length {longest}, "
            f"but got a string with length {len(value)} instead.",
            name,
            "string_above_max_length",
        )


def check_array_length(name: str, value: list[Any], longest: int) -> None:
    """Check the length of a list.

    Raises:
        OpenAIError: It is empty or too long.
    """
    if not value:
        raise empty_array(name)
    if len(value) > longest:
        raise invalid(
            f"Invalid '{name}': array too long. Expected an array with maximum length {longest}, "
            f"but got an array with length {len(value)} instead.",
            name,
            "array_above_max_length",
        )


def _check_range(name: str, value: float, low: int, high: int | None, kind: str) -> None:
    if value < low:
        wrong = f"{kind} below minimum value. Expected a value >= {low}"
        code = f"{kind}_below_min_value"
    elif high is not None and value > high:
        wrong = f"{kind} above maximum value. Expected a value <= {high}"
        code = f"{kind}_above_max_value"
    else:
        return
    raise invalid(f"Invalid '{name}': {wrong}, but got {value} instead.", name, code)


def _check_stop(stop: str | list[str] | None) -> None:
    if isinstance(stop, list):
        check_array_length("stop", stop, _MOST_STOPS)


def _check_pairs(given: Wire) -> None:
    if "stream_options" in given and not given.get("stream"):
        raise _only_with("stream_options", "stream")
    if "top_logprobs" in given and not given.get("logprobs"):
        raise _only_with("top_logprobs", "logprobs")
    if "metadata" in given and not given.get("store"):
        raise _only_with("metadata", "store")
    if {"max_tokens", "max_completion_tokens"} <= given.keys():
        raise invalid(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "max_tokens",
            "invalid_parameter_combination",
        )


def _only_with(name: str, other: str) -> OpenAIError:
    return invalid(f"The '{name}' parameter is only allowed when '{other}' is enabled.", name)


def _check_metadata(given: Wire) -> None:
    metadata = given.get("metadata") or {}
    if len(metadata) > _MOST_METADATA:
        raise invalid(
            f"Invalid 'metadata': too many properties. Expected an object with at most {_MOST_METADATA} properties, "
            f"but got an object with {len(metadata)} properties instead.",
            "metadata",
            "object_above_max_properties",
        )
    for key, value in metadata.items():
        check_length("metadata", key, _LONGEST_KEY)
        check_length(f"metadata.{key}", value, _LONGEST_VALUE)


def _check_reasoning_model(model: str, given: Wire) -> None:
    if "max_tokens" in given:
        raise unsupported_parameter("max_tokens", " Use 'max_completion_tokens' instead.")
    never = (*_NEVER_ON_REASONING_MODELS, *(_NOT_ON_O_SERIES if models.is_o_series(model) else ()))
    for name in never:
        if name in given:
            raise unsupported_parameter(name)
    effort = given.get("reasoning_effort") or models.default_effort(model)
    if effort not in models.efforts(model):
        supported = listed(f"'{each}'" for each in models.efforts(model))
        raise _unsupported_value("reasoning_effort", repr(effort), f"Supported values are: {supported}.")
    if effort == "none":
        return
    for name, default in _SAMPLING_DEFAULTS.items():
        if given.get(name, default) != default:
            only = f"Only the default ({default}) value is supported."
            raise _unsupported_value(name, str(given[name]), only)
    for name in _NOT_WITH_REASONING:
        # `logprobs: false` asks for nothing.
        if given.get(name) not in (None, False):
            raise unsupported_parameter(name)


def _check_model(model: str, given: Wire) -> None:
    if given.get("verbosity", "medium") != "medium" and not models.takes_verbosity(model):
        raise _unsupported_value("verbosity", repr(given["verbosity"]), "Supported values are: 'medium'.")
    if "prompt_cache_options" in given and not models.takes_breakpoints(model):
        raise unsupported_parameter("prompt_cache_options")
    if "web_search_options" in given and "-search" not in model:
        raise unsupported_parameter("web_search_options")
    if "audio" in given or "audio" in given.get("modalities", ()):
        _check_sound(model, given)
    limit = "max_tokens" if "max_tokens" in given else "max_completion_tokens"
    most = models.max_output_tokens(model)
    if given.get(limit, 0) > most:
        raise invalid(
            f"{limit} is too large: {given[limit]}. This model supports at most {most} completion tokens, "
            f"whereas you provided {given[limit]}.",
            limit,
            "invalid_value",
        )


def _check_sound(model: str, given: Wire) -> None:
    if not models.hears(model):
        raise invalid("This model does not support audio output.", "modalities", "invalid_value")
    if "audio" not in given:
        raise invalid("Missing required parameter: 'audio'.", "audio", "missing_required_parameter")
    form = given["audio"]["format"]
    if given.get("stream") and form != "pcm16":
        message = f"Unsupported value: 'audio.format' does not support '{form}' when stream=true. "
        raise invalid(f"{message}Supported values are: 'pcm16'.", "audio.format", "unsupported_value")


def _unsupported_value(name: str, value: str, rest: str) -> OpenAIError:
    message = f"Unsupported value: '{name}' does not support {value} with this model. {rest}"
    return invalid(message, name, "unsupported_value")
