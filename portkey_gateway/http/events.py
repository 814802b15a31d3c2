"""Bytes → the data of server-sent events, however the network cut them. No I/O.

Server-sent events: WHATWG HTML, 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK_LINE = b"\n\n"


class EventDecoder:
    """Cuts bytes into the data of server-sent events, however the network cut them before.

    What waits for the end of its event is joined once, so that a long event costs no more than its length.
    """

    __slots__ = ("_after_cr", "_at_start", "_carried", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._carried = b""
        self._at_start = True
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of the events that ``data`` completes."""
        if self._carried:
            data, self._carried = self._carried + data, b""
        if self._at_start:
            if len(data) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(data):
                self._carried = data
                return []
            self._at_start = False
            data = data.removeprefix(_BYTE_ORDER_MARK)
        if self._after_cr and data:
            # The CR ended its line, so that nobody had to wait for what follows: the second half of a CR LF, perhaps.
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if self._waiting:
            is_split = data.startswith(b"\n") and self._waiting[-1].endswith(b"\n")
            if data:
                self._waiting.append(data)
            if not is_split and _BLANK_LINE not in data:
                return []
            data = b"".join(self._waiting)
        *events, rest = data.split(_BLANK_LINE)
        self._waiting = [rest] if rest else []
        return [payload for event in events if (payload := _event_data(event)) is not None]

    def close(self) -> list[bytes]:
        """Return the data of an event that lacks only the blank line after it."""
        return self.feed(b"\n\n\n")


def _event_data(event: bytes) -> bytes | None:
    # As nearly all are: data alone, or behind the event's name.
    name, _, last = event.rpartition(b"\n")
    if last.startswith(b"data: ") and b"\n" not in name and not name.startswith(b"data"):
        return last[6:]
    fields = (line.partition(b":") for line in event.split(b"\n"))
    lines = [value.removeprefix(b" ") for name, _, value in fields if name == b"data"]
    return b"\n".join(lines) if lines else None
