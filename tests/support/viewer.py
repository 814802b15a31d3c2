"""A receiver of spans that is not Portkey's, as a viewer is one, and what it makes of calls."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import pytest

from portkey_gateway.call_builder import CallBuilder
from portkey_gateway.sandbox import CallLog, SpanReceiver, draw_trace
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
def headers() -> list[Mapping[str, str]]:
    """The headers of every call that was noted."""
    return []


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, headers: list[Mapping[str, str]]) -> CallLog:
    """Notes every call, whoever makes it, with the headers that it takes to the gateway."""
    noting, build = CallLog(), CallBuilder.call

    def call(self: CallBuilder, *args: Any, **kwargs: Any) -> Any:
        built = build(self, *args, **kwargs)
        noting.note(built)
        headers.append(built.headers)
        return built

    monkeypatch.setattr(CallBuilder, "call", call)
    return noting


def places_of(spans: Iterable[Received]) -> set[tuple[str, str, str | None]]:
    """Where spans stand."""
    return {(span.trace_id, span.span_id, span.parent_id) for span in spans}


def places_told(log: CallLog) -> set[tuple[str, str, str | None]]:
    """Where the gateway was told that calls stand."""
    return {(call.trace_id, call.span_id, call.parent_id) for call in log.calls}


def whole_tree(spans: Collection[Received]) -> bool:
    """Whether spans have one root, and all else stands in them."""
    ids = {(span.trace_id, span.span_id) for span in spans}
    parents = [(span.trace_id, span.parent_id) for span in spans if span.parent_id]
    return len(parents) == len(spans) - 1 and ids.issuperset(parents)


def said_in(span: Received, way: str) -> list[Any]:
    """The messages of a call, ``input`` or ``output``."""
    messages = json.loads(span.attributes[f"gen_ai.{way}.messages"])
    assert isinstance(messages, list)
    return messages


Shape: TypeAlias = tuple[str, tuple[Any, ...]]
"""What a line of a drawn tree says, and what is below it, in any order."""


def shape_of(drawn: str) -> list[Shape]:
    """What ``draw_trace`` drew, whichever of several branches began first."""
    lines = [(len(re.match(r"[│├└─ ]*", line)[0]) // 3, line.lstrip("│├└─ ")) for line in drawn.splitlines()]  # type: ignore[index]
    shapes, rest = _below(lines, 0)
    assert rest == []
    return shapes


def _below(lines: list[tuple[int, str]], depth: int) -> tuple[list[Shape], list[tuple[int, str]]]:
    shapes: list[Shape] = []
    while lines and lines[0][0] == depth:
        label = lines[0][1]
        children, lines = _below(lines[1:], depth + 1)
        shapes.append((label, tuple(children)))
    return sorted(shapes), lines


def draw_with_calls(spans: Iterable[Received], log: CallLog) -> tuple[list[Shape], list[Shape]]:
    """A trace as a viewer has it, and as the spans around the calls and the gateway's log of these have it."""
    spans = list(spans)
    around = [span for span in spans if span.attributes[KIND] not in {"LLM", "EMBEDDING"}]
    whole, joined = draw_trace(spans), draw_trace(around, log.calls)
    plain = (
        re.sub(r"(chat|embeddings) \S+.*|[\w.]+  \[through the gateway\]", "a call", text) for text in (whole, joined)
    )
    seen, told = map(shape_of, plain)
    return seen, told
