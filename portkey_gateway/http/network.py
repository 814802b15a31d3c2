"""httpcore's network with patience: what waits for a byte asks each time how long, and remembers whether it sent any.

This imports httpcore, so it is imported when the first client is made.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore
from typing_extensions import override

from portkey_gateway.http.patience import Patience

IS_PATIENT = "is_patient"
"""What to ask a stream's ``get_extra_info`` for: whether it asks a ``Patience`` anew for every byte."""


class Network(httpcore.NetworkBackend):
    """The network of one connection.

    Attributes:
        has_written: whether anything was sent.
    """

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()
        self.has_written = False

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        except (OverflowError, UnicodeError) as error:  # of a port or a host that cannot be
            raise httpcore.UnsupportedProtocol(str(error)) from error
        return _PatientStream(stream, self)


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """Async twin of ``Network``."""

    def __init__(self) -> None:
        # What httpcore exports has another type where anyio is not installed.
        self._backend = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self.has_written = False

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        except (OverflowError, UnicodeError) as error:
            raise httpcore.UnsupportedProtocol(str(error)) from error
        return _AsyncPatientStream(stream, self)


class _PatientStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, network: Network) -> None:
        self._stream = stream
        self._network = network

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left_s(timeout, httpcore.ReadTimeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left_s(timeout, httpcore.WriteTimeout))
        self._network.has_written = True

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _PatientStream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._network)

    @override
    def get_extra_info(self, info: str) -> Any:
        return True if info == IS_PATIENT else self._stream.get_extra_info(info)


class _AsyncPatientStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, network: AsyncNetwork) -> None:
        self._stream = stream
        self._network = network

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, _left_s(timeout, httpcore.ReadTimeout))

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, _left_s(timeout, httpcore.WriteTimeout))
        self._network.has_written = True

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _AsyncPatientStream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._network)

    @override
    def get_extra_info(self, info: str) -> Any:
        return True if info == IS_PATIENT else self._stream.get_extra_info(info)


def _left_s(timeout: float | None, error: type[Exception]) -> float | None:
    if not isinstance(timeout, Patience):
        return timeout
    left_s = timeout.left_s()
    if left_s is not None and left_s <= 0:
        raise error("the time is up")
    return left_s
