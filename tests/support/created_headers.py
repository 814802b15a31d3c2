"""What `portkey_ai.createHeaders` returns, with which Portkey documents the use of other classes."""

from __future__ import annotations

import json
from typing import Any


def created_headers(custom_host: str, config: dict[str, Any] | None = None) -> dict[str, str]:
    """The headers of a gateway config, or those that lead to a Claude at ``custom_host``."""
    if config:
        return {"x-portkey-config": json.dumps(config)}
    return {
        "x-portkey-provider": "anthropic",
        "x-portkey-custom-host": custom_host,
        "x-portkey-strict-open-ai-compliance": "false",
    }
