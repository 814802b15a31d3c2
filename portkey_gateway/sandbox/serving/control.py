"""The routes under `/_sandbox`, by which a test in another process prepares an emulated provider and looks at its log.

- `POST /_sandbox/faults`: the fields of `Fault`.
- `POST /_sandbox/replies`: the arguments of the provider's `script`.
- `GET /_sandbox/requests?limit=&contains=`: the log, oldest first.
- `DELETE` on each of the three forgets what it holds; `DELETE /_sandbox` forgets everything, what is cached too.
"""

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portkey_gateway.sandbox.serving.faults import Fault
from portkey_gateway.sandbox.serving.state import ProviderState


def routes(state: ProviderState[Any]) -> list[Route]:
    """Return the control routes of one emulated provider."""

    async def inject(request: Request) -> Response:
        return await _order(request, lambda order: state.inject(Fault(**order)))

    async def reply(request: Request) -> Response:
        return await _order(request, lambda order: state.reply_with(**order))

    async def requests(request: Request) -> Response:
        limit = request.query_params.get("limit", "")
        if limit and not limit.isdecimal():
            return _refusal("limit must be a whole number")
        entries = state.log.entries(contains=request.query_params.get("contains"), limit=int(limit) if limit else None)
        return JSONResponse({"requests": [entry.to_json() for entry in entries]})

    return [
        Route("/_sandbox", _forgetting(state.clear), methods=["DELETE"]),
        Route("/_sandbox/faults", inject, methods=["POST"]),
        Route("/_sandbox/faults", _forgetting(state.faults.clear), methods=["DELETE"]),
        Route("/_sandbox/replies", reply, methods=["POST"]),
        Route("/_sandbox/replies", _forgetting(state.replies.clear), methods=["DELETE"]),
        Route("/_sandbox/requests", requests, methods=["GET"]),
        Route("/_sandbox/requests", _forgetting(state.log.clear), methods=["DELETE"]),
    ]


def _forgetting(forget: Callable[[], None]) -> Callable[[Request], Response]:
    def endpoint(_request: Request) -> Response:
        forget()
        return Response(status_code=204)

    return endpoint


async def _order(request: Request, place: Callable[[dict[str, Any]], None]) -> Response:
    try:
        place(json.loads(await request.body()))
    except (TypeError, ValueError) as error:
        return _refusal(str(error))
    return Response(status_code=204)


def _refusal(message: str) -> Response:
    return JSONResponse({"error": message}, status_code=400)
