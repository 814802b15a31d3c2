"""The fixtures of this folder: a provider behind the gateway, and a model of each framework that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.providers.behind import reached
from tests.providers.emulated import EmulatedProvider
from tests.providers.frameworks import FRAMEWORKS, Framework
from tests.providers.wires import ASKED
from tests.support.fixtures import server

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

__all__ = ["server"]


@pytest.fixture(autouse=True)
def _no_portkey_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


@pytest.fixture(params=ASKED)
def row(request: pytest.FixtureRequest) -> str:
    """Each provider, by its row in the table; a test may name those it is about by ``indirect``."""
    return str(request.param)


@pytest.fixture
def provider(row: str) -> Iterator[EmulatedProvider]:
    """The provider itself."""
    with EmulatedProvider(ASKED[row]()) as running:
        yield running


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest, sandbox: Sandbox, provider: EmulatedProvider, row: str) -> Framework:
    """A model that asks the provider by way of the real gateway."""
    host = provider.base_url.removesuffix("/v1")
    return FRAMEWORKS[request.param](reached(row, sandbox.base_url, host))
