"""Many calls of one piece of work, when the caller is interrupted amid them."""

from __future__ import annotations

import threading

import pytest

from portkey_gateway.http.many import work_off


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
