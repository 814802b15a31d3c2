"""Calls that outlive what they began in, or name a trace of their own: one tree with what is around them."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.prompts import PromptTemplate
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import instrument_tags
from pydantic import BaseModel

from portkey_gateway.sandbox import CallLog, Sandbox
from portkey_llamaindex import Portkey, PortkeyEmbedding
from portkey_llamaindex.tracer import Instrumentation
from tests.llamaindex.viewed import Seen, instrumentation, seen
from tests.llamaindex.ways import CHAT, ask, call, every_way, streamed_way
from tests.support.viewer import KIND, calls_in, headers, log, places_of, places_told, receiver, whole_tree

__all__ = ["headers", "instrumentation", "log", "receiver", "seen"]

CALLED = "order-Größe-17"
dispatcher = get_dispatcher("test")


@pytest.fixture
def embedding(portkey_sandbox_with_openai: Sandbox) -> PortkeyEmbedding:
    options: Any = portkey_sandbox_with_openai.options("openai")
    return PortkeyEmbedding(model="text-embedding-3-small", dimensions=8, **options)


@pytest.mark.parametrize("embeds", [False, True])
async def test_what_a_task_asks_after_its_step_is_over_is_in_the_trace(
    llm: Portkey, embedding: PortkeyEmbedding, seen: Seen, log: CallLog, *, embeds: bool
) -> None:
    over, tasks = asyncio.Event(), list[asyncio.Task[Any]]()

    @dispatcher.span
    async def inner() -> None:
        async def later() -> None:
            await over.wait()
            await (embedding.aget_query_embedding("Hi") if embeds else llm.acomplete("Hi"))

        tasks.append(asyncio.create_task(later()))

    @dispatcher.span
    async def outer() -> None:
        await inner()

    with instrument_tags({"session_id": "s-1"}):
        await outer()
    over.set()
    await asyncio.gather(*tasks)
    spans = seen()
    assert whole_tree(spans)
    [call] = [span for span in spans if span.attributes[KIND] in {"LLM", "EMBEDDING"}]
    assert places_of([call]) == places_told(log)
    assert call.attributes["session.id"] == "s-1"
    [around] = [span for span in spans if span.name.endswith("inner")]
    assert call.parent_id == around.span_id


@every_way
def test_a_call_of_another_trace_stays_in_its_tree(llm: Portkey, seen: Seen, log: CallLog, way: str) -> None:
    dispatcher.span(lambda: ask(llm.with_options(trace_id="order-17"), way, "Hi"))()
    spans = seen()
    [call] = calls_in(spans)
    assert whole_tree(spans)
    assert call.attributes["portkey.trace_id"] == "order-17"
    assert [(told.trace_id, told.span_id) for told in log.calls] == [("order-17", call.span_id)]


def test_embeddings_are_in_a_trace_whatever_its_name(embedding: PortkeyEmbedding, llm: Portkey, seen: Seen) -> None:
    def both() -> None:
        embedding.get_text_embedding("Hi")
        llm.complete("Hi")

    with instrument_tags({"trace_id": CALLED}):
        dispatcher.span(both)()
    spans = seen()
    assert whole_tree(spans)
    assert {span.attributes["portkey.trace_id"] for span in spans} == {CALLED}
    assert {span.attributes[KIND] for span in spans} == {"CHAIN", "LLM", "EMBEDDING"}


def test_embeddings_in_threads_of_ones_own_are_spans(embedding: PortkeyEmbedding, seen: Seen, log: CallLog) -> None:
    def look() -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(embedding.get_query_embedding, ["a", "b"]))

    dispatcher.span(look)()
    calls = [span for span in seen() if span.attributes[KIND] == "EMBEDDING"]
    assert len(calls) == 2
    assert places_of(calls) == places_told(log)


# --- objects, and streams that nobody reads --------------------------------------------------------------------------


class Own(BaseModel):
    """A thing with fields of the names that answers have."""

    id: str
    model: str


PROMPT = PromptTemplate("The id is {id}. The model is a Ford.")


# LlamaIndex writes objects by a method that pydantic wants to be rid of (0.14.25).
@pytest.mark.filterwarnings("ignore:The `json` method is deprecated")
@pytest.mark.parametrize("way", [*CHAT, "complete", "acomplete"])
@pytest.mark.parametrize("is_root", [False, True])
def test_a_model_of_objects_is_one_call_in_one_tree(
    llm: Portkey, seen: Seen, log: CallLog, way: str, *, is_root: bool
) -> None:
    structured = llm.as_structured_llm(Own)
    question = "The id is my-own-id. The model is a Ford."
    ask(structured, way, question) if is_root else dispatcher.span(lambda: ask(structured, way, question))()
    spans = seen()
    [call] = calls_in(spans)
    assert whole_tree(spans)
    assert len(spans) == 2
    assert (call.trace_id, call.span_id) in {(told.trace_id, told.span_id) for told in log.calls}
    assert call.attributes["gen_ai.response.model"] == llm.model
    around = next(span for span in spans if span is not call)
    assert around.attributes[KIND] == "CHAIN"
    assert not {name for name in around.attributes if name.startswith(("gen_ai.response", "gen_ai.usage", "llm."))}


@pytest.mark.parametrize(
    "way",
    ["structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict"],
)
def test_a_prediction_is_one_tree(llm: Portkey, seen: Seen, log: CallLog, way: str) -> None:
    call(getattr(llm, way), Own, PROMPT, id="my-own-id")
    spans = seen()
    [asked] = calls_in(spans)
    assert whole_tree(spans)
    assert places_of([asked]) == places_told(log)
    assert [span.name for span in spans if span.parent_id is None] == [f"Portkey.{way}"]


@streamed_way
def test_a_stream_that_nobody_reads_leaves_nothing_behind(
    llm: Portkey, seen: Seen, log: CallLog, instrumentation: Instrumentation, way: str
) -> None:
    async def leave() -> None:
        await getattr(llm, way)([ChatMessage("Hi")] if "chat" in way else "Hi")

    if way.startswith("a"):
        asyncio.run(leave())
    else:
        getattr(llm, way)([ChatMessage("Hi")] if "chat" in way else "Hi")
    gc.collect()
    instrumentation.flush()
    assert (seen(), log.calls, len(instrumentation._tracing.open)) == ([], [], 0)


def test_a_stream_of_another_model_that_nobody_reads_was_cancelled(seen: Seen) -> None:
    MockLLM(max_tokens=2).stream_chat([ChatMessage("Hi")])
    gc.collect()
    [span] = seen()
    assert span.attributes["portkey.outcome"] == "cancelled"
