"""`PortkeyEmbeddings` through the real gateway to the emulated OpenAI."""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core import exceptions as langchain
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from pydantic import ValidationError

from portkey_gateway import EncodingError, NotFoundError, PortkeyWarning, trace_cost
from portkey_gateway.prices import find_prices
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import PortkeyEmbeddings

MODEL = "text-embedding-3-small"
TEXTS = [f"The number of this text is {number}" for number in range(40)]


@pytest.fixture
def sandbox(portkey_sandbox_with_openai: Sandbox) -> Iterator[Sandbox]:
    portkey_sandbox_with_openai.openai.clear()
    yield portkey_sandbox_with_openai
    portkey_sandbox_with_openai.openai.clear()


@pytest.fixture
def embeddings(sandbox: Sandbox) -> PortkeyEmbeddings:
    return PortkeyEmbeddings(model=MODEL, dimensions=16, max_retries=0, **sandbox.options("openai"))


def received(sandbox: Sandbox) -> list[Any]:
    return [request.body for request in sandbox.openai.requests]


def test_documents_and_queries(embeddings: PortkeyEmbeddings, sandbox: Sandbox) -> None:
    assert isinstance(embeddings, Embeddings)
    vectors = embeddings.embed_documents(TEXTS)
    assert len(vectors) == 40
    assert {len(vector) for vector in vectors} == {16}
    assert embeddings.embed_query(TEXTS[7]) == vectors[7]
    body = {"model": MODEL, "dimensions": 16, "encoding_format": "base64"}
    assert received(sandbox) == [body | {"input": TEXTS}, body | {"input": TEXTS[7]}]


async def test_their_async_twins(embeddings: PortkeyEmbeddings) -> None:
    assert await embeddings.aembed_documents(TEXTS, chunk_size=7) == embeddings.embed_documents(TEXTS)
    assert await embeddings.aembed_query(TEXTS[3]) == embeddings.embed_query(TEXTS[3])


def test_vectors_are_the_same_as_base64_and_as_numbers(embeddings: PortkeyEmbeddings) -> None:
    numbers = embeddings.with_options(encoding_format="float").embed_documents(TEXTS)
    for told, packed in zip(numbers, embeddings.embed_documents(TEXTS), strict=True):
        assert packed == pytest.approx(told, rel=1e-6)


def test_chunk_size_of_the_object_and_of_a_call(embeddings: PortkeyEmbeddings, sandbox: Sandbox) -> None:
    small = embeddings.with_options(chunk_size=16, max_concurrency=1)
    assert small.embed_documents(TEXTS) == small.embed_documents(TEXTS, chunk_size=30)
    assert [len(body["input"]) for body in received(sandbox)] == [16, 16, 8, 30, 10]


def test_what_it_took(embeddings: PortkeyEmbeddings) -> None:
    told = embeddings.embed(TEXTS, chunk_size=10)
    assert told.usage
    assert told.usage.input_tokens > 40
    assert told.model == MODEL
    assert [info.provider for info in told.infos] == ["openai"] * 4
    assert len({info.trace_id for info in told.infos}) == 1


def test_what_it_costs_is_in_the_sum_of_its_trace(embeddings: PortkeyEmbeddings) -> None:
    told = embeddings.embed(TEXTS)
    prices, sum_ = find_prices("openai", MODEL), trace_cost(told)
    assert prices
    assert sum_
    assert told.usage
    assert sum_.answers == len(told.infos)
    assert sum_.total == pytest.approx(float(told.usage.input_tokens * prices.input.base))


def test_options_and_parameters_of_one_call(embeddings: PortkeyEmbeddings, sandbox: Sandbox) -> None:
    assert len(embeddings.embed_query("a", dimensions=8, user="u-17")) == 8
    assert embeddings.with_options(model_kwargs={"user": "u-4"}).embed_query("a", model="text-embedding-3-large")
    assert [(body["model"], body.get("user")) for body in received(sandbox)] == [
        (MODEL, "u-17"),
        ("text-embedding-3-large", "u-4"),
    ]


