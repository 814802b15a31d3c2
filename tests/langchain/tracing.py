"""Fixtures of the tracer's tests: a tracer in front of a real receiver, and what it got."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from portkey_langchain import PortkeyTracer
from portkey_langchain.callbacks import RUNS
from tests.support.receiver import TAKEN, Received, spans_of
from tests.support.recording import RecordingServer

Sent = Callable[[], list[Received]]


@pytest.fixture(autouse=True)
def no_opentelemetry_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "PORTKEY_TRACING"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def receiver() -> Iterator[RecordingServer]:
    with RecordingServer() as running:
        running.reply(TAKEN)
        yield running


@pytest.fixture
def tracer(receiver: RecordingServer) -> Iterator[PortkeyTracer]:
    """A tracer whose runs all end, and whose spans all arrive."""
    before = set(RUNS._tree._runs)
    with closing(PortkeyTracer(endpoint=f"{receiver.base_url}/otel/v1/traces")) as tracing:
        yield tracing
        tracing.flush()
        assert (tracing.lost, len(tracing._tracing.open), len(tracing._tracing.folded)) == (0, 0, 0)
    assert set(RUNS._tree._runs) <= before  # a stream that an earlier test left may end meanwhile


@pytest.fixture
def sent(tracer: PortkeyTracer, receiver: RecordingServer) -> Sent:
    """Returns the spans that the receiver has got by now."""

    def spans() -> list[Received]:
        tracer.flush()
        return spans_of(receiver)

    return spans
