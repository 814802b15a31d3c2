"""How many functions a piece of work calls, Python's own among them: what no load of the machine disturbs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

_CALLS: Final = frozenset({"call", "c_call"})


def count_functions(work: Callable[[], object]) -> int:
    """Count what a piece of work calls in this thread; it has to be done once before, so that all it keeps is there.

    Of a generator each time that it goes on counts, too. Memory is collected before, and not while it counts: what that
    calls is not the work's own.
    """
    counted = 0

    def note(_frame: FrameType, event: str, _told: Any) -> None:
        nonlocal counted
        counted += event in _CALLS

    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return counted - 1  # the profiler hears of the call that ends it
