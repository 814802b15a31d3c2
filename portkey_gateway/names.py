"""Options that cannot be meant so: unknown names and providers, no URLs, what no header carries. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

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
_BY_CLIENTS: Final = (
    "a proxy is the environment's (HTTPS_PROXY), or that of a client of yours: "
    "http_client=httpx.Client(proxy=…), http_async_client=httpx.AsyncClient(proxy=…)"
)
_BODY_PARAMETERS: Final = frozenset(
    {
        "audio", "frequency_penalty", "inference_geo", "logit_bias", "logprobs", "max_completion_tokens",
        "modalities", "n", "output_config", "parallel_tool_calls", "prediction", "presence_penalty",
        "reasoning_effort", "response_format", "seed", "service_tier", "speed", "store", "stream_options",
        "tool_choice", "tools", "top_logprobs", "user", "verbosity",
    }
)  # fmt: skip
"""Parameters of OpenAI's "Create chat completion" and Anthropic's "Messages" that are no options of a model here."""
_SAID_OTHERWISE: Final = {
    "stream_usage": "every stream tells its usage: leave it out",
    "use_responses_api": "calls are chat completions, or Anthropic's messages: leave it out",
    **dict.fromkeys(("openai_proxy", "anthropic_proxy", "proxy", "proxies"), _BY_CLIENTS),
    "organization": "say gateway_headers={'openai_organization': …}",
    "openai_organization": "say gateway_headers={'openai_organization': …}",
    "http_socket_options": "give a client of yours: http_client, http_async_client",
}
"""Options of other models that ask for what is so in any case, or that are said otherwise here."""
PROVIDERS: Final = (
    "302ai", "ai21", "aibadgr", "anthropic", "anyscale", "azure-ai", "azure-openai", "bedrock", "bytez", "cerebras",
    "cohere", "cometapi", "cortex", "dashscope", "deepbricks", "deepinfra", "deepseek", "featherless-ai",
    "fireworks-ai", "github", "google", "groq", "huggingface", "hyperbolic", "inference-net", "iointelligence", "jina",
    "kluster-ai", "krutrim", "lambda", "lemonfox-ai", "lepton", "lingyi", "matterai", "meshy", "milvus", "mistral-ai",
    "modal", "monsterapi", "moonshot", "ncompass", "nebius", "nextbit", "nomic", "novita-ai", "nscale", "ollama",
    "openai", "openrouter", "oracle", "ovhcloud", "palm", "perplexity-ai", "portkey", "predibase", "qdrant",
    "recraft-ai", "reka-ai", "replicate", "sagemaker", "sambanova", "segmind", "siliconflow", "stability-ai",
    "together-ai", "triton", "tripo3d", "upstage", "vertex-ai", "voyage", "workers-ai", "x-ai", "z-ai", "zhipu",
)  # fmt: skip
"""The slugs of providers that the open-source gateway 1.15.2 knows (``VALID_PROVIDERS`` of ``src/globals.ts``)."""
_OTHER_WORDS: Final = {
    "claude": "anthropic", "gpt": "openai", "azure": "azure-openai", "aws": "bedrock", "amazon": "bedrock",
    "gemini": "google", "google-ai": "google", "google_genai": "google", "vertex": "vertex-ai",
    "google_vertexai": "vertex-ai", "xai": "x-ai", "grok": "x-ai", "together": "together-ai", "llama": "ollama",
}  # fmt: skip
"""What people call a provider, and its slug."""
_ALIKE: Final = 0.75
_LONGEST_LABEL: Final = 63  # RFC 1035, 2.3.4
_URL_START = re.compile(r"https?://[^/?#\\\s]", re.IGNORECASE)
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
    if snake in _SAID_OTHERWISE:
        return _SAID_OTHERWISE[snake]
    for meant in (_FOREIGN_NAMES.get(snake), snake):
        if meant in known:
            return f"here it is {meant!r}"
    body_field = next((field for field in _BODY_FIELDS if field in known), None)
    if snake in _BODY_PARAMETERS and body_field:
        return f"it is a parameter of the request body: put it into {body_field}={{{snake!r}: …}}"
    near = " or ".join(map(repr, difflib.get_close_matches(name, known, n=2)))
    return f"did you mean {near}?" if near else f"known are {', '.join(sorted(known))}"


def called_elsewhere(name: str) -> str | None:
    """What is called here otherwise, by its name in Portkey's SDK or in another class; ``None`` where it is not."""
    return _FOREIGN_NAMES.get(in_snake_case(name))


def meant_option(name: str, known: Collection[str]) -> str | None:
    """The option that is probably meant by a name that nobody knows, if one is; it may be another class's name of it.

    Args:
        name: as it was given.
        known: the names that there are.
    """
    of_others = called_elsewhere(name)
    if of_others in known:
        return of_others
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


def check_url(name: str, url: str) -> None:
    """Refuse what is no URL of a gateway or a provider.

    Raises:
        ValueError: naming the option.
    """
    # Errors show the URL, so it may hold no password. The gateway, too, refuses a custom host with an @ anywhere.
    if "@" in url:
        raise ValueError(f"{name} must hold no user, password or other @: give keys by their own options")
    if not _URL_START.match(url):
        raise ValueError(f"{name} must be a URL that starts with http:// or https:// and a host")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{name} is no URL: mind its port (1 to 65535), and brackets around an IPv6 address") from None
    if port == 0 or not url.isprintable() or " " in url:
        raise ValueError(f"{name} is no URL: mind its port (1 to 65535), spaces and control characters")
    if not all(0 < len(label) <= _LONGEST_LABEL for label in host.removesuffix(".").split(".")):
        raise ValueError(f"{name} has a host that cannot be: each of its parts has 1 to {_LONGEST_LABEL} characters")


def check_header(name: str, value: str) -> None:
    """Refuse a text that no header can carry; it is not shown.

    Raises:
        ValueError: naming what it was to be.
    """
    # httpx encodes header values as ASCII, and HTTP takes neither control characters nor outer spaces (RFC 9110, 5.5).
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ValueError(f"{name} goes into an HTTP header: printable ASCII only, without spaces around it")


def meant_provider(slug: str) -> str | None:
    """The slug that is probably meant by one that no provider has; ``None`` where it has one, or nothing is near.

    Args:
        slug: as it was given; those of the model catalog (``@slug``) are the user's own.
    """
    if slug.startswith("@") or slug in PROVIDERS:
        return None
    plain = slug.strip().lower()
    near = difflib.get_close_matches(plain.replace("_", "-"), PROVIDERS, n=1, cutoff=_ALIKE)
    return _OTHER_WORDS.get(plain) or (near[0] if near else None)


def in_snake_case(name: str) -> str:
    """Write ``apiKey`` as ``api_key``."""
    return _HUMP.sub("_", name).lower()
