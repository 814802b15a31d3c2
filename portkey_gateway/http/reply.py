"""A response whose body is still to be read, whatever it came through; and an httpx client as what sends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Protocol


class Reply(Protocol):
    """A response, sync.

    Attributes:
        status: the HTTP status.
        headers: by their names in lower case.
    """

    status: int
    headers: Mapping[str, str]

    def raw(self) -> Iterator[bytes]:
        """The body as it comes over the wire.

        Raises:
            httpx.RequestError: if the connection breaks, or nothing comes for too long.
        """
        ...

    def expect_end(self) -> None:
        """Wait no longer than ``END_WAIT_S`` for the rest."""
        ...

    def close(self) -> None:
        """Give the connection back, or close it if something of the body is left."""
        ...


class AsyncReply(Protocol):
    """Async twin of ``Reply``."""

    status: int
    headers: Mapping[str, str]

    def raw(self) -> AsyncIterator[bytes]:
        """The body as it comes over the wire; raises as ``Reply.raw``."""
        ...

    def expect_end(self) -> None:
        """Wait no longer than ``END_WAIT_S`` for the rest."""
        ...

    async def close(self) -> None:
        """Give the connection back, or close it if something of the body is left."""
        ...
