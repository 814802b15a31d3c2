"""Steps that are folded have no span; parents stay right, and no error is lost or told twice."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource

from portkey_gateway.tracing.context import TraceContext, new_span_id, new_trace_id
from portkey_gateway.tracing.excerpt import MAX_EXCERPT_CHARS
from portkey_gateway.tracing.fold import FoldedSteps, Step
from portkey_gateway.tracing.otel_span import readable_span
from portkey_gateway.tracing.spans import (
    MAX_INNER_CHARS,
    MAX_INNER_FAILURES,
    MAX_TOLD_ERRORS,
    Described,
    OpenSpan,
    Span,
)
from portkey_gateway.tracing.steps import Tracing


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
        self.span_id = ""

    def start(self, key: str, around: str | None = None) -> OpenSpan | None:
        """Returns the span around it, as whoever describes the step sees it."""
        seen: list[OpenSpan | None] = []

        def describe(parent: OpenSpan | None) -> Described:
            seen.append(parent)
            return Described(key)

        self.span_id = new_span_id()
        context = TraceContext(self._trace_id, self.span_id, None, key)
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

    traced, told = Traced(), ValueError("no such city")
    traced.start("root")
    traced.tracing.fold("step", "step", "root")
    traced.start("tool", "step")
    traced.tracing.fail("tool", told)
    try:
        try:
            raise told
        except ValueError as error:
            raise WrappedError(str(error)) from None
    except WrappedError as error:
        traced.tracing.fail("step", error)
    traced.end("root")
    assert (len(traced.events("tool")), traced.events("root")) == (1, [])


def test_errors_of_the_same_text_are_as_many_as_there_are() -> None:
    traced = Traced()
    traced.start("root")

    def reset(before: Exception | None = None) -> None:
        try:
            if before:
                raise before
        finally:
            raise ValueError("reset by peer")

    errors: list[Exception] = []
    for _ in range(2):
        # The second is raised while the first is handled, as by whoever tries again.
        with pytest.raises(ValueError, match="reset") as raised:
            reset(errors[-1] if errors else None)
        errors.append(raised.value)
    for error in [*errors, RuntimeError(""), KeyError()]:
        traced.tracing.fold("step", "step", "root")
        traced.tracing.fail("step", error)
    traced.end("root")
    kinds = [event["exception.type"] for event in traced.events("root")]
    assert kinds == ["ValueError", "ValueError", "RuntimeError", "KeyError"]


def test_an_error_whose_text_cannot_be_told_costs_no_span() -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    traced = Traced()
    traced.start("root")
    traced.start("step", "root")
    traced.tracing.fail("step", OddError())
    traced.end("root")
    [event] = traced.events("step")
    assert event["exception.message"] == "(its text cannot be told)"
    assert (len(traced.kept.spans), len(traced.tracing.open)) == (2, 0)


def test_what_an_open_span_tells_of_errors_is_bounded_and_counted() -> None:
    traced = Traced()
    traced.start("root")
    for number in range(3 * MAX_TOLD_ERRORS):
        traced.tracing.fold("step", "step", "root")
        traced.tracing.fail("step", ValueError(f"{number} " * MAX_EXCERPT_CHARS))
    _, span = traced.tracing.open.find(traced.span_id) or ("", None)
    assert span
    assert MAX_INNER_CHARS - 2 * MAX_EXCERPT_CHARS < span.chars <= MAX_INNER_CHARS
    assert len(span.told_errors) == MAX_TOLD_ERRORS
    traced.end("root")
    texts = [len(event.get("exception.message", "")) for event in traced.events("root")]
    assert len(texts) == MAX_INNER_FAILURES
    assert (texts[0], texts[-1]) == (0, MAX_EXCERPT_CHARS)


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
