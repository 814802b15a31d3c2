"""Where spans go: an OTLP/HTTP receiver that is named, that of OpenTelemetry's variables, or the gateway's own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from portkey_gateway.options import GatewayOptions
from portkey_gateway.secret_names import shown_url

_TRACES_VARIABLE: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_BASE_VARIABLE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PORTKEYS_ROUTE: Final = "/otel"
"""Where the gateway takes OTLP, below its ``/v1`` (Portkey's documentation, "OpenTelemetry")."""
_NO_SUCH_ROUTE: Final = re.compile(r"\bcode: 40[045]\b")  # as OpenTelemetry's exporter says it


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where spans are sent to."""

    endpoint: str = field(repr=False)
    """The URL, with its ``/v1/traces``. Its query may hold a key."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of every request; they may hold keys, so no repr shows them."""
    is_portkey: bool = False
    """Whether it is the gateway, in whose own log the calls are."""

    def remedy(self, reason: str) -> str:
        """What to do where spans were lost for this reason: an open-source gateway takes none (1.15.2: a 400)."""
        if not self.is_portkey or _is_hosted(self.endpoint) or not _NO_SUCH_ROUTE.search(reason):
            return ""
        return (
            "; the open-source gateway takes no spans: say endpoint= of a receiver of yours, such as "
            "http://localhost:6006/v1/traces, or base_url= and api_key= of Portkey's"
        )


def choose_receiver(
    *,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    api_key: SecretStr | str | None = None,
    base_url: str | None = None,
) -> Receiver:
    """Choose where spans go: where the caller says, else where OpenTelemetry's variables say, else the gateway.

    Args:
        endpoint: the URL of any OTLP/HTTP receiver, with its ``/v1/traces``.
        headers: further headers of every request; OpenTelemetry adds those of ``OTEL_EXPORTER_OTLP_HEADERS``.
        api_key: the Portkey API key, sent to the gateway only; ``PORTKEY_API_KEY`` if not given.
        base_url: the gateway, with its ``/v1``; ``PORTKEY_BASE_URL`` if not given, else the hosted gateway.

    Raises:
        ValueError: if the spans are to go to the hosted gateway and there is no API key, or if that is a function,
            which OpenTelemetry's SDK knows nothing of, or if the endpoint is no URL.
    """
    if callable(api_key):
        raise ValueError("api_key of what exports spans must be text: its headers are fixed, so no function is asked")
    if endpoint:
        _check_endpoint("endpoint", endpoint)
        is_portkey = _is_portkeys(endpoint)
        key = _key_header(GatewayOptions.model_validate({"api_key": api_key})) if is_portkey and api_key else {}
        return Receiver(endpoint, {**key, **(headers or {})}, is_portkey)
    if not api_key and not base_url and (named := _named_by_variables()):
        _check_endpoint(f"{_TRACES_VARIABLE} or {_BASE_VARIABLE}", named)
        return Receiver(named, headers or {}, _is_portkeys(named))
    given = {name: value for name, value in (("api_key", api_key), ("base_url", base_url)) if value}
    options = GatewayOptions.model_validate(given)
    endpoint = f"{options.base_url.rstrip('/')}{_PORTKEYS_ROUTE}/v1/traces"
    return Receiver(endpoint, {**_key_header(options), **(headers or {})}, is_portkey=True)


def _check_endpoint(name: str, endpoint: str) -> None:
    """Refuse what no HTTP client could ask: OpenTelemetry's SDK would lose all spans, and say so of the first alone."""
    if urlsplit(endpoint).scheme not in {"http", "https"} or not urlsplit(endpoint).hostname:
        raise ValueError(
            f"{name} must be a URL with its scheme and path, such as http://localhost:6006/v1/traces; got "
            f"{shown_url(endpoint)!r}"
        )


def _named_by_variables() -> str:
    """Where OpenTelemetry's variables say that spans go; the first names the URL itself, the other what it begins with.

    (Its specification, "OpenTelemetry Protocol Exporter", "Endpoint URLs for OTLP/HTTP".)
    """
    if url := os.environ.get(_TRACES_VARIABLE):
        return url
    base = os.environ.get(_BASE_VARIABLE)
    return f"{base.rstrip('/')}/v1/traces" if base else ""


def _key_header(options: GatewayOptions) -> dict[str, str]:
    return {name: value for name, value in options.render_headers().items() if name == "x-portkey-api-key"}


def _is_portkeys(endpoint: str) -> bool:
    """Whether a receiver is Portkey's, hosted by it or by an enterprise: by its host, or by its route.

    The route is that of a gateway's API, with its ``/v1``: others (Langfuse, LangSmith, Opik) have an ``/otel``, too.
    """
    return _is_hosted(endpoint) or f"/v1{_PORTKEYS_ROUTE}/" in f"{urlsplit(endpoint).path}/"


def _is_hosted(endpoint: str) -> bool:
    """Whether a receiver is at Portkey itself."""
    host = urlsplit(endpoint).hostname or ""
    return host == "portkey.ai" or host.endswith(".portkey.ai")
