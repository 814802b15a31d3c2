"""Answers of several choices, and spoken ones: decoded whole and streamed, and told again to whoever answers next."""

from __future__ import annotations

import json
import time
from typing import Any, cast

import pytest

from portkey_gateway.chat_completions.blocks import encode_message
from portkey_gateway.chat_completions.encode import encode_request
from portkey_gateway.chat_completions.stream import DECODING
from portkey_gateway.conversation.request import ChatRequest, Message
from portkey_gateway.errors import EncodingError, InvalidResponseError
from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages.blocks import encode_messages
from portkey_gateway.routing import Route

INFO = GatewayInfo()
SOUND = {"id": "audio_1", "data": "AAAA", "transcript": "Hello.", "expires_at": 7}
USAGE = {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}


def choice(index: int, **message: Any) -> dict[str, Any]:
    return {"index": index, "message": {"role": "assistant", "content": None, **message}, "finish_reason": "stop"}


def whole(*choices: Any) -> bytes:
    return json.dumps({"id": "1", "model": "gpt-4o", "choices": choices, "usage": USAGE}).encode()


def call(name: str) -> dict[str, Any]:
    return {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": "{}"}}


def test_every_choice_is_an_answer_of_its_own() -> None:
    content = whole(choice(0, content="One."), choice(1, refusal="No."), choice(2, tool_calls=[call("a_b")]))
    answer = DECODING._replace(names={"a_b": "a.b"}).decode(content, INFO)
    refused, called = answer.others
    assert (answer.text, refused.refusal, called.tool_calls[0].name) == ("One.", "No.", "a.b")
    assert answer.usage == refused.usage == called.usage
    assert refused.others == called.others == ()


@pytest.mark.parametrize("broken", [{"index": 1}, {"index": 1, "message": None}, None, 3])
def test_a_choice_that_is_none_is_an_error(broken: Any) -> None:
    with pytest.raises(InvalidResponseError, match="no choices with a message"):
        DECODING.decode(whole(choice(0, content="One."), broken), INFO)


@pytest.mark.parametrize("provider", ["openai", None])
def test_a_stream_of_several_answers_is_refused(provider: str | None) -> None:
    request: ChatRequest = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    more = cast("ChatRequest", {**request, "stream": True, "n": 2})
    with pytest.raises(EncodingError, match="n=2 asks for several answers, and a stream tells one"):
        encode_request(more, Route(provider=provider))
    assert json.loads(encode_request({**more, "stream": False}, Route(provider=provider)).body)["n"] == 2


@pytest.mark.parametrize("stream", [True, False])
def test_options_of_a_stream_go_out_with_streams_alone(*, stream: bool) -> None:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    request = cast("ChatRequest", {**asked, "stream_options": {"include_obfuscation": False}})
    body = json.loads(encode_request(request, Route(provider="openai")).body)
    told = {"include_usage": True, "include_obfuscation": False}
    assert body.get("stream_options") == (told if stream else None)


def test_a_spoken_answer_is_the_same_whole_and_streamed() -> None:
    at_once = DECODING.decode(whole(choice(0, audio=SOUND)), INFO)
    pieces: list[dict[str, Any]] = [
        {"id": "audio_1", "transcript": "Hel"}, {"id": "audio_1", "transcript": "lo."}, {"data": "AA"}, {"data": "AA"},
        {"expires_at": 7},
    ]  # fmt: skip
    frame = {"id": "1", "model": "gpt-4o"}
    chunks: list[Any] = [{**frame, "choices": [{"index": 0, "delta": {"audio": piece}}]} for piece in pieces]
    chunks.append({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE})
    fold = DECODING.begin(INFO)
    deltas = [fold.add(chunk) for chunk in chunks]
    assert fold.answer() == at_once
    assert at_once.audio == SOUND
    assert "".join((delta.audio or {}).get("data", "") for delta in deltas) == "AAAA"


def spoken(**more: Any) -> Message:
    sound = {"id": "audio_1", "transcript": "Hello.", **more}
    return cast("Message", {"role": "assistant", "content": "", "audio": sound})


@pytest.mark.parametrize(
    ("targets", "keeps_it"),
    [
        ((("openai", "gpt-4o-audio-preview"),), True),
        (((None, "own-model"),), True),
        ((("google", "gemini-2.5-pro"),), False),
        ((("openai", "gpt-4o-audio-preview"), ("anthropic", "claude-sonnet-4-5")), False),
    ],
)
def test_a_spoken_answer_is_told_again_by_its_id_or_in_words(targets: Any, *, keeps_it: bool) -> None:
    told = encode_message(spoken(expires_at=time.time() + 60), "messages[0]", Route(targets=targets))
    by_id = {"role": "assistant", "content": "", "audio": {"id": "audio_1"}}
    assert told == (by_id if keeps_it else {"role": "assistant", "content": "Hello."})


def test_what_openai_knows_no_more_is_told_in_words() -> None:
    route = Route(targets=(("openai", "gpt-4o-audio-preview"),))
    assert encode_message(spoken(expires_at=time.time() - 1), "messages[0]", route).get("content") == "Hello."
    assert encode_messages([spoken()]) == [{"role": "assistant", "content": [{"type": "text", "text": "Hello."}]}]
