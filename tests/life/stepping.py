"""Coroutines driven step by step, so that something can befall them while they wait for the n-th time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

ResultT = TypeVar("ResultT")


class Waits:
    """Counts how often a call waits, with all the tasks that it begins, and calls ``befall`` at one of them.

    Args:
        at: at which, from 0.
        befall: what happens while it waits there.

    Attributes:
        count: how often it has waited.
    """

    def __init__(self, at: int, befall: Callable[[], object]) -> None:
        self._at = at
        self._befall = befall
        self.count = 0

    def one(self) -> None:
        """Note that something waits."""
        if self.count == self._at:
            self._befall()
        self.count += 1

    async def of(self, call: Awaitable[ResultT]) -> ResultT:
        """Await a call, and count its waits."""
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory()
        loop.set_task_factory(self._new_task)
        try:
            return await _Counted(call, self)
        finally:
            loop.set_task_factory(before)

    def _new_task(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, ResultT] | Generator[Any, None, ResultT],
        **more: Any,
    ) -> asyncio.Task[ResultT]:
        async def run() -> ResultT:
            assert isinstance(coroutine, Awaitable)
            return await _Counted(coroutine, self)

        return asyncio.Task(run(), loop=loop, **more)


class _Counted(Generic[ResultT]):
    """Passes on whatever an awaitable waits for, and what comes of it."""

    def __init__(self, awaited: Awaitable[ResultT], waits: Waits) -> None:
        self._awaited = awaited
        self._waits = waits

    def __await__(self) -> Generator[Any, Any, ResultT]:
        steps = self._awaited.__await__()
        failure: BaseException | None = None
        while True:
            try:
                waited = next(steps) if failure is None else steps.throw(failure)
            except StopIteration as end:
                result: ResultT = end.value
                return result
            self._waits.one()
            failure = None
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001 handed on to where it belongs
                failure = error
