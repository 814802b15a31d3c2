"""``PortkeyEmbedding``: the gateway's embeddings for LlamaIndex."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeVar

from llama_index.core.base.embeddings.base import BaseEmbedding, Embedding
from llama_index_instrumentation.dispatcher import DISPATCHER_SPAN_DECORATED_ATTR
from pydantic import ConfigDict, Field, field_validator, model_validator

from portkey_gateway.client import GatewayClient
from portkey_gateway.embedder import GatewayEmbedder
from portkey_gateway.embedding_client import EMBEDDINGS_AT_ONCE
from portkey_gateway.embeddings.answer import Embeddings
from portkey_gateway.embeddings.encode import most_texts
from portkey_gateway.embeddings.request import EmbeddingRequest, Kind
from portkey_gateway.errors import PortkeyError
from portkey_gateway.options import check_metadata
from portkey_gateway.routing import find_route
from portkey_llamaindex.embedding_batches import CACHE, WORK, one_piece_of_work
from portkey_llamaindex.instrumentation import embedding_labels
from portkey_llamaindex.storing import Storable

MethodT = TypeVar("MethodT", bound=Callable[..., Any])


def _without_span(method: MethodT) -> MethodT:
    """LlamaIndex puts a span around such methods too, inside the one of the method that calls them."""
    setattr(method, DISPATCHER_SPAN_DECORATED_ATTR, True)
    return method


class PortkeyEmbedding(GatewayEmbedder, Storable, BaseEmbedding):
    """Embeddings behind the Portkey AI gateway: of OpenAI, Cohere, Gemini, Bedrock, or any provider that embeds.

    Takes every option of the gateway (``GatewayFields``) beside the model's own parameters. The texts of a batch travel
    in requests that the provider takes, several at once. Safe to use from many threads and event loops; all instances
    share their connections.

    ``to_dict`` and ``to_json`` leave out what may hold a secret, as those of ``Portkey`` do.

    Example:
        ```python
        from portkey_llamaindex import PortkeyEmbedding

        embed_model = PortkeyEmbedding(model="@openai-prod/text-embedding-3-small")  # PORTKEY_API_KEY is set
        embed_model.get_query_embedding("How deep is the harbour?")
        ```

    Raises:
        pydantic.ValidationError: (a ``ValueError``) at construction, naming the option and what to do.
        PortkeyError: from a call; the class says what failed. If some of many texts were embedded before one request
            failed, they stand in the error's ``embedded``, by their places.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        protected_namespaces=(),
        defer_build=False,
    )

    model_name: str = ""
    """The same as ``model``, under LlamaIndex's own name."""
    embed_batch_size: int = Field(default=100, gt=0, le=2048)
    """Texts of one batch, which LlamaIndex tells of in its events, and the most of a request where it is said; by
    default 100, or what the provider takes if that is more than one."""
    num_workers: int | None = EMBEDDINGS_AT_ONCE
    """How many batches are under way at the same time, in async; no more requests than ``max_concurrency`` are."""
    request_metadata: dict[str, Any] = Field(default_factory=dict)
    """Labels of every call in Portkey's logs, and what conditional routing reads; they win over ``instrument_tags``."""
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of the request body, sent as they are."""

    _by_place: ClassVar[tuple[str, ...]] = ("model",)

    @model_validator(mode="before")
    @classmethod
    def _take_model_name(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or not values.get("model_name"):
            return values
        name, *other = {values["model_name"], values.get("model") or values["model_name"]}
        if other:
            raise ValueError("model and model_name are the same option: give one of them")
        return {**{key: value for key, value in values.items() if key != "model_name"}, "model": name}

    @field_validator("request_metadata", mode="before")
    @classmethod
    def _check_metadata(cls, metadata: Any) -> Any:
        return check_metadata(metadata)

    @model_validator(mode="after")
    def _complete_names_and_sizes(self) -> Self:
        # What follows from other options counts as not set, so that a changed copy finds it anew.
        told = {"model_name", "embed_batch_size"} - self.model_fields_set
        self.model_name = self.model
        most = most_texts(find_route(self, self.model))
        if "embed_batch_size" in told and 1 < most < self.embed_batch_size:
            self.embed_batch_size = most
        self.model_fields_set.difference_update(told)
        return self

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex stores the class."""
        return "PortkeyEmbedding"

    def with_options(self, **changes: Any) -> Self:
        """Return a copy with some options changed; it shares the connections and the callbacks."""
        if "model_name" in changes:
            changes["model"] = changes.pop("model_name")
        return super().with_options(**{"callback_manager": self.callback_manager, **changes})

    def embed(self, texts: list[str], kind: Kind = "document", **kwargs: Any) -> Embeddings:
        """Embed texts, and tell what it took: usage, model, and what the gateway said of each request.

        LlamaIndex hears nothing of it: its own methods announce what they embed.

        Args:
            texts: none of them empty.
            kind: whether they are searched (``document``) or searched for (``query``).
            kwargs: parameters and gateway options of this call, under the names that the constructor takes; any other
                is sent as a parameter of the request.

        Raises:
            PortkeyError: if the call fails; the class says how.
        """
        client, request, rest = self._call(texts, kind, kwargs)
        return client.embed(request, **rest)

    async def aembed(self, texts: list[str], kind: Kind = "document", **kwargs: Any) -> Embeddings:
        """Async twin of ``embed``."""
        client, request, rest = self._call(texts, kind, kwargs)
        return await client.aembed(request, **rest)

    @_without_span
    def _get_query_embedding(self, query: str) -> Embedding:
        return self.embed([query], "query").vectors[0]

    @_without_span
    async def _aget_query_embedding(self, query: str) -> Embedding:
        return (await self.aembed([query], "query")).vectors[0]

    @_without_span
    def _get_text_embedding(self, text: str) -> Embedding:
        return self.embed([text]).vectors[0]

    @_without_span
    async def _aget_text_embedding(self, text: str) -> Embedding:
        return (await self.aembed([text])).vectors[0]

    @_without_span
    def get_text_embedding_batch(self, texts: list[str], show_progress: bool = False, **kwargs: Any) -> list[Embedding]:
        """Embed texts in batches, of which LlamaIndex's events tell.

        Args:
            texts: none of them empty.
            show_progress: whether to draw a bar.
            kwargs: as LlamaIndex takes them; it knows none.

        Raises:
            PortkeyError: if a request fails. Nothing more is sent then, and what was embedded stands in its
                ``embedded``, by the places of the texts, and in the ``embeddings_cache``.
        """
        with one_piece_of_work(texts, self.max_concurrency, self.num_workers, self.embed_batch_size) as work:
            try:
                return super().get_text_embedding_batch(texts, show_progress, **kwargs)
            except PortkeyError as error:
                work.tell(error)
                if self.embeddings_cache is not None:
                    for text, value in work.to_cache():
                        self.embeddings_cache.put(text, value, CACHE)
                raise

    @_without_span
    async def aget_text_embedding_batch(
        self, texts: list[str], show_progress: bool = False, **kwargs: Any
    ) -> list[Embedding]:
        """Async twin of ``get_text_embedding_batch``."""
        with one_piece_of_work(texts, self.max_concurrency, self.num_workers, self.embed_batch_size) as work:
            try:
                return await super().aget_text_embedding_batch(texts, show_progress, **kwargs)
            except PortkeyError as error:
                await work.settled()
                work.tell(error)
                if self.embeddings_cache is not None:
                    for text, value in work.to_cache():
                        await self.embeddings_cache.aput(text, value, CACHE)
                raise

    def _get_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        work = WORK.get()
        if work is None:
            return self.embed(texts).vectors
        client, request, rest = self._call(texts, "document", {})
        return client.embed(request, **rest, part=work.whole.part(texts)).vectors

    async def _aget_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        work = WORK.get()
        if work is None:
            return (await self.aembed(texts)).vectors
        async with work.batch() as at_once:
            client, request, rest = self._call(texts, "document", {}, at_once)
            return (await client.aembed(request, **rest, part=work.whole.part(texts))).vectors

    def _call(
        self, texts: list[str], kind: Kind, kwargs: dict[str, Any], at_once: int | None = None
    ) -> tuple[GatewayClient, EmbeddingRequest, dict[str, Any]]:
        """The client of one call, its request, and the keyword arguments beside it."""
        called, parameters = self.for_call(kwargs)
        labels = embedding_labels(called.trace_id, called.span_name or self.class_name(), called.request_metadata)
        rest = {
            "kind": kind,
            # By default it is made for LlamaIndex's events: what a request holds is the provider's affair.
            "batch_size": called.embed_batch_size if "embed_batch_size" in called.model_fields_set else None,
            "max_concurrency": at_once or called.max_concurrency,
            **labels,
        }
        request = called.embedding_request(texts, {**called.additional_kwargs, **parameters})
        return called.gateway_client(), request, rest
