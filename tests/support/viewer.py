"""A receiver of spans that is not Portkey's, as a viewer is one, and what it makes of calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from portkey_gateway.call_builder import CallBuilder
from portkey_gateway.sandbox import CallLog, SpanReceiver
from portkey_gateway.sandbox.span_receiver import ReceivedSpan as Received

KIND = "openinference.span.kind"
TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")


def calls_in(spans: Iterable[Received]) -> list[Received]:
    """The calls of models among spans, in the order in which they began."""
    return sorted((span for span in spans if span.attributes[KIND] == "LLM"), key=lambda span: span.started_ns)


def tokens_in(spans: Iterable[Received]) -> tuple[int, int]:
    """What a viewer adds up: input and output."""
    told = [tuple(span.attributes.get(name, 0) for name in TOKENS) for span in spans]
    return sum(read for read, _ in told), sum(said for _, said in told)


@pytest.fixture
def receiver() -> Iterator[SpanReceiver]:
    with SpanReceiver() as running:
        yield running


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> CallLog:
    """Notes every call, whoever makes it, with the headers that it takes to the gateway."""
    noting, build = CallLog(), CallBuilder.call

    def call(self: CallBuilder, *args: Any, **kwargs: Any) -> Any:
        built = build(self, *args, **kwargs)
        noting.note(built)
        return built

    monkeypatch.setattr(CallBuilder, "call", call)
    return noting


def places_of(spans: Iterable[Received]) -> set[tuple[str, str, str | None]]:
    """Where spans stand."""
    return {(span.trace_id, span.span_id, span.parent_id) for span in spans}


def places_told(log: CallLog) -> set[tuple[str, str, str | None]]:
    """Where the gateway was told that calls stand."""
    return {(call.trace_id, call.span_id, call.parent_id) for call in log.calls}


def said_in(span: Received, way: str) -> list[Any]:
    """The messages of a call, ``input`` or ``output``."""
    messages = json.loads(span.attributes[f"gen_ai.{way}.messages"])
    assert isinstance(messages, list)
    return messages
