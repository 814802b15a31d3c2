"""Requests whose media are fetched and sent as data. Sync and async twins stand together."""

from __future__ import annotations

from collections.abc import Mapping

from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.http.addresses import read_allowed
from portkey_gateway.http.fetch import Fetched, Room, afetch, fetch
from portkey_gateway.http.inline import decode_fetched, inline_media, media_urls
from portkey_gateway.http.patience import Deadline


def inlined(
    request: ChatRequest, timeout_s: float | None, inline_from: tuple[str, ...], deadline: Deadline
) -> ChatRequest:
    """Fetch what a request shows by URL.

    Args:
        request: it is left as it is.
        timeout_s: seconds without a byte after which a fetch fails.
        inline_from: hosts, addresses or networks that may be fetched from although they are private.
        deadline: when the call has to be over.

    Raises:
        ContentError: if something cannot be fetched, or is none of the media.
        PortkeyError: if the time is up.
    """
    room, allowed = Room(deadline=deadline), read_allowed(inline_from)
    return _with_found(request, {url: fetch(url, timeout_s, allowed, room) for url in media_urls(request)})


async def ainlined(
    request: ChatRequest, timeout_s: float | None, inline_from: tuple[str, ...], deadline: Deadline
) -> ChatRequest:
    """Async twin of ``inlined``."""
    room, allowed = Room(deadline=deadline), read_allowed(inline_from)
    return _with_found(request, {url: await afetch(url, timeout_s, allowed, room) for url in media_urls(request)})


def _with_found(request: ChatRequest, found: Mapping[str, Fetched]) -> ChatRequest:
    return inline_media(
        request, {url: decode_fetched(url, got.content, got.content_type) for url, got in found.items()}
    )
