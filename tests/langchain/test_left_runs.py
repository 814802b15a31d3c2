"""Runs that are over though LangChain tells nobody, as of tools, retrievers and models that are cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool, tool
from langgraph.graph import START, MessagesState, StateGraph

from portkey_langchain import PortkeyTracer
from tests.langchain.tracing import Sent
from tests.langchain.tracing_runs import Theirs, one, told
from tests.support.receiver import Received, roots_of, spans_of
from tests.support.recording import RecordingServer


@pytest.fixture
def tracer(receiver: RecordingServer) -> Iterator[PortkeyTracer]:
    """A tracer of runs some of which LangChain never ends."""
    with closing(PortkeyTracer(endpoint=f"{receiver.base_url}/v1/traces")) as tracing:
        yield tracing
        assert (tracing.lost, len(tracing._tracing.folded)) == (0, 0)


@pytest.fixture
def sent(tracer: PortkeyTracer, receiver: RecordingServer) -> Sent:
    """Returns the spans that the receiver has got by now."""

    def spans() -> list[Received]:
        tracer.flush()
        return spans_of(receiver)

    return spans


@tool
async def wait(text: str) -> str:
    """Wait for a minute."""
    await RunnableLambda(str).with_config(run_name="before").ainvoke(text)
    await asyncio.sleep(60)
    return text


class SlowShelf(BaseRetriever):
    def _get_relevant_documents(self, *_: Any, **__: Any) -> list[Document]:
        raise NotImplementedError

    async def _aget_relevant_documents(self, *_: Any, **__: Any) -> list[Document]:
        await asyncio.sleep(60)
        return []


class SlowModel(Theirs):
    async def _agenerate(self, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(60)


class Streaming(Theirs):
    async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        for text in ("Hel", "lo."):
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))


def outcomes(spans: list[Received]) -> dict[str, Any]:
    return {span.name: span.attributes.get("portkey.outcome") for span in spans}


def graph_of(*tools: BaseTool) -> Any:
    """A graph whose inner graph says something, and then asks tools side by side."""

    async def say(_: Any) -> dict[str, Any]:
        return {"messages": [AIMessage("one moment")]}

    async def fan(_: Any) -> dict[str, Any]:
        await asyncio.gather(*[each.ainvoke({"text": str(n)}) for n, each in enumerate(tools)])
        return {}

    inner: Any = StateGraph(MessagesState)
    inner.add_node("say", say).add_node("fan", fan).add_edge(START, "say").add_edge("say", "fan")
    outer: Any = StateGraph(MessagesState)
    return outer.add_node("sub", inner.compile(name="inner")).add_edge(START, "sub").compile(name="outer")


@pytest.mark.parametrize("closes", [True, False])
def test_a_graph_whose_stream_is_left_leaves_no_span_open(tracer: PortkeyTracer, sent: Sent, closes: bool) -> None:
    async def run() -> None:
        stream = graph_of(wait, wait, wait).astream(
            {"messages": []}, {"callbacks": [tracer]}, stream_mode="tasks", subgraphs=True
        )
        async for path, event in stream:
            if path and event["name"] == "fan":
                break
        await asyncio.sleep(0.2)  # the tools begin
        if closes:
            await stream.aclose()
            assert len(tracer._tracing.open) == 0

    asyncio.run(run())
    spans = sent()
    assert len(tracer._tracing.open) == 0
    assert [root.span_id for root in roots_of(spans)] == [one(spans, "outer").span_id]
    tools = [span for span in spans if span.name == "execute_tool wait"]
    assert [span.attributes["portkey.outcome"] for span in tools] == ["cancelled"] * 3
    assert {span.parent_id for span in tools} == {one(spans, "fan").span_id}
    assert len([span for span in spans if span.name == "before"]) == 3


@pytest.mark.parametrize(
    "given",
    [lambda: (wait, {"text": "Hi"}), lambda: (SlowShelf(), "Hi"), lambda: (SlowModel(responses=[told()]), "Hi")],
    ids=["tool", "retriever", "model"],
)
@pytest.mark.parametrize("caught", [True, False])
async def test_a_timeout_ends_what_it_cancels(
    tracer: PortkeyTracer, sent: Sent, given: Callable[[], tuple[Any, Any]], caught: bool
) -> None:
    async def patient(_: str) -> str:
        asked, question = given()
        try:
            async with asyncio.timeout(0.05):
                await asked.ainvoke(question)
        except TimeoutError:
            if not caught:
                raise
        return "none"

    async def run() -> None:
        chain = RunnableLambda(patient).with_config(run_name="patient")
        if caught:
            assert await chain.ainvoke("Hi", {"callbacks": [tracer]}) == "none"
        else:
            with pytest.raises(TimeoutError):
                await chain.ainvoke("Hi", {"callbacks": [tracer]})

    await asyncio.create_task(run())
    spans = sent()
    assert len(tracer._tracing.open) == 0
    assert len(roots_of(spans)) == 1
    [asked] = [span for span in spans if span.name not in {"patient", "before"}]
    assert (asked.is_error, asked.attributes["portkey.outcome"]) == (False, "cancelled")
    assert one(spans, "patient").is_error is not caught


async def test_a_tool_that_is_a_root_ends_with_its_task(tracer: PortkeyTracer, sent: Sent) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.create_task(wait.ainvoke({"text": "Hi"}, {"callbacks": [tracer]})), 0.05)
    assert outcomes(sent()) == {"execute_tool wait": "cancelled", "before": None}


def test_a_tool_that_ends_the_process_fails_with_that(tracer: PortkeyTracer, sent: Sent) -> None:
    @tool
    def leave(text: str) -> str:
        """Leave."""
        raise SystemExit(text)

    with pytest.raises(SystemExit):
        RunnableLambda(lambda text: leave.invoke({"text": text})).with_config(run_name="root").invoke(
            "bye", {"callbacks": [tracer]}
        )
    assert {span.name: span.attributes["error.type"] for span in sent()} == {
        "root": "SystemExit", "execute_tool leave": "SystemExit",
    }  # fmt: skip


async def test_a_tool_that_outlives_its_run_is_not_ended(tracer: PortkeyTracer, sent: Sent) -> None:
    tasks: list[Any] = []
    go = asyncio.Event()

    @tool
    async def later(text: str) -> str:
        """Answer later."""
        await go.wait()
        return f"{text}!"

    async def begin(text: str) -> str:
        tasks.append(asyncio.create_task(later.ainvoke({"text": text})))
        await asyncio.sleep(0.01)
        return text

    await RunnableLambda(begin).with_config(run_name="root").ainvoke("Hi", {"callbacks": [tracer]})
    assert outcomes(sent()) == {"root": None}
    go.set()
    assert await tasks[0] == "Hi!"
    assert one(sent(), "execute_tool later").attributes["gen_ai.tool.call.result"] == "Hi!"


def test_a_tool_in_another_thread_is_not_ended(tracer: PortkeyTracer, sent: Sent) -> None:
    begun, go = threading.Event(), threading.Event()

    @tool
    def slow(text: str) -> str:
        """Wait for the test."""
        begun.set()
        assert go.wait(30)
        return text[::-1]

    def begin(text: str, config: Any) -> str:
        thread = threading.Thread(target=slow.invoke, args=({"text": text}, config))
        thread.start()
        threads.append(thread)
        assert begun.wait(30)
        return text

    threads: list[threading.Thread] = []
    RunnableLambda(begin).with_config(run_name="root").invoke("Hi", {"callbacks": [tracer]})
    assert outcomes(sent()) == {"root": None}
    go.set()
    threads[0].join()
    assert one(sent(), "execute_tool slow").attributes["gen_ai.tool.call.result"] == "iH"


async def test_a_stream_that_is_read_after_its_run_is_not_ended(tracer: PortkeyTracer, sent: Sent) -> None:
    streams: list[Any] = []

    async def begin(text: str) -> str:
        streams.append(Streaming(responses=[told()]).astream(text))
        first: str = (await anext(streams[0])).text
        return first

    await RunnableLambda(begin).with_config(run_name="root").ainvoke("Hi", {"callbacks": [tracer]})
    assert outcomes(sent()) == {"root": None}
    assert "".join([chunk.text async for chunk in streams[0]]) == "lo."
    assert one(sent(), "chat nova").attributes.get("portkey.outcome") is None


def test_what_is_open_when_the_tracer_is_closed_is_told(receiver: RecordingServer) -> None:
    tracing = PortkeyTracer(endpoint=f"{receiver.base_url}/v1/traces")
    loop = asyncio.new_event_loop()

    async def begin() -> Any:
        stream = graph_of(wait).astream({"messages": []}, {"callbacks": [tracing]}, stream_mode="values")
        await anext(stream)
        return stream

    # A loop that is closed by hand closes no generator: nobody is ever told of the end.
    left = loop.run_until_complete(begin())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    tracing.close()
    spans = spans_of(receiver)
    assert left is not None
    assert len(roots_of(spans)) == 1
    assert one(spans, "outer").attributes["portkey.outcome"] == "unfinished"
    assert tracing.lost == 0
