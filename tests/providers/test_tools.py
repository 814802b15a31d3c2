"""Tools with each provider: offered, called, answered, forced, and shown to it again."""

from __future__ import annotations

import base64
import json
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import pytest

from docs.provider_tables import COLUMNS
from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.llamaindex.media import PNG
from tests.providers.behind import reached
from tests.providers.emulated import Call, EmulatedProvider, Said
from tests.providers.frameworks import LOOK, Framework, Way, any_way, whole_or_streamed
from tests.providers.wires import ASKED

CALLED: Final = Said("I will look.", calls=(Call("look", {"at": "sky"}), Call("look", {"at": "sea"})),
                     ending="tool_calls")  # fmt: skip
_REQUIRED: Final = '"tool_choice": "required"'
_LOOK: Final = '"tool_choice": {"type": "function", "function": {"name": "look"}}'
_CLAUDE: Final = ('"tool_choice": {"type": "any"}', '"tool_choice": {"type": "tool", "name": "look"}')
FORCED: Final = {
    "openai": (_REQUIRED, _LOOK),
    "anthropic": _CLAUDE,
    "messages": _CLAUDE,
    "azure-openai": (_REQUIRED, _LOOK),
    "groq": (_REQUIRED, _LOOK),
    "mistral-ai": ('"tool_choice": "any"', _LOOK),
    "cohere": ('"tool_choice": "REQUIRED"', '"tool_choice": "REQUIRED"'),
    "google": ('{"mode": "ANY"}', '{"mode": "ANY", "allowed_function_names": ["look"]}'),
    "vertex-ai": ('{"mode": "ANY"}', '{"mode": "ANY", "allowed_function_names": ["look"]}'),
    "bedrock/anthropic": ('"toolChoice": {"any": {}}', '"toolChoice": {"tool": {"name": "look"}}'),
    "vertex-ai/anthropic": _CLAUDE,
    "ollama": ("", ""),
}
"""How each provider is told that some tool, or this one, has to be called."""
TASTE: Final[dict[str, Any]] = {**LOOK, "function": {**LOOK["function"], "name": "taste"}}
NO_TOOLS: Final = [row for row in ASKED if "tools" not in COLUMNS[row].parameters]
with_tools: Final = pytest.mark.parametrize("row", [row for row in ASKED if row not in NO_TOOLS], indirect=True)


def unheard(row: str, match: str) -> AbstractContextManager[Any]:
    """A warning where the gateway drops what was asked."""
    return nullcontext() if COLUMNS[row].keeps_calls else pytest.warns(PortkeyWarning, match=match)


