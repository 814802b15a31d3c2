"""What is measured. Each measure returns one figure of one round; smaller is better."""

from __future__ import annotations

import asyncio
import gc
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.answers import expected_answer
from benchmarks.contenders.base import Contender
from benchmarks.counting import count_functions
from benchmarks.prompts import history_prompt, image_prompt, short_prompt

SHORT_TOKENS: Final = 8
"""Length of the answers where the call is measured, not the stream."""
STREAMS_AT_ONCE: Final = 20
CALLS_AT_ONCE: Final = 100
MANY_STREAMS: Final = 500


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each thing is done in one round."""

    calls: int
    batches: int
    stream_tokens: int
    first_tokens: int
    images: int
    histories: int
    many_streams: int
    """How many streams at once, of ``SHORT_TOKENS`` each."""


FULL: Final = Effort(
    calls=300, batches=5, stream_tokens=1000, first_tokens=40, images=20, histories=30, many_streams=MANY_STREAMS
)
QUICK: Final = Effort(
    calls=100, batches=2, stream_tokens=300, first_tokens=20, images=5, histories=10, many_streams=MANY_STREAMS
)


class WrongAnswerError(Exception):
    """A contender got something else than the mock gateway said: its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One contender, ready to be measured."""

    short: Contender
    """Asks for answers of ``SHORT_TOKENS``."""
    long: Contender
    """Asks for answers of ``effort.stream_tokens``."""
    burst: Contender
    """Asks for the same, whose events come all at once."""
    effort: Effort
    runner: asyncio.Runner
    """One event loop for all measures: connections belong to a loop."""
    import_s: float
    first_answer_s: float


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the table."""

    name: str
    unit: str
    what: str
    run: Callable[[Bench], float]
    sized_by: str = ""
    """The field of ``Effort`` that the figure itself depends on, and not only how exact it is."""


def measure_image_peak(bench: Bench) -> float:
    """MB by which the largest memory of the process grows through calls with an image; must come before the others."""
    prompt = image_prompt()
    prepared = bench.short.prepare(prompt)
    before = _peak_memory_mb()
    _check(bench.short.invoke(prepared), prompt)
    for _ in range(bench.effort.images - 1):
        bench.short.invoke(prepared)
    return _peak_memory_mb() - before


def measure_invoke(bench: Bench) -> float:
    """CPU µs of one call after the other."""
    return 1e6 * _cpu_per_call(bench, short_prompt(), bench.effort.calls)


def measure_ainvoke(bench: Bench) -> float:
    """CPU µs of one of 100 calls at once."""
    prompt = short_prompt()
    prepared = bench.short.prepare(prompt)

    async def calls() -> list[str]:
        return await asyncio.gather(*(bench.short.ainvoke(prepared) for _ in range(CALLS_AT_ONCE)))

    for answer in bench.runner.run(calls()):
        _check(answer, prompt)
    clock = _Cpu()
    for _ in range(bench.effort.batches):
        bench.runner.run(calls())
    return 1e6 * clock.seconds() / (bench.effort.batches * CALLS_AT_ONCE)


def measure_stream(bench: Bench) -> float:
    """CPU µs for one chunk of a long stream, whose events come each by itself."""
    return _cpu_per_chunk(bench.long, bench.effort.stream_tokens)


def measure_burst(bench: Bench) -> float:
    """CPU µs for one chunk of a long stream that comes at once: without what it takes to wake up for each event."""
    return _cpu_per_chunk(bench.burst, bench.effort.stream_tokens)


def measure_astream(bench: Bench) -> float:
    """CPU µs for one chunk of 20 streams at once."""
    prompt = short_prompt()
    prepared = bench.long.prepare(prompt)

    async def connect() -> None:
        await asyncio.gather(*(bench.long.ainvoke(prepared) for _ in range(STREAMS_AT_ONCE)))

    async def read() -> str:
        return "".join([text async for text in bench.long.astream(prepared)])

    async def streams() -> list[str]:
        return await asyncio.gather(*(read() for _ in range(STREAMS_AT_ONCE)))

    bench.runner.run(connect())
    clock = _Cpu()
    answers = bench.runner.run(streams())
    seconds = clock.seconds()
    for answer in answers:
        _check(answer, prompt, tokens=bench.effort.stream_tokens)
    return 1e6 * seconds / (STREAMS_AT_ONCE * bench.effort.stream_tokens)


def measure_many_streams(bench: Bench) -> float:
    """CPU s of 500 streams at once, each with a connection of its own that is opened for it."""
    prompt = short_prompt()
    prepared = bench.short.prepare(prompt)

    async def read() -> str:
        return "".join([text async for text in bench.short.astream(prepared)])

    async def streams() -> list[str]:
        return await asyncio.gather(*(read() for _ in range(bench.effort.many_streams)))

    clock = _Cpu()
    answers = bench.runner.run(streams())
    seconds = clock.seconds()
    for answer in answers:
        _check(answer, prompt)
    return seconds


