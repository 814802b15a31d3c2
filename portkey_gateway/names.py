"""Names of options that nobody knows, and what was probably meant: pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, Final

_FOREIGN_NAMES: Final = {
    "portkey_api_key": "api_key",
    "anthropic_api_key": "provider_api_key",
    "openai_api_key": "provider_api_key",
    "api_base": "base_url",
    "portkey_base_url": "base_url",
    "model_name": "model",
    "model_id": "model",
    "max_tokens_to_sample": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "thinking_dict": "thinking",
    "effort": "reasoning_effort",
    "output_format": "response_format",
    "default_request_timeout": "timeout",
    "anthropic_api_url": "base_url",
    "extra_headers": "default_headers",
    "metadata": "request_metadata",
    "cache_idx": "prompt_caching",
}
"""What Portkey's SDK, LangChain's and LlamaIndex's other models call an option, and what it is called here."""
_BODY_PARAMETERS: Final = frozenset(
    {
        "audio", "frequency_penalty", "inference_geo", "logit_bias", "logprobs", "max_completion_tokens",
        "modalities", "n", "output_config", "parallel_tool_calls", "prediction", "presence_penalty",
        "reasoning_effort", "response_format", "seed", "service_tier", "speed", "store", "stream_options",
        "tool_choice", "tools", "top_logprobs", "user", "user_profile_id", "verbosity",
    }
)  # fmt: skip
"""Parameters of OpenAI's "Create chat completion" and Anthropic's "Messages" that are no options of a model here."""
_NEEDLESS: Final = {
    "stream_usage": "every stream tells its usage: leave it out",
    "use_responses_api": "calls are chat completions, or Anthropic's messages: leave it out",
}
"""Options of other models that ask for what is so in any case."""
_BODY_FIELDS: Final = ("model_kwargs", "additional_kwargs")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def check_names(values: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse option names that nobody knows, with the one that is probably meant.

    Raises:
        ValueError: naming the unknown option.
    """
    for name in values:
        if name not in known:
            raise ValueError(f"unknown option {name!r}: {_hint(str(name), known)}")


def _hint(name: str, known: Mapping[str, Any]) -> str:
    snake = in_snake_case(name)
    if snake in _NEEDLESS:
        return _NEEDLESS[snake]
    for meant in (_FOREIGN_NAMES.get(snake), snake):
        if meant in known:
            return f"here it is {meant!r}"
    body_field = next((field for field in _BODY_FIELDS if field in known), None)
    if snake in _BODY_PARAMETERS and body_field:
        return f"it is a parameter of the request body: put it into {body_field}={{{snake!r}: …}}"
    near = " or ".join(map(repr, difflib.get_close_matches(name, known, n=2)))
    return f"did you mean {near}?" if near else f"known are {', '.join(sorted(known))}"


def in_snake_case(name: str) -> str:
    """Write ``apiKey`` as ``api_key``."""
    return _HUMP.sub("_", name).lower()
