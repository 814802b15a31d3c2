"""TLS between the transport of an event loop and who reads of it. No I/O.

asyncio's own holds 256 KiB for each connection, and asks for as much for each piece that comes; what it keeps of such a
piece is a page of memory at the least. A thousand streams that are open took 300 MB of it.
"""

from __future__ import annotations

import ssl
from typing import Final

_RECORD_BYTES: Final = 16 * 1024  # none holds more (RFC 8446, 5.1)


class Tls:
    """The state of one connection: what comes is opened, what leaves is sealed.

    Args:
        context: whom to trust, and what to speak.
        server_name: the name that the certificate has to bear.

    Attributes:
        has_ended: whether the other end has said that nothing follows.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "has_ended")

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.has_ended = False

    def shake_hands(self, came: bytes) -> bool:
        """Go on with the handshake; true once it is done. Either way something may have to be told (``take_told``).

        Args:
            came: what the other end said; nothing at the beginning.

        Raises:
            ssl.SSLError: if the other end is not who it has to be, or speaks no TLS that can be.
        """
        self._incoming.write(came)
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def take_told(self) -> bytes:
        """What TLS itself has to tell the other end, and all that was sealed."""
        return self._outgoing.read()

    def seal(self, data: memoryview) -> tuple[bytes, int]:
        """What has to be sent for the other end to read this, and how many bytes of this are in it.

        Fewer than all where the other end has to be heard first: TLS 1.2 lets it ask for another handshake.

        Raises:
            ssl.SSLError: if nothing can be sent any more.
        """
        sealed = 0
        try:
            while sealed < len(data):
                sealed += self._object.write(data[sealed:])
        except ssl.SSLWantReadError:
            pass
        return self.take_told(), sealed

    def open(self, came: bytes | memoryview) -> bytes:
        """What can be read by now; nothing, where a record is not whole or holds words of TLS itself.

        Args:
            came: what the other end said.

        Raises:
            ssl.SSLError: if it was spoilt.
        """
        self._incoming.write(came)
        pieces: list[bytes] = []
        try:
            while piece := self._object.read(_RECORD_BYTES):
                pieces.append(piece)
            self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
