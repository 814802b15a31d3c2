"""A call that receivers want a span of, and what it tells them; read when the first does."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

from portkey_gateway.conversation.answer import Answer
from portkey_gateway.errors import EncodingError, PortkeyError
from portkey_gateway.options import GatewayFields
from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.call_content import content_of_answer, content_of_request, plain_message
from portkey_gateway.tracing.call_facts import describe_answer, describe_info, describe_request
from portkey_gateway.tracing.call_places import CallPlaces
from portkey_gateway.tracing.context import TraceContext
from portkey_gateway.tracing.receivers import RECEIVERS
from portkey_gateway.tracing.spans import Described, OpenSpan
from portkey_gateway.tracing.steps import Tracing
from portkey_gateway.tracing.watch import Operation, Watch


class Watched(Watch):
    """A call that somebody wants a span of.

    Args:
        operation: what is asked for.
        request: for an answer or for vectors, or of a prompt of the library.
        trace: where the call stands.
        options: of the client that sends it.
        streamed: whether the answer is to come in pieces.
    """

    def __init__(
        self,
        operation: Operation,
        request: Mapping[str, Any],
        trace: TraceContext,
        options: GatewayFields,
        streamed: bool,
    ) -> None:
        self._operation: Operation = operation
        self._request = request
        self._trace = trace
        self._options = options
        self._streamed = streamed
        self._spans: deque[tuple[Tracing, OpenSpan]] = deque()
        self._answer: Any = None
        self._so_far: Callable[[], Answer] | None = None
        self._begun_s = 0.0
        self._first_chunk_s: float | None = None

    def __enter__(self) -> Self:
        self._begun_s = time.perf_counter()
        # What one receiver has a place for is no other's business, though both may know of the trace.
        for take in (CallPlaces.take_call, CallPlaces.take_expected):
            for tracing in RECEIVERS.live():
                with tracing.unnoticed:
                    if span := take(tracing.places, self._trace):
                        self._spans.append((tracing, span))
                        tracing.left.under_way.add(self)
            if self._spans:
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._answer is not None and isinstance(error, (GeneratorExit, asyncio.CancelledError)):
            error = None  # who leaves with the last chunk in hand leaves nothing of the answer out
        while self._spans:
            self._finish(*self._spans.popleft(), error)

    def __del__(self) -> None:
        # A stream whose loop was closed under it is never closed itself. The collector may come at any time.
        for tracing, span in self._spans:
            tracing.left.calls.append((self, span))

    def leave(self, tracing: Tracing) -> None:
        """Tell a receiver of the call, which hears no more of it though it is not over."""
        for known in [each for each in self._spans if each[0] is tracing]:
            self._spans.remove(known)
            self._finish(*known, None, outcome="unfinished")

    def end_left(self, tracing: Tracing, span: OpenSpan) -> None:
        """Tell a receiver of the call, which nobody will ever go on with."""
        self._finish(tracing, span, GeneratorExit())

    def _finish(
        self, tracing: Tracing, span: OpenSpan, error: BaseException | None, *, outcome: str = "cancelled"
    ) -> None:
        tracing.left.under_way.discard(self)
        described = Described(attributes=dict(span.attributes))
        with tracing.unnoticed:
            described = self._described(error, outcome)
        with tracing.unnoticed:
            tracing.finish_call(span._replace(name=self._name), described, error, plain_message)

    @override
    def answering(self, so_far: Callable[[], Answer]) -> None:
        self._so_far = so_far

    @override
    def chunk(self) -> None:
        if self._first_chunk_s is None:
            self._first_chunk_s = time.perf_counter() - self._begun_s

    @override
    def answered(self, answer: Any) -> None:
        super().answered(answer)
        self._answer = answer

    @property
    def _name(self) -> str:
        """As the conventions name spans of calls; by the prompt where one of the library is asked."""
        prompt = self._request.get("prompt")
        return f"{self._operation} {prompt.id if prompt else self._request.get('model') or ''}".rstrip()

    def _described(self, error: BaseException | None, outcome: str) -> Described:
        request, answer = self._request, self._answer
        attributes = describe_request(self._operation, request, self._options, streamed=self._streamed)
        attributes[semconv.CALL_NAME] = self._trace.span_name
        content: dict[str, Any] = {}
        if isinstance(error, EncodingError):
            pass  # it may have any form, and was not said
        elif self._operation == "chat":
            content = content_of_request(request)
        else:
            texts = request["input"]
            content = {semconv.INPUT_VALUE: texts[0] if len(texts) == 1 else texts}
        if answer is None and error is None:
            # A reader who leaves a stream early is no error, and yet there is no whole answer.
            attributes[semconv.OUTCOME] = outcome
        if answer is None and self._so_far:
            answer = self._so_far()
        if answer is not None:
            attributes |= describe_answer(answer)
            content |= content_of_answer(answer) if isinstance(answer, Answer) else {}
        if isinstance(error, PortkeyError) and error.info:
            attributes |= {name: value for name, value in describe_info(error.info).items() if value is not None}
        if self._streamed:
            attributes[semconv.TIME_TO_FIRST_CHUNK] = self._first_chunk_s
        return Described(attributes=attributes, content=content)
