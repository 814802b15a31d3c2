"""Many calls of one piece of work, so many at once and no more: sync by threads, async by tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Final, Protocol, TypeVar

_LOOK_UP_S: Final = 0.5

PieceT = TypeVar("PieceT")
ResultT = TypeVar("ResultT")
_PieceT = TypeVar("_PieceT")
_ResultT_contra = TypeVar("_ResultT_contra", contravariant=True)


class Work(Protocol[_PieceT, _ResultT_contra]):
    """Work in pieces, each of which takes a call."""

    def __len__(self) -> int:
        """How many pieces wait."""
        ...

    def take(self) -> _PieceT | None:
        """The next piece; ``None`` if there is none."""

    def settle(self, piece: _PieceT, result: _ResultT_contra, /) -> None:
        """Note what came of a piece."""

    def fail(self, piece: _PieceT, error: Exception, /) -> None:
        """Note that a piece failed; it may put others in its place."""

    def stop(self) -> None:
        """Hand out nothing more."""


def work_off(work: Work[PieceT, ResultT], call: Callable[[PieceT], ResultT], at_once: int) -> None:
    """Call for all pieces, ``at_once`` at the same time; what is under way when one fails is still waited for.

    Not so where the caller is interrupted, by Ctrl-C: then nothing more is begun, and what is under way goes on alone.
    """

    def run() -> None:
        while (piece := work.take()) is not None:
            try:
                work.settle(piece, call(piece))
            except Exception as error:  # noqa: BLE001 the work tells of it when all is over
                work.fail(piece, error)

    workers = min(at_once, len(work))
    if workers <= 1:
        run()
        return
    # Threads of a pool would keep the whole process from ending, for as long as a request takes.
    threads = [
        threading.Thread(target=copy_context().run, args=(run,), name="portkey", daemon=True) for _ in range(workers)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            # A signal that comes just before a thread begins to wait is seen when it wakes.
            while thread.is_alive():
                thread.join(_LOOK_UP_S)
    finally:
        work.stop()


async def awork_off(work: Work[PieceT, ResultT], call: Callable[[PieceT], Awaitable[ResultT]], at_once: int) -> None:
    """Async twin of ``work_off``; when it is cancelled, so are its calls."""

    async def run() -> None:
        while (piece := work.take()) is not None:
            try:
                work.settle(piece, await call(piece))
            except Exception as error:  # noqa: BLE001 the work tells of it when all is over
                work.fail(piece, error)

    workers = min(at_once, len(work))
    if workers <= 1:
        await run()
        return
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(run())
