"""One call for vectors, in as many requests as it takes: what its sync and its async way share. No I/O."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from portkey_gateway.call_builder import CallBuilder
from portkey_gateway.embeddings.batches import Batch
from portkey_gateway.embeddings.decode import BatchAnswer, decode_embeddings
from portkey_gateway.embeddings.encode import PATH, plan_embedding
from portkey_gateway.embeddings.request import EmbeddingRequest, Kind
from portkey_gateway.embeddings.whole import Part
from portkey_gateway.http.call import Call
from portkey_gateway.info import GatewayInfo
from portkey_gateway.options import GatewayFields
from portkey_gateway.tracing.context import TraceContext, beside
from portkey_gateway.tracing.watch import watch_call

Read: TypeAlias = Callable[[bytes, GatewayInfo], BatchAnswer]
"""Reads what a request was answered."""


class EmbeddingCall:
    """One call, and its requests, each watched and in a place of its own."""

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
        own = stands.render_headers() if stands else {}
        call = self._calls.call(PATH, self._plan.encode(batch), {**self._headers, **own})
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
