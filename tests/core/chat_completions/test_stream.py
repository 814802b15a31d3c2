"""The bytes of a streamed answer: events as WHATWG defines them, chunks, and every way an answer breaks off."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portkey_gateway.chat_completions.stream import ChunkStream
from portkey_gateway.chat_completions.wire import Chunk
from portkey_gateway.errors import StreamDecodeError, StreamError, StreamProviderError, StreamTruncatedError
from portkey_gateway.http.events import EventDecoder
from portkey_gateway.info import GatewayInfo

WIRE = Path(__file__).parents[2] / "wire"
INFO = GatewayInfo(200, trace_id="trace-1", request_id="req_1")


def events(*pieces: bytes) -> list[bytes]:
    """The events that end with a blank line, as the standard has it."""
    decoder = EventDecoder()
    return [payload for piece in pieces for payload in decoder.feed(piece)]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(cut % (len(data) + 1) for cut in cuts)
    return [data[start:end] for start, end in itertools.pairwise([0, *places, len(data)])]


def outcome(*pieces: bytes) -> tuple[list[Chunk], StreamError | None]:
    """The chunks that were delivered, and the error that ended them."""
    delivered: list[Chunk] = []
    try:
        for chunk in decode(*pieces):
            delivered.append(chunk)  # noqa: PERF402 what came before an error is the point
    except StreamError as error:
        return delivered, error
    return delivered, None


def decode(*pieces: bytes) -> Iterator[Chunk]:
    stream = ChunkStream(INFO)
    for piece in pieces:
        yield from stream.feed(piece)
    yield from stream.close()


def data(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def text_chunk(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}]}


DONE = b"data: [DONE]\n\n"

# --- events: WHATWG HTML, 9.2.6 ---------------------------------------------------------------------------------------


def test_whatwg_example_of_one_message_in_three_lines() -> None:
    assert events(b"data: YHOO\ndata: +2\ndata: 10\n\n") == [b"YHOO\n+2\n10"]


def test_whatwg_example_with_a_comment_and_ids() -> None:
    stream = (
        b": test stream\n\n"
        b"data: first event\nid: 1\n\n"
        b"data:second event\nid\n\n"
        b"data:  third event\n\n"
    )  # fmt: skip
    assert events(stream) == [b"first event", b"second event", b" third event"]


def test_whatwg_example_with_empty_data() -> None:
    # The last block is discarded, since no blank line follows it.
    assert events(b"data\n\ndata\ndata\n\ndata:") == [b"", b"\n"]


def test_whatwg_example_with_and_without_a_space() -> None:
    assert events(b"data:test\n\ndata: test\n\n") == [b"test", b"test"]


def test_an_event_without_data_is_no_event() -> None:
    assert events(b"event: ping\n\n: comment\n\nretry: 10\n\ndatabase: x\n\n\n\n") == []


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_of_the_standard(line_end: bytes) -> None:
    stream = line_end.join([b"event: x", b"data: a", b"data: b", b"", b"data: c", b"", b"data: d"])
    assert events(stream) == [b"a\nb", b"c"]


def test_mixed_line_ends() -> None:
    assert events(b"data: a\r\n\ndata: b\n\r\ndata: c\r\rdata: d\n\rdata: e") == [b"a", b"b", b"c", b"d"]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_other_separators_are_data(separator: str) -> None:
    text = f"one{separator}two"
    assert events(f"data: {text}\n\n".encode()) == [text.encode()]


def test_one_byte_order_mark_at_the_start_is_left_out() -> None:
    mark = b"\xef\xbb\xbf"
    assert events(mark + b"data: a\n\n" + mark + b"data: b\n\ndata: c\n\n") == [b"a", b"c"]
    assert events(mark + mark + b"data: a\n\n") == []


def test_the_end_completes_an_event_that_lacks_its_blank_line() -> None:
    for end in (b"", b"\n", b"\r", b"\r\n"):
        decoder = EventDecoder()
        assert decoder.feed(b"data: a" + end) == []
        assert decoder.close() == [b"a"]


def test_pieces_of_a_long_event_are_joined_once() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: ") == []
    for _ in range(1000):
        assert decoder.feed(b"x" * 100) == []
    assert len(decoder._waiting) == 1001
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"\ndata: b\n\n") == [b"x" * 100_000, b"b"]


EVENT_BYTES = st.lists(
    st.sampled_from(
        [b"data: ", b"data:", b"data", b":", b"\n", b"\r", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"{}", b" ", b"id: 1"]
    ),
    max_size=30,
).map(b"".join)


@given(stream=EVENT_BYTES, cuts=st.lists(st.integers(0, 200), max_size=12))
@example(stream=b"\n\n\xef\xbb\xbfdata: a\n\n", cuts=[2])
@example(stream=b"\xef\xbb\xbfdata: a\r\r\n\n", cuts=[1, 2, 12, 13, 14])
def test_any_cut_of_the_bytes_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    assert events(*pieces_of(stream, cuts)) == events(stream)


@given(stream=EVENT_BYTES)
def test_byte_by_byte_gives_the_same_events_and_the_same_end(stream: bytes) -> None:
    whole, single = EventDecoder(), EventDecoder()
    expected = whole.feed(stream) + whole.close()
    assert [payload for byte in stream for payload in single.feed(bytes([byte]))] + single.close() == expected


# --- chunks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mixed.sse", "mixed_strict.sse", "search.sse", "guardrail.sse"])
def test_the_gateways_streams_are_whole(name: str) -> None:
    stream = (WIRE / name).read_bytes()
    chunks, error = outcome(stream)
    assert error is None
    assert len(chunks) == stream.count(b"data: ") - 1


@given(name=st.sampled_from(["mixed.sse", "overloaded.sse", "cut.sse", "guardrail.sse"]), cuts=st.lists(st.integers(0)))
def test_any_cut_of_the_gateways_bytes_gives_the_same_chunks_and_the_same_error(name: str, cuts: list[int]) -> None:
    stream = (WIRE / name).read_bytes()
    chunks, error = outcome(stream)
    chunks_in_pieces, error_in_pieces = outcome(*pieces_of(stream, cuts))
    assert chunks_in_pieces == chunks
    assert (type(error_in_pieces), str(error_in_pieces)) == (type(error), str(error))


def test_hook_results_may_come_before_the_answer_or_after_its_end() -> None:
    hooks = {"hook_results": {"before_request_hooks": [{"verdict": True}]}}
    answer = text_chunk("Hi", "end_turn")
    assert outcome(data(hooks) + data(answer) + DONE) == ([hooks, answer], None)
    assert outcome(data(answer) + DONE + data(hooks)) == ([answer, hooks], None)


def test_a_usage_chunk_has_no_choices() -> None:
    answer, usage = text_chunk("Hi", "stop"), {"choices": [], "usage": {"total_tokens": 3}}
    stream = data(answer) + data(usage) + data({"choices": None}) + DONE
    assert outcome(stream) == ([answer, usage, {"choices": None}], None)


@pytest.mark.parametrize("end_mark", [b"data: [DONE]\n\n", b"data:[DONE]\r\n\r\n", b"data: [DONE] \n", b"data: [DONE]"])
def test_every_spelling_of_the_end_mark(end_mark: bytes) -> None:
    assert outcome(data(text_chunk("Hi", "stop")) + end_mark) == ([text_chunk("Hi", "stop")], None)


def test_an_answer_with_a_finish_reason_is_whole_without_the_end_mark() -> None:
    """Gemini's streams have none, nor have those of some hosts of open models; usage may follow the finish reason."""
    answer = [text_chunk("Hi"), text_chunk("", "STOP"), {"choices": [], "usage": {"total_tokens": 3}}]
    assert outcome(*map(data, answer)) == (answer, None)


