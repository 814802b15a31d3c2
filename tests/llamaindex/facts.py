"""A small index of two facts."""

from __future__ import annotations

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding

HARBOUR = "The harbour of Kiel is twelve metres deep."
BREAD = "Rye bread is baked for two hours."
WORDS = ("harbour", "deep", "metres", "bread", "rye", "baked")


class WordEmbedding(BaseEmbedding):
    """Places a text by the words that it holds."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [1.0 + 10 * (word in text.lower()) for word in WORDS]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def index_of_facts() -> VectorStoreIndex:
    return VectorStoreIndex.from_documents([Document(text=HARBOUR), Document(text=BREAD)], embed_model=WordEmbedding())
