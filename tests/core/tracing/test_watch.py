"""Calls are watched for the receivers that want them, and for nobody else; whatever goes wrong there, no call fails."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from typing import Any

import httpx
import pytest

from portkey_gateway import GatewayClient, GatewayOptions
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.tracing import steps, watch, watched
from portkey_gateway.tracing.context import TraceContext, new_span_id, new_trace_id
from portkey_gateway.tracing.receivers import Receivers
from portkey_gateway.tracing.spans import Described, Span
from portkey_gateway.tracing.steps import Tracing
from portkey_gateway.tracing.watch import UNWATCHED, watch_call
from tests.support.recording import answer, deltas, event

REQUEST: ChatRequest = {"model": "claude-x", "messages": [{"role": "user", "content": "Hi"}]}
OPTIONS = GatewayOptions(base_url="http://127.0.0.1:1/v1", provider="anthropic", api_format="chat_completions")


class Kept:
    """An export that keeps its spans."""

    begun_ns = 0
    before_close: Any = None

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def close(self) -> None:
        self.before_close()()

    def add(self, span: Span) -> None:
        self.spans.append(span)


def streaming_client() -> GatewayClient:
    body = b"".join([*map(event, deltas("Hel", "lo.")), event(b"[DONE]")])
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, content=body, headers={"content-type": "text/event-stream"})
    )
    return GatewayClient(
        OPTIONS,
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
    )


@pytest.fixture(autouse=True)
def receivers(monkeypatch: pytest.MonkeyPatch) -> Receivers:
    """Those of the test alone."""
    fresh = Receivers()
    for module in (watch, watched, steps):
        monkeypatch.setattr(module, "RECEIVERS", fresh)
    return fresh


def receiving(**options: Any) -> tuple[Tracing, list[Span]]:
    kept: Any = Kept()
    return Tracing(kept, convert=lambda value: value, **options), kept.spans


def expect(tracing: Tracing) -> TraceContext:
    """Tell of a call that is about to be made."""
    trace = TraceContext(new_trace_id(), new_span_id(), None, "call")
    tracing.start("call", trace, lambda _: Described("chat claude-x", kind="client"), awaits_call=True)
    return trace


def client() -> GatewayClient:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer()))
    return GatewayClient(OPTIONS, http_client=httpx.Client(transport=transport))


def test_where_nobody_exports_nothing_is_done() -> None:
    assert watch_call("chat", REQUEST, TraceContext(new_trace_id(), new_span_id()), OPTIONS) is UNWATCHED


def test_a_call_goes_to_whoever_expects_it_and_to_nobody_else() -> None:
    (one, spans), (_other, others) = receiving(), receiving()
    trace = expect(one)
    client().chat(REQUEST, trace=trace)
    [span] = spans
    assert (span.context.trace_id, span.context.span_id) == (trace.trace_id, trace.span_id)
    assert (span.name, span.kind, others) == ("chat claude-x", "client", [])
    client().chat(REQUEST)
    assert len(spans) == 1


def test_what_is_expected_and_never_made_is_no_call() -> None:
    tracing, spans = receiving()
    expect(tracing)
    tracing.end("call", lambda _: Described())
    assert (spans, len(tracing.open)) == ([], 0)


def test_a_receiver_that_wants_no_calls_expects_none(receivers: Receivers) -> None:
    for options in ({"calls": False}, {"is_portkey": True}):
        tracing, _ = receiving(**options)
        expect(tracing)
        assert len(tracing.open) == 0
    assert not receivers


def test_a_call_that_belongs_to_a_span_is_told_what_that_knows() -> None:
    tracing, spans = receiving()
    around = TraceContext(new_trace_id(), new_span_id())
    tracing.start("tool", around, lambda _: Described("tool"), labels={"thread_id": "s-1", "user_id": "u-1"})
    client().chat(REQUEST, trace=TraceContext(around.trace_id, new_span_id(), around.span_id))
    [span] = spans
    assert (span.attributes["session.id"], span.attributes["user.id"]) == ("s-1", "u-1")
    assert span.context.parent_span_id == around.span_id


@pytest.mark.parametrize(("others", "told"), [(9_990, 1), (10_010, 0)])
def test_a_call_may_come_long_after_its_span_has_ended(
    others: int, told: int, caplog: pytest.LogCaptureFixture
) -> None:
    tracing, spans = receiving()
    around = TraceContext(new_trace_id(), new_span_id())
    for number in range(others + 1):
        context = TraceContext(new_trace_id(), new_span_id()) if number else around
        tracing.start("step", context, lambda _: Described("step"), labels={"user_id": "u-1"})
        tracing.end("step", lambda _: Described())
    spans.clear()
    for _ in range(2):
        client().chat(REQUEST, trace=TraceContext(around.trace_id, new_span_id(), around.span_id))
    assert [span.attributes["user.id"] for span in spans] == ["u-1"] * 2 * told
    assert len([each for each in caplog.records if "has no span" in each.message]) == 1 - told


def test_a_call_that_is_not_over_when_the_receiver_is_closed_is_told_as_it_is() -> None:
    tracing, spans = receiving()
    with streaming_client().stream(REQUEST, trace=expect(tracing)) as stream:
        next(iter(stream))
        tracing.close()
        [span] = spans
        assert span.attributes["portkey.outcome"] == "unfinished"
        assert "Hel" in str(span.attributes["gen_ai.output.messages"])
    assert len(spans) == 1


def test_a_stream_that_nobody_can_ever_close_is_told() -> None:
    tracing, spans = receiving()
    trace = expect(tracing)

    async def begin() -> None:
        stream = await streaming_client().astream(REQUEST, trace=trace).__aenter__()
        pieces = aiter(stream)
        # Both, or the loop would still begin to close what is dropped before its end.
        kept.extend([stream, pieces])
        await anext(pieces)

    kept: list[Any] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    kept.clear()
    gc.collect()
    tracing.start("next", TraceContext(new_trace_id(), new_span_id()), lambda _: Described("next"))
    [span] = spans
    assert span.attributes["portkey.outcome"] == "cancelled"
    assert len(tracing.left.under_way) == 0


def test_nobody_is_kept_alive() -> None:
    known = Receivers()
    tracing, _ = receiving(calls=False)
    known.add(tracing)
    assert known.live() == [tracing]
    del tracing
    gc.collect()
    assert not known


def test_one_that_is_closed_hears_no_more() -> None:
    known = Receivers()
    one, other = receiving(calls=False)[0], receiving(calls=False)[0]
    known.add(one)
    known.add(other)
    known.discard(one)
    assert known.live() == [other]


def test_what_goes_wrong_here_costs_words_and_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError

    tracing, spans = receiving()
    trace = expect(tracing)
    monkeypatch.setattr(watched, "describe_request", broken)
    assert client().chat(REQUEST, trace=trace).text == "Hello."
    [span] = spans
    assert span.context == replace(trace, span_name="call")
    assert span.attributes["openinference.span.kind"] == "CHAIN"
