"""What OpenTelemetry's exporter sends with: a redirect is no success, and an answer that drips takes no time."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any, Final

import requests
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it tells no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from typing_extensions import override

_MOST_BYTES: Final = 4096
_PROTOBUF: Final = "application/x-protobuf"


class BoundedSession(requests.Session):
    """A session that reads an answer as long as its ``timeout`` allows, all in all, and no further than it is short.

    The exporter takes any status below 400 for a success (1.45, ``exporter/otlp/common/http.py``), so that spans sent
    to an address that has moved would count as sent. Only what it asks of an answer is kept: status and headers.

    Attributes:
        rejected: how many spans of the last batch the receiver did not take, as it says itself (OTLP's "partial
            success"), and why.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rejected: tuple[int, str] = (0, "")

    @override
    def request(self, method: str, url: str | bytes, *args: Any, **more: Any) -> requests.Response:
        """Send a request.

        Raises:
            requests.RequestException: if it is redirected, or not answered in time.
        """
        timeout_s = more.get("timeout")
        until = time.monotonic() + (timeout_s if isinstance(timeout_s, int | float) else 0.0)
        more |= {"stream": True, "allow_redirects": False}
        with super().request(method, url, *args, **more) as response:
            if HTTPStatus.MULTIPLE_CHOICES <= response.status_code < HTTPStatus.BAD_REQUEST:
                raise requests.TooManyRedirects(f"HTTP {response.status_code}: the receiver is elsewhere")
            content = bytearray()
            for byte in response.iter_content(1):  # of more, it would wait until they are all there
                content += byte
                if len(content) >= _MOST_BYTES or time.monotonic() > until:
                    break
            response._content = bytes(content)  # noqa: SLF001 requests has no other way to say so
            self.rejected = _rejected(response)
            return response


def _rejected(response: requests.Response) -> tuple[int, str]:
    if not response.headers.get("content-type", "").lower().startswith(_PROTOBUF):
        return 0, ""
    try:
        told = ExportTraceServiceResponse.FromString(response.content).partial_success
    except DecodeError:
        return 0, ""
    return max(0, told.rejected_spans), told.error_message