@with_tools
@any_way
def test_a_tool_loop(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    provider.say(CALLED, Said("Both are blue."))
    heard = framework.ask(way, [framework.user("Look.")], tools=[LOOK])
    assert not provider.refused
    assert [(call.name, call.arguments) for call in heard.calls] == [("look", {"at": "sky"}), ("look", {"at": "sea"})]
    assert heard.text == "I will look."
    results = [framework.result(call, f"blue {call.arguments['at']}") for call in heard.calls]
    with unheard(row, "tool calls of earlier turns do not reach Cohere as such"):
        answer = framework.ask(way, [framework.user("Look."), heard.message, *results], tools=[LOOK])
    assert not provider.refused
    assert answer.text == "Both are blue."
    received = json.dumps(provider.received)
    assert all(told in received for told in ("blue sky", "blue sea", "look", "I will look."))


@pytest.mark.parametrize("choice", ["any", "look"])
@with_tools
@whole_or_streamed
def test_a_forced_tool(framework: Framework, provider: EmulatedProvider, row: str, way: Way, choice: str) -> None:
    provider.say(Said(calls=(Call("look", {"at": "sky"}),), ending="tool_calls"))
    is_carried = "tool_choice" in COLUMNS[row].parameters
    lost = nullcontext() if is_carried else pytest.warns(PortkeyWarning, match="tool_choice does not reach")
    with lost:
        heard = framework.ask(way, [framework.user("Hi")], tools=[LOOK, TASTE], tool_choice=choice)
    assert not provider.refused
    assert [call.name for call in heard.calls] == ["look"]
    assert FORCED[row][choice == "look"] in json.dumps(provider.received)
    if choice == "look" and "one" not in COLUMNS[row].choices:
        assert "taste" not in json.dumps(provider.received)


@pytest.mark.parametrize("row", NO_TOOLS, indirect=True)
@whole_or_streamed
def test_tools_that_the_gateway_drops_are_an_error(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    with pytest.raises(EncodingError, match="tools do not reach DeepSeek"):
        framework.ask(way, [framework.user("Hi")], tools=[LOOK])
    assert not provider.requests


@pytest.mark.parametrize("row", ASKED)
def test_what_the_frameworks_are_told_of_tools(row: str) -> None:
    options = reached(row, "http://localhost:8787/v1", "http://localhost:1")
    profile: Any = ChatPortkey(**options).profile or {}
    is_carried = "tools" in COLUMNS[row].parameters
    assert profile.get("tool_calling", True) is is_carried
    assert profile.get("tool_choice", True) is ("tool_choice" in COLUMNS[row].parameters)
    assert Portkey(**options).metadata.is_function_calling_model is is_carried


@with_tools
@whole_or_streamed
def test_an_image_that_a_tool_returned(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    provider.say(Said(calls=(Call("look", {"at": "sky"}),), ending="tool_calls"), Said("It is blue."))
    heard = framework.ask(way, [framework.user("Look.")], tools=[LOOK])
    said = [framework.user("Look."), heard.message, framework.result(heard.calls[0], "Here:", PNG)]
    with unheard(row, "tool calls of earlier turns"):
        assert framework.ask(way, said, tools=[LOOK]).text == "It is blue."
    assert not provider.refused
    assert base64.b64encode(PNG).decode() in json.dumps(provider.received)


@with_tools
@pytest.mark.parametrize("tools", [[LOOK], []], ids=["with tools", "without"])
@whole_or_streamed
def test_a_call_behind_an_answer_of_its_own(
    framework: Framework, provider: EmulatedProvider, row: str, way: Way, tools: list[Any]
) -> None:
    provider.say(CALLED, Said("It is blue."))
    call, _ = framework.ask(way, [framework.user("Look.")], tools=[LOOK]).calls
    said = [framework.assistant("I shall look."), framework.called(call), framework.result(call, "blue sky")]
    is_lost = not COLUMNS[row].keeps_calls or (not tools and COLUMNS[row].wants_tools_of_calls)
    with pytest.warns(PortkeyWarning, match="tool calls of earlier turns") if is_lost else nullcontext():
        assert framework.ask(way, [framework.user("Look."), *said], tools=tools).text == "It is blue."
    assert not provider.refused
    assert all(told in json.dumps(provider.received) for told in ("I shall look.", "blue sky"))


@with_tools
@pytest.mark.parametrize("tools", [[LOOK], []], ids=["with tools", "without"])
@whole_or_streamed
def test_a_user_goes_on_behind_a_result(
    framework: Framework, provider: EmulatedProvider, row: str, way: Way, tools: list[Any]
) -> None:
    provider.say(CALLED, Said("It is blue."))
    heard = framework.ask(way, [framework.user("Look.")], tools=[LOOK])
    results = [framework.result(call, "blue " + call.arguments["at"]) for call in heard.calls]
    is_lost = not COLUMNS[row].keeps_calls or (not tools and COLUMNS[row].wants_tools_of_calls)
    lost = pytest.warns(PortkeyWarning, match="tool calls of earlier turns") if is_lost else nullcontext()
    with lost:
        answer = framework.ask(
            way, [framework.user("Look."), heard.message, *results, framework.user("Sum it up.")], tools=tools
        )
    assert answer.text == "It is blue."
    assert not provider.refused
    received = json.dumps(provider.received)
    assert all(told in received for told in ("blue sky", "blue sea", "look", "Sum it up."))