def test_a_finish_reason_may_be_told_twice() -> None:
    chunk = {"choices": [{"delta": {"content": "Hi", "finish_reason": "stop"}, "finish_reason": "stop"}]}
    assert outcome(data(chunk) + DONE) == ([chunk], None)


def test_half_a_surrogate_pair_does_not_break_the_stream() -> None:
    # JavaScript's JSON.stringify writes it so where the gateway cuts a cached answer inside an emoji.
    end = text_chunk("", "stop")
    chunks, error = outcome(rb'data: {"choices":[{"delta":{"content":"\ud83d"}}]}' + b"\n\n" + data(end) + DONE)
    assert error is None
    assert chunks == [{"choices": [{"delta": {"content": "\ud83d"}}]}, end]


# --- answers that break off -------------------------------------------------------------------------------------------

BROKEN_OFF: dict[str, tuple[bytes, type[StreamError], str]] = {
    "Bedrock's error, as the gateway tells it": (
        data({"choices": [{"delta": {"role": "assistant", "finish_reason": "stop"}}]}) + DONE,
        StreamProviderError,
        "the gateway does not say which",
    ),
    "an end mark without a finish reason": (DONE, StreamTruncatedError, "cut off"),
    "a finish reason that is an error": (
        data(text_chunk("", "overloaded_error")) + DONE,
        StreamProviderError,
        "overloaded_error",
    ),
    "an error object": (
        data({"error": {"type": "api_error", "message": "Internal server error"}}) + DONE,
        StreamProviderError,
        "api_error: Internal server error",
    ),
    "an error object with a code": (
        data({"error": {"code": 502, "message": "Bad gateway"}}),
        StreamProviderError,
        "502: Bad gateway",
    ),
    "an error text": (data({"error": "out of memory"}), StreamProviderError, "error: out of memory"),
    "no end mark": (b"", StreamTruncatedError, "before its end mark"),
    "half an event": (b'data: {"choices":[{"del', StreamDecodeError, "not the JSON object"),
    "an event that is not JSON": (b"data: oops\n\n" + DONE, StreamDecodeError, "'oops'"),
    "an empty event": (b"data:\n\n" + DONE, StreamDecodeError, "''"),
    "an event that is a list": (b"data: [1]\n\n" + DONE, StreamDecodeError, "not the JSON object"),
    "choices that are text": (data({"choices": "no"}) + DONE, StreamDecodeError, "not the JSON object"),
    "choices that are null": (data({"choices": [None]}) + DONE, StreamDecodeError, "not the JSON object"),
    "bytes that are not text": (b"data: \xff\xfe\n\n" + DONE, StreamDecodeError, "not the JSON object"),
}


