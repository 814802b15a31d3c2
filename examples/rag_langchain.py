"""Retrieval in LangChain: embeddings of OpenAI and answers of Claude, both through the gateway, in one trace.

``python -m examples.rag_langchain`` runs on the sandbox, or on the hosted gateway where ``PORTKEY_API_KEY`` is set
(``PORTKEY_MODEL`` and ``PORTKEY_EMBEDDING_MODEL`` name the models).
"""

from __future__ import annotations

from contextlib import closing

import httpx
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from examples.places import FACTS, QUESTION, Places, places
from portkey_langchain import ChatPortkey, PortkeyEmbeddings, PortkeyTracer

PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Answer from these facts alone:\n{facts}"), ("human", "{question}")]
)


def main() -> None:
    """Ask a question about a few facts."""
    with places() as found:
        print(answer(found, QUESTION))
        found.show_trace()


def answer(found: Places, question: str) -> str:
    """Embed the facts, find what the question is about, and let Claude answer."""
    with (
        httpx.Client(event_hooks={"request": [found.log.note]}, timeout=60) as client,
        closing(PortkeyTracer(**found.spans)) as tracer,
    ):
        embeddings = PortkeyEmbeddings(**found.embedding, http_client=client)
        model = ChatPortkey(**found.chat, http_client=client)
        store = InMemoryVectorStore(embeddings)
        # The facts are embedded once; alone, that is a trace of its own.
        store.add_texts(FACTS)

        retriever = store.as_retriever(search_kwargs={"k": 2})
        facts = retriever | RunnableLambda(as_text).with_config(run_name="facts")
        chain = {"facts": facts, "question": RunnablePassthrough()} | PROMPT | model | StrOutputParser()
        config = {"callbacks": [tracer], "run_name": "ask about facts", "metadata": {"team": "search"}}
        return chain.invoke(question, config)  # type: ignore[arg-type]  # a RunnableConfig


def as_text(documents: list[Document]) -> str:
    """The documents below each other."""
    return "\n".join(f"- {document.page_content}" for document in documents)


if __name__ == "__main__":
    main()
