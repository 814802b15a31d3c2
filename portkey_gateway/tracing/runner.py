"""Who runs a step: where a framework does not tell that it was cancelled, its runner tells that it is over. Pure."""

from __future__ import annotations

import asyncio
import threading
import weakref
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Runner:
    """The task in which a step began, or the thread outside of all tasks."""

    inside: str | None
    """The framework's id of the step around it."""
    may_stream: bool
    """Whether it may be a stream, which any task may go on to read; else it is over when its task is."""
    thread: int
    task: weakref.ref[asyncio.Task[Any]] | None

    @classmethod
    def here(cls, inside: str | None, *, may_stream: bool) -> Self:
        """Whoever runs what begins now."""
        task = _current_task()
        return cls(inside, may_stream, threading.get_ident(), weakref.ref(task) if task else None)

    @property
    def is_gone(self) -> bool:
        """Whether the step can never go on."""
        if self.task is None:
            return False
        task = self.task()
        if task is None:
            return not self.may_stream
        return (task.done() and not self.may_stream) or task.cancelled() or task.get_loop().is_closed()

    def has_returned(self, *, failed: bool) -> bool:
        """Whether the step is over, now that the one around it ends here.

        Args:
            failed: whether that ends with an error; if not, a stream may still be read.
        """
        task = _current_task()
        is_here = self.task() is task if self.task else task is None and self.thread == threading.get_ident()
        return (is_here and (failed or not self.may_stream)) or self.is_gone


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None
