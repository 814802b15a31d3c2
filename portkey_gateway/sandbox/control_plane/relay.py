"""Passes requests on to the gateway, which has no accounts: the provider's key is put in the place of its slug."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import httpx
from starlette.responses import Response, StreamingResponse

from portkey_gateway.sandbox.control_plane.errors import invalid

Providers = Callable[[str], Mapping[str, str] | None]
"""Returns the headers by which the gateway reaches a provider of the sandbox, by its slug."""

_TIMEOUT_S: Final = 600.0
_PREFIX: Final = "x-portkey-"
# What belongs to one connection, and what the gateway is not told: it knows no Portkey keys.
_NOT_PASSED_ON: Final = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "keep-alive", "accept-encoding", "x-portkey-api-key"}
)
_NOT_PASSED_BACK: Final = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length", "date"})


def gateway_headers(headers: Mapping[str, str], providers: Providers, slug: str = "") -> dict[str, str]:
    """Return the headers of a request as the gateway needs them.

    Args:
        headers: The client's.
        providers: Those of the sandbox.
        slug: The provider that a prompt asks, unless the client's config says otherwise.

    Raises:
        ControlPlaneError: There is no such provider.
    """
    kept = {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED_ON}
    provider = kept.get(f"{_PREFIX}provider", "")
    named = slug if slug and f"{_PREFIX}config" not in kept else ""
    named = named or kept.get(f"{_PREFIX}virtual-key", "") or (provider[1:] if provider.startswith("@") else "")
    if not named:
        return kept
    found = providers(named)
    if found is None:
        raise invalid(f"There is no provider {named}: the sandbox has anthropic, and openai with `openai=True`")
    kept.pop(f"{_PREFIX}virtual-key", None)
    return {**kept, **found}


async def relay(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
    """Send a request and return the answer, as it comes in."""
    client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    try:
        answer = await client.send(client.build_request(method, url, headers=headers, content=body), stream=True)
    except BaseException:
        await client.aclose()
        raise

    async def pieces() -> AsyncIterator[bytes]:
        try:
            async for piece in answer.aiter_raw():
                yield piece
        finally:
            await answer.aclose()
            await client.aclose()

    passed: dict[str, Any] = {name: value for name, value in answer.headers.items() if name not in _NOT_PASSED_BACK}
    return StreamingResponse(pieces(), answer.status_code, passed)
