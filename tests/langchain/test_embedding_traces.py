"""Where calls of embeddings stand: in the trace of whatever run they are made in, with its labels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_core.vectorstores import InMemoryVectorStore

from portkey_gateway.sandbox import SpanReceiver
from portkey_langchain import PortkeyEmbeddings, PortkeyTracer
from tests.support.embedding import MODEL, EmbeddingGateway

CONFIG: Any = {"tags": ["nightly"], "metadata": {"plan": "paid", "user_id": "u-17"}, "run_name": "root"}
LABELS = {"plan": "paid", "user_id": "u-17", "_user": "u-17", "tags": '["nightly"]'}


class Setup:
    """Embeddings without a network, and what they sent."""

    def __init__(self, **options: Any) -> None:
        self.gateway = EmbeddingGateway()
        client = self.gateway.client()
        self.embeddings = PortkeyEmbeddings(
            model=MODEL,
            base_url="http://127.0.0.1:1/v1",
            provider="openai",
            http_client=client._http_client,
            http_async_client=client._http_async_client,
            **options,
        )

    @property
    def told(self) -> httpx.Headers:
        [request] = self.gateway.requests
        return request.headers

    @property
    def labels(self) -> Any:
        return json.loads(self.told["x-portkey-metadata"])


@pytest.fixture
def setup() -> Setup:
    return Setup()


@pytest.fixture
def receiver() -> Iterator[SpanReceiver]:
    with SpanReceiver() as running:
        yield running


def spans_of(receiver: SpanReceiver, run: Callable[[Any], object]) -> dict[str, Any]:
    """Run with a tracer, and give the spans by their names."""
    tracer = PortkeyTracer(endpoint=receiver.endpoint)
    run({**CONFIG, "callbacks": [tracer]})
    tracer.close()
    return {span.name: span for span in receiver.spans}


def test_alone_it_is_a_trace_of_its_own(setup: Setup) -> None:
    setup.embeddings.embed_query("a")
    assert len(setup.told["x-portkey-trace-id"]) == 32
    assert len(setup.told["x-portkey-span-id"]) == 16
    assert setup.told["x-portkey-span-name"] == "PortkeyEmbeddings"
    assert "x-portkey-parent-span-id" not in setup.told
    assert "x-portkey-metadata" not in setup.told


def belongs_to(setup: Setup, span: Any) -> bool:
    told = (setup.told["x-portkey-trace-id"], setup.told["x-portkey-parent-span-id"])
    return told == (span.trace_id, span.span_id)


def test_in_a_chain_it_belongs_to_its_step(setup: Setup, receiver: SpanReceiver) -> None:
    chain = RunnableLambda(str.strip) | RunnableLambda(setup.embeddings.embed_query).with_config(run_name="inner")
    spans = spans_of(receiver, lambda config: chain.invoke("a", config))
    assert belongs_to(setup, spans["inner"])
    assert setup.labels == LABELS


def test_in_an_async_chain_too(setup: Setup, receiver: SpanReceiver) -> None:
    chain = RunnableLambda(str.strip) | RunnableLambda(setup.embeddings.aembed_query).with_config(run_name="inner")
    spans = spans_of(receiver, lambda config: asyncio.run(chain.ainvoke("a", config)))
    assert belongs_to(setup, spans["inner"])
    assert setup.labels == LABELS


def store(setup: Setup) -> InMemoryVectorStore:
    made = InMemoryVectorStore.from_texts(["a", "b"], setup.embeddings)
    setup.gateway.requests.clear()
    return made


@pytest.mark.parametrize("is_async", [False, True])
def test_in_a_retriever_it_belongs_to_the_retriever(setup: Setup, receiver: SpanReceiver, *, is_async: bool) -> None:
    chain = RunnableLambda(str.strip) | store(setup).as_retriever()

    def run(config: Any) -> object:
        return asyncio.run(chain.ainvoke("a", config)) if is_async else chain.invoke("a", config)

    spans = spans_of(receiver, run)
    assert belongs_to(setup, spans["retrieval VectorStoreRetriever"])
    assert setup.labels.items() >= {**LABELS, "tags": '["nightly","InMemoryVectorStore","PortkeyEmbeddings"]'}.items()


def test_in_a_retriever_alone(setup: Setup, receiver: SpanReceiver) -> None:
    spans = spans_of(receiver, lambda config: store(setup).as_retriever().invoke("a", config))
    assert belongs_to(setup, spans["retrieval root"])


@pytest.mark.parametrize("is_async", [False, True])
def test_after_a_retriever_it_belongs_to_what_is_around(
    setup: Setup, receiver: SpanReceiver, *, is_async: bool
) -> None:
    retriever = store(setup).as_retriever()

    def step(text: str) -> list[float]:
        retriever.invoke(text)
        setup.gateway.requests.clear()
        return setup.embeddings.embed_query(text)

    async def astep(text: str) -> list[float]:
        await retriever.ainvoke(text)
        setup.gateway.requests.clear()
        return await setup.embeddings.aembed_query(text)

    chain = (RunnableLambda(astep) if is_async else RunnableLambda(step)).with_config(run_name="step")

    def run(config: Any) -> object:
        config = {**config, "run_name": "step"}
        return asyncio.run(chain.ainvoke("a", config)) if is_async else chain.invoke("a", config)

    assert belongs_to(setup, spans_of(receiver, run)["step"])


class Rewriting(BaseRetriever):
    """A retriever that runs a chain of its own before it looks, and asks another retriever."""

    steps: Any
    inner: Any

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        config: Any = {"callbacks": run_manager.get_child()}
        self.steps.invoke(query, config)
        found: list[Document] = self.inner.invoke(query, config)
        self.steps.invoke(query)
        return found


def test_inside_a_retriever_the_innermost_run_counts(setup: Setup, receiver: SpanReceiver) -> None:
    """A step, an inner retriever, and again a step that was told of no parent: LangChain makes that a trace."""
    step = RunnableLambda(setup.embeddings.embed_query).with_config(run_name="step")
    retriever = Rewriting(steps=step, inner=store(setup).as_retriever())
    spans = spans_of(receiver, lambda config: retriever.invoke("a", config))
    first, second, third = (request.headers for request in setup.gateway.requests)
    assert first["x-portkey-parent-span-id"] == spans["step"].span_id
    assert second["x-portkey-parent-span-id"] == spans["retrieval VectorStoreRetriever"].span_id
    root = spans["retrieval root"].trace_id
    assert (first["x-portkey-trace-id"], second["x-portkey-trace-id"]) == (root, root)
    assert third["x-portkey-trace-id"] != root


def test_in_a_tool_it_belongs_to_the_tool(setup: Setup, receiver: SpanReceiver) -> None:
    @tool
    def look_up(text: str) -> str:
        """Look a text up."""
        return str(setup.embeddings.embed_query(text))

    def run(config: Any) -> object:
        del config["run_name"]
        return look_up.invoke({"text": "a"}, config)

    spans = spans_of(receiver, run)
    assert belongs_to(setup, spans["execute_tool look_up"])


def test_many_at_once_stay_apart(setup: Setup) -> None:
    step = RunnableLambda(setup.embeddings.aembed_query)
    asyncio.run(step.abatch(["a", "b", "c"], [{"metadata": {"number": number}} for number in range(3)]))
    told = [request.headers for request in setup.gateway.requests]
    assert len({headers["x-portkey-trace-id"] for headers in told}) == 3
    numbers = {json.loads(headers["x-portkey-metadata"])["number"] for headers in told}
    assert numbers == {"0", "1", "2"}


def test_what_the_user_chose_wins(receiver: SpanReceiver) -> None:
    setup = Setup(trace_id="order-4711", span_name="facts", metadata={"team": "search", "plan": "free"})
    chain = RunnableLambda(setup.embeddings.embed_query)
    spans_of(receiver, lambda config: chain.invoke("a", config))
    assert setup.told["x-portkey-trace-id"] == "order-4711"
    assert setup.told["x-portkey-span-name"] == "facts"
    assert setup.labels == LABELS | {"team": "search"}


def test_a_trace_id_of_the_run_is_the_call_s(setup: Setup) -> None:
    RunnableLambda(setup.embeddings.embed_query).invoke("a", {"metadata": {"trace_id": "order-4711"}})
    assert setup.told["x-portkey-trace-id"] == "order-4711"
    assert "x-portkey-metadata" not in setup.told
