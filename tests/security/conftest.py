"""The fixtures of this folder."""

from __future__ import annotations

import os

import pytest

from tests.support.fixtures import event_loop_of_the_thread, server

__all__ = ["event_loop_of_the_thread", "server"]


@pytest.fixture(autouse=True)
def _no_portkey_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PORTKEY_")]:
        monkeypatch.delenv(name)
