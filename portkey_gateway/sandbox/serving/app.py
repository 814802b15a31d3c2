"""The HTTP side that every emulated provider has: one application, the body heard out, what was done written down."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from portkey_gateway.sandbox.serving import control
from portkey_gateway.sandbox.serving.delivery import Delivery
from portkey_gateway.sandbox.serving.log import LoggedRequest, mask_keys
from portkey_gateway.sandbox.serving.state import ProviderState

_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def build(state: ProviderState[Any], answer: Callable[[Request], Awaitable[Delivery]]) -> Starlette:
    """Return the ASGI application of one emulated provider.

    Args:
        state: what the provider remembers; its control routes come first.
        answer: answers whatever else is asked.
    """

    async def serve(request: Request) -> Delivery:
        return await answer(request)

    return Starlette(routes=[*control.routes(state), Route("/{path:path}", serve, methods=_METHODS)])


async def read_body(request: Request, most_bytes: int) -> tuple[bytes, int]:
    """Read the whole body, so that even a refused client is heard out, but keep no more than is allowed.

    Returns:
        What was kept, and how many bytes there were.

    Raises:
        starlette.requests.ClientDisconnect: The client went away in the middle.
    """
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size <= most_bytes:
            pieces.append(piece)
    return b"".join(pieces), size


def write_down(state: ProviderState[Any], request: Request, body: Any, delivery: Delivery, request_id: str) -> None:
    """Keep a request and the status it got in the log, without its keys."""
    state.log.add(
        LoggedRequest(
            method=request.method,
            path=request.url.path,
            headers=mask_keys(request.headers),
            body=body,
            status=delivery.status,
            request_id=request_id,
            time=time.time(),
        )
    )
