"""Spans reach a real receiver with the ids that they have; a receiver that fails costs spans, counted, nothing else."""

from __future__ import annotations

import gc
import logging
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.context import TraceContext, new_span_id, new_trace_id
from portkey_gateway.tracing.export import SpanExport
from portkey_gateway.tracing.otel_span import readable_span
from portkey_gateway.tracing.receiver import Receiver, choose_receiver
from portkey_gateway.tracing.spans import Failure, Span
from tests.support.fixtures import server as receiver
from tests.support.receiver import TAKEN, spans_of
from tests.support.recording import RecordingServer, Reply, whole

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

__all__ = ["receiver"]


def span(name: str = "step", context: TraceContext | None = None, **more: Any) -> Span:
    context = context or TraceContext(new_trace_id(), new_span_id(), new_span_id())
    return Span(name, context, 1_000, 2_000, **{"attributes": {}, **more})


@pytest.fixture(autouse=True)
def _no_opentelemetry_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "HEADERS", "TIMEOUT"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)


@pytest.fixture
def export(receiver: RecordingServer) -> Iterator[SpanExport]:
    receiver.reply(TAKEN)
    with closing(SpanExport(to(receiver), timeout_s=0.5)) as exporting:
        yield exporting


def to(receiver: RecordingServer) -> Receiver:
    return Receiver(f"{receiver.base_url}/otel/v1/traces", {"x-key": "sk-receiver-key"})


def test_a_span_arrives_as_it_is(receiver: RecordingServer, export: SpanExport) -> None:
    given = span(
        attributes={"text": "ü", "number": 2, "part": 0.5, "yes": True, "list": ["a", "b"]},
        kind="client",
        failure=Failure("ValueError", "no", "line 1"),
    )
    export.add(given)
    export.flush()
    [got] = spans_of(receiver)
    context = given.context
    assert (got.trace_id, got.span_id, got.parent_id) == (context.trace_id, context.span_id, context.parent_span_id)
    assert (got.name, got.kind, got.started_ns, got.ended_ns) == ("step", 3, 1_000, 2_000)
    assert got.attributes == given.attributes
    assert got.is_error
    told = {
        semconv.EXCEPTION_TYPE: "ValueError",
        semconv.EXCEPTION_MESSAGE: "no",
        semconv.EXCEPTION_STACKTRACE: "line 1",
    }
    assert got.exception == told
    assert receiver.requests[0].header("x-key") == "sk-receiver-key"
    assert (export.sent, export.lost) == (1, 0)


def test_a_trace_id_that_the_user_chose_is_told_and_the_same_for_all_its_spans(
    receiver: RecordingServer, export: SpanExport
) -> None:
    for chosen in ("order 7 ü", "order 7 ü", "order 8", "123E4567-e89b-12d3-a456-426614174000"):
        export.add(span(context=TraceContext(chosen, new_span_id())))
    export.flush()
    first, second, other, uuid = spans_of(receiver)
    assert first.trace_id == second.trace_id != other.trace_id
    assert first.attributes == {semconv.TRACE_ID: "order 7 ü"}
    assert uuid.trace_id == "123e4567e89b12d3a456426614174000"


def test_nothing_is_connected_before_the_first_span(receiver: RecordingServer, export: SpanExport) -> None:
    export.flush()
    assert receiver.accepted == 0


