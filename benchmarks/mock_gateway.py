"""A mock gateway in a process of its own: ``python -m benchmarks.mock_gateway`` prints its address and serves.

It answers ``max_tokens`` tokens to every POST, in the gateway's shape for the path, and vectors to texts; it ends when
its standard input does. A stream sends one event a millisecond, so that each comes by itself, as a model's tokens do;
below ``BURST`` all come at once. Who asks by GET is told how many connections there were before. With the path of a
certificate and its key it speaks TLS.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import ssl
import sys

from benchmarks.answers import answer_pieces, events, message_events, whole_answer, whole_message
from benchmarks.vectors import embeddings_body

PACE_S = 0.001
BURST = "/burst"
"""The beginning of the path of those who want no pauses."""
_MAX_TOKENS = re.compile(rb'"max(?:_completion)?_tokens": ?(\d+)')
_STREAM = re.compile(rb'"stream": ?true')
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE)
_HEADERS = (
    b"HTTP/1.1 200 OK\r\nrequest-id: req_8e39c541abe8b7cd60dfe97e\r\nx-portkey-cache-status: DISABLED\r\n"
    b"x-portkey-last-used-option-index: config\r\nx-portkey-provider: anthropic\r\nx-portkey-retry-attempt-count: 0\r\n"
    b"x-portkey-trace-id: \r\nConnection: keep-alive\r\n"
)
_WHOLE_HEADERS = _HEADERS + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n"
_STREAM_HEADERS = (
    _HEADERS + b"cache-control: no-cache\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


_connections = itertools.count()


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection until the client closes it, or the benchmark is over."""
    number = next(_connections)
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _CONTENT_LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            if head.startswith(b"GET "):
                told = str(number).encode()
                writer.write(_WHOLE_HEADERS % len(told) + told)
                continue
            if b"/embeddings HTTP" in head:
                _answer_embeddings(body, writer)
                continue
            await _answer(body, writer, is_messages=b"/messages HTTP" in head, is_burst=b" /burst/" in head)
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        writer.close()


def _answer_embeddings(body: bytes, writer: asyncio.StreamWriter) -> None:
    request = json.loads(body)
    answer = embeddings_body(len(request["input"]), packed=request.get("encoding_format") == "base64")
    writer.write(_WHOLE_HEADERS % len(answer) + answer)


async def _answer(body: bytes, writer: asyncio.StreamWriter, *, is_messages: bool, is_burst: bool) -> None:
    # The parameters stand at either end; an image is not searched.
    parameters = body if len(body) < 100_000 else body[:1000] + body[-1000:]  # noqa: PLR2004 larger than any parameters
    tokens = _MAX_TOKENS.search(parameters)
    if tokens is None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        return
    # Over /messages the system message stands beside the others.
    messages = body.count(b'"role"') + (b'"system":' in parameters if is_messages else 0)
    pieces = answer_pieces(messages, len(body), int(tokens[1]))
    if not _STREAM.search(parameters):
        answer = whole_message(pieces) if is_messages else whole_answer(pieces)
        writer.write(_WHOLE_HEADERS % len(answer) + answer)
        return
    told = message_events(pieces) if is_messages else events(pieces)
    if is_burst:
        writer.write(_STREAM_HEADERS + b"".join(map(_http_chunk, told)) + b"0\r\n\r\n")
        await writer.drain()
        return
    # The first two events say nothing: the first text follows them at once.
    *opening, first_text = told[:3]
    writer.write(_STREAM_HEADERS + b"".join(map(_http_chunk, [*opening, first_text])))
    for event in told[3:]:
        await asyncio.sleep(PACE_S)
        writer.write(_http_chunk(event))
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _main(certificate: str | None = None) -> None:
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    server = await asyncio.start_server(serve_connection, "127.0.0.1", 0, limit=2**24, ssl=context)
    port = server.sockets[0].getsockname()[1]
    print(f"{'https' if context else 'http'}://127.0.0.1:{port}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
