"""Programs that a test runs as a process of its own: ``python -m tests.life.programs NAME FRAMEWORK OPTIONS``.

Each prints nothing but ``done``: whatever else comes is a warning, an error, or something that was left open.
"""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import pickle
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import nest_asyncio  # type: ignore[import-untyped]

from tests.life.asking import Model, apieces, awhole, pieces, question, streamed, whole

TEXT, ANSWER = question(5)
LOOPS: Final = 20
LEFT: Final[list[Generator[str] | AsyncGenerator[str]]] = []
"""Streams that are open when the process ends."""


def is_right(model: Model) -> bool:
    """Whether the model answers in every way."""

    async def in_a_loop() -> list[str]:
        return list(await asyncio.gather(awhole(model, TEXT), streamed(model, TEXT)))

    return [whole(model, TEXT), "".join(pieces(model, TEXT)), *asyncio.run(in_a_loop())] == [ANSWER] * 4


def open_files() -> int:
    """How many file descriptors are open."""
    gc.collect()
    return len(list(Path("/dev/fd").iterdir()))


async def leave_open(model: Model) -> None:
    """Begin a stream, and read a piece of it."""
    coming = apieces(model, TEXT)
    await anext(coming)
    LEFT.append(coming)


def leave_open_in_thread(model: Model) -> None:
    """Sync twin of ``leave_open``."""
    coming = pieces(model, TEXT)
    next(coming)
    LEFT.append(coming)


def loops(model: Model) -> None:
    """One event loop after the other, some left with an open stream; then loops in threads, all at once."""
    assert is_right(model)
    before = open_files()
    for turn in range(LOOPS):
        asyncio.run(leave_open(model) if turn % 2 else streamed(model, TEXT))
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: asyncio.run(streamed(model, TEXT)) == ANSWER, range(LOOPS)))
    # What the threads used is idle now, and closed with the next call in time.
    assert open_files() <= before + 8
    assert is_right(model)


def nested(model: Model) -> None:
    """A loop within a loop, as in a notebook: by nest-asyncio, and in a thread of its own."""

    async def cell() -> None:
        assert await awhole(model, TEXT) == ANSWER
        assert asyncio.run(streamed(model, TEXT)) == ANSWER
        assert whole(model, TEXT) == ANSWER
        assert asyncio.run(awhole(model, TEXT)) == ANSWER
        assert await streamed(model, TEXT) == ANSWER

    async def plain_cell() -> None:
        assert await awhole(model, TEXT) == ANSWER
        assert await asyncio.to_thread(is_right, model)
        assert await streamed(model, TEXT) == ANSWER

    asyncio.run(plain_cell())
    nest_asyncio.apply()
    asyncio.run(cell())
    assert is_right(model)


def on_uvloop(model: Model) -> None:
    """Another event loop than asyncio's own."""
    import uvloop  # noqa: PLC0415 the one program that needs it

    uvloop.run(leave_open(model))
    for _ in range(3):
        assert uvloop.run(streamed(model, TEXT)) == ANSWER
        assert uvloop.run(awhole(model, TEXT)) == ANSWER


def pickled(model: Model) -> None:
    """Copies before a model is used and after it, and one of a copy."""
    before = pickle.dumps(model)
    assert is_right(model)
    assert is_right(pickle.loads(before))
    assert is_right(pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(model)))))
    assert is_right(model)


def processes(model: Model) -> None:
    """Children by fork and by spawn, before a model is used and after it, while a stream is open."""
    for _ in range(2):
        for method in ("fork", "spawn"):
            context: Any = multiprocessing.get_context(method)
            child = context.Process(target=_exit_by, args=(model,))
            child.start()
            child.join()
            assert child.exitcode == 0
        assert is_right(model)
        leave_open_in_thread(model)


def _exit_by(model: Model) -> None:
    sys.exit(0 if is_right(model) else 1)


def leaves(model: Model) -> None:
    """Ends while streams are open: in its main thread, in another, and in a closed loop."""
    assert is_right(model)
    asyncio.run(leave_open(model))
    with ThreadPoolExecutor(1) as thread:
        thread.submit(leave_open_in_thread, model).result()
    leave_open_in_thread(model)


PROGRAMS: Final[dict[str, Callable[[Model], None]]] = {
    each.__name__: each for each in (loops, nested, on_uvloop, pickled, processes, leaves)
}


def main(name: str, framework: str, options: str) -> None:
    """Run a program with a model."""
    # Only the framework that is asked for.
    if framework == "langchain":
        from portkey_langchain import ChatPortkey  # noqa: PLC0415

        PROGRAMS[name](ChatPortkey(**json.loads(options)))
    else:
        from portkey_llamaindex import Portkey  # noqa: PLC0415

        PROGRAMS[name](Portkey(**json.loads(options)))
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
