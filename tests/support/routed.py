"""Options of a model whose config decides who answers, for both frameworks."""

from __future__ import annotations

from typing import Any

from portkey_gateway.sandbox import Sandbox


def routed(sandbox: Sandbox, config: Any, model: str = "gpt-5", **more: Any) -> dict[str, Any]:
    """The arguments of `ChatPortkey` or `Portkey`.

    Args:
        sandbox: whose gateway is asked.
        config: says who answers.
        model: what the request names.
        more: further arguments.
    """
    return {"model": model, "base_url": sandbox.base_url, "config": config, "max_retries": 0, **more}
