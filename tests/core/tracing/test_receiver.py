"""Where spans go: to Portkey's receiver, a gateway's own, or one that is named; and whose key goes there."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from portkey_gateway.tracing.export import SpanExport
from portkey_gateway.tracing.receiver import Receiver, choose_receiver
from tests.core.tracing.exporting import span
from tests.support.receiver import TAKEN, spans_of
from tests.support.recording import RecordingServer

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox


def test_by_default_they_go_to_the_hosted_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="PORTKEY_API_KEY"):
        choose_receiver()
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-secret")
    chosen = choose_receiver(headers={"x-more": "1"})
    assert chosen.endpoint == "https://api.portkey.ai/v1/otel/v1/traces"
    assert chosen.headers == {"x-portkey-api-key": "pk-secret", "x-more": "1"}
    assert "pk-secret" not in repr(chosen)


def test_a_gateway_of_ones_own_takes_them_too() -> None:
    chosen = choose_receiver(base_url="http://gateway.example/v1/", api_key="pk")
    assert chosen == Receiver("http://gateway.example/v1/otel/v1/traces", {"x-portkey-api-key": "pk"}, is_portkey=True)
    assert choose_receiver(base_url="http://gateway.example/v1").headers == {}


@pytest.mark.parametrize(
    "endpoint", ["localhost:6006", "localhost:6006/v1/traces", "//host/v1/traces", "host", "http://"]
)
def test_an_endpoint_without_a_scheme_is_an_error(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"endpoint must be a URL with its scheme and path, such as http://localhost"):
        choose_receiver(endpoint=endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)
    with pytest.raises(ValueError, match="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT must be"):
        choose_receiver()


def test_a_key_in_such_an_endpoint_is_not_told() -> None:
    with pytest.raises(ValueError, match=r"got 'host\?\.\.\.'") as caught:
        choose_receiver(endpoint="host?key=sk-in-the-query")
    assert "sk-in" not in str(caught.value)


def test_a_gateway_that_takes_no_spans_says_what_to_do(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """The open-source gateway answers its route with a 400 that says nothing of spans."""
    with closing(SpanExport(choose_receiver(base_url=sandbox.base_url))) as export:
        export.add(span())
        export.flush()
    assert export.lost == 1
    assert "code: 400" in caplog.text
    assert "the open-source gateway takes no spans: say endpoint= of a receiver of yours" in caplog.text


@pytest.mark.parametrize(
    ("base_url", "reason"),
    [("https://api.portkey.ai/v1", "batch code: 400, reason: x"), ("http://gateway.example/v1", "Connection refused")],
)
def test_of_other_losses_no_such_thing_is_said(base_url: str, reason: str) -> None:
    assert not choose_receiver(base_url=base_url, api_key="pk").remedy(reason)
    assert not Receiver("http://viewer.example/v1/traces").remedy("batch code: 400")


def test_portkeys_receiver_gets_the_api_key_also_where_it_is_named() -> None:
    chosen = choose_receiver(endpoint="https://api.portkey.ai/v1/otel/v1/traces", api_key="pk")
    assert chosen.headers == {"x-portkey-api-key": "pk"}


def test_a_key_in_an_endpoints_query_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        chosen = Receiver(f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/traces?api_key=sk-in-the-query")
    with closing(SpanExport(chosen, timeout_s=0.2)) as export:
        export.add(span())
        export.flush()
    assert "spans were lost" in caplog.text
    assert "sk-in-the-query" not in caplog.text + repr(chosen)


def test_the_api_key_goes_to_the_gateway_only(monkeypatch: pytest.MonkeyPatch, receiver: RecordingServer) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-secret")
    assert choose_receiver(endpoint="http://other.example/v1/traces", api_key="pk").headers == {}
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.base_url.removesuffix("/v1"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=search")
    receiver.reply(TAKEN)
    with closing(SpanExport(choose_receiver())) as export:
        export.add(span())
    [request] = receiver.requests
    assert (request.path, request.header("x-team")) == ("/v1/traces", "search")
    assert "x-portkey-api-key" not in request.headers
    assert len(spans_of(receiver)) == 1


@pytest.mark.parametrize(
    ("endpoint", "is_portkeys"),
    [
        ("https://api.portkey.ai/v1/otel/v1/traces", True),
        ("https://aigw.portkey.ai/anything", True),
        ("https://gateway.example/v1/otel", True),
        ("http://localhost:6006/v1/traces", False),
        ("https://notportkey.ai/v1/traces", False),
        ("http://hotel.example/hotel/v1/traces", False),
        # Langfuse's, LangSmith's and Opik's routes.
        ("https://cloud.langfuse.com/api/public/otel/v1/traces", False),
        ("https://api.smith.langchain.com/otel/v1/traces", False),
        ("https://www.comet.com/opik/api/v1/private/otel/v1/traces", False),
    ],
)
def test_portkeys_receivers_are_told_by_host_and_route(
    endpoint: str, is_portkeys: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choose_receiver(endpoint=endpoint).is_portkey is is_portkeys
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    assert choose_receiver().is_portkey is is_portkeys
