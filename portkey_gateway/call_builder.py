"""Requests → the calls that carry them, under the options of a client: headers, labels, route, body. No I/O."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from pydantic_core import from_json, to_json

from portkey_gateway.caching.plan import PromptCachingOption, read_prompt_caching
from portkey_gateway.calls import PROFILE, encode_call, encode_count_call
from portkey_gateway.conversation.fold import Decoding
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.conversation.unsendable import unsendable
from portkey_gateway.errors import EncodingError, warn
from portkey_gateway.http.asked_keys import AskedKeys
from portkey_gateway.http.call import Call
from portkey_gateway.http.patience import TOTAL_TIMEOUT_S, Deadline
from portkey_gateway.http.retry import RetryPolicy
from portkey_gateway.keys import AskedKey
from portkey_gateway.messages.encode import COUNT_PATH
from portkey_gateway.options import GatewayFields, GatewayOptions
from portkey_gateway.routing import Route, find_route
from portkey_gateway.secret_names import find_secrets, shown_name
from portkey_gateway.tracing.context import (
    MAX_METADATA_VALUE_LENGTH,
    TraceContext,
    cut_label,
    encode_metadata,
)

if TYPE_CHECKING:
    from portkey_gateway.prompts.completion import PromptRequest
    from portkey_gateway.prompts.library import Question

MAX_HEADER_BYTES: Final = 15_000
"""Node, under the gateway, answers 431 above 16 KB for all request headers together."""

_LABELS: Final = ("x-portkey-trace-id", "x-portkey-span-id", "x-portkey-parent-span-id", "x-portkey-span-name")
_IDEMPOTENCY: Final = "idempotency-key"
_FORWARDED: Final = "x-portkey-forward-headers"


class Rendered(NamedTuple):
    """What all calls under the same options share."""

    headers: Mapping[str, str]
    secrets: tuple[str, ...]
    """Texts of the options that must never show."""
    asked_keys: Mapping[str, AskedKey]
    """Keys that functions are asked for, by the names of their options."""

    @classmethod
    def of(cls, options: GatewayFields) -> Rendered:
        """Render options."""
        return cls(options.render_headers(), options.secrets(), options.asked_keys())


class CallBuilder:
    """Builds the calls of a client.

    Args:
        options: where the calls go and how they are labelled.
        timeout_s: seconds without a byte after which a call fails; ``None`` waits for ever.
        max_retries: how often a call is tried again that failed before its answer began.
        total_timeout_s: seconds that a whole call may take, with all its tries; ``None`` for no end.
        retry_unanswered: whether a call is tried again, too, that was sent and got no answer.
        prompt_caching: what to mark for Claude's prompt cache.
        route: where all calls go, where that is known already.
        rendered: the options, where they are rendered already.

    Raises:
        ValueError: if ``prompt_caching`` is none of the option's values.
    """

    def __init__(
        self,
        options: GatewayFields,
        *,
        timeout_s: float | None,
        max_retries: int,
        total_timeout_s: float | None = TOTAL_TIMEOUT_S,
        retry_unanswered: bool = False,
        prompt_caching: PromptCachingOption = None,
        route: Route | None = None,
        rendered: Rendered | None = None,
    ) -> None:
        self.options = options
        self.headers, self._secrets, self._asked_keys = rendered or Rendered.of(options)
        self._timeout_s = timeout_s
        self._total_timeout_s = total_timeout_s
        self._retry = RetryPolicy(max_retries=max_retries, retry_unanswered=retry_unanswered)
        self._prompt_caching: PromptCachingOption = read_prompt_caching(prompt_caching)
        self._fixed_route = route

    def count(self, request: ChatRequest) -> Call:
        """Count the tokens of a request."""
        headers, body = encode_count_call(request, self.route(request), self.headers)
        return replace(self.call(COUNT_PATH, body, headers, find_secrets(request.get("mcp_servers"))), is_free=True)

    def question(self, question: Question[Any]) -> Call:
        """Ask a route that answers at once."""
        headers = {**self.headers, **question.headers}
        if question.body is None:
            return self.call(question.path, b"", headers, method="GET")
        return replace(self.call(question.path, encode_body(question.body), headers), is_free=question.is_free)

    def chat(
        self,
        request: ChatRequest | PromptRequest,
        trace: TraceContext | None,
        metadata: Mapping[str, Any] | None,
        deadline: Deadline | None = None,
    ) -> tuple[Call, Decoding]:
        """Ask for an answer; with the call comes what decodes it.

        Args:
            request: what is asked.
            trace: where the call stands.
            metadata: its labels.
            deadline: when the call has to be over, if it has begun already.
        """
        headers = self.labelled_headers(trace, metadata)
        if "prompt" in request:
            from portkey_gateway.prompts.completion import encode_completion  # noqa: PLC0415 for who asks one

            prompted = encode_completion(cast("PromptRequest", request))
            return self.call(prompted.path, prompted.body, headers, deadline=deadline), prompted.decoding
        encoded = encode_call(request, self.route(request), headers, prompt_caching=self._prompt_caching)
        # The keys of MCP servers stand in the body, which an error may echo.
        secrets = find_secrets(request.get("mcp_servers"))
        call = self.call(encoded.path, encoded.body, encoded.headers, secrets, deadline=deadline)
        return call, encoded.decoding

    def check_batched(self, request: ChatRequest) -> None:
        """Look whether requests go where there are Message Batches.

        Raises:
            EncodingError: if they do not go to a Claude in Anthropic's own format.
        """
        if self.route(request).api_format != "messages":
            raise EncodingError(
                "Message Batches are Anthropic's: the model has to be surely a Claude, with api_format='messages' or "
                "'auto', and no config that leads elsewhere"
            )

    def batched(self, request: ChatRequest) -> tuple[dict[str, Any], tuple[str, ...]]:
        """One request of a message batch: its parameters, and the beta features that it needs.

        Raises:
            EncodingError: if it cannot be sent as it is.
        """
        call, decoding = self.chat(request, None, None)
        if decoding.names:
            told = ", ".join(map(repr, decoding.names.values()))
            raise EncodingError(
                f"Anthropic does not take the names of the tools {told}: name them otherwise in a batch"
            )
        body: dict[str, Any] = from_json(call.body)
        body.pop("anthropic_version", None)
        if profile := call.headers.get(PROFILE):
            body["user_profile_id"] = profile  # each request of a batch may have its own
        betas = body.pop("anthropic_beta", None) or call.headers.get("anthropic-beta") or ()
        return body, tuple(betas.split(",") if isinstance(betas, str) else betas)

    def labelled_headers(self, trace: TraceContext | None, metadata: Mapping[str, Any] | None) -> dict[str, str]:
        """The headers of the options, with where a call stands and its labels."""
        own = self.options.metadata if isinstance(self.options, GatewayOptions) else None
        told = {**own, **(metadata or {})} if own else metadata
        headers = {**self.headers, **trace.render_headers()} if trace else {**self.headers}
        if told and (labels := encode_metadata(told, self.options.metadata_keys)):
            headers["x-portkey-metadata"] = labels
        return headers

    def route(self, request: Mapping[str, Any]) -> Route:
        """Where a request goes."""
        return self._fixed_route or find_route(self.options, str(request.get("model") or ""), self.headers)

    def call(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        secrets: tuple[str, ...] = (),
        method: str = "POST",
        *,
        deadline: Deadline | None = None,
    ) -> Call:
        """Build a call of any route.

        Args:
            path: below ``base_url``.
            body: encoded.
            headers: all of them.
            secrets: texts of the body that must never show, beside those of the options.
            method: of HTTP.
            deadline: when the call has to be over, if it has begun already.

        Raises:
            EncodingError: if the headers cannot be sent.
        """
        headers = _with_short_labels(headers)
        values = "".join(headers.values())
        if not (values.isascii() and values.isprintable()):
            name = next(name for name, value in headers.items() if not (value.isascii() and value.isprintable()))
            text = f"the header {shown_name(name)} can carry printable ASCII only: mind a line break at its end"
            raise EncodingError(text)
        size = sum(map(len, headers)) + len(values) + 4 * len(headers)
        if size > MAX_HEADER_BYTES:
            longest = max(headers, key=lambda name: len(headers[name]))
            raise EncodingError(
                f"the request headers take {size} bytes and the gateway refuses more than 16 KB; the longest is "
                f"{shown_name(longest)} ({len(headers[longest])} bytes): save an inline config in Portkey and give its "
                "id"
            )
        is_free = method == "GET"
        if self._retry.retry_unanswered and not is_free:
            headers = _with_key(headers)
        return Call(
            self.options.base_url + path,
            headers,
            body,
            self._timeout_s,
            self._retry,
            self._total_timeout_s,
            is_free=is_free,
            secrets=secrets + self._secrets,
            method=method,
            keys=AskedKeys(self._asked_keys) if self._asked_keys else None,
            deadline=deadline,
        )


def _with_short_labels(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with ids and names cut as metadata is: a label never breaks a call."""
    long = [name for name in _LABELS if len(headers.get(name, "")) > MAX_METADATA_VALUE_LENGTH]
    for name in long:
        warn(f"{name} has {len(headers[name])} characters; {MAX_METADATA_VALUE_LENGTH} are sent, the rest is cut off")
    return {**headers, **{name: cut_label(headers[name]) for name in long}} if long else headers


def _with_key(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with a key by which a server can tell that the tries of one call are one call.

    The gateway passes it on where it is told to (1.15.2, tried in both formats). Neither OpenAI nor Anthropic is known
    to honour one: their own SDKs have a place for its name, and leave it empty (openai 3.54, anthropic 2.12).
    """
    forwarded = [name.strip() for name in headers.get(_FORWARDED, "").split(",") if name.strip()]
    if _IDEMPOTENCY not in forwarded:
        forwarded.append(_IDEMPOTENCY)
    return {_IDEMPOTENCY: str(uuid.uuid4()), **headers, _FORWARDED: ",".join(forwarded)}


def encode_body(body: Mapping[str, Any]) -> bytes:
    """Encode a body as JSON.

    Raises:
        EncodingError: if it holds something that JSON does not know.
    """
    try:
        return to_json(body)
    except ValueError as error:
        raise unsendable(body, error) from error
