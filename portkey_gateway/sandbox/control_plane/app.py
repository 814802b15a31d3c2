"""Portkey's services over HTTP: who may ask, what is asked, and what goes on to the gateway."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from portkey_gateway.sandbox.control_plane.errors import ControlPlaneError, fault_body, invalid
from portkey_gateway.sandbox.control_plane.feedback import take_feedback
from portkey_gateway.sandbox.control_plane.folder import PromptFolder
from portkey_gateway.sandbox.control_plane.library import describe, render
from portkey_gateway.sandbox.control_plane.relay import Providers, gateway_headers, relay
from portkey_gateway.sandbox.serving import app, control
from portkey_gateway.sandbox.serving.delivery import Delivery, json_delivery
from portkey_gateway.sandbox.serving.log import body_text
from portkey_gateway.sandbox.serving.state import ProviderState, ScriptedReply
from portkey_gateway.sandbox.serving.trouble import Wording

_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_MAX_BODY_BYTES: Final = 64 * 1024 * 1024
_RENDER: Final = "render"
_COMPLETIONS: Final = "completions"
_WORDING: Final = Wording("x-portkey-request-id", fault_body, lambda body: json.dumps(body).encode(), b"{")


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the services.

    Attributes:
        folder: The prompts.
        gateway_url: Returns where the gateway listens.
        providers: Those of the sandbox.
    """

    folder: PromptFolder
    gateway_url: Callable[[], str]
    providers: Providers


class ControlPlaneState(ProviderState[None]):
    """The memory of the services.

    Attributes:
        feedback: What was rated, oldest first.
    """

    def __init__(self) -> None:
        super().__init__(_WORDING, _no_script)
        self.feedback: list[Mapping[str, Any]] = []

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self.feedback.clear()


def build_app(state: ControlPlaneState, behind: Behind) -> Starlette:
    """Return the ASGI application."""
    serve = partial(_serve, state, behind)
    return Starlette(routes=[*control.routes(state), Route("/{path:path}", serve, methods=_METHODS)])


async def _serve(state: ControlPlaneState, behind: Behind, request: Request) -> ASGIApp:
    """Answer a request, pass it on, refuse it, or let a waiting fault have it."""
    raw, _ = await app.read_body(request, _MAX_BODY_BYTES)
    request_id = str(uuid.uuid4())
    body = None
    try:
        _authenticate(request)
        path = request.scope["raw_path"].decode().partition("?")[0].removeprefix("/v1/").split("/")
        if path[0] not in {"prompts", "feedback"}:
            return await _pass_on(behind, request, raw)
        body = _parse(raw)
        fault = state.faults.take(body_text(body))
        if fault and fault.answers_itself:
            answer: Response | Delivery = fault.answer(request_id)
        elif path[2:] == [_COMPLETIONS] and request.method == "POST":
            answer = await _complete(behind, request, unquote(path[1]), body)
        else:
            answer = json_delivery(_answer(state, behind, request, path, body))
            answer = fault.spoil(answer, request_id) if fault else answer
    except ControlPlaneError as error:
        answer = json_delivery(error.body(), status=error.status)
    status = answer.status if isinstance(answer, Delivery) else answer.status_code
    app.write_down(state, request, body, Delivery(status, {}, ()), request_id)
    return answer


def _authenticate(request: Request) -> None:
    if not request.headers.get("x-portkey-api-key"):
        raise ControlPlaneError(HTTPStatus.UNAUTHORIZED, "Unauthorised Request")


def _answer(state: ControlPlaneState, behind: Behind, request: Request, path: list[str], body: Any) -> Any:
    match request.method, *map(unquote, path):
        case "POST", "prompts", reference, "render":
            return {"success": True, "data": render(behind.folder, reference, body)[1]}
        case "GET", "prompts", slug:
            return describe(behind.folder, slug, request.query_params.get("version", "default"))
        case "POST", "feedback":
            answer = take_feedback(body)
            state.feedback.append(body)
            return answer
    raise ControlPlaneError(HTTPStatus.NOT_FOUND, "Not Found")


async def _complete(behind: Behind, request: Request, reference: str, body: Any) -> Response:
    version, asked = render(behind.folder, reference, body)
    route = "chat/completions" if "messages" in asked else "completions"
    headers = gateway_headers(request.headers, behind.providers, version.virtual_key)
    if not {"x-portkey-provider", "x-portkey-config"} & headers.keys():
        raise invalid(f"Prompt {version.slug} has no provider: write `virtual_key: anthropic` into its file")
    return await relay("POST", f"{behind.gateway_url()}/v1/{route}", headers, json.dumps(asked).encode())


async def _pass_on(behind: Behind, request: Request, raw: bytes) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    url = f"{behind.gateway_url()}{request.url.path}{query}"
    return await relay(request.method, url, gateway_headers(request.headers, behind.providers), raw)


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError as error:
        raise invalid("The body is not JSON") from error


def _no_script() -> ScriptedReply[None]:
    raise ValueError("Portkey's services answer by themselves: inject a fault, or change a file of the prompts")
