"""Batches of LlamaIndex, one of which fails: what was paid for is not lost, and nothing more is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from llama_index.core.base.embeddings.base import Embedding
from llama_index.core.storage.kvstore import SimpleKVStore

from portkey_gateway import BadRequestError, EncodingError
from portkey_llamaindex import PortkeyEmbedding
from tests.support.embedding import MODEL, EmbeddingGateway, vector

TEXTS = [f"text {number}" for number in range(100)]
VECTORS = dict(enumerate(map(vector, TEXTS)))
Embed = Callable[[PortkeyEmbedding, list[str]], list[Embedding]]


def embed(model: PortkeyEmbedding, texts: list[str]) -> list[Embedding]:
    return model.get_text_embedding_batch(texts)


def aembed(model: PortkeyEmbedding, texts: list[str]) -> list[Embedding]:
    async def ask() -> list[Embedding]:
        try:
            return await model.aget_text_embedding_batch(texts)
        finally:
            # What LlamaIndex would still begin, it begins now.
            for _ in range(100):
                await asyncio.sleep(0)

    return asyncio.run(ask())


either_way = pytest.mark.parametrize("ask", [embed, aembed])


def refusing(text: str) -> EmbeddingGateway:
    """Refuses the request that holds a text."""
    refusal = httpx.Response(400, json={"error": {"message": "what is this?"}})

    def spoil(body: dict[str, Any]) -> httpx.Response | None:
        return refusal if text in ([body["input"]] if isinstance(body["input"], str) else body["input"]) else None

    return EmbeddingGateway(spoil, wait_s=0.01)


def model(
    gateway: EmbeddingGateway, cls: type[PortkeyEmbedding] = PortkeyEmbedding, **options: Any
) -> PortkeyEmbedding:
    client = gateway.client()
    fields = {"model": MODEL, "base_url": "http://127.0.0.1:1/v1", "provider": "openai", "max_retries": 0, **options}
    return cls(http_client=client._http_client, http_async_client=client._http_async_client, **fields)


@either_way
@pytest.mark.parametrize(("provider", "which"), [("openai", "texts 20 to 29 of 100"), ("google", "text 25 of 100")])
def test_what_was_embedded_stands_in_the_error_and_nothing_more_is_sent(ask: Embed, provider: str, which: str) -> None:
    gateway = refusing(TEXTS[25])
    with pytest.raises(BadRequestError, match=f"^{which}: what is this") as caught:
        ask(model(gateway, provider=provider, embed_batch_size=10, num_workers=2, max_concurrency=4), TEXTS)
    paid = [text for texts in gateway.texts for text in texts if len(texts) > 1 or text != TEXTS[25]]
    paid = [text for text in paid if text not in TEXTS[20:30] or provider == "google"]
    assert sorted(caught.value.embedded) == sorted(map(TEXTS.index, paid))
    assert {*range(20)} <= {*caught.value.embedded} < {*range(60)}
    assert all(found == VECTORS[place] for place, found in caught.value.embedded.items())


@either_way
def test_with_a_cache_the_next_attempt_pays_for_nothing_twice(ask: Embed) -> None:
    cache, gateway = SimpleKVStore(), refusing(TEXTS[25])
    options: Any = {"provider": "google", "embed_batch_size": 50, "embeddings_cache": cache}
    with pytest.raises(BadRequestError):
        ask(model(gateway, **options), TEXTS)
    paid = {text for texts in gateway.texts for text in texts} - {TEXTS[25]}
    assert paid

    again = EmbeddingGateway()
    assert ask(model(again, **options), TEXTS) == [*VECTORS.values()]
    assert not paid & {text for texts in again.texts for text in texts}


@either_way
def test_of_what_a_cache_held_the_others_keep_their_places(ask: Embed) -> None:
    cache, gateway = SimpleKVStore(), refusing(TEXTS[25])
    ask(model(gateway, embeddings_cache=cache), TEXTS[:15])
    with pytest.raises(BadRequestError, match="texts 20 to 29 of 100") as caught:
        ask(model(gateway, embeddings_cache=cache, embed_batch_size=10, num_workers=2, max_concurrency=2), TEXTS)
    assert {*range(15, 20)} <= {*caught.value.embedded}


@either_way
def test_a_text_that_cannot_be_embedded_is_told_before_any_batch(ask: Embed) -> None:
    gateway = EmbeddingGateway()
    with pytest.raises(EncodingError, match="text 50 to embed is empty"):
        ask(model(gateway, embed_batch_size=10), [*TEXTS[:50], ""])
    assert gateway.requests == []


class Prefixed(PortkeyEmbedding):
    """Puts something before each text, as some models want it."""

    def _get_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        return super()._get_text_embeddings([f"passage: {text}" for text in texts])

    async def _aget_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        return await super()._aget_text_embeddings([f"passage: {text}" for text in texts])


@either_way
def test_a_subclass_may_change_the_texts(ask: Embed) -> None:
    gateway = EmbeddingGateway()
    assert len(ask(model(gateway, Prefixed, embed_batch_size=30), TEXTS)) == 100
    assert sorted(map(len, gateway.texts)) == [10, 30, 30, 30]


@either_way
def test_what_a_subclass_that_changes_texts_was_given_is_in_the_cache(ask: Embed) -> None:
    cache, gateway = SimpleKVStore(), refusing(f"passage: {TEXTS[25]}")
    options: Any = {"embed_batch_size": 10, "num_workers": 2, "max_concurrency": 2, "embeddings_cache": cache}
    with pytest.raises(BadRequestError, match="what is this") as caught:
        ask(model(gateway, Prefixed, **options), TEXTS)
    assert caught.value.embedded == {}

    again = EmbeddingGateway()
    ask(model(again, Prefixed, **options), TEXTS)
    assert not {f"passage: {text}" for text in TEXTS[:10]} & {text for texts in again.texts for text in texts}


def test_embed_goes_by_the_size_of_a_batch_that_was_said() -> None:
    gateway = EmbeddingGateway()
    sized = model(gateway, embed_batch_size=30)
    sized.embed(TEXTS)
    asyncio.run(sized.aembed(TEXTS))
    asyncio.run(sized.aembed(TEXTS, embed_batch_size=50))
    model(gateway).embed(TEXTS * 2)
    assert sorted(map(len, gateway.texts)) == [10, 10, *[30] * 6, 50, 50, 200]


def test_a_parameter_cannot_replace_the_texts_or_the_model() -> None:
    gateway = EmbeddingGateway()
    for name in ("input", "model"):
        with pytest.raises(EncodingError, match=f"{name}= among the parameters would replace the"):
            model(gateway, additional_kwargs={name: "x"}).embed(["a"])
    assert gateway.requests == []
