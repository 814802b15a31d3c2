"""Edges of Gemini's answers, and of the binary stream of Bedrock."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from typing_extensions import override

from portkey_gateway.errors import InvalidResponseError, StreamError
from tests.providers.converse import message
from tests.providers.emulated import Call, EmulatedProvider, Said
from tests.providers.frameworks import LOOK, Framework, Way, any_way, is_streamed, streamed
from tests.providers.gemini import Gemini, told_at_once
from tests.providers.openai_like import DeepSeek

geminis = pytest.mark.parametrize("row", ["google"], indirect=True)


class AtOnce(Gemini):
    """A Gemini that tells everything in one event."""

    def __init__(self, *, calls_first: bool) -> None:
        self._calls_first = calls_first

    @override
    def stream(self, said: Said) -> list[bytes]:
        return self.framed([told_at_once(said, calls_first=self._calls_first)])


@geminis
@streamed
def test_a_call_behind_a_text_in_one_event_is_lost(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    provider.wire = AtOnce(calls_first=False)
    provider.say(Said("I will look.", calls=(Call("look", {"at": "sky"}),)))
    heard = framework.ask(way, [framework.user("Look.")], tools=[LOOK])
    assert (heard.text, heard.calls) == ("I will look.", ())


@geminis
@streamed
def test_a_text_behind_a_call_in_one_event_spoils_nothing(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    provider.wire = AtOnce(calls_first=True)
    provider.say(Said("I will look.", calls=(Call("look", {"at": "sky"}),)))
    [call] = framework.ask(way, [framework.user("Look.")], tools=[LOOK]).calls
    assert (call.name, call.arguments) == ("look", {"at": "sky"})


class Searching(Gemini):
    """A Gemini that looked something up."""

    found: ClassVar = {"webSearchQueries": ["sky"], "groundingChunks": [{"web": {"uri": "https://x.y", "title": "t"}}]}

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        told = super().whole(said)
        told["candidates"][0]["groundingMetadata"] = self.found
        return told

    @override
    def stream(self, said: Said) -> list[bytes]:
        return self.framed([told_at_once(Said(text="It"), calls_first=False), self.whole(said)])


@geminis
@any_way
def test_what_a_gemini_found_is_told(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    provider.wire = Searching()
    assert framework.ask(way, [framework.user("Hi")]).facts["grounding_metadata"] == Searching.found


class Blocking(Gemini):
    """A Gemini that takes no such prompt."""

    blocked: ClassVar = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "gemini-2.5-flash"}

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        return self.blocked

    @override
    def stream(self, said: Said) -> list[bytes]:
        return self.framed([self.blocked])


@geminis
@any_way
def test_a_prompt_that_is_blocked_has_no_answer(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    provider.wire = Blocking()
    error, words = (StreamError, "cut off") if is_streamed(way) else (InvalidResponseError, "blockReason")
    with pytest.raises(error, match=words):
        framework.ask(way, [framework.user("Hi")])


class Busy(DeepSeek):
    """A DeepSeek under load."""

    is_busy = True


@pytest.mark.parametrize("row", ["deepseek"], indirect=True)
@any_way
def test_a_busy_deepseek_answers_whole_and_breaks_streams(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    """The gateway takes the comment that keeps a stream alive for an event, and ends the stream at it."""
    provider.wire = Busy()
    if is_streamed(way):
        with pytest.raises(StreamError, match="cut off"):
            framework.ask(way, [framework.user("Hi")])
    else:
        assert framework.ask(way, [framework.user("Hi")]).text == "Hello."
    assert len(provider.requests) == 1


def test_a_binary_message_is_as_amazon_writes_it() -> None:
    """``empty_message`` of the test vectors of Amazon's event streams."""
    assert message(b"", b"").hex() == "000000100000000005c248eb7d98c8ff"
