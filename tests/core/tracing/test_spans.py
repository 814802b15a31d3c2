"""Open spans are bounded in number, text and age; an exception ends a span as what it is."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.context import TraceContext
from portkey_gateway.tracing.excerpt import MAX_EXCERPT_CHARS
from portkey_gateway.tracing.spans import Described, Failure, OpenSpan, OpenSpans, Span, failed
from portkey_gateway.tracing.steps import Tracing


class Kept:
    """An export that keeps its spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def add(self, span: Span) -> None:
        self.spans.append(span)


def span(name: str = "a", text: str = "") -> OpenSpan:
    return OpenSpan(name, TraceContext("t", "s"), {"input.value": text, "n": 1})


def test_a_span_is_open_until_it_is_taken() -> None:
    spans = OpenSpans()
    spans.start("1", span())
    taken = spans.take("1")
    assert taken is not None
    assert (spans.take("1"), len(spans), spans.given_up) == (None, 0, 0)
    finished = taken.end({"n": 2, "m": True})
    assert finished.attributes == {"input.value": "", "n": 2, "m": True}
    assert finished.started_ns <= finished.ended_ns


def test_a_hundred_thousand_runs_that_never_end_stay_within_the_bound() -> None:
    spans = OpenSpans()
    for number in range(100_000):
        spans.start(str(number), span(text="x" * 100))
    assert (len(spans), spans.given_up) == (10_000, 90_000)
    assert spans.take("99999")
    assert spans.take("0") is None


def test_what_open_spans_hold_is_bounded_too() -> None:
    spans = OpenSpans(max_chars=1000)
    for number in range(20):
        spans.start(str(number), span(text="x" * 100))
    assert (len(spans), spans.given_up) == (10, 10)
    spans.start("19", span(text="x" * 100))
    assert len(spans) == 10, "a run that starts anew takes the place of its old span"
    for number in range(10, 20):
        assert spans.take(str(number))
    spans.start("big", span(text="x" * 1000))
    assert spans.take("big"), "what was taken is held no longer"


def test_old_spans_are_given_up_unless_they_still_start_others() -> None:
    now = [0.0]
    spans = OpenSpans(max_age_s=10, clock=lambda: now[0])
    spans.start("parent", span("parent"))
    spans.start("forgotten", span())
    now[0] = 8.0
    touched = spans.touch("parent")
    assert touched is not None
    assert touched.name == "parent"
    assert spans.touch("nobody") is None
    now[0] = 12.0
    spans.start("child", span())
    assert spans.take("forgotten") is None
    assert spans.take("parent")


@pytest.mark.parametrize("error", [GeneratorExit(), asyncio.CancelledError(), KeyboardInterrupt()])
def test_what_is_broken_off_has_not_failed(error: BaseException) -> None:
    assert failed(error) == ({semconv.OUTCOME: "cancelled"}, None)


def test_a_frameworks_interrupt_has_not_failed() -> None:
    assert failed(LookupError(), interrupts=(LookupError,)) == ({semconv.OUTCOME: "interrupted"}, None)


def test_a_failure_tells_its_class_text_and_stack() -> None:
    with pytest.raises(ValueError, match="no") as raised:
        raise ValueError("no" * MAX_EXCERPT_CHARS)
    attributes, failure = failed(raised.value)
    assert attributes == {semconv.ERROR_TYPE: "ValueError"}
    assert failure is not None
    assert (failure.type, len(failure.message)) == ("ValueError", MAX_EXCERPT_CHARS)
    assert len(failure.stacktrace) == MAX_EXCERPT_CHARS


def test_a_failure_tells_only_its_class_where_content_is_left_out() -> None:
    error = asyncio.QueueFull("secret")
    assert failed(error, capture_content=False)[1] == Failure("asyncio.queues.QueueFull")


class OddError(Exception):
    """An error that breaks when it is looked at."""

    def __getattribute__(self, name: str) -> Any:
        if name in {"__dict__", "__cause__", "__context__", "__notes__", "args"} and name == _broken.get():
            raise RuntimeError(name)
        return super().__getattribute__(name)

    def __str__(self) -> str:
        if _broken.get() == "__str__":
            raise RuntimeError
        return "odd"

    def __repr__(self) -> str:
        if _broken.get() == "__repr__":
            raise RuntimeError
        return "OddError()"

    def __setattr__(self, name: str, value: Any) -> None:
        if _broken.get() == "__setattr__":
            raise AttributeError(name)
        super().__setattr__(name, value)


def failing() -> None:
    raise OddError


_broken: ContextVar[str] = ContextVar("broken", default="")


@pytest.mark.parametrize(
    "broken",
    ["__dict__", "__str__", "__repr__", "__cause__", "__context__", "__notes__", "args", "__setattr__", "nothing"],
)
@pytest.mark.parametrize("capture_content", [True, False])
def test_an_error_that_breaks_when_it_is_looked_at_costs_no_span(broken: str, capture_content: bool) -> None:
    kept: Any = Kept()
    tracing = Tracing(kept, convert=str, capture_content=capture_content, calls=False)
    for key, parent in (("root", None), ("step", "root"), ("folded", "root")):
        context = TraceContext("t", f"s-{key}", f"s-{parent}" if parent else None, key)
        if key == "folded":
            tracing.fold(key, key, parent)
        else:
            tracing.start(key, context, lambda _: Described(), parent_key=parent)
    with pytest.raises(OddError) as caught:
        failing()
    token = _broken.set(broken)
    for key in ("folded", "step", "root"):
        tracing.fail(key, caught.value)
    _broken.reset(token)
    told = {span.name: span for span in kept.spans}
    assert list(told) == ["step", "root"]
    for span in told.values():
        assert span.failure is not None
        assert span.failure.type == f"{__name__}.OddError"
        assert bool(span.failure.stacktrace) is capture_content
