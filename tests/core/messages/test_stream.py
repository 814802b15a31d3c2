"""The bytes of a streamed message: its events however they are cut, and every way an answer breaks off."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.errors import StreamDecodeError, StreamError, StreamProviderError, StreamTruncatedError
from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages.decode import MessageFold
from portkey_gateway.messages.stream import DECODING, MessageEvents
from portkey_gateway.messages.wire import Event

INFO = GatewayInfo(200, trace_id="trace-1", request_id="req_1")


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(cut % (len(data) + 1) for cut in cuts)
    return [data[start:end] for start, end in itertools.pairwise([0, *places, len(data)])]


def decode(*pieces: bytes) -> Iterator[Event]:
    stream = MessageEvents(INFO)
    for piece in pieces:
        yield from stream.feed(piece)
    yield from stream.close()


def outcome(*pieces: bytes) -> tuple[list[Event], StreamError | None]:
    """The events that were delivered, and the error that ended them."""
    delivered: list[Event] = []
    try:
        for event in decode(*pieces):
            delivered.append(event)  # noqa: PERF402 what came before an error is the point
    except StreamError as error:
        return delivered, error
    return delivered, None


def data(value: Any) -> bytes:
    name = f"event: {value['type']}\n" if isinstance(value, dict) and "type" in value else ""
    return f"{name}data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


SAID: list[Any] = [
    {"type": "message_start", "message": {"id": "msg_1", "model": "claude-sonnet-4-5", "content": []}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Köln\u2028☀️ 🌞"}},
]
END: list[Any] = [
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]
STREAMS = {
    "whole": b"".join(map(data, [*SAID, *END])),
    "cut": b"".join(map(data, SAID)),
    "half an event": b"".join(map(data, SAID))[:-9],
    "overloaded": b"".join(map(data, [*SAID, {"type": "error", "error": {"type": "overloaded_error"}}, *END])),
}


def test_the_route_s_answers_are_decoded_by_these() -> None:
    assert DECODING[:2] == (MessageFold, MessageEvents)


def test_a_stream_that_ends_with_message_stop_is_whole() -> None:
    assert outcome(STREAMS["whole"]) == ([*SAID, *END], None)


@pytest.mark.parametrize("reason", [None, ""])
def test_an_end_mark_without_a_reason_to_stop_is_no_end(reason: str | None) -> None:
    ends = [[END[-1]], [{"type": "message_delta", "delta": {"stop_reason": reason}}, END[-1]]]
    for end in ends:
        events, error = outcome(b"".join(map(data, [*SAID, *end])))
        assert (events, type(error)) == ([*SAID, *end], StreamTruncatedError)


@given(name=st.sampled_from(sorted(STREAMS)), cuts=st.lists(st.integers(0), max_size=12))
def test_any_cut_of_the_bytes_gives_the_same_events_and_the_same_error(name: str, cuts: list[int]) -> None:
    events, error = outcome(STREAMS[name])
    events_in_pieces, error_in_pieces = outcome(*pieces_of(STREAMS[name], cuts))
    assert events_in_pieces == events
    assert (type(error_in_pieces), str(error_in_pieces)) == (type(error), str(error))


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_byte_by_byte_gives_the_same_events(name: str) -> None:
    stream = STREAMS[name]
    assert outcome(*(bytes([byte]) for byte in stream))[0] == outcome(stream)[0]


def test_hook_results_come_before_the_answer_or_after_its_end() -> None:
    hooks = {"hook_results": {"before_request_hooks": [{"verdict": True}]}}
    named = b"event: hook_results\n" + data(hooks)
    assert outcome(named + STREAMS["whole"]) == ([hooks, *SAID, *END], None)
    assert outcome(STREAMS["whole"] + named) == ([*SAID, *END, hooks], None)


@pytest.mark.parametrize("mark", [b"data: [DONE]\n\n", b"data:[DONE]\r\n\r\n", b"data: [DONE] \n", b"data: [DONE]"])
def test_openai_s_end_mark_is_passed_over_and_ends_nothing(mark: bytes) -> None:
    assert outcome(STREAMS["whole"] + mark) == ([*SAID, *END], None)
    assert outcome(mark + b"\n\n" + STREAMS["whole"]) == ([*SAID, *END], None)
    events, error = outcome(STREAMS["cut"] + mark)
    assert (events, type(error)) == (SAID, StreamTruncatedError)


def test_the_last_event_may_lack_its_blank_line() -> None:
    assert outcome(STREAMS["whole"].rstrip(b"\n")) == ([*SAID, *END], None)


def test_half_a_surrogate_pair_does_not_break_the_stream() -> None:
    half = rb'data: {"type":"content_block_delta","delta":{"text":"\ud83d"}}' + b"\n\n"
    events = [{"type": "content_block_delta", "delta": {"text": "\ud83d"}}, *END[1:]]
    assert outcome(half + b"".join(map(data, END[1:]))) == (events, None)


BROKEN_OFF: dict[str, tuple[bytes, type[StreamError], str]] = {
    "an error event": (
        data({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        StreamProviderError,
        "the provider broke off its answer: overloaded_error: Overloaded",
    ),
    "an error event that says nothing": (data({"type": "error"}), StreamProviderError, "answer: error"),
    "an error object of another shape": (
        data({"error": {"code": 502, "message": "Bad gateway"}, "provider": "anthropic"}),
        StreamProviderError,
        "502: Bad gateway",
    ),
    "an error text": (data({"error": "out of memory"}), StreamProviderError, "error: out of memory"),
    "no end": (b"", StreamTruncatedError, "before its end mark"),
    "half an event": (b'data: {"type":"content_blo', StreamDecodeError, "not the JSON object"),
    "an event that is not JSON": (b"data: oops\n\n", StreamDecodeError, "'oops'"),
    "an empty event": (b"data:\n\n", StreamDecodeError, "''"),
    "an event that is a list": (b"data: [1]\n\n", StreamDecodeError, "not the JSON object"),
    "an event that is a text": (b'data: "[DONE]"\n\n', StreamDecodeError, "not the JSON object"),
    "bytes that are not text": (b"data: \xff\xfe\n\n", StreamDecodeError, "not the JSON object"),
}


@pytest.mark.parametrize("name", BROKEN_OFF)
@pytest.mark.parametrize("rest", [b"", b"".join(map(data, END))], ids=["end", "more"])
def test_an_answer_that_breaks_off_raises_after_what_came_before(name: str, rest: bytes) -> None:
    end, error_class, message = BROKEN_OFF[name]
    if not end.endswith(b"\n\n"):
        rest = b""
    stream = STREAMS["cut"] + end + rest
    for pieces in ([stream], [bytes([byte]) for byte in stream]):
        events, error = outcome(*pieces)
        assert events == SAID
        assert isinstance(error, StreamError)
        assert type(error) is error_class
        assert message in error.message
        assert error.info is INFO


def test_no_bytes_at_all_are_a_truncated_answer() -> None:
    assert isinstance(outcome()[1], StreamTruncatedError)


def test_what_a_provider_s_error_says_can_be_asked_for() -> None:
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_2"}
    error = outcome(data(event))[1]
    assert isinstance(error, StreamProviderError)
    assert (error.error_type, error.body, error.is_retryable) == ("overloaded_error", event, True)
    assert str(error).endswith("overloaded_error: Overloaded (status 200, request id req_1, trace id trace-1)")


def test_a_lasting_error_is_not_retryable() -> None:
    error = outcome(data({"type": "error", "error": {"type": "invalid_request_error"}}))[1]
    assert isinstance(error, StreamProviderError)
    assert not error.is_retryable


def test_an_unreadable_event_is_shown_in_part() -> None:
    error = outcome(b"data: " + b"x" * 5000 + b"\n\n")[1]
    assert isinstance(error, StreamDecodeError)
    assert error.body == "x" * 200
