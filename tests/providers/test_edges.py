"""Edges of Gemini's answers, and of the binary stream of Bedrock."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar, Final

import pytest
from langchain_core.messages import AIMessage
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from typing_extensions import override

from portkey_gateway.errors import InvalidResponseError, PortkeyWarning, StreamError
from tests.llamaindex.media import PNG
from tests.providers.converse import message
from tests.providers.emulated import Call, EmulatedProvider, Said
from tests.providers.frameworks import LOOK, Framework, LlamaIndex, Way, any_way, is_streamed, streamed
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


TODAY: Final = {"timeRangeFilter": {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-02T00:00:00Z"}}
NEAR: Final = {"latLng": {"latitude": 54, "longitude": 10}}


@pytest.mark.parametrize("row", ["google", "vertex-ai"], indirect=True)
@pytest.mark.parametrize(
    ("name", "options", "arrived"),
    [
        ("google_search", None, {"googleSearch": {}}),
        ("google_search", TODAY, {"googleSearch": TODAY}),
        ("google_search_retrieval", {"dynamicRetrievalConfig": {"mode": "MODE_DYNAMIC"}},
         {"googleSearchRetrieval": {"dynamicRetrievalConfig": {"mode": "MODE_DYNAMIC"}}}),
        ("googleMaps", {"enableWidget": True, "retrievalConfig": NEAR}, {"googleMaps": {"enableWidget": True}}),
        ("computerUse", {"environment": "ENVIRONMENT_MAC"}, {"computerUse": {"environment": "ENVIRONMENT_MAC"}}),
    ],
)  # fmt: skip
@any_way
def test_google_s_own_tools_arrive_with_their_options(
    framework: Framework, provider: EmulatedProvider, way: Way, *, name: str, options: Any, arrived: Any
) -> None:
    function = {"name": name, **({"parameters": options} if options else {})}
    framework.ask(way, [framework.user("Hi")], tools=[{"type": "function", "function": function}])
    assert not provider.refused
    assert provider.received["tools"] == [arrived]
    if options and "retrievalConfig" in options:
        assert provider.received["tool_config"] == {"retrievalConfig": NEAR}


class Drawing(Gemini):
    """A Gemini that draws."""

    picture: ClassVar = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}}

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        told = super().whole(said)
        told["candidates"][0]["content"]["parts"].append(self.picture)
        return told

    @override
    def stream(self, said: Said) -> list[bytes]:
        drawn = told_at_once(Said(), calls_first=False)
        drawn["candidates"][0] = {"content": {"parts": [self.picture], "role": "model"}, "index": 0}
        return self.framed([told_at_once(said, calls_first=False) | {"candidates": _text(said)}, drawn, _ended()])


def _text(said: Said) -> list[dict[str, Any]]:
    return [{"content": {"parts": [{"text": said.text}], "role": "model"}, "index": 0}]


def _ended() -> dict[str, Any]:
    return told_at_once(Said(text=" "), calls_first=False)


@geminis
@any_way
def test_a_picture_that_a_gemini_drew_is_shown_to_it_again(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    provider.wire = Drawing()
    provider.say(Said("Here:"))
    heard = framework.ask(way, [framework.user("Draw.")])
    assert heard.text.strip() == "Here:"
    if isinstance(framework, LlamaIndex):
        [drawn] = [block for block in heard.message.blocks if isinstance(block, ImageBlock)]
        assert (drawn.resolve_image().read(), drawn.image_mimetype) == (PNG, "image/png")
    framework.ask(way, [framework.user("Draw."), framework.stored(heard.message), framework.user("Make it red.")])
    assert not provider.refused
    [_, shown, _] = provider.received["contents"]
    assert [part for part in shown["parts"] if "text" not in part] == [Drawing.picture]
    assert shown["role"] == "model"


@pytest.mark.parametrize("row", ["openai", "anthropic", "messages", "mistral-ai", "cohere", "groq"], indirect=True)
@any_way
def test_others_are_not_shown_it_and_that_is_said(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    drawn: Any
    if isinstance(framework, LlamaIndex):
        drawn = ChatMessage(role="assistant", blocks=[TextBlock(text="Here:"), ImageBlock(image=PNG)])
    else:
        url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
        drawn = AIMessage([{"type": "text", "text": "Here:"}, {"type": "image_url", "image_url": {"url": url}}])
    with pytest.warns(PortkeyWarning, match="a picture that the model drew .* is left out"):
        framework.ask(way, [framework.user("Draw."), drawn, framework.user("Make it red.")])
    assert not provider.refused
    assert "Here:" in json.dumps(provider.received)


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
