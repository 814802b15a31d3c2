"""How each provider is reached behind the real gateway: the options of a model, with a server of ours in its place."""

from __future__ import annotations

from typing import Any, Final

NAMES: Final = {
    "openai": "gpt-4.1",
    "azure-openai": "gpt-4.1",
    "anthropic": "claude-sonnet-4-5",
    "vertex-ai/anthropic": "anthropic.claude-sonnet-4-5@20250929",
    "bedrock/anthropic": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "bedrock": "meta.llama3-70b-instruct-v1:0",
    "google": "gemini-2.5-flash",
    "vertex-ai": "gemini-2.5-flash",
    "mistral-ai": "mistral-large-latest",
    "cohere": "command-a-03-2025",
    "deepseek": "deepseek-chat",
    "ollama": "llama3.2",
    "groq": "llama-3.3-70b-versatile",
    "azure-ai": "Phi-4",
    "vertex-ai/mistralai": "mistralai.mistral-large-2411",
    "vertex-ai/meta": "meta.llama-3.3-70b-instruct-maas",
    "together-ai": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "fireworks-ai": "accounts/fireworks/models/llama-v3p3-70b-instruct",
    "openrouter": "meta-llama/llama-3.3-70b-instruct",
    "perplexity-ai": "sonar",
    "x-ai": "grok-4",
    "cerebras": "llama-3.3-70b",
}
"""A model of each row of the table of providers."""

_HEADERS: Final[dict[str, dict[str, str]]] = {
    "azure-openai": {"azure-resource-name": "house", "azure-deployment-id": "main", "azure-api-version": "2024-10-21"},
    "bedrock": {"aws-access-key-id": "AKIA", "aws-secret-access-key": "secret", "aws-region": "eu-west-1"},
    "vertex-ai": {"vertex-project-id": "project", "vertex-region": "europe-west1"},
}
# What of the path the gateway takes as a part of the host.
_PREFIXES: Final = {"openai": "/v1", "anthropic": "/v1", "mistral-ai": "/v1", "groq": "/openai/v1",
                    "azure-openai": "/openai"}  # fmt: skip


def target(row: str, host: str) -> dict[str, Any]:
    """A target of a config.

    Args:
        row: the row of the table of providers.
        host: the server in the provider's place, without a path.
    """
    provider = row.partition("/")[0]
    named = {name.removeprefix("azure-") if provider == "azure-openai" else name: value
             for name, value in _HEADERS.get(provider, {}).items()}  # fmt: skip
    return {
        "provider": provider,
        "api_key": "key",
        "custom_host": host + _PREFIXES.get(provider, ""),
        "override_params": {"model": NAMES[row]},
        **{name.replace("-", "_"): value for name, value in named.items()},
    }


def reached(row: str, gateway: str, host: str) -> dict[str, Any]:
    """The keyword arguments of a model.

    Args:
        row: the row of the table of providers, or ``messages``.
        gateway: the gateway's base URL.
        host: the server in the provider's place, without a path.
    """
    # The same Claude in its own format.
    api_format, row = ("messages", "anthropic") if row == "messages" else ("chat_completions", row)
    provider = row.partition("/")[0]
    more = {"gateway_headers": _HEADERS[provider]} if provider in _HEADERS else {}
    return {
        "model": NAMES[row],
        "provider": provider,
        "provider_api_key": "key",
        "base_url": gateway,
        "custom_host": host + _PREFIXES.get(provider, ""),
        "api_format": api_format,
        "max_retries": 0,
        **more,
    }
