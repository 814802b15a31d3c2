"""OpenAI's API over HTTP: who may ask, what is asked, and how the answer goes out.

Source: OpenAI's API reference ("Authentication", "Debugging requests", "Chat", "Embeddings", "Models").
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request

from portkey_gateway.sandbox.openai import catalog, sse, tokens
from portkey_gateway.sandbox.openai.answer import build_completion
from portkey_gateway.sandbox.openai.compose import compose
from portkey_gateway.sandbox.openai.embeddings import embed
from portkey_gateway.sandbox.openai.errors import OpenAIError, invalid
from portkey_gateway.sandbox.openai.state import OpenAIState
from portkey_gateway.sandbox.openai.validate import validate
from portkey_gateway.sandbox.serving import app
from portkey_gateway.sandbox.serving.delivery import Delivery, json_delivery, stream_delivery
from portkey_gateway.sandbox.serving.log import body_text

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""The largest request that is read."""

_KEY: Final = re.compile(r"sk-[A-Za-z0-9_-]+")
_NO_KEY: Final = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API "
    "from your browser and are prompted for a username and password. You can obtain an API key from "
    "https://platform.openai.com/account/api-keys."
)
_NOT_JSON: Final = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)
_SHOWN_OF_KEY: Final = 4


def build_app(state: OpenAIState) -> Starlette:
    """Return the ASGI application of one emulated OpenAI."""
    return app.build(state, partial(_serve, state))


async def _serve(state: OpenAIState, request: Request) -> Delivery:
    """Answer one request, refuse it, or let a waiting fault have it, and log what was done."""
    request_id = f"req_{secrets.token_hex(16)}"
    body: Any = None
    try:
        key = _key(request.headers)
        endpoint = _endpoint(request)
        if request.method == "POST":
            body = _parse(await _read(request))
        delivery = _answer(state, key, body, request_id, endpoint)
    except OpenAIError as error:
        delivery = json_delivery(error.body(), status=error.status, headers={"x-request-id": request_id})
    app.write_down(state, request, body, delivery, request_id)
    return delivery


def _answer(state: OpenAIState, api_key: str, body: object, request_id: str, endpoint: "_Endpoint") -> Delivery:
    fault = state.faults.take(body_text(body))
    if fault and fault.answers_itself:
        return fault.answer(request_id)
    headers = {"x-request-id": request_id, "openai-version": "2020-10-01"}
    delivery = endpoint(state, api_key, body, headers)
    return fault.spoil(delivery, request_id) if fault else delivery


def _answer_chat(state: OpenAIState, api_key: str, body: Any, headers: Mapping[str, str]) -> Delivery:
    validate(body)
    scripted = state.replies.take(body_text(body))
    reply = scripted.reply if scripted else compose(body)
    cached = state.cache.account(f"{api_key} {body['model']}", tokens.weigh(body))
    completion = build_completion(reply, body, cached_tokens=cached)
    if not body.get("stream"):
        return json_delivery(completion, headers=headers)
    told = map(sse.encode, sse.chunks(completion, body.get("stream_options")))
    return stream_delivery([*told, sse.DONE], headers=headers)


def _answer_embeddings(_state: OpenAIState, _api_key: str, body: Any, headers: Mapping[str, str]) -> Delivery:
    return json_delivery(embed(body), headers=headers)


_Endpoint = Callable[[OpenAIState, str, Any, Mapping[str, str]], Delivery]

_ENDPOINTS: Final[Mapping[str, _Endpoint]] = {
    "/v1/chat/completions": _answer_chat,
    "/v1/embeddings": _answer_embeddings,
}
_MODELS: Final = "/v1/models"


def _endpoint(request: Request) -> _Endpoint:
    path = request.url.path
    wanted = "GET" if path == _MODELS or path.startswith(f"{_MODELS}/") else "POST"
    if wanted == "POST" and path not in _ENDPOINTS:
        raise OpenAIError(404, f"Invalid URL ({request.method} {path})")
    if request.method != wanted:
        message = (
            f"Not allowed to {request.method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)"
        )
        raise OpenAIError(405, message, code="method_not_supported")
    if wanted == "POST":
        return _ENDPOINTS[path]
    name = path.removeprefix(_MODELS).removeprefix("/")
    return lambda _state, _key, _body, headers: json_delivery(catalog.show(name), headers=headers)


def _key(headers: Mapping[str, str]) -> str:
    """Return the API key, which is a bearer token."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise OpenAIError(401, _NO_KEY)
    if not _KEY.fullmatch(key):
        shown = f"{key[:_SHOWN_OF_KEY]}***{key[-_SHOWN_OF_KEY:]}"
        raise OpenAIError(
            401,
            f"Incorrect API key provided: {shown}. "
            "You can find your API key at https://platform.openai.com/account/api-keys.",
            code="invalid_api_key",
        )
    return key


async def _read(request: Request) -> bytes:
    """Read the body, or refuse it as the API does."""
    try:
        raw, size = await app.read_body(request, MAX_BODY_BYTES)
    except ClientDisconnect as error:
        raise invalid("The client closed the connection before its request was complete") from error
    if size > MAX_BODY_BYTES:
        raise OpenAIError(413, f"Maximum content size limit ({MAX_BODY_BYTES}) exceeded ({size} bytes read)")
    return raw


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:  # also what is not UTF-8
        raise invalid(_NOT_JSON) from error
