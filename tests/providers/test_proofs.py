"""The proof of its thoughts that Gemini 3 wants to see again on the calls that came of them, and nobody else."""

from __future__ import annotations

import json
from typing import Final

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


def test_it_is_told_to_nobody_else(server: RecordingServer) -> None:
    call = {"name": "look", "args": {}, "id": "1", "type": "tool_call"}
    kwargs = {"tool_call_extras": {"1": {"thought_signature": "Eq8B"}}}
    answer = AIMessage("", tool_calls=[call], additional_kwargs=kwargs)
    history = [HumanMessage("Look."), answer, ToolMessage("blue", tool_call_id="1")]
    for name, provider in (("gpt-5", "openai"), ("claude-sonnet-4-6", "anthropic")):
        model = ChatPortkey(model=name, provider=provider, base_url=server.base_url, api_format="chat_completions")
        model.invoke(history)
        assert "Eq8B" not in json.dumps(server.requests[-1].json)
