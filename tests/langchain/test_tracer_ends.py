"""How the span of a run ends, and that nothing of this ever breaks a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableGenerator, RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from typing_extensions import override

from portkey_langchain import PortkeyTracer, run_spans
from portkey_langchain.callbacks import RUNS
from tests.langchain.tracing import Sent
from tests.langchain.tracing_runs import Shelf, Theirs, failing, one, told, weather
from tests.support.receiver import roots_of
from tests.support.recording import RecordingServer, whole


def test_what_fails_tells_its_error(tracer: PortkeyTracer, sent: Sent) -> None:
    chain = RunnableLambda(str) | RunnableLambda(failing)
    config: Any = {"callbacks": [tracer]}
    with pytest.raises(ValueError, match="the text"):
        chain.invoke("Hi", config)
    with pytest.raises(ValueError, match="Atlantis"):
        weather.invoke({"city": "Atlantis"}, config)
    with pytest.raises(OSError, match="fire"):
        Shelf().invoke("burn", config)
    with pytest.raises(IndexError):
        Theirs(responses=[]).invoke("Hi", config)
    failed = [span for span in sent() if span.is_error]
    assert [span.attributes["error.type"] for span in failed] == [
        "ValueError", "ValueError", "ValueError", "OSError", "IndexError",
    ]  # fmt: skip
    assert failed[0].exception["exception.message"] == "the text of the user"
    assert "in failing" in failed[0].exception["exception.stacktrace"]


def test_an_interrupt_is_no_error(tracer: PortkeyTracer, sent: Sent) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:  # noqa: ARG001 LangGraph's signature
        return {"messages": [("human", interrupt("May I?"))]}

    built = StateGraph(MessagesState)
    built.add_node("ask", ask)
    built.add_edge(START, "ask")
    graph: Any = built.compile(checkpointer=InMemorySaver())
    graph.invoke({"messages": []}, {"callbacks": [tracer], "configurable": {"thread_id": "1"}})
    spans = sent()
    assert not any(span.is_error for span in spans)
    assert one(spans, "ask").attributes["portkey.outcome"] == "interrupted"
    assert one(spans, "LangGraph").attributes["gen_ai.conversation.id"] == "1"


async def test_a_cancelled_run_is_ended(tracer: PortkeyTracer, sent: Sent) -> None:
    begun = asyncio.Event()

    async def wait(_: str) -> None:
        begun.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(RunnableLambda(wait).ainvoke("Hi", {"callbacks": [tracer]}))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [span] = sent()
    assert (span.is_error, span.attributes["portkey.outcome"]) == (False, "cancelled")


async def test_a_stream_that_is_left_is_ended(tracer: PortkeyTracer, sent: Sent) -> None:
    def count(_: Iterator[str]) -> Iterator[int]:
        yield from range(100)

    async def acount(_: AsyncIterator[str]) -> AsyncIterator[int]:
        for number in range(100):
            yield number

    counting = RunnableGenerator(count, acount)
    config: Any = {"callbacks": [tracer]}
    stream: Any = counting.stream("go", config)
    assert next(stream) == 0
    stream.close()
    astream: Any = counting.astream("go", config)
    assert await anext(astream) == 0
    await astream.aclose()
    # LangChain itself ends the run of a stream that is closed, with what it had given so far.
    assert [span.is_error for span in sent()] == [False, False]


def test_runs_that_never_end_are_given_up(receiver: RecordingServer) -> None:
    with closing(PortkeyTracer(endpoint=f"{receiver.base_url}/otel/v1/traces")) as tracing:
        runs = [uuid4() for _ in range(12_000)]
        for run_id in runs:
            tracing.on_chain_start(None, {"text": "stuck"}, run_id=run_id, name="stuck")
        assert tracing.lost == 2_000
        for run_id in runs:
            RUNS.on_chain_end(None, run_id=run_id)


# --- nothing of this breaks a run -----------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [whole(b"", status=500), whole(b"", wait_s=1.0), None])
async def test_a_receiver_that_fails_changes_nothing(
    receiver: RecordingServer, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    endpoint = f"{receiver.base_url}/otel/v1/traces"
    if reply:
        receiver.reply(reply)
    else:
        endpoint = "http://127.0.0.1:9/v1/traces"
    tracing = PortkeyTracer(endpoint=endpoint)
    chain = RunnableLambda(str) | Theirs(responses=[told()])
    assert chain.invoke("Hi", {"callbacks": [tracing]}).text == "Hello."
    assert (await chain.ainvoke("Hi", {"callbacks": [tracing]})).text == "Hello."
    tracing.flush()
    assert tracing.lost == 6
    tracing.close()


class Raising(BaseCallbackHandler):
    run_inline = True

    @override
    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        raise RuntimeError

    @override
    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        raise RuntimeError


def test_another_handler_that_raises_takes_no_span_away(tracer: PortkeyTracer, sent: Sent) -> None:
    chain = RunnableLambda(str) | RunnableLambda(str)
    assert chain.invoke("Hi", {"callbacks": [Raising(), tracer, Raising()]}) == "Hi"
    assert len(roots_of(sent())) == 1


def test_a_failure_of_ours_costs_words_not_the_tree(
    tracer: PortkeyTracer, sent: Sent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError

    for name in ("describe_chain", "conclude_chain", "describe_tool"):
        monkeypatch.setattr(run_spans, name, broken)
    chain = RunnableLambda(str) | weather
    assert chain.invoke("Rome", {"callbacks": [tracer]}) == "sunny in Rome"
    spans = sent()
    assert [span.name for span in spans] == ["str", "weather", "RunnableSequence"]
    assert len(roots_of(spans)) == 1
    assert [record.name for record in caplog.records] == ["portkey_gateway.tracing.steps"]
