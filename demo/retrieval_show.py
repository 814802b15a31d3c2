"""A question to a tiny index: embeddings of one provider and answers of another, through the same gateway."""

from __future__ import annotations

from typing import Any

from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from llama_index.core import Document as LlamaIndexDocument
from llama_index.core import VectorStoreIndex

from demo import material
from demo.screen import note, said, step, title
from portkey_langchain import ChatPortkey, PortkeyEmbeddings
from portkey_llamaindex import Portkey, PortkeyEmbedding


def run(arguments: dict[str, Any], embedding: dict[str, Any] | None) -> None:
    """Show both frameworks; ``embedding`` holds the arguments of an embedding class, if a model is named for it."""
    title("Retrieval: PortkeyEmbeddings and PortkeyEmbedding")
    if embedding is None:
        note(
            "Left out, since no embedding model is named: PORTKEY_EMBEDDING_MODEL names one of your gateway's, such as"
        )
        note("@openai/text-embedding-3-small (PORTKEY_EMBEDDING_CONFIG a config to embed with).")
        return
    show_langchain(ChatPortkey(**arguments), PortkeyEmbeddings(**embedding))
    show_llamaindex(Portkey(**arguments), PortkeyEmbedding(**embedding))


def show_langchain(model: ChatPortkey, embeddings: PortkeyEmbeddings) -> None:
    """A store in memory, its retriever, and a chain around it."""
    step("A retriever of LangChain in a chain")
    store = InMemoryVectorStore.from_texts(material.PLACES, embeddings)
    facts = store.as_retriever(search_kwargs={"k": 1}) | RunnableLambda(_show_found)
    prompt = ChatPromptTemplate.from_messages([("system", "Answer from this alone:\n{facts}"), ("human", "{question}")])
    chain = {"facts": facts, "question": RunnablePassthrough()} | prompt | model
    said("human", material.PLACE_QUESTION)
    said("claude", chain.invoke(material.PLACE_QUESTION).text)


def _show_found(documents: list[Document]) -> str:
    found = "\n".join(document.page_content for document in documents)
    said("found", found)
    return found


def show_llamaindex(llm: Portkey, embed_model: PortkeyEmbedding) -> None:
    """A vector index and its query engine."""
    step("A query engine of LlamaIndex over a vector index")
    documents = [LlamaIndexDocument(text=place) for place in material.PLACES]
    index = VectorStoreIndex.from_documents(documents, embed_model=embed_model)
    said("user", material.PLACE_QUESTION)
    response = index.as_query_engine(llm=llm, similarity_top_k=1).query(material.PLACE_QUESTION)
    for node in response.source_nodes:
        said("found", node.get_content())
    said("claude", str(response))
