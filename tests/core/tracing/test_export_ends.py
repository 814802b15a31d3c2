"""What waits is sent at the end of an export and of its process, and after a fork each process sends its own."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing

from portkey_gateway.tracing.export import SpanExport
from tests.core.tracing.exporting import failing, span, to
from tests.support.receiver import TAKEN, spans_of
from tests.support.recording import RecordingServer


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
