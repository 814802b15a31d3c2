"""Retrieval in LlamaIndex: embeddings of OpenAI and answers of Claude, both through the gateway, in one trace.

``python -m examples.rag_llamaindex`` runs on the sandbox, or on the hosted gateway where ``PORTKEY_API_KEY`` is set
(``PORTKEY_MODEL`` and ``PORTKEY_EMBEDDING_MODEL`` name the models).
"""

from __future__ import annotations

import httpx
from llama_index.core import Document, VectorStoreIndex
from llama_index_instrumentation.dispatcher import instrument_tags

from examples.places import FACTS, QUESTION, Places, places
from portkey_llamaindex import Portkey, PortkeyEmbedding, instrument


def main() -> None:
    """Ask a question about a few facts."""
    with places() as found:
        print(answer(found, QUESTION))
        found.show_trace()


def answer(found: Places, question: str) -> str:
    """Embed the facts, find what the question is about, and let Claude answer."""
    with (
        httpx.Client(event_hooks={"request": [found.log.note]}, timeout=60) as client,
        instrument(**found.spans),
        instrument_tags({"team": "search"}),
    ):
        embed_model = PortkeyEmbedding(**found.embedding, http_client=client)
        llm = Portkey(**found.chat, http_client=client)
        index = VectorStoreIndex.from_documents([Document(text=fact) for fact in FACTS], embed_model=embed_model)
        return str(index.as_query_engine(llm=llm, similarity_top_k=2).query(question))


if __name__ == "__main__":
    main()
