"""Calls show up in LlamaIndex's events, callbacks and spans, once each, and without keys."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.callbacks.schema import EventPayload
from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.llms import ChatMessage
from llama_index_instrumentation import get_dispatcher

from portkey_gateway import ServerError, StreamError
from portkey_llamaindex import Portkey
from tests.llamaindex.listeners import Events, Spans
from tests.llamaindex.ways import CHAT, ask, ask_all, every_way, streamed_way
from tests.support.recording import RecordingServer, deltas, events, whole

KEY = "sk-ant-of-one-call"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Events]:
    handler = Events()
    monkeypatch.setattr(get_dispatcher(), "event_handlers", [handler])
    yield handler
    handler.seen.clear()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    handler = Spans()
    monkeypatch.setattr(get_dispatcher(), "span_handlers", [handler])
    yield handler
    handler.seen.clear()
    handler.shown.clear()


@pytest.fixture
def answering(recorded: Portkey, server: RecordingServer) -> Portkey:
    """Answers `Hello.` to whole calls and in two pieces to streamed ones."""
    server.reply(whole({"choices": [{"message": {"content": "Hello."}, "finish_reason": "end_turn"}]}))
    return recorded


def stream_hello(server: RecordingServer, way: str) -> None:
    if "stream" in way:
        server.reply(events(*deltas("Hel", "lo.")))


@every_way
def test_the_events_are_those_of_llamaindex_own_models(
    answering: Portkey, server: RecordingServer, seen: Events, way: str
) -> None:
    stream_hello(server, way)
    number = len(ask_all(answering, way, "Hi"))
    kind = "Chat" if way in CHAT else "Completion"
    progress = [f"LLM{kind}InProgressEvent"] * number if "stream" in way else []
    assert seen.names() == [f"LLM{kind}StartEvent", *progress, f"LLM{kind}EndEvent"]
    end: Any = seen.seen[-1]
    assert "Hello." in str(end.response)
    assert {event.span_id for event in seen.seen} == {seen.seen[0].span_id}


@every_way
def test_every_call_has_one_span(answering: Portkey, server: RecordingServer, spans: Spans, way: str) -> None:
    stream_hello(server, way)
    ask(answering, way, "Hi")
    assert spans.seen == [("new", f"Portkey Portkey.{way}"), ("exit", f"Portkey.{way}")]


@every_way
def test_callbacks_hear_start_and_end(answering: Portkey, server: RecordingServer, way: str) -> None:
    stream_hello(server, way)
    handler = LlamaDebugHandler(print_trace_on_end=False)
    ask(answering.with_options(callback_manager=CallbackManager([handler])), way, "Hi", temperature=0.5)
    [(start, end)] = handler.get_event_pairs(CBEventType.LLM)
    assert start.payload is not None
    assert end.payload is not None
    assert start.payload[EventPayload.ADDITIONAL_KWARGS] == {"temperature": 0.5}
    assert start.payload[EventPayload.SERIALIZED]["model_name"] == "claude-sonnet-4-5"
    assert "Hello." in str(end.payload[EventPayload.RESPONSE if way in CHAT else EventPayload.COMPLETION])


@every_way
def test_a_failed_call_is_announced_as_failed(
    recorded: Portkey, server: RecordingServer, spans: Spans, way: str
) -> None:
    server.reply(whole({"error": {"message": "down"}}, status=500))
    handler = LlamaDebugHandler(print_trace_on_end=False)
    with pytest.raises(ServerError, match="down"):
        ask(recorded.with_options(callback_manager=CallbackManager([handler])), way, "Hi")
    [(_, end)] = handler.get_event_pairs(CBEventType.LLM)
    assert end.payload is not None
    assert isinstance(end.payload[EventPayload.EXCEPTION], ServerError)
    # A stream fails when it is read: its span is over by then.
    assert spans.seen[-1][0] == ("exit" if "stream" in way else "drop")


@streamed_way
def test_a_stream_that_breaks_is_announced_as_broken(
    recorded: Portkey, server: RecordingServer, seen: Events, way: str
) -> None:
    said, _why_it_ended = deltas("Hel")
    server.reply(events(said, end="nothing"))
    with pytest.raises(StreamError):
        ask(recorded, way, "Hi")
    failed = seen.seen[-1]
    assert isinstance(failed, ExceptionEvent)
    assert isinstance(failed.exception, StreamError)


@every_way
def test_keys_and_headers_of_one_call_are_sent_and_shown_to_nobody(
    answering: Portkey, server: RecordingServer, seen: Events, spans: Spans, way: str
) -> None:
    stream_hello(server, way)
    handler = LlamaDebugHandler(print_trace_on_end=False)
    llm = answering.with_options(callback_manager=CallbackManager([handler]))
    ask(llm, way, "Hi", provider_api_key=KEY, default_headers={"x-own": KEY}, config={"api_key": KEY})
    [request] = server.requests
    assert request.header("authorization") == f"Bearer {KEY}"
    assert request.header("x-own") == KEY
    payloads = [event.payload for event in handler.get_event_pairs(CBEventType.LLM)[0]]
    shown = f"{seen.seen} {[event.model_dump() for event in seen.seen]} {spans.shown} {payloads}"
    assert "Hello" in shown
    assert KEY not in shown


def test_a_handler_added_later_hears_calls_with_options_of_their_own(answering: Portkey) -> None:
    handler = LlamaDebugHandler(print_trace_on_end=False)
    # Not the one that all models share: what is added to that stays.
    llm = answering.with_options(callback_manager=CallbackManager([]))
    llm.callback_manager.add_handler(handler)
    llm.chat([ChatMessage("Hi")], trace_id="t1")
    assert len(handler.get_event_pairs(CBEventType.LLM)) == 1


@every_way
def test_the_methods_still_say_what_they_are(way: str) -> None:
    method = getattr(Portkey, way)
    assert method.__name__ == way
    assert method.__doc__
    assert next(iter(inspect.signature(method).parameters)) == "self"