@pytest.mark.parametrize("name", BROKEN_OFF)
def test_an_answer_that_breaks_off_raises_after_what_came_before(name: str) -> None:
    end, error_class, message = BROKEN_OFF[name]
    said = [text_chunk("Hel"), text_chunk("lo")]
    stream = b"".join(map(data, said)) + end
    for pieces in ([stream], [bytes([byte]) for byte in stream]):
        chunks, error = outcome(*pieces)
        assert chunks == said
        assert isinstance(error, StreamError)
        assert type(error) is error_class
        assert message in error.message
        assert error.info is INFO


def test_no_bytes_at_all_are_a_truncated_answer() -> None:
    assert isinstance(outcome()[1], StreamTruncatedError)


def test_the_gateways_own_error_chunk() -> None:
    chunks, error = outcome((WIRE / "overloaded.sse").read_bytes())
    assert len(chunks) == 5
    assert isinstance(error, StreamProviderError)
    assert error.error_type == "overloaded_error"
    assert error.is_retryable
    assert error.body["choices"][0]["finish_reason"] == "overloaded_error"
    assert str(error) == (
        "the provider broke off its answer: overloaded_error (status 200, request id req_1, trace id trace-1)"
    )


def test_the_gateways_cut_stream() -> None:
    chunks, error = outcome((WIRE / "cut.sse").read_bytes())
    assert len(chunks) == 5
    assert type(error) is StreamTruncatedError


def test_a_lasting_error_is_not_retryable() -> None:
    error = outcome(data({"error": {"type": "invalid_request_error"}}))[1]
    assert isinstance(error, StreamProviderError)
    assert not error.is_retryable


def test_an_unreadable_event_is_shown_in_part() -> None:
    error = outcome(b"data: " + b"x" * 5000 + b"\n\n")[1]
    assert isinstance(error, StreamDecodeError)
    assert error.body == "x" * 200
