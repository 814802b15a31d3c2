"""Anthropic's Messages API over HTTP: who may ask, what is asked, and how the answer goes out.

Source: Anthropic's API reference ("Messages", "Count tokens", "Models", "Errors", "Versions").
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request

from portkey_gateway.sandbox.claude import batches, catalog, sse, tokens
from portkey_gateway.sandbox.claude.answer import build_message, opening_usage
from portkey_gateway.sandbox.claude.betas import read_betas
from portkey_gateway.sandbox.claude.brain import think
from portkey_gateway.sandbox.claude.compaction import without_summarized
from portkey_gateway.sandbox.claude.errors import ClaudeError, invalid, not_found
from portkey_gateway.sandbox.claude.state import ClaudeState
from portkey_gateway.sandbox.claude.validate import validate
from portkey_gateway.sandbox.serving import app
from portkey_gateway.sandbox.serving.delivery import Delivery, Piece, json_delivery, stream_delivery
from portkey_gateway.sandbox.serving.log import body_text

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""The largest request. Source: Anthropic's API reference, "Errors", request_too_large."""

_KEY: Final = re.compile(r"sk-ant-[A-Za-z0-9_-]+")
_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def build_app(state: ClaudeState) -> Starlette:
    """Return the ASGI application of one emulated Claude."""
    return app.build(state, partial(_serve, state))


async def _serve(state: ClaudeState, request: Request) -> Delivery:
    """Answer one request, refuse it, or let a waiting fault have it, and log what was done."""
    request_id = f"req_{secrets.token_hex(12)}"
    body: Any = None
    try:
        endpoint = _endpoint(request)
        key = _key(request.headers)
        _check_version(request.headers)
        betas = read_betas(request.headers.getlist("anthropic-beta")).names
        if request.method == "POST" and not request.url.path.endswith("/cancel"):
            body = _parse(await _read(request))
        delivery = _answer(state, _Asked(key, body, request_id, betas), endpoint)
    except ClaudeError as error:
        delivery = json_delivery(error.body(request_id), status=error.status, headers={"request-id": request_id})
    app.write_down(state, request, body, delivery, request_id)
    return delivery


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request: whose it is, what it says, how it is named in errors, and the betas it names."""

    api_key: str
    body: Any
    request_id: str
    betas: frozenset[str]


def _answer(state: ClaudeState, asked: _Asked, endpoint: "_Endpoint") -> Delivery:
    fault = state.faults.take(body_text(asked.body))
    if fault and fault.answers_itself:
        return fault.answer(asked.request_id)
    delivery = endpoint(state, asked)
    return fault.spoil(delivery, asked.request_id) if fault else delivery


def _answer_messages(state: ClaudeState, asked: _Asked) -> Delivery:
    validate(asked.body, betas=asked.betas)
    body = without_summarized(asked.body)
    scripted = state.replies.take(body_text(asked.body))
    reply = scripted.reply if scripted else think(body)
    spent = state.ledger.account(asked.api_key, body)
    message = build_message(reply, body=body, input_usage=spent)
    headers = {"request-id": asked.request_id}
    if body.get("stream"):
        told = sse.events(message, opening=opening_usage(message, spent), cut_json=reply.cut_json)
        return stream_delivery(map(sse.encode, told), headers=headers)
    return json_delivery(message, headers=headers)


def _answer_count(_state: ClaudeState, asked: _Asked) -> Delivery:
    validate(asked.body, count_only=True, betas=asked.betas)
    counted = tokens.count_tokens(without_summarized(asked.body))
    return json_delivery({"input_tokens": counted}, headers={"request-id": asked.request_id})


_Endpoint = Callable[[ClaudeState, _Asked], Delivery]

_ENDPOINTS: Final[Mapping[str, _Endpoint]] = {
    "/v1/messages": _answer_messages,
    "/v1/messages/count_tokens": _answer_count,
}


_MODELS: Final = "/v1/models"
_BATCHES: Final = "/v1/messages/batches"


def _endpoint(request: Request) -> _Endpoint:
    path = request.url.path
    if path == _BATCHES or path.startswith(f"{_BATCHES}/"):
        return _batch_endpoint(request)
    is_list = path == _MODELS or path.startswith(f"{_MODELS}/")
    if not is_list and path not in _ENDPOINTS:
        raise not_found("Not Found")
    if request.method != ("GET" if is_list else "POST"):
        raise ClaudeError(405, "invalid_request_error", "Method Not Allowed")
    return partial(_answer_models, request) if is_list else _ENDPOINTS[path]


def _answer_models(request: Request, _state: ClaudeState, asked: _Asked) -> Delivery:
    name = request.url.path.removeprefix(_MODELS).removeprefix("/")
    listed = catalog.show(name) if name else catalog.list_page(request.query_params)
    return json_delivery(listed, headers={"request-id": asked.request_id})


def _batch_endpoint(request: Request) -> _Endpoint:
    """Return what answers a request about message batches."""
    batch_id, _, rest = request.url.path.removeprefix(_BATCHES).removeprefix("/").partition("/")
    method = "GET" if batch_id and rest != "cancel" else "POST"
    if rest not in {"", "cancel", "results"}:
        raise not_found("Not Found")
    if request.method != method:
        raise ClaudeError(405, "invalid_request_error", "Method Not Allowed")
    return partial(_answer_batches, batch_id, rest, str(request.base_url).rstrip("/"))


def _answer_batches(batch_id: str, rest: str, url: str, state: ClaudeState, asked: _Asked) -> Delivery:
    headers = {"request-id": asked.request_id}

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        # What a single request says in a header may stand in the body here (Anthropic's SDK 2.14, `BatchCreateParams`).
        body = {name: value for name, value in params.items() if name != "user_profile_id"}
        message = json.loads(_answer_messages(state, replace(asked, body=body)).body)
        return {**message, "usage": {**message["usage"], "service_tier": "batch"}}

    batch = state.batches.get(batch_id, answer) if batch_id else state.batches.create(asked.body)
    if rest == "results":
        lines = Piece(b"".join(batches.result_lines(batch)))
        return Delivery(200, {"content-type": "application/x-jsonl", **headers}, (lines,))
    if rest == "cancel" and batch.results is None:
        batch.canceled = time.time()
    return json_delivery(batches.show(batch, url), headers=headers)


def _key(headers: Mapping[str, str]) -> str:
    """Return the API key, from `x-api-key` or, as Anthropic's own SDK sends it since 2.0, from a bearer token."""
    key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    if not key:
        raise ClaudeError(401, "authentication_error", "x-api-key header is required")
    if not _KEY.fullmatch(key):
        raise ClaudeError(401, "authentication_error", "invalid x-api-key")
    return key


def _check_version(headers: Mapping[str, str]) -> None:
    version = headers.get("anthropic-version")
    if version is None:
        raise invalid("anthropic-version: header is required")
    if not _VERSION.fullmatch(version):
        raise invalid(f"anthropic-version: {json.dumps(version)} is not a valid version")


async def _read(request: Request) -> bytes:
    """Read the body, or refuse it as the API does."""
    try:
        raw, size = await app.read_body(request, MAX_BODY_BYTES)
    except ClientDisconnect as error:
        raise invalid("The client closed the connection before its request was complete") from error
    if size > MAX_BODY_BYTES:
        raise ClaudeError(413, "request_too_large", "Request exceeds the maximum size")
    return raw


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:  # also what is not UTF-8
        raise invalid(f"The request body is not valid JSON: {error}") from error
