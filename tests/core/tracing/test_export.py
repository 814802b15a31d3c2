"""Spans reach a real receiver with the ids that they have."""

from __future__ import annotations

import logging
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.context import TraceContext, new_span_id
from portkey_gateway.tracing.export import SpanExport
from portkey_gateway.tracing.otel_span import readable_span
from portkey_gateway.tracing.spans import Failure
from tests.core.tracing.exporting import span, to
from tests.support.receiver import spans_of
from tests.support.recording import RecordingServer


def test_a_span_arrives_as_it_is(receiver: RecordingServer, export: SpanExport) -> None:
    given = span(
        attributes={"text": "ü", "number": 2, "part": 0.5, "yes": True, "list": ["a", "b"]},
        kind="client",
        failure=Failure("ValueError", "no", "line 1"),
    )
    export.add(given)
    export.flush()
    [got] = spans_of(receiver)
    context = given.context
    assert (got.trace_id, got.span_id, got.parent_id) == (context.trace_id, context.span_id, context.parent_span_id)
    assert (got.name, got.kind, got.started_ns, got.ended_ns) == ("step", 3, 1_000, 2_000)
    assert got.attributes == given.attributes
    assert got.is_error
    told = {
        semconv.EXCEPTION_TYPE: "ValueError",
        semconv.EXCEPTION_MESSAGE: "no",
        semconv.EXCEPTION_STACKTRACE: "line 1",
    }
    assert got.exception == told
    assert receiver.requests[0].header("x-key") == "sk-receiver-key"
    assert (export.sent, export.lost) == (1, 0)


def test_a_trace_id_that_the_user_chose_is_told_and_the_same_for_all_its_spans(
    receiver: RecordingServer, export: SpanExport
) -> None:
    for chosen in ("order 7 ü", "order 7 ü", "order 8", "123E4567-e89b-12d3-a456-426614174000"):
        export.add(span(context=TraceContext(chosen, new_span_id())))
    export.flush()
    first, second, other, uuid = spans_of(receiver)
    assert first.trace_id == second.trace_id != other.trace_id
    assert first.attributes == {semconv.TRACE_ID: "order 7 ü"}
    assert uuid.trace_id == "123e4567e89b12d3a456426614174000"


def test_nothing_is_connected_before_the_first_span(receiver: RecordingServer, export: SpanExport) -> None:
    export.flush()
    assert receiver.accepted == 0


def test_who_disables_opentelemetry_disables_this(receiver: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with closing(SpanExport(to(receiver))) as export:
        export.add(span())
    assert (receiver.accepted, export.sent, export.lost) == (0, 0, 0)


def test_what_comes_after_the_end_is_lost(receiver: RecordingServer) -> None:
    export = SpanExport(to(receiver))
    export.close()
    export.add(span())
    assert (receiver.accepted, export.lost) == (0, 1)


@given(name=st.text(st.characters(exclude_categories=())), number=st.integers(-(2**70), 2**70))
def test_whatever_a_span_holds_can_be_encoded(name: str, number: int) -> None:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415 slow, one test

    odd = span(name, attributes={name or "a": name, "number": number, "list": [name]}, failure=Failure("E", name, name))
    context = TraceContext(f"odd {name}", new_span_id())
    for each in (odd, span(context=context)):
        assert encode_spans([readable_span(each, Resource({}))]).SerializeToString()


def test_a_span_that_cannot_be_sent_costs_only_itself(
    receiver: RecordingServer, export: SpanExport, caplog: pytest.LogCaptureFixture
) -> None:
    export.add(span(context=TraceContext()))
    export.add(span())
    export.flush()
    assert len(spans_of(receiver)) == 1
    assert (export.sent, export.lost) == (1, 1)
    assert "has no ids" in caplog.text


def test_others_who_use_opentelemetrys_exporter_still_see_its_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").warning("theirs")
    assert "theirs" in caplog.text
