"""The proof of its thoughts that Gemini 3 wants to see again on the calls that came of them, and nobody else."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from portkey_langchain import ChatPortkey
from tests.providers.emulated import Call, EmulatedProvider, Said
from tests.providers.frameworks import LOOK, Framework, Way, any_way
from tests.support.recording import RecordingServer

CALLED: Final = Said("I will look.", calls=(Call("look", {"at": "sky"}), Call("look", {"at": "sea"})))


@pytest.mark.parametrize("row", ["google", "vertex-ai"], indirect=True)
@any_way
def test_a_gemini_sees_its_proof_and_the_names_of_its_tools_again(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    provider.say(CALLED)
    heard = framework.ask(way, [framework.user("Look.")], tools=[LOOK])
    results = [framework.result(call, "blue") for call in heard.calls]
    framework.ask(way, [framework.user("Look."), framework.stored(heard.message), *results], tools=[LOOK])
    _, called, answered = provider.received["contents"]
    assert [part.get("thoughtSignature") for part in called["parts"]] == [None, "Eq8B", None]
    assert [part["functionResponse"]["name"] for part in answered["parts"]] == ["look", "look"]


SPOKEN: Final = [
    {"role": "user", "parts": [{"text": "Look."}]},
    {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"at": "sky"}}}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"output": "blue"}}}]},
]


@pytest.mark.parametrize("row", ["google"], indirect=True)
@pytest.mark.parametrize(
    ("model", "contents", "status"),
    [
        ("gemini-2.5-flash", SPOKEN, 200),
        ("gemini-3-pro-preview", SPOKEN, 400),
        ("gemini-3.5-flash", [*SPOKEN, {"role": "user", "parts": [{"text": "Go on."}]}], 200),
    ],
)
def test_google_refuses_a_call_of_the_turn_without_proof(
    provider: EmulatedProvider, model: str, contents: Any, status: int
) -> None:
    url = f"{provider.base_url.removesuffix('/v1')}/v1beta/models/{model}:generateContent?key=key"
    assert httpx.post(url, json={"contents": contents}).status_code == status


@pytest.mark.parametrize("row", ["google", "vertex-ai"], indirect=True)
@pytest.mark.parametrize("model", ["gemini-3-pro-preview", "gemini-3.5-flash"])
@any_way
def test_a_gemini_goes_on_after_a_call_of_another_model(
    framework: Framework, provider: EmulatedProvider, way: Way, model: str
) -> None:
    provider.say(CALLED)
    [first, second] = framework.ask(way, [framework.user("Look.")], tools=[LOOK]).calls
    foreign = framework.called(first, second)
    framework.model = framework.model.with_options(model=model)
    results = [framework.result(call, "blue") for call in (first, second)]
    heard = framework.ask(way, [framework.user("Look."), foreign, *results], tools=[LOOK])
    assert heard.calls
    _, called, _ = provider.received["contents"]
    proofs = [part.get("thoughtSignature") for part in called["parts"]]
    assert proofs == ["skip_thought_signature_validator", None]
    assert provider.refused == []


@pytest.mark.parametrize("row", ["google"], indirect=True)
@any_way
def test_an_older_gemini_is_told_of_no_proof_that_there_is_not(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    provider.say(CALLED)
    [call, _] = framework.ask(way, [framework.user("Look.")], tools=[LOOK]).calls
    framework.ask(way, [framework.user("Look."), framework.called(call), framework.result(call, "blue")], tools=[LOOK])
    _, called, _ = provider.received["contents"]
    assert "thoughtSignature" not in called["parts"][0]


def test_it_is_told_to_nobody_else(server: RecordingServer) -> None:
    call = {"name": "look", "args": {}, "id": "1", "type": "tool_call"}
    kwargs = {"tool_call_extras": {"1": {"thought_signature": "Eq8B"}}}
    answer = AIMessage("", tool_calls=[call], additional_kwargs=kwargs)
    history = [HumanMessage("Look."), answer, ToolMessage("blue", tool_call_id="1")]
    for name, provider in (("gpt-5", "openai"), ("claude-sonnet-4-6", "anthropic")):
        model = ChatPortkey(model=name, provider=provider, base_url=server.base_url, api_format="chat_completions")
        model.invoke(history)
        assert "Eq8B" not in json.dumps(server.requests[-1].json)
