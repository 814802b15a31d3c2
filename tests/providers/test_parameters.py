"""The table of providers beside the real gateway: of every parameter, whether it changes what the provider receives."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

from portkey_gateway import GatewayOptions
from portkey_gateway.chat_completions.providers import PROVIDERS, find_provider
from portkey_gateway.sandbox import Sandbox
from tests.providers.behind import NAMES, reached
from tests.support.recording import RecordingServer

TOOL: Final = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SAMPLES: Final[dict[str, Any]] = {
    "additional_model_request_fields": {"a": 1},
    "audio": {"voice": "alloy", "format": "wav"},
    "citation_options": {"mode": "FAST"},
    "documents": [{"data": {"text": "a"}}],
    "frequency_penalty": 0.5,
    "function_call": "none",
    "functions": [TOOL["function"]],
    "guardrail_config": {"guardrailIdentifier": "a", "guardrailVersion": "1"},
    "image_config": {"aspect_ratio": "1:1"},
    "k": 3,
    "labels": {"a": "b"},
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_tokens": 7,
    "metadata": {"a": "b"},
    "modalities": ["text"],
    "n": 2,
    "parallel_tool_calls": False,
    "performance_config": {"latency": "optimized"},
    "prediction": {"type": "content", "content": "a"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "a",
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "safe_prompt": True,
    "safety_identifier": "a",
    "safety_mode": "NONE",
    "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "seed": 7,
    "service_tier": "flex",
    "stop": ["a"],
    "store": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.3,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "tool_choice": "required",
    "tools": [TOOL],
    "top_k": 3,
    "top_logprobs": 2,
    "top_p": 0.3,
    "user": "a",
    "verbosity": "low",
    "web_search_options": {},
}


class Gateway:
    """Asks one provider through the gateway, and tells what reached it."""

    def __init__(self, row: str, sandbox: Sandbox, server: RecordingServer, client: httpx.Client) -> None:
        given = reached(row, sandbox.base_url, server.base_url.removesuffix("/v1"))
        options = GatewayOptions(**{name: given[name] for name in given.keys() & GatewayOptions.model_fields.keys()})
        self._headers = options.render_headers()
        self._request = {"model": given["model"], "messages": [{"role": "user", "content": "Hi"}]}
        self._url = f"{sandbox.base_url}/chat/completions"
        self._server = server
        self._client = client

    def sends(self, **parameters: Any) -> Any:
        """The body that reaches the provider."""
        before = len(self._server.requests)
        self._client.post(self._url, json={**self._request, **parameters}, headers=self._headers)
        [received] = self._server.requests[before:]
        return received.json


def test_every_row_has_a_model_that_is_found_by_its_name() -> None:
    assert NAMES.keys() == PROVIDERS.keys()
    for row, model in NAMES.items():
        assert find_provider(row.partition("/")[0], model) is PROVIDERS[row]


@pytest.mark.parametrize("row", PROVIDERS)
def test_the_gateway_carries_what_the_table_says(sandbox: Sandbox, server: RecordingServer, row: str) -> None:
    with httpx.Client() as client:
        gateway = Gateway(row, sandbox, server, client)
        plain, with_tools = gateway.sends(), gateway.sends(tools=[TOOL])
        carried = {name for name, value in SAMPLES.items() if gateway.sends(**{name: value}) != plain}
        # A choice of tools is said together with the tools.
        carried.discard("tool_choice")
        if gateway.sends(tools=[TOOL], tool_choice=SAMPLES["tool_choice"]) != with_tools:
            carried.add("tool_choice")
    assert carried == PROVIDERS[row].parameters
