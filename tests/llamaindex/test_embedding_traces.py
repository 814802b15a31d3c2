"""Where calls of embeddings stand in LlamaIndex's traces, and how many are under way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index_instrumentation.dispatcher import instrument_tags

from portkey_gateway.sandbox import SpanReceiver
from portkey_llamaindex import PortkeyEmbedding, instrument
from tests.support.embedding import MODEL, EmbeddingGateway

TEXTS = [f"text {number}" for number in range(100)]


@pytest.fixture
def gateway() -> EmbeddingGateway:
    return EmbeddingGateway(wait_s=0.01)


def model(gateway: EmbeddingGateway, **options: Any) -> PortkeyEmbedding:
    client = gateway.client()
    fields = {"model": MODEL, "base_url": "http://127.0.0.1:1/v1", "provider": "openai", **options}
    return PortkeyEmbedding(http_client=client._http_client, http_async_client=client._http_async_client, **fields)


@pytest.fixture
def receiver() -> Iterator[SpanReceiver]:
    with SpanReceiver() as running:
        yield running


def headers_of(gateway: EmbeddingGateway) -> list[Any]:
    return [request.headers for request in gateway.requests]


@pytest.mark.parametrize("is_async", [False, True])
def test_calls_stand_below_the_span_of_the_method(
    gateway: EmbeddingGateway, receiver: SpanReceiver, *, is_async: bool
) -> None:
    with instrument(endpoint=receiver.endpoint, calls=False):
        if is_async:
            asyncio.run(model(gateway).aget_query_embedding("a"))
        else:
            model(gateway).get_query_embedding("a")
    [span], [told] = receiver.spans, headers_of(gateway)
    assert span.name == f"PortkeyEmbedding.{'aget' if is_async else 'get'}_query_embedding"
    assert span.attributes["openinference.span.kind"] == "CHAIN"
    assert not any(name.startswith("gen_ai.usage") for name in span.attributes)
    assert told["x-portkey-trace-id"] == span.trace_id
    assert told["x-portkey-parent-span-id"] == span.span_id
    assert told["x-portkey-span-name"] == "PortkeyEmbedding"


def test_requests_of_one_batch_are_spans_side_by_side(gateway: EmbeddingGateway, receiver: SpanReceiver) -> None:
    with instrument(endpoint=receiver.endpoint, calls=False):
        model(gateway, provider="google").get_text_embedding_batch(TEXTS[:3])
    [span], told = receiver.spans, headers_of(gateway)
    assert {headers["x-portkey-parent-span-id"] for headers in told} == {span.span_id}
    assert len({headers["x-portkey-span-id"] for headers in told}) == 3


@pytest.mark.parametrize(
    ("provider", "size", "at_once"), [("openai", 5, 4), ("google", 5, 8), ("google", 100, 8), ("google", 50, 8)]
)
async def test_async_batches_are_as_many_at_once_as_there_are_workers_and_share_the_requests(
    gateway: EmbeddingGateway, provider: str, size: int, at_once: int
) -> None:
    embed_model = model(gateway, provider=provider, embed_batch_size=size, num_workers=4)
    assert len(await embed_model.aget_text_embedding_batch(TEXTS)) == 100
    assert gateway.most_at_once == at_once


async def test_no_more_requests_are_under_way_than_may_be(gateway: EmbeddingGateway) -> None:
    embed_model = model(gateway, embed_batch_size=5, num_workers=8, max_concurrency=2)
    await embed_model.aget_text_embedding_batch(TEXTS)
    assert gateway.most_at_once == 2


@pytest.mark.parametrize("workers", [None, 1])
async def test_without_workers_a_batch_has_its_own_requests_under_way(
    gateway: EmbeddingGateway, workers: int | None
) -> None:
    embed_model = model(gateway, provider="google", num_workers=workers, max_concurrency=3)
    await embed_model.aget_text_embedding_batch(TEXTS)
    assert gateway.most_at_once == 3


def test_one_trace_over_retrieval_and_its_labels(gateway: EmbeddingGateway) -> None:
    embed_model = model(gateway, request_metadata={"plan": "paid"})
    index = VectorStoreIndex.from_documents([Document(text="a"), Document(text="b")], embed_model=embed_model)
    gateway.requests.clear()
    with instrument_tags({"user_id": "u-17", "plan": "free"}):
        index.as_retriever().retrieve("a")
    [told] = headers_of(gateway)
    labels = json.loads(told["x-portkey-metadata"])
    assert labels == {"user_id": "u-17", "_user": "u-17", "plan": "paid", "traces": '["query"]'}


def test_what_the_user_chose_wins(gateway: EmbeddingGateway) -> None:
    embed_model = model(gateway, trace_id="order-4711", span_name="facts")
    embed_model.get_query_embedding("a")
    embed_model.embed(["a"])
    for told in headers_of(gateway):
        assert (told["x-portkey-trace-id"], told["x-portkey-span-name"]) == ("order-4711", "facts")


def test_outside_of_any_span_it_is_a_trace_of_its_own(gateway: EmbeddingGateway) -> None:
    model(gateway).embed(["a"])
    [told] = headers_of(gateway)
    assert len(told["x-portkey-trace-id"]) == 32
    assert "x-portkey-parent-span-id" not in told
