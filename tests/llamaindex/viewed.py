"""Fixtures of tests that look at LlamaIndex's spans as a viewer gets them, which is told of the calls too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portkey_gateway.sandbox import SpanReceiver
from portkey_llamaindex import instrument
from portkey_llamaindex.tracer import Instrumentation

Seen = Callable[[], list[Any]]


@pytest.fixture
def instrumentation(receiver: SpanReceiver) -> Iterator[Instrumentation]:
    """An instrumentation whose spans all end, and all arrive."""
    with instrument(endpoint=receiver.endpoint) as started:
        yield started
        started.flush()
        assert (started.lost, len(started._tracing.open), len(started._tracing.folded)) == (0, 0, 0)


@pytest.fixture
def seen(instrumentation: Instrumentation, receiver: SpanReceiver) -> Seen:
    """Returns the spans that the receiver has got by now."""

    def spans() -> list[Any]:
        instrumentation.flush()
        return receiver.spans

    return spans
