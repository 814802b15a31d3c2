"""The same answers of every provider: text, thoughts, how they ended, and what they cost."""

from __future__ import annotations

from typing import Final

import pytest

from tests.providers.emulated import INPUT_TOKENS, OUTPUT_TOKENS, Call, EmulatedProvider, Ending, Said
from tests.providers.frameworks import LOOK, Framework, LlamaIndex, Way, any_way, is_streamed, whole_or_streamed

# Their streams tell no usage that the gateway would pass on.
_NO_USAGE_IN_STREAMS: Final = {"ollama"}
# Where the gateway drops thoughts (``cohere/chatComplete.ts``, ``groq/chatComplete.ts``), or there are none.
_NO_THOUGHTS: Final = {"azure-openai": "never", "cohere": "never", "groq": "whole"}


@any_way
def test_a_text(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    provider.say(Said("Grüße aus Köln. 🌞"))
    heard = framework.ask(way, [framework.user("Hi")])
    assert not provider.refused
    assert heard.text == "Grüße aus Köln. 🌞"
    assert heard.facts["finish_reason"] == "stop"
    if not (is_streamed(way) and row in _NO_USAGE_IN_STREAMS):
        assert heard.tokens == (INPUT_TOKENS, OUTPUT_TOKENS)


@whole_or_streamed
def test_thoughts(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    provider.say(Said("Yes.", thinking="Hm, well."))
    heard = framework.ask(way, [framework.user("Hi")])
    assert heard.text == "Yes."
    told = _NO_THOUGHTS.get(row, "always")
    if told == "always" or told == ("streamed" if is_streamed(way) else "whole"):
        assert heard.thinking == "Hm, well."
    else:
        assert not heard.thinking


@pytest.mark.parametrize("ending", ["length", "content_filter"])
@whole_or_streamed
def test_how_it_ended(framework: Framework, provider: EmulatedProvider, row: str, way: Way, ending: Ending) -> None:
    if row == "cohere" and ending == "content_filter":
        return  # its API has no such ending
    provider.say(Said("Once upon", ending=ending))
    assert framework.ask(way, [framework.user("Hi")]).facts["finish_reason"] == ending


@whole_or_streamed
def test_a_call_that_was_cut_is_no_call(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    if row == "deepseek":
        return  # the gateway carries no calls of it
    provider.say(Said(calls=(Call("look", {"at": "sky"}),), ending="length"))
    if isinstance(framework, LlamaIndex):
        with pytest.raises(ValueError, match=r"was cut off.*no tool is run on half of its arguments"):
            framework.ask(way, [framework.user("Look.")], tools=[LOOK])
        return
    heard = framework.ask(way, [framework.user("Look.")], tools=[LOOK])
    assert not heard.calls
    assert heard.facts["finish_reason"] == "length"
