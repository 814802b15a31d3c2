"""A stream tells who watches it of the call: its beginning, each piece, its end, and whatever ended it early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import pytest

from portkey_gateway import Answer, AnswerStream, AsyncAnswerStream
from portkey_gateway.chat_completions.stream import DECODING
from portkey_gateway.errors import PortkeyError, StreamInterruptedError, StreamProviderError
from portkey_gateway.http import transport
from portkey_gateway.http.call import Call
from portkey_gateway.http.retry import RetryPolicy
from tests.support.recording import RecordingServer, Reply, answer, deltas, event, events, whole

KEY = "sk-" + "of-nobody-0123456789"


class Watching:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.error: BaseException | None = None
        self.answers: list[Answer] = []
        self.so_far: Callable[[], Answer] = Answer

    def __enter__(self) -> Self:
        self.told.append("begin")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert kind is (type(error) if error else None)
        assert (trace is None) is (error is None)
        self.told.append("over")
        self.error = error

    def answering(self, so_far: Callable[[], Answer]) -> None:
        self.told.append("answering")
        self.so_far = so_far

    def chunk(self) -> None:
        self.told.append("chunk")

    def answered(self, answer: Answer) -> None:
        self.told.append("answered")
        self.answers.append(answer)


class Streaming:
    """Reads a stream, sync or async, to its end or not at all."""

    def __init__(self, server: RecordingServer, *, is_async: bool) -> None:
        self.watch = Watching()
        self.texts: list[str] = []
        self._is_async = is_async
        self._server = server
        self.stream: Any = None

    def read(self, *, only_enter: bool = False, secrets: tuple[str, ...] = ()) -> None:
        retry = RetryPolicy(max_retries=0)
        call = Call(f"{self._server.base_url}/x", {}, b"{}", 5, retry, secrets=secrets)
        if self._is_async:
            asyncio.run(self._aread(call, only_enter=only_enter))
            return
        self.stream = AnswerStream(lambda: (transport.send(None, call), call, DECODING), self.watch)
        with self.stream as entered:
            assert entered is self.stream
            if not only_enter:
                self.texts.extend(delta.text for delta in entered)

    async def _aread(self, call: Call, *, only_enter: bool) -> None:
        async def ask() -> Any:
            return await transport.asend(None, call), call, DECODING

        self.stream = AsyncAnswerStream(ask, self.watch)
        async with self.stream as entered:
            assert entered is self.stream
            if not only_enter:
                async for delta in entered:
                    self.texts.append(delta.text)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def streaming(request: pytest.FixtureRequest, server: RecordingServer) -> Streaming:
    return Streaming(server, is_async=request.param)


def test_a_whole_stream_is_told_from_its_beginning_to_its_end(server: RecordingServer, streaming: Streaming) -> None:
    server.reply(events(0.02, deltas("Hel")[0], 0.02, *deltas("lo."), headers={"x-portkey-trace-id": "t"}))
    streaming.read()
    told = streaming.watch.told
    assert told[:3] == ["begin", "answering", "chunk"]
    assert told[-2:] == ["answered", "over"]
    assert {*told[2:-2]} == {"chunk"}
    assert streaming.watch.error is None
    assert "".join(streaming.texts) == "Hello."
    assert [each.text for each in streaming.watch.answers] == ["Hello."]
    assert streaming.stream.answer == streaming.watch.answers[0] == streaming.watch.so_far()
    assert streaming.stream.info.trace_id == "t"


@pytest.mark.parametrize("content_type", ["application/json", None])
def test_a_whole_answer_is_one_delta_and_no_chunk(
    server: RecordingServer, streaming: Streaming, content_type: str | None
) -> None:
    [_, body] = whole(answer()).pieces
    assert isinstance(body, bytes)
    spelt = b"content-type: application/json\r\n"
    server.reply(Reply((body if content_type else body.replace(spelt, b""),)))
    streaming.read()
    assert streaming.watch.told == ["begin", "answering", "answered", "over"]
    assert streaming.texts == ["Hello."]
    assert streaming.watch.answers[0].text == "Hello."


def test_a_whole_answer_may_come_in_pieces(server: RecordingServer, streaming: Streaming) -> None:
    [_, sent] = whole(answer()).pieces
    assert isinstance(sent, bytes)
    server.reply(Reply((sent[:-60], 0.02, sent[-60:-30], 0.02, sent[-30:])))
    streaming.read()
    assert streaming.watch.told == ["begin", "answering", "answered", "over"]
    assert streaming.texts == ["Hello."]


def test_a_stream_whose_type_says_more_is_one(server: RecordingServer, streaming: Streaming) -> None:
    server.reply(events(*deltas("Hello."), headers={"content-type": "text/event-stream; charset=utf-8"}))
    streaming.read()
    assert "chunk" in streaming.watch.told
    assert "".join(streaming.texts) == "Hello."


def test_a_call_that_never_began_is_over_with_its_error(server: RecordingServer, streaming: Streaming) -> None:
    server.reply(whole(b'{"error": "No."}', status=400))
    with pytest.raises(PortkeyError) as caught:
        streaming.read()
    assert streaming.watch.told == ["begin", "over"]
    assert streaming.watch.error is caught.value


def test_a_stream_that_breaks_is_over_with_its_error_and_what_came(
    server: RecordingServer, streaming: Streaming
) -> None:
    server.reply(events(deltas("Hel")[0], 0.05, end="cut"))
    with pytest.raises(StreamInterruptedError) as caught:
        streaming.read()
    assert "answered" not in streaming.watch.told
    assert streaming.watch.told[-1] == "over"
    assert streaming.watch.error is caught.value
    assert streaming.watch.so_far().text == streaming.stream.answer.text == "Hel"
    server.wait_until_open(0)


def test_a_stream_that_is_left_unread_is_over_without_an_answer(server: RecordingServer, streaming: Streaming) -> None:
    server.reply(events(deltas("Hel")[0], 30.0))
    streaming.read(only_enter=True)
    assert streaming.watch.told == ["begin", "answering", "over"]
    server.wait_until_open(0)


def test_an_event_that_only_the_end_completes_counts(server: RecordingServer, streaming: Streaming) -> None:
    first, last = deltas("Hello.")
    server.reply(events(first, event(last).rstrip(b"\n"), end="nothing"))
    streaming.read()
    assert "".join(streaming.texts) == "Hello."
    assert streaming.watch.told[-2:] == ["answered", "over"]
    [whole_answer] = streaming.watch.answers
    assert whole_answer.usage is not None
    assert whole_answer.usage.output_tokens == 2


def test_an_error_in_a_stream_shows_no_key(server: RecordingServer, streaming: Streaming) -> None:
    told = {"error": {"type": "api_error", "message": f"no such key: {KEY}"}}
    server.reply(events(deltas("Hel")[0], told))
    with pytest.raises(StreamProviderError) as caught:
        streaming.read(secrets=(KEY,))
    assert "no such key: [redacted]" in caught.value.message
    assert streaming.watch.error is caught.value


def test_what_was_used_and_not_told_because_the_end_broke_is_warned_of(
    server: RecordingServer, streaming: Streaming
) -> None:
    first, last = deltas("Hello.")
    del last["usage"]
    server.reply(events(first, last, event(b"[DONE]"), 0.05, end="reset"))
    with pytest.warns(UserWarning, match="what it used"):
        streaming.read()
    assert streaming.watch.answers[0].text == "Hello."
    server.reply(events(*deltas("Hello."), event(b"[DONE]"), 0.05, end="reset"))
    streaming.read()
    assert len(streaming.watch.answers) == 2
