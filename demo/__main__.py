"""Run every show, on the sandbox or on the hosted gateway."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from demo import fallback_show, langchain_show, llamaindex_show, retrieval_show, traces_show
from demo.screen import note, title
from portkey_gateway import GatewayOptions, PortkeyError
from portkey_gateway.sandbox import Sandbox, SandboxError

HOSTED_MODEL = "@anthropic/claude-sonnet-4-6"
"""The model catalog's name for it; ``PORTKEY_MODEL`` names another."""


def main() -> int:
    """Show everything; the exit status is 1 if a call or the sandbox failed."""
    try:
        with _gateway() as (arguments, sandbox):
            langchain_show.run(arguments)
            llamaindex_show.run(arguments)
            retrieval_show.run(arguments, _embedding(sandbox))
            if sandbox:
                fallback_show.run(sandbox)
            traces_show.run(arguments)
    except (PortkeyError, SandboxError) as error:
        note(f"\nThe demo stopped: {type(error).__name__}: {error}")
        return 1
    except KeyboardInterrupt:
        note("\nThe demo was stopped.")
        return 130
    return 0


@contextmanager
def _gateway() -> Iterator[tuple[dict[str, Any], Sandbox | None]]:
    """The arguments that take a model class to the gateway, and the sandbox where it is one."""
    if os.environ.get("PORTKEY_API_KEY"):
        model = os.environ.get("PORTKEY_MODEL", HOSTED_MODEL)
        title(f"Portkey gateway at {GatewayOptions().base_url}")
        note(f"PORTKEY_API_KEY is set: real calls to {model} (PORTKEY_MODEL names another).")
        yield {"model": model}, None
    else:
        title("Portkey gateway, on this machine")
        note("No PORTKEY_API_KEY: the open-source gateway with an emulated Claude and OpenAI behind it.")
        note("They answer by simple rules; what travels through the gateway is real.")
        with Sandbox(openai=True) as sandbox:
            note(f"Gateway at {sandbox.base_url}, emulated Claude at {sandbox.custom_host}.")
            yield {"model": sandbox.model, **sandbox.options()}, sandbox


def _embedding(sandbox: Sandbox | None) -> dict[str, Any] | None:
    """The arguments that take an embedding class to the gateway; ``None`` if the environment names no model for it."""
    if sandbox:
        return {"model": "text-embedding-3-small", **sandbox.options("openai")}
    model, config = (os.environ.get(f"PORTKEY_EMBEDDING_{name}") for name in ("MODEL", "CONFIG"))
    if not model:
        return None
    return {"model": model, "config": config} if config else {"model": model}


if __name__ == "__main__":
    sys.exit(main())