def measure_first_token(bench: Bench) -> float:
    """Wall µs from the call to the first text, the median of several streams."""
    prompt = short_prompt()
    prepared = bench.short.prepare(prompt)
    _check("".join(bench.short.stream(prepared)), prompt)
    gc.collect()
    return 1e6 * statistics.median(_first_text_s(bench.short, prepared) for _ in range(bench.effort.first_tokens))


def count_call(bench: Bench) -> float:
    """Functions that a call calls, Python's own among them."""
    return _count(bench.short, short_prompt())


def count_chunk(bench: Bench) -> float:
    """Functions that a chunk of a long stream calls, where all come at once; what its beginning calls is shared out."""
    prompt, tokens = short_prompt(), bench.effort.stream_tokens
    prepared = bench.burst.prepare(prompt)
    _check("".join(bench.burst.stream(prepared)), prompt, tokens=tokens)
    return count_functions(lambda: list(bench.burst.stream(prepared))) / tokens


def count_history(bench: Bench) -> float:
    """Functions that a call with a conversation of 1000 messages calls."""
    return _count(bench.short, history_prompt())


def measure_image(bench: Bench) -> float:
    """CPU ms of a call with an image of 5 MB."""
    return 1e3 * _cpu_per_call(bench, image_prompt(), bench.effort.images)


def measure_history(bench: Bench) -> float:
    """CPU ms of a call with a conversation of 1000 messages."""
    return 1e3 * _cpu_per_call(bench, history_prompt(), bench.effort.histories)


MEASURES: Final[Sequence[Measure]] = (
    Measure("import", "s", "CPU to import it in a fresh process", lambda bench: bench.import_s),
    Measure("first answer", "s", "the same and the first answer", lambda bench: bench.first_answer_s),
    Measure("image peak", "MB", "growth of peak memory through calls with a 5 MB image", measure_image_peak, "images"),
    Measure("invoke", "µs", "CPU of a call", measure_invoke),
    Measure("ainvoke", "µs", "CPU of a call, 100 at once", measure_ainvoke),
    Measure("stream", "µs", "CPU of a chunk", measure_stream, "stream_tokens"),
    Measure("burst", "µs", "CPU of a chunk, where all come at once", measure_burst, "stream_tokens"),
    Measure("astream", "µs", "CPU of a chunk, 20 streams at once", measure_astream, "stream_tokens"),
    Measure("500 streams", "s", "CPU of 500 streams at once, of 8 chunks each", measure_many_streams),
    Measure("first token", "µs", "wall time to the first text of a stream", measure_first_token),
    Measure("image", "ms", "CPU of a call with a 5 MB image", measure_image),
    Measure("history", "ms", "CPU of a call with 1000 messages", measure_history),
    Measure("invoke, counted", "functions", "functions that a call calls", count_call),
    Measure("burst, counted", "functions", "functions that a chunk calls", count_chunk, "stream_tokens"),
    Measure("history, counted", "functions", "functions that a call with 1000 messages calls", count_history),
)


def sizes(effort: Effort) -> dict[str, int]:
    """How much is done for each measure whose figure depends on it; only figures of the same size can be compared."""
    return {measure.name: getattr(effort, measure.sized_by) for measure in MEASURES if measure.sized_by}


class _Cpu:
    """CPU time of this process, all threads, user and system; the garbage of others is collected first."""

    def __init__(self) -> None:
        gc.collect()
        self._start_s = time.process_time()

    def seconds(self) -> float:
        """Since the clock was made."""
        return time.process_time() - self._start_s


def _count(contender: Contender, prompt: list[dict[str, Any]]) -> int:
    prepared = contender.prepare(prompt)
    _check(contender.invoke(prepared), prompt)
    return count_functions(lambda: contender.invoke(prepared))


def _cpu_per_call(bench: Bench, prompt: list[dict[str, Any]], calls: int) -> float:
    prepared = bench.short.prepare(prompt)
    _check(bench.short.invoke(prepared), prompt)
    clock = _Cpu()
    for _ in range(calls):
        bench.short.invoke(prepared)
    return clock.seconds() / calls


def _cpu_per_chunk(contender: Contender, tokens: int) -> float:
    prompt = short_prompt()
    prepared = contender.prepare(prompt)
    contender.invoke(prepared)  # opens the connection
    clock = _Cpu()
    texts = list(contender.stream(prepared))
    seconds = clock.seconds()
    _check("".join(texts), prompt, tokens=tokens)
    return 1e6 * seconds / tokens


def _first_text_s(contender: Contender, prepared: Any) -> float:
    start_s = time.perf_counter()
    first_s = None
    # Read to the end: a stream that is left early costs the next one a new connection.
    for text in contender.stream(prepared):
        if text and first_s is None:
            first_s = time.perf_counter() - start_s
    if first_s is None:
        raise WrongAnswerError("the stream held no text")
    return first_s


def _check(answer: str, prompt: list[dict[str, Any]], *, tokens: int = SHORT_TOKENS) -> None:
    expected = expected_answer(prompt, tokens)
    if answer != expected:
        raise WrongAnswerError(f"got {answer[:100]!r}…, expected {expected[:100]!r}…")


def _peak_memory_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2) counts bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
