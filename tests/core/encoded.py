"""One call as it is encoded, for the tests of calls."""

from __future__ import annotations

import copy
import json
from typing import Any

from portkey_gateway.calls import EncodedCall, encode_call
from portkey_gateway.routing import Gateway, Route
from portkey_gateway.tracing.context import encode_metadata

BETA = "x-portkey-anthropic-beta"
VERSION = "x-portkey-anthropic-version"
HEADERS = {"content-type": "application/json", "x-portkey-provider": "anthropic"}
WITH_BETA = {**HEADERS, BETA: "context-1m", VERSION: "2023-06-01"}
HELLO = {"role": "user", "content": "Hello!"}
BETAS_IN_THE_BODY = {"anthropic_beta": "context-1m", "anthropic_version": "2023-06-01"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
OPEN_SOURCE: list[Gateway] = ["oss-1", "oss-2"]


def chat_completions(gateway: Gateway = "oss-1", *, is_claude: bool = True) -> Route:
    return Route(gateway=gateway, is_claude=is_claude, only_anthropic=is_claude)


def messages(gateway: Gateway = "oss-1") -> Route:
    return Route(gateway=gateway, api_format="messages", is_claude=True, provider="anthropic", only_anthropic=True)


def encode(route: Route, headers: dict[str, str] = HEADERS, **more: Any) -> EncodedCall:
    options = {name: more.pop(name) for name in ("prompt_caching",) if name in more}
    if labels := encode_metadata(more.pop("labels", None) or {}):
        headers = {**headers, "x-portkey-metadata": labels}
    request: Any = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [HELLO], **more}
    before = copy.deepcopy((request, headers))
    encoded = encode_call(request, route, headers, **options)
    assert (request, headers) == before
    return encoded


def body(call: EncodedCall) -> Any:
    return json.loads(call.body)
