"""The fixtures of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from portkey_llamaindex import Portkey
from tests.llamaindex.received import Received
from tests.support.fixtures import server
from tests.support.recording import RecordingServer

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

__all__ = ["server"]


@pytest.fixture(autouse=True)
def _no_portkey_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


@pytest.fixture
def llm(sandbox: Sandbox) -> Portkey:
    """A model whose calls go through the real gateway to the emulated Claude."""
    return Portkey(model=sandbox.model, max_retries=0, **sandbox.options())


@pytest.fixture
def received(sandbox: Sandbox) -> Received:
    """What the emulated Claude received."""
    return Received(sandbox)


@pytest.fixture
def recorded(server: RecordingServer) -> Portkey:
    """A model whose calls go to a server that answers what the test wrote."""
    options: dict[str, Any] = {"provider": "anthropic", "provider_api_key": "sk-ant-of-the-test"}
    return Portkey(model="claude-sonnet-4-5", base_url=server.base_url, max_retries=0, **options)
