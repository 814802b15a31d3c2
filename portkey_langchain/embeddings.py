"""``PortkeyEmbeddings``: the gateway's embeddings for LangChain."""

from __future__ import annotations

from typing import Any

from langchain_core.embeddings import Embeddings
from pydantic import Field, field_validator
from typing_extensions import override

from portkey_gateway.client import GatewayClient
from portkey_gateway.embedder import GatewayEmbedder
from portkey_gateway.embeddings.answer import Embeddings as Answer
from portkey_gateway.embeddings.request import EmbeddingRequest, Kind
from portkey_gateway.options import check_metadata
from portkey_langchain.call import named_trace
from portkey_langchain.callbacks import RUNS
from portkey_langchain.errors import as_langchain_errors
from portkey_langchain.tracer import expect_call


class PortkeyEmbeddings(GatewayEmbedder, Embeddings, defer_build=False):
    """Embeddings behind the Portkey AI gateway: of OpenAI, Cohere, Gemini, Bedrock, or any provider that embeds.

    Takes every option of the gateway (``GatewayFields``) beside the model's own parameters. Many texts travel in
    batches that the provider takes, several at once. Calls inside chains, graphs, tools and retrievers belong to the
    same trace as the models' and carry the same labels. Safe to use from many threads and event loops; all instances
    share their connections.

    Example:
        ```python
        from portkey_langchain import PortkeyEmbeddings

        embeddings = PortkeyEmbeddings(model="@openai-prod/text-embedding-3-small")  # PORTKEY_API_KEY is set
        embeddings.embed_query("How deep is the harbour?")
        ```

    Raises:
        pydantic.ValidationError: (a ``ValueError``) at construction, naming the option and what to do.
        PortkeyError: from a call; each is also LangChain's own model error of its kind. If some of many texts were
            embedded before one request failed, they stand in the error's ``embedded``, by their places.
    """

    chunk_size: int | None = Field(default=None, gt=0)
    """The most texts of one request; by default what the provider takes, and 1000 at the most."""
    metadata: dict[str, Any] | None = None
    """Labels of every call in Portkey's logs, and what conditional routing reads."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of the request body, sent as they are."""

    @field_validator("metadata", mode="before")
    @classmethod
    def _check_metadata(cls, metadata: Any) -> Any:
        return metadata if metadata is None else check_metadata(metadata)

    @override
    def embed_documents(self, texts: list[str], chunk_size: int | None = None, **kwargs: Any) -> list[list[float]]:
        """Embed texts that are searched.

        Args:
            texts: none of them empty.
            chunk_size: the most texts of one request, for this call.
            kwargs: parameters and gateway options of this call, under the names that the constructor takes; any other
                is sent as a parameter of the request.

        Returns:
            A vector for each text, in the order of the texts.
        """
        return self.embed(texts, "document", **_with_size(chunk_size, kwargs)).vectors

    @override
    def embed_query(self, text: str, **kwargs: Any) -> list[float]:
        """Embed a text that is searched for; takes what ``embed_documents`` does."""
        return self.embed([text], "query", **kwargs).vectors[0]

    @override
    async def aembed_documents(
        self, texts: list[str], chunk_size: int | None = None, **kwargs: Any
    ) -> list[list[float]]:
        """Async twin of ``embed_documents``."""
        return (await self.aembed(texts, "document", **_with_size(chunk_size, kwargs))).vectors

    @override
    async def aembed_query(self, text: str, **kwargs: Any) -> list[float]:
        """Async twin of ``embed_query``."""
        return (await self.aembed([text], "query", **kwargs)).vectors[0]

    def embed(self, texts: list[str], kind: Kind = "document", **kwargs: Any) -> Answer:
        """Embed texts, and tell what it took: usage, model, and what the gateway said of each request.

        Args:
            texts: none of them empty.
            kind: whether they are searched (``document``) or searched for (``query``).
            kwargs: parameters and gateway options of this call.
        """
        with as_langchain_errors():
            client, request, rest = self._call(texts, kind, kwargs)
            return client.embed(request, **rest)

    async def aembed(self, texts: list[str], kind: Kind = "document", **kwargs: Any) -> Answer:
        """Async twin of ``embed``."""
        with as_langchain_errors():
            client, request, rest = self._call(texts, kind, kwargs)
            return await client.aembed(request, **rest)

    def _call(
        self, texts: list[str], kind: Kind, kwargs: dict[str, Any]
    ) -> tuple[GatewayClient, EmbeddingRequest, dict[str, Any]]:
        """The client of one call, its request, and the keyword arguments beside it."""
        called, parameters = self.for_call(kwargs)
        run = RUNS.here(type(self).__name__)
        trace, metadata = named_trace(run.trace, called), {**(called.metadata or {}), **run.metadata}
        if not run.in_run:
            expect_call(trace, metadata)
        rest = {
            "kind": kind,
            "batch_size": called.chunk_size,
            "max_concurrency": called.max_concurrency,
            "trace": trace,
            "metadata": metadata,
        }
        request = called.embedding_request(texts, {**called.model_kwargs, **parameters})
        return called.gateway_client(), request, rest


def _with_size(chunk_size: int | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    return kwargs if chunk_size is None else {**kwargs, "chunk_size": chunk_size}
