"""Steps that are folded have no span; parents stay right, and no error is lost or told twice."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.resources import Resource

from portkey_gateway.tracing.context import TraceContext, new_span_id, new_trace_id
from portkey_gateway.tracing.fold import FoldedSteps, Step
from portkey_gateway.tracing.otel_span import readable_span
from portkey_gateway.tracing.spans import Described, OpenSpan, Span
from portkey_gateway.tracing.steps import MAX_INNER_FAILURES, Tracing


class Kept:
    """An export that keeps its spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.lost = 0

    def add(self, span: Span) -> None:
        self.spans.append(span)


class Traced:
    """Tracing of one trace, by short keys."""

    def __init__(self, **options: Any) -> None:
        self.kept = Kept()
        export: Any = self.kept
        self.tracing = Tracing(export, convert=lambda value: value, **options)
        self._trace_id = new_trace_id()

    def start(self, key: str, around: str | None = None) -> OpenSpan | None:
        """Returns the span around it, as whoever describes the step sees it."""
        seen: list[OpenSpan | None] = []

        def describe(parent: OpenSpan | None) -> Described:
            seen.append(parent)
            return Described(key)

        context = TraceContext(self._trace_id, new_span_id(), None, key)
        self.tracing.start(key, context, describe, parent_key=around)
        return seen[0]

    def end(self, *keys: str) -> None:
        for key in keys:
            self.tracing.end(key, lambda _: Described())

    def events(self, name: str) -> list[Any]:
        [span] = [span for span in self.kept.spans if span.name == name]
        return [event.attributes for event in readable_span(span, Resource({})).events]


def test_what_is_in_a_folded_step_belongs_to_what_is_around() -> None:
    traced = Traced()
    traced.start("root")
    traced.tracing.fold("outer", "Outer", "root", {"agent": "clerk", "call": None})
    traced.tracing.fold("inner", "Inner", "outer", {"agent": "expert"})
    around = traced.start("tool", "inner")
    assert around is not None
    assert (around.name, around.attributes["agent"], "call" in around.attributes) == ("root", "expert", False)
    traced.end("tool", "inner", "outer", "root")
    assert [span.name for span in traced.kept.spans] == ["tool", "root"]
    assert len(traced.tracing.folded) == 0


def test_an_error_that_somebody_caught_is_an_event() -> None:
    traced = Traced()
    traced.start("root")
    traced.tracing.fold("step", "RunnableLambda", "root")
    traced.tracing.fail("step", ValueError("no such city"))
    traced.end("root")
    [event] = traced.events("root")
    assert (event["portkey.step"], event["exception.type"]) == ("RunnableLambda", "ValueError")
    assert event["exception.message"] == "no such city"
    assert traced.kept.spans[0].failure is None


def test_an_error_that_passes_through_many_steps_is_told_once() -> None:
    traced, error = Traced(), ValueError("no such city")
    traced.start("root")
    for key, around in (("outer", "root"), ("inner", "outer")):
        traced.tracing.fold(key, key, around)
    for key in ("inner", "outer", "root"):
        traced.tracing.fail(key, error)
    [event] = traced.events("root")
    assert "portkey.step" not in event


def test_an_error_that_a_span_told_is_not_told_again_by_the_steps_around_it() -> None:
    class WrappedError(ValueError):
        """What a framework makes of it."""

    traced = Traced()
    traced.start("root")
    traced.tracing.fold("step", "step", "root")
    traced.start("tool", "step")
    traced.tracing.fail("tool", ValueError("no such city"))
    traced.tracing.fail("step", WrappedError("no such city"))
    traced.end("root")
    assert (len(traced.events("tool")), traced.events("root")) == (1, [])


def test_several_errors_are_several_events_and_not_without_end() -> None:
    traced = Traced()
    traced.start("root")
    for number in range(MAX_INNER_FAILURES + 3):
        traced.tracing.fold("step", "step", "root")
        traced.tracing.fail("step", ValueError(str(number)))
    traced.tracing.fail("root", KeyError("last"))
    *inner, last = traced.events("root")
    assert [event["exception.message"] for event in inner] == [
        str(number) for number in range(3, MAX_INNER_FAILURES + 3)
    ]
    assert last["exception.type"] == "KeyError"


def test_without_content_an_error_has_its_class_alone() -> None:
    traced = Traced(capture_content=False)
    traced.start("root")
    traced.tracing.fold("step", "step", "root")
    traced.tracing.fail("step", ValueError("the text of the user"))
    traced.end("root")
    [event] = traced.events("root")
    assert event.keys() == {"exception.type", "portkey.step"}


def test_what_is_cancelled_is_no_error() -> None:
    traced = Traced()
    traced.start("root")
    traced.tracing.fold("step", "step", "root")
    traced.tracing.fail("step", GeneratorExit())
    traced.end("root")
    assert traced.events("root") == []


def test_only_so_many_are_remembered() -> None:
    steps = FoldedSteps(max_steps=2)
    for key in ("a", "b", "c"):
        steps.add(key, Step(key, None))
    assert (len(steps), steps.take("a"), steps.take("c")) == (2, None, Step("c", None))
