"""HTTP/1.1 as bytes: the head of a request, and a response as it comes in. No I/O.

RFC 9112 (HTTP/1.1) and RFC 9110 (HTTP semantics). What a response holds, and which ones are refused, is as ``h11`` has
it, which httpx builds upon; a test holds both side by side (``tests/core/http/test_wire.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import httpx

MAX_HEAD_BYTES: Final = 100 * 1024
"""Bytes of the status line with its headers, and of the trailers; more is no head of a gateway's."""

_HEAD_END: Final = re.compile(rb"\n\r?\n")
_HEAD: Final = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n\x00]*)?\r?\n((?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[^\r\n\x00]*\r?\n)*)"
)
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n\x00]*)?")
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_MAX_SIZE_LINE: Final = 4096
# Bytes of what cannot be read that an error shows.
_SHOWN: Final = 80
# Said by us alone: the length of what we send is known.
_OWN: Final = frozenset({"content-length", "transfer-encoding"})
_OK: Final = int(HTTPStatus.OK)
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

# Characters of a header's name beyond which it is not kept.
_KNOWN_LENGTH: Final = 64

_IN_HEAD, _IN_LENGTH, _IN_CHUNKS, _IN_TRAILERS, _UNTIL_END, _OVER = range(6)


def render_head(method: str, target: str, host: str, headers: Mapping[str, str], size: int | None) -> bytes:
    """Render the head of a request.

    Args:
        method: of HTTP.
        target: the path with its query, as it stands in the URL.
        host: with its port, where that is not the scheme's own.
        headers: all but those that tell of the body.
        size: bytes of the body; ``None`` if there is none.

    Raises:
        httpx.LocalProtocolError: if something in it would begin a line of its own.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    if "host" not in headers:
        lines.append(f"host: {host}")
    lines += [f"{name}: {value}" for name, value in headers.items() if name not in _OWN]
    if size is not None:
        lines.append(f"content-length: {size}")
    text = "\r\n".join(lines)
    # Options and labels are looked at where they are given; this is the last door.
    if text.count("\n") >= len(lines) or text.count("\r") >= len(lines) or "\0" in text or not text.isascii():
        raise httpx.LocalProtocolError("a header or the address holds a character that HTTP does not carry")
    return f"{text}\r\n\r\n".encode("ascii")


@lru_cache(maxsize=256)
def _known_name(name: str) -> str:
    """A header's name in lower case. The same ones come with each response: all that are open share them."""
    return name.lower()


