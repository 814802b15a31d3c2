"""``python -m benchmarks.tracing``: what labels and spans add to a call.

All figures are differences of CPU time of this process (user and system, all threads), of the same work done with and
without the feature, in turns; what is exported is sent within the time. A mock gateway in another process answers.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from langchain_core.runnables import RunnableLambda
from langchain_core.tracers import context as langchain_context
from llama_index.core.llms import ChatMessage
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import instrument_tags

from benchmarks.runner import BenchmarkProcess
from portkey_langchain import ChatPortkey, PortkeyTracer
from portkey_langchain.callbacks import RUNS
from portkey_llamaindex import Portkey, instrument, llm
from portkey_llamaindex.instrumentation import PlaceHandler

CALLS: Final = 200
"""Calls in one round, with the feature and without it."""
LABELLED: Final = 10
"""Calls in one turn: few, so that both sides meet the same load."""
EXPORTED: Final = 50
"""The same of exporters: as many as fill a batch."""
RUNS_PER_CALL: Final = 10
"""Runs, or spans, around what the exporter is measured with."""
TEXT: Final = "A sentence that a user may well have written to a model. " * 9
"""Input and output of every run: 513 characters."""

_METADATA: Final = {"team": "search", "user_id": "u-17", "score": 0.5}
_ROOT: Final = Path(__file__).parent.parent


class WrongResultError(Exception):
    """A label or a span is missing, or is there where it was switched off: the figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One line of the table."""

    title: str
    what: str
    """What the figure is divided by."""
    per_call: int
    calls: int
    """In one turn."""
    run: Callable[[], None]
    switched_on: Callable[[], Any]
    """A context manager in which the feature is on; gives what is still to be done after the calls."""
    switched_off: Callable[[], Any]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tracing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is measured (default 7)")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="also write the table there")
    arguments = parser.parse_args()
    with _receiver() as receiver, BenchmarkProcess("benchmarks.mock_gateway") as gateway:
        subjects = _subjects(receiver, gateway.greeting)
        gc.freeze()  # else every turn's collection looks at both frameworks
        rows = [(subject, _measure(subject, arguments.rounds)) for subject in subjects]
    lines = ["| added by | µs | of |", "| --- | ---: | --- |"]
    lines += [f"| {subject.title} | {figure:.1f} | {subject.what} |" for subject, figure in rows]
    table = "\n".join(lines) + "\n"
    print(table)
    if arguments.markdown:
        arguments.markdown.write_text(table, encoding="utf-8")


def _measure(subject: Subject, rounds: int) -> float:
    """The median over all turns of the difference, in µs; every other turn begins with the feature."""
    differences = []
    for turn in range(rounds * CALLS // subject.calls):
        taken_s = {}
        for is_on in (turn % 2 == 0, turn % 2 != 0):
            with (subject.switched_on if is_on else subject.switched_off)() as finish:
                taken_s[is_on] = _cpu_s(subject, finish)
        differences.append(1e6 * (taken_s[True] - taken_s[False]) / subject.calls / subject.per_call)
    return statistics.median(differences)


def _cpu_s(subject: Subject, finish: Callable[[], None]) -> float:
    subject.run()
    finish()
    gc.collect()
    start_s = time.process_time()
    for _ in range(subject.calls):
        subject.run()
    finish()
    return time.process_time() - start_s


def _subjects(receiver: ReceiverProcess, base_url: str) -> list[Subject]:
    options: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "provider_api_key": "sk-ant-not-a-secret",
        "base_url": base_url,
        "api_format": "chat_completions",
        "max_tokens": 8,
    }
    model, portkey = ChatPortkey(**options), Portkey(**options)
    chain = RunnableLambda(str) | model
    config: Any = {"tags": ["nightly"], "metadata": _METADATA}
    messages = [ChatMessage("Hello")]

    def ask() -> Any:
        return chain.invoke("Hello", config).response_metadata

    def query() -> Any:
        with instrument_tags(_METADATA):
            return _spanned(lambda: portkey.chat(messages)).raw

    langchain_labels, llamaindex_labels = _langchain_labels(ask), _llamaindex_labels(query)
    subjects = [
        Subject(
            "ids and metadata, LangChain",
            "a call in a chain of three runs",
            1,
            LABELLED,
            lambda: _ignore(ask()),
            lambda: langchain_labels(on=True),
            lambda: langchain_labels(on=False),
        ),
        Subject(
            "ids and metadata, LlamaIndex",
            "a call in two spans",
            1,
            LABELLED,
            lambda: _ignore(query()),
            lambda: llamaindex_labels(on=True),
            lambda: llamaindex_labels(on=False),
        ),
    ]
    steps = [RunnableLambda(lambda text: text) for _ in range(RUNS_PER_CALL - 1)]
    runs: Any = steps[0].pipe(*steps[1:])

    def nested() -> None:
        _deep(RUNS_PER_CALL, TEXT)

    for capture_content in (False, True):
        content = "with content" if capture_content else "without content"
        tracing = _LangChainExport(receiver, capture_content=capture_content)
        subjects.append(
            Subject(
                f"`PortkeyTracer`, {content}",
                "a run",
                RUNS_PER_CALL,
                EXPORTED,
                lambda tracing=tracing: _ignore(runs.invoke(TEXT, {"callbacks": tracing.callbacks})),  # type: ignore[misc]
                lambda tracing=tracing: tracing.exporting(),  # type: ignore[misc]
                _unchanged,
            )
        )
        subjects.append(
            Subject(
                f"`instrument()`, {content}",
                "a span",
                RUNS_PER_CALL,
                EXPORTED,
                nested,
                lambda capture_content=capture_content: _llamaindex_export(receiver, capture_content),  # type: ignore[misc]
                _unchanged,
            )
        )
    return subjects


# --- labels -----------------------------------------------------------------------------------------------------------


def _langchain_labels(ask: Callable[[], Any]) -> Callable[..., Any]:
    @contextmanager
    def labels(*, on: bool) -> Iterator[Callable[[], None]]:
        hooks = langchain_context._configure_hooks  # noqa: SLF001 there is no switch
        kept = list(hooks)
        if not on:
            hooks[:] = [hook for hook in hooks if hook[0].get() is not RUNS]
        try:
            yield _nothing
            _check(ask(), on=on)
        finally:
            hooks[:] = kept

    return labels


def _llamaindex_labels(query: Callable[[], Any]) -> Callable[..., Any]:
    @contextmanager
    def labels(*, on: bool) -> Iterator[Callable[[], None]]:
        root, read = get_dispatcher(), llm.call_labels
        kept = root.span_handlers
        if not on:
            root.span_handlers = [each for each in kept if not isinstance(each, PlaceHandler)]
            llm.call_labels = lambda *_: {"trace": None, "metadata": {}}
        try:
            yield _nothing
            _check(query(), on=on)
        finally:
            root.span_handlers, llm.call_labels = kept, read

    return labels


def _check(told: Mapping[str, Any], *, on: bool) -> None:
    # The mock gateway tells no trace: where an answer has one, it was sent.
    if bool(told.get("trace_id")) is not on:
        raise WrongResultError(f"labels are {'missing' if on else 'there'}")


# --- export -----------------------------------------------------------------------------------------------------------


class ReceiverProcess:
    """``benchmarks.span_receiver`` in a process of its own: what it does costs this one nothing."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.span_receiver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        self.endpoint = self._read()

    def check(self, lost: int) -> None:
        """Fail unless every span of one turn came: those of the calls, and of the one before the clock."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        came, expected = int(self._read()), (EXPORTED + 1) * RUNS_PER_CALL
        if came != expected or lost:
            raise WrongResultError(f"{came} spans came, {lost} were lost; expected {expected}")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def _receiver() -> Iterator[ReceiverProcess]:
    process = ReceiverProcess()
    try:
        yield process
    finally:
        process.close()


class _LangChainExport:
    def __init__(self, receiver: ReceiverProcess, *, capture_content: bool) -> None:
        self.callbacks: list[PortkeyTracer] = []
        self._receiver = receiver
        self._capture_content = capture_content

    @contextmanager
    def exporting(self) -> Iterator[Callable[[], None]]:
        tracer = PortkeyTracer(endpoint=self._receiver.endpoint, capture_content=self._capture_content, detail="all")
        self.callbacks = [tracer]
        try:
            yield tracer.flush
        finally:
            self.callbacks = []
        tracer.close()
        self._receiver.check(tracer.lost)


@contextmanager
def _llamaindex_export(receiver: ReceiverProcess, capture_content: bool) -> Iterator[Callable[[], None]]:
    with instrument(endpoint=receiver.endpoint, capture_content=capture_content, detail="all") as started:
        yield started.flush
    receiver.check(started.lost)


@contextmanager
def _unchanged() -> Iterator[Callable[[], None]]:
    yield _nothing


def _nothing() -> None:
    pass


@get_dispatcher(__name__).span
def _spanned(call: Callable[[], Any]) -> Any:
    return call()


@get_dispatcher(__name__).span
def _deep(depth: int, text: str) -> str:
    return text if depth == 1 else _deep(depth - 1, text)


def _ignore(_: Any) -> None:
    pass


if __name__ == "__main__":
    main()
