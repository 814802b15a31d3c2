"""Options of calls, for the tests of routing."""

from __future__ import annotations

from typing import Any

from portkey_gateway import GatewayOptions
from portkey_gateway.options import HOSTED_BASE_URL

LOCAL = "http://127.0.0.1:8787/v1"
CLAUDE = "claude-sonnet-4-5"
ANTHROPIC = {"provider": "anthropic"}
BEDROCK = {"provider": "bedrock"}
HOOKS = [{"id": "pii"}]


def own(**options: Any) -> GatewayOptions:
    """Options of a gateway of one's own."""
    return GatewayOptions(**{"base_url": LOCAL, **options})


def hosted(**options: Any) -> GatewayOptions:
    return GatewayOptions(**{"base_url": HOSTED_BASE_URL, "api_key": "pk-test", **options})


def targets(*each: Any, **more: Any) -> dict[str, Any]:
    return {"strategy": {"mode": "fallback"}, "targets": [*each], **more}