class ResponseReader:
    """Reads one response, however the network cut it.

    Attributes:
        status: the HTTP status; 0 until the head has come.
        headers: by their names in lower case; values of one name are joined by a comma.
        has_ended: whether the whole body has come.
        is_reusable: whether the connection may carry another request once the response has ended.
    """

    __slots__ = ("_head", "_left", "_needs_line_end", "_rest", "_state", "has_ended", "headers", "is_reusable",
                 "status")  # fmt: skip

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.has_ended = False
        self.is_reusable = False
        self._state = _IN_HEAD
        self._head = bytearray()
        self._rest = b""
        self._left = 0
        self._needs_line_end = False

    def feed(self, data: bytes) -> bytes:
        """Take what came of the body, and return what it holds.

        Raises:
            httpx.RemoteProtocolError: if that is no HTTP/1.1.
        """
        if self._rest:
            data, self._rest = self._rest + data, b""
        if self._state == _IN_CHUNKS:
            return self._feed_chunks(data)
        if self._state == _IN_LENGTH:
            body = data[: self._left]
            self._left -= len(body)
            if not self._left:
                self._finish(data[len(body) :])
            return body
        if self._state == _UNTIL_END:
            return data
        if self._state == _IN_TRAILERS:
            self._feed_trailers(data)
        elif data and self._state == _OVER:
            self.is_reusable = False
        return b""

    def end(self) -> None:
        """Take the end of the connection.

        Raises:
            httpx.RemoteProtocolError: if the response is not whole.
        """
        if self._state == _UNTIL_END:
            self.has_ended = True
            self._state = _OVER
        if self._state == _IN_HEAD:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        if not self.has_ended:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
        self.is_reusable = False

    def _finish(self, left_over: bytes) -> None:
        self.has_ended = True
        self._state = _OVER
        if left_over:
            # It would answer the next request.
            self.is_reusable = False

    def feed_head(self, data: bytes) -> bool:
        """Take what came of the head, and perhaps of the body; true once the whole head is there.

        Raises:
            httpx.RemoteProtocolError: if that is no HTTP/1.1.
        """
        while True:
            begin = max(0, len(self._head) - 2)
            self._head += data
            end = _HEAD_END.search(self._head, begin)
            if end is None or end.end() > MAX_HEAD_BYTES:
                if len(self._head) > MAX_HEAD_BYTES:
                    raise httpx.RemoteProtocolError("the head of the response is too large")
                return False
            head, data = bytes(self._head[: end.start() + 1]), bytes(self._head[end.end() :])
            self._head = bytearray()
            self._read_head(head)
            if self.status >= _OK:
                self._rest = data
                self._begin_body()
                return True
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise httpx.RemoteProtocolError("the server switches to a protocol that nobody asked for")
            self.status = 0  # an interim response is none yet

    def _read_head(self, head: bytes) -> None:
        match = _HEAD.fullmatch(head) or _HEAD.fullmatch(_FOLD.sub(b" ", head))  # RFC 9112, 5.2
        if match is None:
            raise httpx.RemoteProtocolError(f"the head of the response is no HTTP/1.1: {head[:_SHOWN]!r}")
        try:
            text = match[3].decode()
        except UnicodeDecodeError:
            text = match[3].decode("iso-8859-1")
        headers: dict[str, str] = {}
        for line in text.split("\n"):
            name, colon, value = line.partition(":")
            if colon:
                name = _known_name(name) if len(name) <= _KNOWN_LENGTH else name.lower()
                value = value.strip(" \t\r")
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self.status, self.headers = int(match[2]), headers
        self.is_reusable = match[1] == b"1" and "close" not in headers.get("connection", "").lower()

    def _begin_body(self) -> None:
        length = self.headers.get("content-length")
        encoding = self.headers.get("transfer-encoding")
        if encoding is not None and encoding.lower() != "chunked":
            raise httpx.RemoteProtocolError("the response has a transfer encoding that nobody asked for")
        if length is not None:
            length, *others = {each.strip() for each in length.split(",")}
            if others or not _LENGTH.fullmatch(length):
                raise httpx.RemoteProtocolError("the response has no length that can be")
        if self.status in _BODILESS:
            self._finish(self._rest)
        elif encoding is not None:
            self._state = _IN_CHUNKS
            # Of two lengths one is a lie (RFC 9112, 6.3).
            self.is_reusable = self.is_reusable and length is None
        elif length is None:
            self._state = _UNTIL_END
            self.is_reusable = False
        elif int(length):
            self._state, self._left = _IN_LENGTH, int(length)
        else:
            self._finish(self._rest)

    def _feed_chunks(self, data: bytes) -> bytes:
        at, end = 0, len(data)
        pieces: list[bytes] = []
        while at < end:
            if self._left:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._needs_line_end = not self._left
                continue
            if self._needs_line_end:
                line_end = data[at : at + 2]
                if not b"\r\n".startswith(line_end):
                    raise httpx.RemoteProtocolError("a chunk of the response does not end where it has to")
                if len(line_end) < len(b"\r\n"):
                    self._rest = line_end
                    break
                at += 2
                self._needs_line_end = False
                continue
            size_end = data.find(b"\r\n", at)
            if size_end < 0:
                if end - at > _MAX_SIZE_LINE:
                    raise httpx.RemoteProtocolError("a chunk of the response has no size")
                self._rest = data[at:]
                break
            size = _CHUNK_SIZE.fullmatch(data, at, size_end)
            if size is None:
                shown = data[at : min(size_end, at + _SHOWN)]
                raise httpx.RemoteProtocolError(f"a chunk of the response has a size that is none: {shown!r}")
            at = size_end + 2
            self._left = int(size[1], 16)
            if not self._left:
                self._state = _IN_TRAILERS
                self._feed_trailers(data[at:])
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _feed_trailers(self, data: bytes) -> None:
        """Read over what follows the last chunk: nobody asked for it."""
        if data.startswith(b"\r\n"):
            self._finish(data[2:])
        elif end := _HEAD_END.search(data):
            self._finish(data[end.end() :])
        elif len(data) > MAX_HEAD_BYTES:
            raise httpx.RemoteProtocolError("what follows the body of the response is too large")
        else:
            self._rest = data
