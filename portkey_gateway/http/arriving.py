"""Where loops put what comes over a connection, for as long as they tell of it. No I/O.

Left to itself, asyncio asks the system for 256 KiB anew for each piece, which took a quarter of a call over TLS.
"""

from __future__ import annotations

import threading
from typing import Final

_BYTES: Final = 64 * 1024


class _Arriving(threading.local):
    """One for all connections of a thread: a loop reads into it and tells of it before it reads again."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(_BYTES))


ARRIVING: Final = _Arriving()
