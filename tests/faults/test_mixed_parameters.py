"""Parameters where OpenAI's models and a Claude may answer: nothing is refused, and what does not arrive is named once."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from portkey_gateway import PortkeyWarning
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey

FRAMEWORKS: Final[dict[str, Callable[..., Any]]] = {
    "langchain": lambda options, asked: ChatPortkey(**options).invoke("Hello", **asked),
    "llamaindex": lambda options, asked: Portkey(**options).complete("Hello", **asked),
}
any_framework = pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=FRAMEWORKS)
LOST: Final[dict[str, Any]] = {
    "seed": 7, "n": 2, "reasoning_effort": "low", "verbosity": "low", "service_tier": "auto",
    "response_format": {"type": "json_object"}, "prediction": {"type": "content", "content": "Hello"},
}  # fmt: skip


@pytest.fixture
def both(portkey_sandbox_with_openai: Sandbox) -> Iterator[Sandbox]:
    """Both providers behind one gateway, as if nobody had asked anything yet."""
    yield portkey_sandbox_with_openai
    portkey_sandbox_with_openai.openai.clear()
    portkey_sandbox_with_openai.claude.clear()


def behind(sandbox: Sandbox, model: str, *targets: dict[str, Any]) -> dict[str, Any]:
    """Options of a config whose first target is down."""
    first = sandbox.openai if targets[0]["provider"] == "openai" else sandbox.claude
    first.inject(Fault("status", status=503))
    config = {"strategy": {"mode": "fallback", "on_status_codes": [503]}, "targets": [*targets]}
    return {"model": model, "base_url": sandbox.base_url, "config": config, "max_retries": 0}


def warned(call: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PortkeyWarning)
        call()
    return [str(each.message) for each in caught if issubclass(each.category, PortkeyWarning)]


@any_framework
@pytest.mark.parametrize("model", ["gpt-5", "claude-sonnet-4-6"])
def test_what_claude_loses_is_named_once_whoever_is_named(both: Sandbox, framework: Any, model: str) -> None:
    options = behind(both, model, both.target("openai", model="gpt-5"), both.target("anthropic"))
    said = warned(lambda: framework(options, LOST))
    lost = Counter(each.split()[0] for each in said if "does not reach Claude" in each)
    assert lost == Counter(dict.fromkeys(LOST, 1))
    assert both.claude.requests[-1].status == 200
