"""The gateway's client: one request in, one answer or stream of deltas out. Sync and async twins stand together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, cast

import httpx
from pydantic_core import from_json

from portkey_gateway import other_routes
from portkey_gateway.caching.plan import PromptCachingOption
from portkey_gateway.call_builder import CallBuilder, Rendered, encode_body
from portkey_gateway.conversation.answer import Answer
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.embedding_client import EmbeddingClient
from portkey_gateway.http import transport
from portkey_gateway.http.answer_stream import AnswerStream, Asked, AsyncAnswerStream
from portkey_gateway.http.call import Call
from portkey_gateway.http.patience import TOTAL_TIMEOUT_S, Deadline
from portkey_gateway.http.reply import AsyncReply, Reply
from portkey_gateway.info import GatewayInfo
from portkey_gateway.options import GatewayFields, GatewayOptions
from portkey_gateway.other_routes import ListedModel, Listing
from portkey_gateway.routing import Route
from portkey_gateway.tracing.context import TraceContext
from portkey_gateway.tracing.watch import watch_call

if TYPE_CHECKING:
    from portkey_gateway.prompts.completion import PromptRequest
    from portkey_gateway.prompts.library import PromptLibrary, Question

DEFAULT_TIMEOUT_S: Final = 600.0
"""Seconds without a byte after which a call fails; a long answer of a large model takes minutes."""

ResultT = TypeVar("ResultT")

if not TYPE_CHECKING:
    # Whoever makes a tool or a route of a method asks for what its annotations mean.
    PromptRequest = PromptLibrary = Any
    Question = Annotated[ResultT, "how it is asked for"]


class GatewayClient(EmbeddingClient):
    """Calls the gateway under fixed options; cheap to make, since connections are shared by the whole process.

    Safe to use from many threads and event loops, after a fork and after pickling (borrowed clients are left behind
    by a pickle).

    Args:
        options: where the calls go and how they are labelled.
        timeout_s: seconds without a byte after which a call fails; ``None`` waits for ever.
        max_retries: how often a call is tried again that failed before its answer began.
        total_timeout_s: seconds that a whole call may take, with all its tries and waits; ``None`` for no end.
        retry_unanswered: try a call again, too, that was sent and got no answer, as after a read timeout or a broken
            connection; it may then be charged more than once (``docs/reliability.md``).
        http_client: a client of yours for the sync methods; it is never closed here.
        http_async_client: the same for the async methods.
        prompt_caching: what to mark for Claude's prompt cache: ``None`` (explicit marks only), ``"auto"``, or
            ``PromptCaching``.
        route: where all calls go, where a model object has found that already; else the options and the model that a
            request names decide.
        inline_from: hosts, addresses or networks that media may be fetched from although they are private.
        rendered: the options, where a model object has rendered them already.

    Raises:
        ValueError: if ``prompt_caching`` is none of these.
    """

    def __init__(
        self,
        options: GatewayFields | None = None,
        *,
        timeout_s: float | None = DEFAULT_TIMEOUT_S,
        max_retries: int = 2,
        total_timeout_s: float | None = TOTAL_TIMEOUT_S,
        retry_unanswered: bool = False,
        http_client: httpx.Client | None = None,
        http_async_client: httpx.AsyncClient | None = None,
        prompt_caching: PromptCachingOption = None,
        route: Route | None = None,
        inline_from: Iterable[str] = (),
        rendered: Rendered | None = None,
    ) -> None:
        self.options = options if options is not None else GatewayOptions()
        self._calls = CallBuilder(
            self.options,
            timeout_s=timeout_s,
            max_retries=max_retries,
            total_timeout_s=total_timeout_s,
            retry_unanswered=retry_unanswered,
            prompt_caching=prompt_caching,
            route=route,
            rendered=rendered,
        )
        self._timeout_s = timeout_s
        self._total_timeout_s = total_timeout_s
        self._http_client = http_client
        self._http_async_client = http_async_client
        self._inline_from = tuple(inline_from)
        if self._inline_from:
            from portkey_gateway.http.addresses import read_allowed  # noqa: PLC0415 as where media are fetched

            read_allowed(self._inline_from)

    def __repr__(self) -> str:
        """The class and where it calls; never a key."""
        return f"{type(self).__name__}(base_url={self.options.base_url!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Leave borrowed clients behind: their connections cannot travel."""
        return {**self.__dict__, "_http_client": None, "_http_async_client": None}

    # --- chat completions -------------------------------------------------------------------------------------------

    def chat(
        self,
        request: ChatRequest | PromptRequest,
        *,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        inline_images: bool = False,
    ) -> Answer:
        """Ask for a whole answer.

        Args:
            request: messages, tools and parameters; or a prompt of the library, as ``prompts`` asks for it.
            trace: where the call stands in its trace; what is set wins over the options.
            metadata: labels of this call, added to those of the options.
            inline_images: fetch images and documents given by URL and send their data.

        Raises:
            EncodingError: if the request cannot be sent as it is.
            PortkeyError: if the call fails; the class says how.
        """
        with watch_call("chat", request, trace, self.options) as watch:
            deadline = Deadline(self._total_timeout_s)
            request = self._inline(request, deadline) if inline_images else request
            call, decoding = self._calls.chat(request, trace, metadata, deadline)
            with call.redacting():
                answer = decoding.decode(*transport.read_response(self._http_client, call))
            watch.answered(answer)
        return answer

    async def achat(
        self,
        request: ChatRequest | PromptRequest,
        *,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        inline_images: bool = False,
    ) -> Answer:
        """Async twin of ``chat``."""
        with watch_call("chat", request, trace, self.options) as watch:
            deadline = Deadline(self._total_timeout_s)
            request = await self._ainline(request, deadline) if inline_images else request
            call, decoding = self._calls.chat(request, trace, metadata, deadline)
            with call.redacting():
                answer = decoding.decode(*await transport.aread_response(self._http_async_client, call))
            watch.answered(answer)
        return answer

    def stream(
        self,
        request: ChatRequest | PromptRequest,
        *,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        inline_images: bool = False,
    ) -> AnswerStream:
        """Ask for a streamed answer: ``with client.stream(…) as stream``; leaving gives the connection back.

        Takes and raises what ``chat`` does; iterating raises a ``StreamError`` if the answer breaks off.
        """

        def ask() -> Asked[Reply]:
            deadline = Deadline(self._total_timeout_s)
            asked = self._inline(request, deadline) if inline_images else request
            call, decoding = self._calls.chat(_streamed(asked), trace, metadata, deadline)
            return transport.send(self._http_client, call), call, decoding

        return AnswerStream(ask, watch_call("chat", request, trace, self.options, streamed=True))

    def astream(
        self,
        request: ChatRequest | PromptRequest,
        *,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        inline_images: bool = False,
    ) -> AsyncAnswerStream:
        """Async twin of ``stream``: ``async with client.astream(…) as stream``."""

        async def ask() -> Asked[AsyncReply]:
            deadline = Deadline(self._total_timeout_s)
            asked = await self._ainline(request, deadline) if inline_images else request
            call, decoding = self._calls.chat(_streamed(asked), trace, metadata, deadline)
            return await transport.asend(self._http_async_client, call), call, decoding

        return AsyncAnswerStream(ask, watch_call("chat", request, trace, self.options, streamed=True))

    def request_body(self, request: ChatRequest | PromptRequest) -> dict[str, Any]:
        """The body that a whole answer to a request would be asked for with.

        Raises:
            EncodingError: if the request cannot be sent as it is.
        """
        call, _ = self._calls.chat(request, None, None)
        body: dict[str, Any] = from_json(call.body)
        return body

    def check_batched(self, request: ChatRequest) -> None:
        """Look whether requests like this one go where there are Anthropic's Message Batches.

        Raises:
            EncodingError: if they do not.
        """
        self._calls.check_batched(request)

    def batched_request(self, request: ChatRequest) -> tuple[dict[str, Any], tuple[str, ...]]:
        """A request as Anthropic's Message Batches take it: its parameters, and the beta features that it needs.

        Raises:
            EncodingError: if it cannot be sent as it is.
        """
        return self._calls.batched(request)

    # --- other routes -----------------------------------------------------------------------------------------------

    def count_tokens(self, request: ChatRequest) -> int:
        """Count the input tokens of a request, without charge (``POST /messages/count_tokens``).

        Args:
            request: for a Claude; what weighs no tokens is left out.

        Raises:
            EncodingError: if the request cannot be sent as it is.
            PortkeyError: if the call fails, as it does where the gateway has no count for the provider.
        """
        return self._send(self._calls.count(request), other_routes.read_token_count)

    async def acount_tokens(self, request: ChatRequest) -> int:
        """Async twin of ``count_tokens``."""
        return await self._asend(self._calls.count(request), other_routes.read_token_count)

    @cached_property
    def prompts(self) -> PromptLibrary:
        """The prompt library of the key's workspace (the hosted gateway's, or an enterprise gateway's)."""
        from portkey_gateway.prompts.library import PromptLibrary  # noqa: PLC0415 for who has prompts there

        return PromptLibrary(self)

    def ask(self, question: Question[ResultT]) -> ResultT:
        """Ask a route that answers at once.

        Raises:
            EncodingError: if JSON does not know the question.
            PortkeyError: if the call fails.
        """
        return self._send(self._calls.question(question), question.read)

    async def aask(self, question: Question[ResultT]) -> ResultT:
        """Async twin of ``ask``."""
        return await self._asend(self._calls.question(question), question.read)

    def feedback(
        self, trace_id: str, value: int, *, weight: float = 1.0, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Rate a trace, as with a thumbs-up (hosted gateway only).

        Args:
            trace_id: the trace, as ``answer.info.trace_id`` gives it.
            value: from -10 to 10.
            weight: from 0 to 1.
            metadata: labels of the feedback.

        Raises:
            EncodingError: if value or weight is out of range.
            PortkeyError: if the call fails.
        """
        body = other_routes.feedback_body(trace_id, value, weight, metadata)
        with other_routes.explaining_feedback():
            self._post("/feedback", body, other_routes.read_receipt)

    async def afeedback(
        self, trace_id: str, value: int, *, weight: float = 1.0, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Async twin of ``feedback``."""
        body = other_routes.feedback_body(trace_id, value, weight, metadata)
        with other_routes.explaining_feedback():
            await self._apost("/feedback", body, other_routes.read_receipt)

    def models(self) -> list[ListedModel]:
        """List the models that can be called (``GET /models``).

        The hosted gateway lists the model catalog that the key may call; the open-source one asks the provider.

        Raises:
            NotFoundError: if whoever is asked lists none.
            PortkeyError: if the call fails otherwise.
        """
        listing, deadline = Listing(self._calls.headers.get("x-portkey-provider")), Deadline(self._total_timeout_s)
        with listing.explaining():
            while listing.path:
                self._send(self._page(listing.path, deadline), listing.read)
        return listing.models

    async def amodels(self) -> list[ListedModel]:
        """Async twin of ``models``."""
        listing, deadline = Listing(self._calls.headers.get("x-portkey-provider")), Deadline(self._total_timeout_s)
        with listing.explaining():
            while listing.path:
                await self._asend(self._page(listing.path, deadline), listing.read)
        return listing.models

    def _page(self, path: str, deadline: Deadline) -> Call:
        return self._calls.call(path, b"", self._calls.headers, method="GET", deadline=deadline)

    # --- sending them ----------------------------------------------------------------------------------------------

    def _post(self, path: str, body: Mapping[str, Any], read: Callable[[bytes, GatewayInfo], ResultT]) -> ResultT:
        return self._send(self._calls.call(path, encode_body(body), self._calls.headers), read)

    async def _apost(
        self, path: str, body: Mapping[str, Any], read: Callable[[bytes, GatewayInfo], ResultT]
    ) -> ResultT:
        return await self._asend(self._calls.call(path, encode_body(body), self._calls.headers), read)

    def _send(self, call: Call, read: Callable[[bytes, GatewayInfo], ResultT]) -> ResultT:
        with call.redacting():
            return read(*transport.read_response(self._http_client, call))

    async def _asend(self, call: Call, read: Callable[[bytes, GatewayInfo], ResultT]) -> ResultT:
        with call.redacting():
            return read(*await transport.aread_response(self._http_async_client, call))

    def _inline(self, request: ChatRequest | PromptRequest, deadline: Deadline) -> ChatRequest | PromptRequest:
        if "prompt" in request:
            return request  # what it shows, the library knows
        from portkey_gateway.http.inlined import inlined  # noqa: PLC0415 for who has media fetched

        return inlined(request, self._timeout_s, self._inline_from, deadline)

    async def _ainline(self, request: ChatRequest | PromptRequest, deadline: Deadline) -> ChatRequest | PromptRequest:
        if "prompt" in request:
            return request
        from portkey_gateway.http.inlined import ainlined  # noqa: PLC0415 as above

        return await ainlined(request, self._timeout_s, self._inline_from, deadline)


def _streamed(request: ChatRequest | PromptRequest) -> ChatRequest | PromptRequest:
    return cast("ChatRequest | PromptRequest", {**request, "stream": True})
