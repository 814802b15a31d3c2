"""Texts → vectors: what of the client embeds. Sync and async twins stand together.

Most clients never embed: what that takes is read with the first texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import httpx

from portkey_gateway.call_builder import CallBuilder
from portkey_gateway.http import transport
from portkey_gateway.http.many import awork_off, work_off
from portkey_gateway.options import GatewayFields
from portkey_gateway.tracing.context import TraceContext

if TYPE_CHECKING:
    from portkey_gateway.embeddings.answer import Embeddings
    from portkey_gateway.embeddings.batches import Batch
    from portkey_gateway.embeddings.decode import BatchAnswer
    from portkey_gateway.embeddings.request import EmbeddingRequest, Kind
    from portkey_gateway.embeddings.whole import Part
else:
    # Whoever makes a tool or a route of a method asks for what its annotations mean.
    Embeddings = EmbeddingRequest = Kind = Part = Any

EMBEDDINGS_AT_ONCE: Final = 8
"""Requests for vectors that are under way at the same time, of one call with many texts."""


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
        from portkey_gateway.embedding_call import EmbeddingCall  # noqa: PLC0415 see above

        asked = EmbeddingCall(
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
        from portkey_gateway.embedding_call import EmbeddingCall  # noqa: PLC0415 see above

        asked = EmbeddingCall(
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
