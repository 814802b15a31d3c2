"""`PortkeyEmbedding` through the real gateway to the emulated OpenAI."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload, LlamaDebugHandler
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.instrumentation.events.embedding import EmbeddingEndEvent, EmbeddingStartEvent
from llama_index.core.node_parser import SemanticSplitterNodeParser
from llama_index.core.storage.kvstore import SimpleKVStore
from llama_index_instrumentation import get_dispatcher
from pydantic import ValidationError

from portkey_gateway import EncodingError, NotFoundError, RateLimitError, trace_cost
from portkey_gateway.prices import find_prices
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_llamaindex import PortkeyEmbedding
from tests.llamaindex.facts import BREAD, HARBOUR
from tests.llamaindex.listeners import Events

MODEL = "text-embedding-3-small"
TEXTS = [f"The number of this text is {number}" for number in range(40)]


@pytest.fixture
def sandbox(portkey_sandbox_with_openai: Sandbox) -> Iterator[Sandbox]:
    portkey_sandbox_with_openai.openai.clear()
    yield portkey_sandbox_with_openai
    portkey_sandbox_with_openai.openai.clear()


@pytest.fixture
def embed_model(sandbox: Sandbox) -> PortkeyEmbedding:
    return PortkeyEmbedding(model=MODEL, dimensions=16, max_retries=0, **sandbox.options("openai"))


@pytest.fixture
def events() -> Iterator[Events]:
    handler = Events()
    handler.seen.clear()
    root = get_dispatcher()
    root.add_event_handler(handler)
    yield handler
    root.event_handlers.remove(handler)


def received(sandbox: Sandbox) -> list[Any]:
    return [request.body for request in sandbox.openai.requests]


def test_texts_and_queries(embed_model: PortkeyEmbedding, sandbox: Sandbox) -> None:
    vectors = embed_model.get_text_embedding_batch(TEXTS)
    assert {len(vector) for vector in vectors} == {16}
    assert embed_model.get_text_embedding(TEXTS[7]) == embed_model.get_query_embedding(TEXTS[7]) == vectors[7]
    body = {"model": MODEL, "dimensions": 16, "encoding_format": "base64"}
    assert received(sandbox) == [body | {"input": TEXTS}, *[body | {"input": TEXTS[7]}] * 2]


async def test_their_async_twins(embed_model: PortkeyEmbedding) -> None:
    vectors = await embed_model.with_options(embed_batch_size=7).aget_text_embedding_batch(TEXTS)
    assert vectors == embed_model.get_text_embedding_batch(TEXTS)
    assert await embed_model.aget_text_embedding(TEXTS[3]) == vectors[3]
    assert await embed_model.aget_query_embedding(TEXTS[3]) == vectors[3]


def test_events_and_callbacks_tell_of_every_batch(
    embed_model: PortkeyEmbedding, sandbox: Sandbox, events: Events
) -> None:
    debug = LlamaDebugHandler(print_trace_on_end=False)
    told = embed_model.with_options(embed_batch_size=16, callback_manager=CallbackManager([debug]))
    vectors = told.get_text_embedding_batch(TEXTS)
    assert events.names() == [EmbeddingStartEvent.__name__, EmbeddingEndEvent.__name__] * 3
    ends = [event for event in events.seen if isinstance(event, EmbeddingEndEvent)]
    assert [text for event in ends for text in event.chunks] == TEXTS
    assert [vector for event in ends for vector in event.embeddings] == vectors
    start: Any = events.seen[0]
    assert start.model_dict == {"class_name": "PortkeyEmbedding", "model_name": MODEL, "embed_batch_size": 16}
    pairs = debug.get_event_pairs(CBEventType.EMBEDDING)
    assert [len((pair[1].payload or {})[EventPayload.CHUNKS]) for pair in pairs] == [16, 16, 8]
    assert [len(body["input"]) for body in received(sandbox)] == [16, 16, 8]


async def test_events_of_async_batches(embed_model: PortkeyEmbedding, events: Events) -> None:
    await embed_model.with_options(embed_batch_size=16).aget_text_embedding_batch(TEXTS)
    assert sorted(events.names()) == [EmbeddingEndEvent.__name__] * 3 + [EmbeddingStartEvent.__name__] * 3


def test_an_index_and_a_splitter_by_meaning(embed_model: PortkeyEmbedding) -> None:
    by_meaning = embed_model.with_options(dimensions=256)
    documents = [Document(text=HARBOUR), Document(text=BREAD)]
    index = VectorStoreIndex.from_documents(documents, embed_model=by_meaning)
    [found] = index.as_retriever(similarity_top_k=1).retrieve("How deep is the harbour?")
    assert found.node.get_content() == HARBOUR

    text = f"{HARBOUR} It is a deep harbour, twelve metres. {BREAD} Rye bread needs two hours."
    splitter = SemanticSplitterNodeParser(embed_model=by_meaning, buffer_size=1, breakpoint_percentile_threshold=50)
    assert len(splitter.get_nodes_from_documents([Document(text=text)])) > 1


async def test_an_ingestion_pipeline(embed_model: PortkeyEmbedding) -> None:
    pipeline = IngestionPipeline(transformations=[embed_model])
    nodes = await pipeline.arun(documents=[Document(text=text) for text in TEXTS[:3]])
    assert [node.embedding for node in nodes] == embed_model.get_text_embedding_batch(TEXTS[:3])


def test_what_a_cache_holds_is_not_asked_for_again(embed_model: PortkeyEmbedding, sandbox: Sandbox) -> None:
    cached = embed_model.with_options(embeddings_cache=SimpleKVStore(), embed_batch_size=10)
    sandbox.openai.inject(Fault("status", status=429, times=1, match=TEXTS[25]))
    with pytest.raises(RateLimitError):
        cached.get_text_embedding_batch(TEXTS)
    assert cached.get_text_embedding_batch(TEXTS) == embed_model.get_text_embedding_batch(TEXTS)
    assert [len(body["input"]) for body in received(sandbox)] == [10, 10, 10, 10, 10, 40]


def test_what_it_took(embed_model: PortkeyEmbedding) -> None:
    told = embed_model.embed(TEXTS)
    assert told.usage
    assert told.usage.input_tokens > 40
    assert (told.model, [info.provider for info in told.infos]) == (MODEL, ["openai"])


def test_what_it_costs_is_in_the_sum_of_its_trace(embed_model: PortkeyEmbedding) -> None:
    told = embed_model.embed(TEXTS)
    prices, sum_ = find_prices("openai", MODEL), trace_cost(told)
    assert prices
    assert sum_
    assert told.usage
    assert sum_.answers == len(told.infos)
    assert sum_.total == pytest.approx(float(told.usage.input_tokens * prices.input.base))


async def test_errors_are_of_the_same_classes(embed_model: PortkeyEmbedding, sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        embed_model.with_options(model="no-such-model").get_query_embedding("a")
    with pytest.raises(EncodingError, match="text 0 to embed is empty"):
        await embed_model.aget_query_embedding("")
    sandbox.openai.inject(Fault("status", status=429, times=9))
    with pytest.raises(RateLimitError):
        await embed_model.aget_text_embedding_batch(TEXTS)


async def test_how_many_at_once_is_checked_in_a_call_too(embed_model: PortkeyEmbedding, sandbox: Sandbox) -> None:
    assert embed_model.embed(TEXTS, max_concurrency="8").vectors == embed_model.embed(TEXTS).vectors
    sandbox.openai.clear()
    for wrong in (0, -1, 2.5, "many"):
        with pytest.raises(ValidationError, match="max_concurrency"):
            embed_model.embed(TEXTS, max_concurrency=wrong)
        with pytest.raises(ValidationError, match="max_concurrency"):
            await embed_model.aembed(TEXTS, max_concurrency=wrong)
    assert not sandbox.openai.requests


def test_model_has_two_names(sandbox: Sandbox) -> None:
    options: Any = sandbox.options("openai")
    named = PortkeyEmbedding(model_name=MODEL, **options)
    assert (named.model, named.model_name) == (MODEL, MODEL)
    other = named.with_options(model_name="text-embedding-3-large")
    assert (other.model, other.model_name) == ("text-embedding-3-large", "text-embedding-3-large")
    with pytest.raises(ValidationError, match="are the same option"):
        PortkeyEmbedding(model="a", model_name="b", **options)
    with pytest.raises(ValidationError, match="did you mean 'dimensions'"):
        PortkeyEmbedding(model=MODEL, **{**options, "dimension": 3})


@pytest.mark.parametrize(("provider", "model", "size"), [("openai", MODEL, 100), ("cohere", "embed-v4.0", 96),
                                                        ("google", "gemini-embedding-001", 100)])  # fmt: skip
def test_a_batch_is_as_large_as_one_request(provider: str, model: str, size: int) -> None:
    embed_model = PortkeyEmbedding(model=model, provider=provider, provider_api_key="key", base_url="http://x/v1")
    assert embed_model.embed_batch_size == size
    assert embed_model.with_options(provider="openai").embed_batch_size == 100
    assert embed_model.with_options(embed_batch_size=7).embed_batch_size == 7


def test_what_is_stored_holds_no_secret(sandbox: Sandbox) -> None:
    secrets: Any = {
        "provider_api_key": "sk-very-secret",
        "default_headers": {"x-secret": "very-secret-header"},
        "config": {"api_key": "very-secret-config"},
    }
    embed_model = PortkeyEmbedding(model=MODEL, provider="openai", base_url=sandbox.base_url, **secrets)
    stored = embed_model.to_json()
    assert "very-secret" not in f"{embed_model!r} {stored} {embed_model.model_dump()}"
    loaded = PortkeyEmbedding.from_dict(json.loads(stored), provider_api_key="sk-other")
    assert (loaded.model, loaded.embed_batch_size, loaded.provider) == (MODEL, 100, "openai")


def test_pickles_and_many_loops(embed_model: PortkeyEmbedding) -> None:
    again: PortkeyEmbedding = pickle.loads(pickle.dumps(embed_model.with_options(embed_batch_size=9)))
    expected = embed_model.get_text_embedding_batch(TEXTS)
    assert again.get_text_embedding_batch(TEXTS) == expected
    assert [asyncio.run(again.aget_text_embedding_batch(TEXTS)) for _ in range(2)] == [expected] * 2
