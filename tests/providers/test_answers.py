"""The same answers of every provider: text, thoughts, how they ended, and what they cost."""

from __future__ import annotations

import pytest

from docs.provider_tables import COLUMNS
from tests.providers.emulated import INPUT_TOKENS, LOGPROB, OUTPUT_TOKENS, Call, EmulatedProvider, Ending, Said
from tests.providers.frameworks import LOOK, Framework, LlamaIndex, Way, any_way, is_streamed, whole_or_streamed
from tests.providers.wires import ASKED


@any_way
def test_a_text(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    provider.say(Said("Grüße aus Köln. 🌞"))
    heard = framework.ask(way, [framework.user("Hi")])
    assert not provider.refused
    assert heard.text == "Grüße aus Köln. 🌞"
    assert heard.facts["finish_reason"] == "stop"
    is_told = COLUMNS[row].tells_usage_in_streams or not is_streamed(way)
    assert heard.tokens == ((INPUT_TOKENS, OUTPUT_TOKENS) if is_told else None)


@whole_or_streamed
def test_thoughts(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    provider.say(Said("Yes.", thinking="Hm, well."))
    heard = framework.ask(way, [framework.user("Hi")])
    assert heard.text == "Yes."
    is_told = ("streamed" if is_streamed(way) else "whole") in COLUMNS[row].thoughts
    assert heard.thinking == ("Hm, well." if is_told else "")


@pytest.mark.filterwarnings("ignore:logprobs come to nothing")
@pytest.mark.parametrize("row", [row for row in ASKED if "logprobs" in COLUMNS[row].parameters], indirect=True)
@whole_or_streamed
def test_how_likely_its_words_were(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    provider.say(Said("Yes.", is_weighed=True))
    told = framework.ask(way, [framework.user("Hi")], logprobs=True).facts.get("logprobs")
    assert not provider.refused
    is_told = ("streamed" if is_streamed(way) else "whole") in COLUMNS[row].logprobs
    assert {each["logprob"] for each in (told or {"content": []})["content"]} == ({LOGPROB} if is_told else set())


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


@any_way
def test_the_headers_of_a_response_are_told_to_who_wants_them(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    assert "headers" not in framework.ask(way, [framework.user("Hi")]).facts
    framework.model = framework.model.with_options(include_response_headers=True)
    headers = framework.ask(way, [framework.user("Hi")]).facts["headers"]
    assert headers["x-portkey-provider"] == framework.model.provider
    assert "content-type" in headers
    assert not provider.refused
