"""Many calls of one piece of work: each one once, so many at once, also when the caller is interrupted amid them."""

from __future__ import annotations

import asyncio
import threading
import time
from contextvars import ContextVar, copy_context

import pytest

from portkey_gateway.http.many import awork_off, work_off


class Numbers:
    """Numbers to call for."""

    def __init__(self, count: int) -> None:
        self.waiting = list(range(count))
        self.settled: list[int] = []

    def __len__(self) -> int:
        return len(self.waiting)

    def take(self) -> int | None:
        return self.waiting.pop() if self.waiting else None

    def settle(self, piece: int, _: object, /) -> None:
        self.settled.append(piece)

    def fail(self, piece: int, error: Exception, /) -> None:
        raise AssertionError(piece) from error

    def stop(self) -> None:
        self.waiting.clear()


def test_an_interrupt_waits_for_nothing_and_nothing_more_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Numbers(10)
    both, over = threading.Barrier(3), threading.Event()
    called: list[int] = []

    def call(number: int) -> None:
        called.append(number)
        both.wait()
        over.wait()

    def interrupted(_thread: threading.Thread, _timeout: float | None = None) -> None:
        """As when Ctrl-C comes while a thread is waited for."""
        both.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work_off(work, call, 2)
    monkeypatch.undo()
    assert (len(called), work.settled, len(work)) == (2, [], 0)
    running = [thread for thread in threading.enumerate() if thread.name == "portkey"]
    assert running
    assert all(thread.daemon for thread in running)
    over.set()
    for thread in running:
        thread.join()
    assert sorted(work.settled) == sorted(called)


def test_so_many_at_once_and_each_one_once() -> None:
    work = Numbers(7)
    work_off(work, lambda _: None, 3)
    assert sorted(work.settled) == [*range(7)]


class Failing(Numbers):
    """Numbers of which the odd ones fail."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.failed: dict[int, Exception] = {}
        self.results: list[object] = []

    def settle(self, piece: int, result: object, /) -> None:
        super().settle(piece, result)
        self.results.append(result)

    def fail(self, piece: int, error: Exception, /) -> None:
        self.failed[piece] = error


class Busy:
    """Calls, of which the first wait until as many are under way as can be; notes how many, and in which threads."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._full, self._full_in_loop = threading.Event(), asyncio.Event()
        self.now = 0
        self.most = 0
        self.threads: set[threading.Thread] = set()
        self.said: set[str] = set()
        self._lock = threading.Lock()

    def call(self, number: int) -> int:
        with self:
            self._full.wait()
            time.sleep(0.01)
            return self._done(number)

    async def acall(self, number: int) -> int:
        with self:
            await self._full_in_loop.wait()
            await asyncio.sleep(0.01)
            return self._done(number)

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.threads.add(threading.current_thread())
            self.said.add(SAID.get())
            if self.most >= self._wanted:
                self._full.set()
                self._full_in_loop.set()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1

    def _done(self, number: int) -> int:
        if number % 2:
            raise ZeroDivisionError(number)
        return number * 10


SAID: ContextVar[str] = ContextVar("SAID", default="nothing")


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("count", "at_once", "most"), [(7, 3, 3), (2, 5, 2), (5, 1, 1), (1, 5, 1), (0, 5, 0), (5, 0, 1)]
)
def test_each_piece_is_settled_or_fails_and_only_so_many_run(
    count: int, at_once: int, most: int, *, is_async: bool
) -> None:
    work, busy = Failing(count), Busy(most)

    async def all_of_it() -> None:
        SAID.set("by the caller")
        await awork_off(work, busy.acall, at_once)

    def all_of_it_in_threads() -> None:
        SAID.set("by the caller")
        work_off(work, busy.call, at_once)

    if is_async:
        asyncio.run(all_of_it())
    else:
        copy_context().run(all_of_it_in_threads)
    assert sorted(work.settled) == [*range(0, count, 2)]
    assert sorted(work.results, key=str) == sorted((10 * each for each in range(0, count, 2)), key=str)
    assert sorted(work.failed) == [*range(1, count, 2)]
    assert all(error.args == (number,) for number, error in work.failed.items())
    assert busy.most == most
    assert busy.said <= {"by the caller"}
    if is_async or most <= 1:
        assert busy.threads <= {threading.current_thread()}


async def test_a_loop_that_is_cancelled_cancels_its_calls() -> None:
    work, begun = Failing(5), asyncio.Event()
    cancelled: list[int] = []

    async def call(number: int) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise

    working = asyncio.create_task(awork_off(work, call, 2))
    await begun.wait()
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert len(cancelled) == 2
    assert (work.settled, work.failed) == ([], {})
