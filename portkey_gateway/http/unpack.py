"""Bodies that are packed: gzip and deflate, piece by piece, since 300 KB may hold 300 MB."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final

import httpx

GZIP: Final = 16 + zlib.MAX_WBITS
"""What zlib calls gzip."""
DEFLATE: Final = zlib.MAX_WBITS
"""What zlib calls deflate, with its head around it."""

_PIECE_BYTES: Final = 1024 * 1024
_HEAD_BYTES: Final = 2
_GZIP_HEAD: Final = b"\x1f\x8b"


class Unpacker:
    """Unpacks gzip or deflate as it comes.

    A body of gzip may have several members, one behind the other (RFC 1952, 2.2). Whatever else stands behind the end
    is nothing, and nothing of it is kept: zlib would keep all of it, and copy it anew for each piece.

    Args:
        window_bits: ``GZIP`` or ``DEFLATE``.
    """

    __slots__ = ("_begun", "_bits", "_is_first", "_is_over", "_unpacker")

    def __init__(self, window_bits: int) -> None:
        self._bits = window_bits
        self._begun = b""
        self._is_first = True
        self._is_over = False
        self._unpacker: Any = None

    @property
    def has_ended(self) -> bool:
        """Whether all that began to be packed was unpacked to its end."""
        return self._unpacker is None and not self._is_first

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` holds, in pieces.

        Raises:
            httpx.DecodingError: if it cannot be unpacked.
        """
        piece = b""
        while (data or len(piece) >= _PIECE_BYTES) and not self._is_over:
            if self._unpacker is None:
                data = self._begin(data)
                if self._unpacker is None:
                    return
            try:
                piece = self._unpacker.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from error
            if piece:
                yield piece
            data = self._unpacker.unconsumed_tail
            if self._unpacker.eof:
                data, piece = self._unpacker.unused_data, b""
                self._unpacker = None
                self._is_over = self._bits == DEFLATE

    def _begin(self, data: bytes) -> bytes:
        """Begin to unpack once enough came to know what it is; returns what is to be unpacked."""
        data = self._begun + data
        if len(data) < _HEAD_BYTES:
            self._begun = data
            return b""
        self._begun = b""
        if not self._is_first and not data.startswith(_GZIP_HEAD):
            self._is_over = True
            return b""
        self._is_first = False
        # Some servers send deflate without zlib's head around it, whose two bytes are a multiple of 31 (RFC 1950).
        is_bare = self._bits == DEFLATE and int.from_bytes(data[:_HEAD_BYTES]) % 31
        self._unpacker = zlib.decompressobj(-DEFLATE if is_bare else self._bits)
        return data
