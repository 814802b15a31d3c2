"""Texts → vectors: what of the client embeds. Sync and async twins stand together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import httpx

from portkey_gateway.call_builder import CallBuilder
from portkey_gateway.embeddings.answer import Embeddings
from portkey_gateway.embeddings.batches import Batch
from portkey_gateway.embeddings.decode import BatchAnswer, decode_embeddings
from portkey_gateway.embeddings.encode import plan_embedding
from portkey_gateway.embeddings.request import EmbeddingRequest, Kind
from portkey_gateway.embeddings.whole import Part
from portkey_gateway.http import transport
from portkey_gateway.http.call import Call
from portkey_gateway.http.many import awork_off, work_off
from portkey_gateway.info import GatewayInfo
from portkey_gateway.options import GatewayFields
from portkey_gateway.tracing.context import TraceContext, beside
from portkey_gateway.tracing.watch import watch_call

EMBEDDINGS_AT_ONCE: Final = 8
"""Requests for vectors that are under way at the same time, of one call with many texts."""

Read: TypeAlias = Callable[[bytes, GatewayInfo], BatchAnswer]
"""Reads what a request was answered."""


class EmbeddingClient:
    """Asks for vectors; a part of ``GatewayClient``."""

    options: GatewayFields
    _calls: CallBuilder
    _http_client: httpx.Client | None
    _http_async_client: httpx.AsyncClient | None

    def embed(
        self,
        request: EmbeddingRequest,
        *,
        kind: Kind = "document",
        batch_size: int | None = None,
        max_concurrency: int = EMBEDDINGS_AT_ONCE,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        part: Part | None = None,
    ) -> Embeddings:
        """Embed texts (``POST /embeddings``), in as many requests as it takes.

        A request that fails is tried again alone, as any call is, and no text that was embedded is sent again. When one
        fails for good, those under way are waited for, and what all of them gave stands in the error's ``embedded``.

        Args:
            request: texts and parameters.
            kind: whether the texts are what is searched or what is searched for.
            batch_size: the most texts of a request; by default what the provider takes, and 1000 at the most.
            max_concurrency: how many requests are under way at the same time.
            trace: where the call stands in its trace; of several requests each is a span of its own, side by side.
            metadata: labels of this call, added to those of the options.
            part: where the texts stand, if they are part of a whole that several calls embed: when one of these
                fails, the others send nothing more.

        Raises:
            EncodingError: if a text cannot be embedded, or a parameter would not arrive.
            PortkeyError: if a request fails; the class says how.
        """
        asked = _EmbeddingCall(
            self._calls,
            self.options,
            request,
            kind=kind,
            batch_size=batch_size,
            trace=trace,
            metadata=metadata,
            part=part,
        )

        def ask(batch: Batch) -> BatchAnswer:
            with asked.of(batch) as (call, read):
                return read(*transport.read_response(self._http_client, call))

        work_off(asked.batches, ask, max_concurrency)
        return asked.batches.result()

    async def aembed(
        self,
        request: EmbeddingRequest,
        *,
        kind: Kind = "document",
        batch_size: int | None = None,
        max_concurrency: int = EMBEDDINGS_AT_ONCE,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        part: Part | None = None,
    ) -> Embeddings:
        """Async twin of ``embed``."""
        asked = _EmbeddingCall(
            self._calls,
            self.options,
            request,
            kind=kind,
            batch_size=batch_size,
            trace=trace,
            metadata=metadata,
            part=part,
        )

        async def ask(batch: Batch) -> BatchAnswer:
            with asked.of(batch) as (call, read):
                return read(*await transport.aread_response(self._http_async_client, call))

        await awork_off(asked.batches, ask, max_concurrency)
        return asked.batches.result()


class _EmbeddingCall:
    """One call, and its requests, each watched and in a place of its own: what both ways share. No I/O."""

    def __init__(
        self,
        calls: CallBuilder,
        options: GatewayFields,
        request: EmbeddingRequest,
        *,
        kind: Kind,
        batch_size: int | None,
        trace: TraceContext | None,
        metadata: Mapping[str, Any] | None,
        part: Part | None,
    ) -> None:
        self._calls = calls
        self._options = options
        self._request = request
        self._trace = trace
        self._plan = plan_embedding(request, calls.route(request), kind, batch_size, part)
        self._headers = calls.labelled_headers(None, metadata)
        self._requests = itertools.count()
        self.batches = self._plan.batches

    @contextmanager
    def of(self, batch: Batch) -> Iterator[tuple[Call, Read]]:
        """The request for some of the texts, and what reads its answer; to be sent and read inside."""
        stands = self._place(next(self._requests))
        call = self._calls.embedding(self._plan, batch, self._headers, stands)
        with watch_call("embeddings", {**self._request, "input": batch.texts}, stands, self._options) as watch:

            def read(content: bytes, info: GatewayInfo) -> BatchAnswer:
                answer = decode_embeddings(content, info, len(batch.texts), self._plan.dimensions)
                watch.answered(answer)
                return answer

            with call.redacting():
                yield call, read

    def _place(self, number: int) -> TraceContext | None:
        """Where a request stands: the first in the place of the call, the others beside it."""
        return beside(self._trace) if self._trace and number else self._trace