def test_who_disables_opentelemetry_disables_this(receiver: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with closing(SpanExport(to(receiver))) as export:
        export.add(span())
    assert (receiver.accepted, export.sent, export.lost) == (0, 0, 0)


def test_what_comes_after_the_end_is_lost(receiver: RecordingServer) -> None:
    export = SpanExport(to(receiver))
    export.close()
    export.add(span())
    assert (receiver.accepted, export.lost) == (0, 1)


@given(name=st.text(st.characters(exclude_categories=())), number=st.integers(-(2**70), 2**70))
def test_whatever_a_span_holds_can_be_encoded(name: str, number: int) -> None:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415 slow, one test

    odd = span(name, attributes={name or "a": name, "number": number, "list": [name]}, failure=Failure("E", name, name))
    context = TraceContext(f"odd {name}", new_span_id())
    for each in (odd, span(context=context)):
        assert encode_spans([readable_span(each, Resource({}))]).SerializeToString()


def test_a_span_that_cannot_be_sent_costs_only_itself(
    receiver: RecordingServer, export: SpanExport, caplog: pytest.LogCaptureFixture
) -> None:
    export.add(span(context=TraceContext()))
    export.add(span())
    export.flush()
    assert len(spans_of(receiver)) == 1
    assert (export.sent, export.lost) == (1, 1)
    assert "has no ids" in caplog.text


# --- a receiver that fails ------------------------------------------------------------------------------------------


def failing(receiver: RecordingServer, how: str) -> Receiver:
    if how == "down":
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            return Receiver(f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/traces")
    receiver.reply(whole(b"no sk-receiver-key", status=500) if how == "500" else whole(b"", wait_s=2.0))
    return to(receiver)


@pytest.mark.parametrize("how", ["500", "slow", "down"])
def test_a_receiver_that_fails_costs_spans_not_time(
    receiver: RecordingServer, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(SpanExport(failing(receiver, how), timeout_s=0.2)) as export:
        export.add(span())
        begun = time.perf_counter()
        for _ in range(600):  # more than one batch, so that they are sent meanwhile
            export.add(span())
        # Waiting for the receiver would take each of them up to 0.2 s; a busy machine takes a second for all.
        assert time.perf_counter() - begun < 10
        for _ in range(2):
            export.add(span())
            export.flush()
        assert (export.sent, export.lost) == (0, 603)
    [record] = caplog.records
    assert record.name == "portkey_gateway.tracing.export"
    assert record.levelno == logging.WARNING
    assert "spans were lost" in record.getMessage()
    assert "sk-receiver-key" not in caplog.text


def test_a_short_header_is_no_key_and_blots_nothing_out(
    receiver: RecordingServer, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.reply(whole(b"", status=400))
    with closing(SpanExport(Receiver(to(receiver).endpoint, {"x-experiment": "0"}), timeout_s=1)) as export:
        export.add(span())
        export.flush()
    assert "400" in caplog.text


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304])
def test_a_receiver_that_is_elsewhere_took_nothing(
    receiver: RecordingServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with RecordingServer() as elsewhere, closing(SpanExport(to(receiver), timeout_s=1)) as export:
        receiver.reply(whole(b"", status=status, headers={"location": elsewhere.base_url}))
        export.add(span())
        export.flush()
        assert (export.sent, export.lost, elsewhere.requests) == (0, 1, [])
    assert f"HTTP {status}" in caplog.text


def test_an_answer_that_drips_takes_no_time(receiver: RecordingServer) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n"
    receiver.reply(Reply((head, *(piece for _ in range(400) for piece in (b"x", 0.05)))))
    export = SpanExport(to(receiver), timeout_s=0.3)
    export.add(span())
    begun = time.perf_counter()
    export.close()
    assert time.perf_counter() - begun < 10  # of 20
    assert export.sent == 1


def test_a_head_that_drips_holds_the_end_only_so_long_and_is_a_loss(
    receiver: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portkey_gateway.tracing.export.EXIT_WAIT_S", 0.1)
    receiver.reply(Reply((b"HTTP/1.1 200 OK\r\nx: ", *(piece for _ in range(400) for piece in (b"x", 0.05)))))
    export = SpanExport(to(receiver), timeout_s=0.2)
    export.add(span())
    begun = time.perf_counter()
    export.close()
    assert time.perf_counter() - begun < 10
    assert (export.sent, export.lost) == (0, 1)


def test_a_receiver_that_comes_back_gets_what_comes_then(receiver: RecordingServer, export: SpanExport) -> None:
    receiver.reply(whole(b"", status=500), TAKEN)
    for _ in range(2):
        export.add(span())
        export.flush()
    assert (export.sent, export.lost) == (1, 1)


def test_only_so_many_wait(receiver: RecordingServer, caplog: pytest.LogCaptureFixture) -> None:
    receiver.reply(whole(b"", wait_s=0.3))
    with closing(SpanExport(to(receiver), max_waiting=10)) as export:
        for _ in range(1000):
            export.add(span())
        assert export.lost >= 900
    assert export.sent + export.lost == 1000
    assert caplog.text.count("10 spans are waiting") == 1


def test_others_who_use_opentelemetrys_exporter_still_see_its_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").warning("theirs")
    assert "theirs" in caplog.text


def test_an_export_that_is_forgotten_sends_what_waits_and_keeps_no_thread(receiver: RecordingServer) -> None:
    receiver.reply(TAKEN)

    def senders() -> set[threading.Thread]:
        return {each for each in threading.enumerate() if each.name.startswith(("Otel", "portkey-spans"))}

    before = senders()
    for _ in range(3):
        SpanExport(to(receiver)).add(span())
    gc.collect()
    left = senders() - before
    assert left
    with closing(SpanExport(to(receiver))) as last:
        last.add(span())
        for thread in senders() & left:
            thread.join(20)
        assert not senders() & left
    assert len(spans_of(receiver)) == 4


# --- the end of a process, and a fork -------------------------------------------------------------------------------


def run(program: str, endpoint: str) -> float:
    """Run a program that has an ``export``; return how many seconds it took after its last line."""
    head = f"""
        import os, time
        from portkey_gateway.tracing.export import SpanExport
        from portkey_gateway.tracing.receiver import Receiver
        from portkey_gateway.tracing.spans import Span
        from portkey_gateway.tracing.context import TraceContext
        export = SpanExport(Receiver({endpoint!r}), timeout_s=1)
        def add(name):
            export.add(Span(name, TraceContext("1" * 32, "2" * 16), 1, 2, {{}}))
    """
    source = textwrap.dedent(head) + textwrap.dedent(program) + "\nprint(time.time())\n"
    # From Python 3.12 on, forking beside threads is warned of; that it works is what is shown here.
    warnings = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    done = subprocess.run(  # noqa: S603 our own program
        [sys.executable, *warnings, "-c", source], check=True, capture_output=True, text=True, timeout=30
    )
    return time.time() - float(done.stdout.split()[-1])


def test_what_waits_at_exit_is_sent(receiver: RecordingServer) -> None:
    receiver.reply(TAKEN)
    run("for _ in range(700): add('a')", to(receiver).endpoint)
    assert len(spans_of(receiver)) == 700


def test_a_dead_receiver_does_not_hold_up_the_exit(receiver: RecordingServer) -> None:
    assert run("for _ in range(2000): add('a')", failing(receiver, "slow").endpoint) < 4


def test_a_forked_child_sends_its_own_spans(receiver: RecordingServer) -> None:
    receiver.reply(TAKEN)
    program = """
        add("parent")
        export.flush()
        if pid := os.fork():
            os.waitpid(pid, 0)
        else:
            add("child")
            export.flush()
            os._exit(0)
    """
    run(program, to(receiver).endpoint)
    assert sorted(each.name for each in spans_of(receiver)) == ["child", "parent"]
    assert receiver.accepted == 2


def test_what_is_open_at_exit_is_sent_by_the_process_that_began_it(receiver: RecordingServer) -> None:
    receiver.reply(TAKEN)
    program = """
        from portkey_gateway.tracing.spans import Described
        from portkey_gateway.tracing.steps import Tracing
        tracing = Tracing(export, convert=str)
        add("before")
        tracing.start("1", TraceContext("1" * 32, "3" * 16), lambda _: Described("open"))
        if pid := os.fork():
            os.waitpid(pid, 0)
        else:
            tracing.close()
            os._exit(0)
    """
    run(program, to(receiver).endpoint)
    assert [(each.name, each.attributes.get("portkey.outcome")) for each in spans_of(receiver)] == [
        ("before", None), ("open", "unfinished"),
    ]  # fmt: skip


# --- where spans go -------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_portkey_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


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
