"""A receiver that fails, or is slow, costs spans, counted and told once, and nothing else."""

from __future__ import annotations

import logging
import time
from contextlib import closing

import pytest

from portkey_gateway.tracing.export import SpanExport
from portkey_gateway.tracing.receiver import Receiver
from tests.core.tracing.exporting import failing, span, to
from tests.support.receiver import TAKEN
from tests.support.recording import RecordingServer, Reply, whole


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


@pytest.mark.parametrize(
    ("told", "content_type", "lost"),
    [
        (b"\n\x06\x08\x01\x12\x02no", "application/x-protobuf", 1),  # one rejected span, and "no"
        (b"\n\x03\x08\xe7\x07", "application/x-protobuf", 2),  # 999 of them, without a word
        (b"\n\x04\x12\x02no", "application/x-protobuf", 0),  # a warning
        (b"", "application/x-protobuf", 0),
        (b"ok", "application/x-protobuf", 0),
        (b"\n\x06\x08\x01\x12\x02no", "text/plain", 0),
    ],
)
def test_spans_that_a_receiver_says_it_rejected_are_lost(
    receiver: RecordingServer, told: bytes, content_type: str, lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.reply(whole(told, headers={"content-type": content_type}))
    with closing(SpanExport(to(receiver), timeout_s=1)) as export:
        export.add(span())
        export.add(span())
        export.flush()
        assert (export.sent, export.lost) == (2 - lost, lost)
    assert ("the receiver rejected them: no" in caplog.text) is (lost == 1)


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
