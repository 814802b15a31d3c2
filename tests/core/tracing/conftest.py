"""The fixtures of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from portkey_gateway.tracing.export import SpanExport
from tests.core.tracing.exporting import to
from tests.support.fixtures import server as receiver
from tests.support.receiver import TAKEN
from tests.support.recording import RecordingServer

__all__ = ["receiver"]


@pytest.fixture(autouse=True)
def no_receiver_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "HEADERS", "TIMEOUT"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    for name in ("API_KEY", "BASE_URL"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


@pytest.fixture
def export(receiver: RecordingServer) -> Iterator[SpanExport]:
    """Exports to `receiver`, which takes everything."""
    receiver.reply(TAKEN)
    with closing(SpanExport(to(receiver), timeout_s=0.5)) as exporting:
        yield exporting
