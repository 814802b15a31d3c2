"""Keys that can be told from anything else, one for each place that takes one, and a search for them."""

from __future__ import annotations

from typing import Any

_PLACES = (
    "api_key", "provider_api_key", "target", "target_host", "webhook_url", "hook_header", "hook_auth", "header",
    "gateway_header", "host_query", "server_url", "server_token",
)  # fmt: skip


def canary(place: str) -> str:
    """The key of a place."""
    return f"sk-canary-{place}-Zx9Qw8Er7Ty6"


KEYS = tuple(map(canary, _PLACES))


def options(base_url: str = "http://127.0.0.1:1/v1") -> dict[str, Any]:
    """Options of the gateway with a key in every place that takes one."""
    hook = {
        "default.webhook": {
            "webhookURL": f"https://hook.example/?token={canary('webhook_url')}",
            "headers": {"x-auth": canary("hook_header")},
            "auth": canary("hook_auth"),
        }
    }
    target = {
        "provider": "openai",
        "api_key": canary("target"),
        "custom_host": f"https://llm.example/v1?key={canary('target_host')}",
        "input_guardrails": [hook],
    }
    return {
        "api_key": canary("api_key"),
        "base_url": base_url,
        "provider": "anthropic",
        "provider_api_key": canary("provider_api_key"),
        "config": {"strategy": {"mode": "fallback"}, "targets": [target]},
        "custom_host": f"https://llm.example/v1?api_key={canary('host_query')}",
        "default_headers": {"x-any": canary("header")},
        "gateway_headers": {"aws_secret_access_key": canary("gateway_header")},
    }


def model_options(base_url: str = "http://127.0.0.1:1/v1") -> dict[str, Any]:
    """The same, with what models take beside it."""
    url = f"https://mcp.example?token={canary('server_url')}"
    servers = [{"type": "url", "url": url, "name": "n", "authorization_token": canary("server_token")}]
    return {"model": "claude-sonnet-4-5", "max_retries": 0, "mcp_servers": servers, **options(base_url)}


def call_options(base_url: str) -> dict[str, Any]:
    """The same, for calls over chat completions, which carry no MCP servers."""
    given = model_options(base_url)
    return {name: value for name, value in given.items() if name != "mcp_servers"} | {"api_format": "chat_completions"}


def found(text: str) -> list[str]:
    """The keys that a text shows, also those of which it shows only a good part."""
    return [key for key in KEYS if key[: len(key) - 6] in text or key[10:] in text]
