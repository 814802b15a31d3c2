"""The fixtures of this folder."""

from __future__ import annotations

import pytest

from tests.support.fixtures import server

__all__ = ["server"]


@pytest.fixture(autouse=True)
def _no_portkey_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)
