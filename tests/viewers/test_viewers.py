"""``make test-viewers``: Arize Phoenix and MLflow see the trace that we draw, its tokens, and the conversation."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, TypeAlias

import pytest

from portkey_gateway.sandbox import Sandbox, SpanReceiver, draw_trace
from portkey_gateway.sandbox.span_receiver import ReceivedSpan
from tests.llamaindex.tree import agents_warn
from tests.viewers.mlflow import MLflow
from tests.viewers.phoenix import Phoenix
from tests.viewers.runs import Used, run_langchain, run_llamaindex
from tests.viewers.seen import SeenSpan, draw_seen

pytestmark = [pytest.mark.viewers, pytest.mark.timeout(600), agents_warn]

Viewer: TypeAlias = Phoenix | MLflow

VIEWERS: Final = ("phoenix", "mlflow")
LIMIT_S: Final = 30.0


async def in_langchain(*given: Any) -> Used:
    return run_langchain(*given)


@pytest.mark.parametrize("name", VIEWERS)
@pytest.mark.parametrize("run", [in_langchain, run_llamaindex], ids=["langchain", "llamaindex"])
async def test_a_viewer_sees_the_whole_trace(
    both: Sandbox, request: pytest.FixtureRequest, name: str, run: Callable[..., Awaitable[Used]]
) -> None:
    viewer: Viewer = request.getfixturevalue(name)
    session = f"s-{uuid.uuid4()}"
    with SpanReceiver() as receiver:
        used = await run(both, [viewer.receiver, {"endpoint": receiver.endpoint}], session)
        ours = receiver.spans
    [trace_id] = {span.trace_id for span in ours}
    seen = ask(viewer, trace_id, len(ours))

    assert draw_seen(in_order(seen)) == draw_trace(in_order([whole_us(span) for span in ours]))
    calls = [span for span in seen if span.kind == "LLM"]
    # Each call is there once: those that Claude answered, and the one that it refused.
    assert len(calls) == len(both.claude.requests)
    assert sum(span.is_error for span in calls) == 1
    told = sum(span.input_tokens for span in seen), sum(span.output_tokens for span in seen)
    assert told == (used.input_tokens, used.output_tokens)
    assert {span.session for span in seen} == {session}
    assert viewer.sessions()[session] == sum(told)
    assert all(call.model for call in calls)


def ask(viewer: Viewer, trace_id: str, number: int) -> list[SeenSpan]:
    """What the viewer knows of a trace, once it has stored all of it: it takes spans before it does."""
    limit = time.monotonic() + LIMIT_S
    while len(seen := viewer.spans(trace_id)) < number and time.monotonic() < limit:
        time.sleep(0.2)
    assert len(seen) == number
    return seen


def in_order(spans: list[Any]) -> list[Any]:
    """In an order that does not hang on how they arrived."""
    return sorted(spans, key=lambda span: span.span_id)


def whole_us(span: ReceivedSpan) -> ReceivedSpan:
    """A span with a start as exact as Phoenix keeps it."""
    return replace(span, started_ns=span.started_ns // 1000 * 1000)