def test_a_parameter_cannot_replace_the_texts(embeddings: PortkeyEmbeddings, sandbox: Sandbox) -> None:
    with pytest.raises(EncodingError, match="input= among the parameters would replace the texts"):
        embeddings.embed_documents(["a"], input=["b"])
    with pytest.raises(langchain.ModelInvalidRequestError, match="model= among the parameters would replace the model"):
        embeddings.with_options(model_kwargs={"model": "b"}).embed_query("a")
    assert received(sandbox) == []


def test_errors_are_langchains_own_too(embeddings: PortkeyEmbeddings, sandbox: Sandbox) -> None:
    with pytest.raises(langchain.ModelNotFoundError, match="does not exist") as caught:
        embeddings.embed_query("a", model="no-such-model")
    assert isinstance(caught.value, NotFoundError)
    with pytest.raises(langchain.ModelInvalidRequestError, match="text 1 to embed is empty"):
        embeddings.embed_documents(["a", ""])
    sandbox.openai.inject(Fault("status", status=429, times=9, match=TEXTS[12]))
    with pytest.raises(langchain.ModelRateLimitError, match="texts 10 to 19 of 40") as limited:
        embeddings.with_options(max_concurrency=1).embed_documents(TEXTS, chunk_size=10)
    found: Any = limited.value
    assert set(found.embedded) == set(range(10))


def test_a_text_that_is_too_long_says_so(embeddings: PortkeyEmbeddings) -> None:
    with pytest.raises(langchain.ContextOverflowError, match="maximum context length is 8192 tokens"):
        embeddings.embed_query("long " * 9000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": MODEL, "dimension": 3}, "unknown option 'dimension': did you mean 'dimensions'"),
        ({"model_name": MODEL}, "here it is 'model'"),
        ({"model": MODEL, "metadata": "team"}, "metadata must be a mapping"),
    ],
)
def test_options_that_are_wrong_are_told_at_once(sandbox: Sandbox, options: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PortkeyEmbeddings(**options, **sandbox.options("openai"))


def test_keys_stay_hidden(sandbox: Sandbox) -> None:
    embeddings = PortkeyEmbeddings(
        model=MODEL,
        base_url=sandbox.base_url,
        provider="openai",
        provider_api_key="sk-very-secret",
        default_headers={"x-secret": "very-secret-header"},
        config={"api_key": "very-secret-config"},
    )
    shown = f"{embeddings!r} {embeddings} {embeddings.model_dump()} {embeddings.model_dump_json()}"
    assert "very-secret" not in shown


def test_copies_pickles_and_threads(embeddings: PortkeyEmbeddings) -> None:
    expected = embeddings.embed_documents(TEXTS)
    again: PortkeyEmbeddings = pickle.loads(pickle.dumps(embeddings))
    assert again.with_options(chunk_size=5).embed_documents(TEXTS) == expected
    assert [asyncio.run(again.aembed_documents(TEXTS, chunk_size=9)) for _ in range(2)] == [expected] * 2
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: again.embed_documents(TEXTS, chunk_size=9), range(4))) == [expected] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_after_a_fork(embeddings: PortkeyEmbeddings) -> None:
    expected = embeddings.embed_query("a")
    child = os.fork()
    if child == 0:
        os._exit(0 if embeddings.embed_query("a") == expected else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_store_finds_what_is_meant(embeddings: PortkeyEmbeddings) -> None:
    facts = ["The harbour of Kiel is twelve metres deep.", "Rye bread is baked for two hours."]
    store = InMemoryVectorStore.from_texts(facts, embeddings.with_options(dimensions=256))
    [found] = store.similarity_search("How deep is the harbour?", k=1)
    assert found.page_content == facts[0]


def test_a_fallback_between_models_is_warned_of(sandbox: Sandbox) -> None:
    targets = [sandbox.target("openai", model=MODEL), sandbox.target("openai", model="text-embedding-3-large")]
    config = {"strategy": {"mode": "fallback"}, "targets": targets}
    embeddings = PortkeyEmbeddings(model=MODEL, base_url=sandbox.base_url, config=config)
    with pytest.warns(PortkeyWarning, match="vectors of different models cannot be compared"):
        assert len(embeddings.embed_query("a")) == 1536
