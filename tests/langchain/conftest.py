"""The fixtures of this folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from portkey_langchain import ChatPortkey
from tests.langchain.tracing import no_opentelemetry_in_the_environment, receiver, sent, tracer
from tests.support.fixtures import server

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

__all__ = ["no_opentelemetry_in_the_environment", "receiver", "sent", "server", "tracer"]


@pytest.fixture(autouse=True)
def _no_portkey_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


@pytest.fixture(params=["chat_completions", "messages"])
def api_format(request: pytest.FixtureRequest) -> str:
    """Each of the two formats: what works over one works over the other."""
    return str(request.param)


@pytest.fixture
def model(sandbox: Sandbox, api_format: str) -> ChatPortkey:
    """A model whose calls go through the real gateway to the emulated Claude."""
    options: dict[str, Any] = {**sandbox.options(), "api_format": api_format}
    return ChatPortkey(model=sandbox.model, max_retries=0, **options)


@pytest.fixture
def received(sandbox: Sandbox) -> Callable[[], dict[str, Any]]:
    """Returns the body of the latest request that reached the emulated Claude."""

    def latest() -> dict[str, Any]:
        body = sandbox.claude.requests[-1].body
        assert isinstance(body, dict)
        return body

    return latest
