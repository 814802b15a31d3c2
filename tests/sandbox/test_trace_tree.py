"""A trace is drawn whole, whatever arrived of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda

from portkey_gateway.sandbox import CallLog, Sandbox, SpanReceiver, draw_trace
from portkey_gateway.sandbox.span_receiver import ReceivedSpan
from portkey_gateway.sandbox.trace_tree import TraceNode
from portkey_gateway.tracing.context import TraceContext
from portkey_langchain import ChatPortkey, PortkeyTracer
from tests.support.recording import RecordingServer, whole


def span(name: str, parent: str | None = None, *, at: int = 0, trace: str = "t", **attributes: Any) -> ReceivedSpan:
    is_error = "error.type" in attributes
    return ReceivedSpan(name, trace, name, parent, 1, at, at, attributes, is_error=is_error, exception={})


def call(name: str, parent: str | None, *, at: int = 0) -> TraceNode:
    return TraceNode("t", name, parent, name, at)


def test_children_stand_below_their_parents_in_the_order_of_time() -> None:
    spans = [span("tool", "agent", at=3), span("agent", "chain", at=1), span("prompt", "chain", at=2), span("chain")]
    assert draw_trace(spans, [call("second", "agent", at=4), call("first", "agent", at=2)]).split("\n") == [
        "chain",
        "├─ agent",
        "│  ├─ first",
        "│  ├─ tool",
        "│  └─ second",
        "└─ prompt",
    ]


def test_how_a_span_ended_is_said() -> None:
    spans = [
        span("chain", at=1, **{"error.type": "ValueError"}),
        span("left", at=2, **{"portkey.outcome": "cancelled"}),
        replace(span("tool", at=3, **{"error.type": "tool_error"}), is_error=False),
        replace(span("theirs", at=4), is_error=True),
    ]
    assert draw_trace(spans).split("\n") == [
        "chain  [ValueError]",
        "left  [cancelled]",
        "tool  [tool_error]",
        "theirs  [error]",
    ]


def test_durations_are_told_on_request_where_they_are_known() -> None:
    spans = [replace(span("chain", at=0, **{"error.type": "ValueError"}), ended_ns=12_400_000)]
    drawn = draw_trace(spans, [call("model", "chain", at=1)], durations=True)
    assert drawn == "chain  [ValueError]  12 ms\n└─ model"


def test_a_call_that_was_tried_again_stands_once() -> None:
    assert draw_trace([], [call("a", None), call("a", None)]) == "a  [2 tries]"


def test_nothing_vanishes() -> None:
    """Neither what misses its parent, nor a circle, nor the same id in another trace."""
    circle = [span("a", "b", at=4), span("b", "a", at=2), span("c", "a", at=3)]
    other = span("chain", "elsewhere", trace="u", at=1)
    assert draw_trace([*circle, span("orphan", "gone"), span("chain"), other]).split("\n") == [
        "orphan  [its parent did not arrive]",
        "chain",
        "chain  [its parent did not arrive]",
        "b  [stands below itself]",
        "└─ a",
        "c  [stands below itself]",
    ]


def test_a_chain_nested_deeper_than_pythons_stack_is_drawn() -> None:
    drawn = draw_trace([span(str(depth), str(depth - 1) if depth else None) for depth in range(2000)])
    assert drawn.endswith(f"{'   ' * 1998}└─ 1999")


def test_a_trace_id_that_no_header_can_carry_still_joins_the_calls() -> None:
    """The header has a question mark for the umlaut, the span's attribute the umlaut."""
    sent = TraceContext("Auftrag für 7 ", "b" * 16, "a" * 16, "model").render_headers()
    spans = [span("a" * 16, at=0, **{"portkey.trace_id": "Auftrag für 7 "})]
    assert draw_trace(spans, [TraceNode.of_call(sent)]) == f"{'a' * 16}\n└─ model  [through the gateway]"


def test_what_has_no_place_is_not_noted() -> None:
    """Neither an image that is fetched through the same client, nor a call of the core without a trace."""
    log = CallLog()
    with RecordingServer() as server, httpx.Client(event_hooks={"request": [log.note]}) as client:
        server.reply(whole(b""))
        client.get(server.base_url)
        client.get(server.base_url, headers={"x-portkey-trace-id": "order-7"})
        assert log.calls == []
        client.get(server.base_url, headers={"x-portkey-trace-id": "order-7", "x-portkey-span-id": "s"})
    assert [noted.key for noted in log.calls] == [("order-7", "s")]


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw_trace([]) == ""


@pytest.mark.parametrize("calls", [True, False])
async def test_an_agent_through_the_real_gateway(sandbox: Sandbox, *, calls: bool) -> None:
    """Its calls stand in the same places, whether the receiver has spans of them or the gateway's log alone."""
    log = CallLog()
    with (
        SpanReceiver() as receiver,
        httpx.Client(event_hooks={"request": [log.note]}) as client,
    ):
        async with httpx.AsyncClient(event_hooks={"request": [log.anote]}) as async_client:
            model = ChatPortkey(
                model=sandbox.model, http_client=client, http_async_client=async_client, **sandbox.options()
            )

            def get_weather(city: str) -> str:
                """Get the weather in a city."""
                return f"Sunny in {city}."

            tracer = PortkeyTracer(endpoint=receiver.endpoint, calls=calls)
            agent: Any = create_agent(model, [get_weather], name="clerk")
            chain: Any = RunnableLambda(lambda city: {"messages": [("human", f"What is the weather in {city}?")]})
            config: Any = {"callbacks": [tracer], "run_name": "umbrella", "metadata": {"trace_id": "order 7"}}
            await (chain | agent).ainvoke("Paris", config)
            (chain | agent).invoke("Oslo", {**config, "metadata": {}})
            tracer.close()
        call = f"chat {sandbox.model}" if calls else "ChatPortkey  [through the gateway]"
        tree = [
            "umbrella",
            "└─ invoke_agent clerk",
            f"   ├─ {call}",
            "   ├─ execute_tool get_weather",
            f"   └─ {call}",
        ]
        assert draw_trace(receiver.spans, log.calls).split("\n") == tree * 2
