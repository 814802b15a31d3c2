"""One request, and two providers who may answer it: the first fails, and the other takes what it is sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, Final, Literal

import pytest
from pydantic import BaseModel, Field

from portkey_gateway.sandbox import Sandbox
from tests.llamaindex.media import PNG
from tests.providers.behind import NAMES, target
from tests.providers.emulated import Call, EmulatedProvider, RefusedError, Said
from tests.providers.frameworks import FRAMEWORKS, LOOK, Framework, LlamaIndex, Way, whole_or_streamed
from tests.providers.wires import WIRES

PAIRS: Final = [
    ("azure-openai", "google"),
    ("google", "azure-openai"),
    ("azure-openai", "bedrock/anthropic"),
    ("bedrock/anthropic", "vertex-ai"),
    ("vertex-ai/anthropic", "bedrock/anthropic"),
    ("azure-openai", "mistral-ai"),
    ("mistral-ai", "vertex-ai/anthropic"),
    ("groq", "ollama"),
]
LOOKED: Final = Said(calls=(Call("look", {"at": "sky"}),), ending="tool_calls")
NOT_TODAY: Final = RefusedError("Not today.", 503)


class Order(BaseModel):
    """An order."""

    count: int = Field(gt=0)
    note: str | None
    size: Literal[1, 2]


class Count(BaseModel):
    """A count."""

    count: int


def tool(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "A tool.", "parameters": parameters}}


FORM: Final = {
    "type": "json_schema",
    "json_schema": {
        "name": "order",
        "schema": {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]},
    },
}
STRICT: Final = {
    "type": "json_schema",
    "json_schema": {
        "name": "order",
        "strict": True,
        "schema": {**FORM["json_schema"]["schema"], "additionalProperties": False},  # type: ignore[index]
    },
}
STRICT_LOOK: Final = {**LOOK, "function": {**LOOK["function"], "strict": True}}
pytestmark = pytest.mark.filterwarnings("ignore::portkey_gateway.errors.PortkeyWarning")


@pytest.fixture(params=PAIRS, ids="→".join)
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[str, EmulatedProvider, str, EmulatedProvider]]:
    """Two providers by their rows."""
    first, second = request.param
    with EmulatedProvider(WIRES[first]()) as failing, EmulatedProvider(WIRES[second]()) as answering:
        failing.say(NOT_TODAY)
        yield first, failing, second, answering


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest, sandbox: Sandbox, pair: Any) -> Framework:
    first, failing, second, answering = pair
    hosts = [each.base_url.removesuffix("/v1") for each in (failing, answering)]
    targets = [target(row, host) for row, host in zip((first, second), hosts, strict=True)]
    config = {"strategy": {"mode": "fallback", "on_status_codes": [503]}, "targets": targets}
    options = {"model": NAMES[first], "base_url": sandbox.base_url, "config": config, "max_retries": 0}
    return FRAMEWORKS[request.param]({**options, "api_format": "chat_completions"})


@whole_or_streamed
def test_the_other_takes_it(framework: Framework, pair: Any, way: Way) -> None:
    _, failing, _, answering = pair
    answering.say(LOOKED, Said("It is blue."))
    said = [framework.system("Be brief.", "Be kind."), framework.system("Be exact."), framework.user("Look.", PNG)]
    heard = framework.ask(way, said, tools=[LOOK])
    assert [call.name for call in heard.calls] == ["look"]
    answer = framework.ask(way, [*said, heard.message, framework.result(heard.calls[0], "blue")], tools=[LOOK])
    assert answer.text == "It is blue."
    assert answer.facts["target_index"] == "config.targets[1]"
    # It was overloaded, and took no exception to what it was asked.
    assert {refused.status for refused in failing.refused} == {503}
    assert not answering.refused
    received = json.dumps(answering.received)
    assert all(told in received for told in ("Be brief.", "Be kind.", "Be exact.", base64.b64encode(PNG).decode()))


@whole_or_streamed
def test_the_other_goes_on_in_the_middle_of_a_tool_loop(framework: Framework, pair: Any, way: Way) -> None:
    _, first, _, second = pair
    first.say(LOOKED, NOT_TODAY)
    second.say(Said("It is blue."))
    heard = framework.ask(way, [framework.user("Look.")], tools=[LOOK])
    assert heard.facts["target_index"] == "config.targets[0]"
    result = framework.result(heard.calls[0], "blue")
    answer = framework.ask(way, [framework.user("Look."), framework.stored(heard.message), result], tools=[LOOK])
    assert answer.text == "It is blue."
    assert not second.refused


@pytest.mark.parametrize("pair", [("azure-openai", "google"), ("google", "azure-openai")], indirect=True, ids="→".join)
@whole_or_streamed
def test_both_take_the_tools_and_schemas_of_pydantic_classes(framework: Framework, pair: Any, way: Way) -> None:
    _, failing, _, answering = pair
    schema = Order.model_json_schema()
    named = {"name": "order", "schema": schema}
    answering.say(Said('{"count": 1, "note": null, "size": 2}'))
    # One after the other: a Gemini before 3 refuses both together.
    tools = [tool("now", {"type": "object", "properties": {}}), tool("order", schema)]
    framework.ask(way, [framework.user("Order.")], tools=tools)
    form = {"type": "json_schema", "json_schema": named}
    asked = framework.ask(way, [framework.user("Order.")], response_format=form)
    assert Order.model_validate_json(asked.text) == Order(count=1, note=None, size=2)
    assert {refused.status for refused in failing.refused} == {503}
    assert not answering.refused


@pytest.mark.parametrize(
    "pair",
    [
        ("anthropic", "deepseek"),
        ("mistral-ai", "deepseek"),
        ("deepseek", "mistral-ai"),
        ("cohere", "deepseek"),
        ("openai", "deepseek"),
        ("google", "deepseek"),
        ("deepseek", "bedrock/anthropic"),
        ("openai", "cohere"),
    ],
    indirect=True,
    ids="→".join,
)
@pytest.mark.parametrize("method", [None, "json_schema", "json_mode"])
@whole_or_streamed
def test_both_are_asked_for_an_object_as_they_hear_it(
    framework: Framework, pair: Any, way: Way, method: str | None
) -> None:
    if isinstance(framework, LlamaIndex) and method:
        return  # it has one way, whatever the model
    first, failing, second, answering = pair
    is_called = (first, second) == ("openai", "cohere") and method is None
    count = {"count": 1}
    answering.say(Said(calls=(Call("Count", count),), ending="tool_calls") if is_called else Said(json.dumps(count)))
    given = framework.give(way, Count, "How many?", **({"method": method} if method else {}))
    assert given == Count(count=1)
    assert {refused.status for refused in failing.refused} == {503}
    assert not answering.refused
    for each in (failing, answering):
        assert '"count"' in json.dumps(each.received).replace('\\"', '"')  # each has heard of the schema


PARTLY: Final[list[Any]] = [
    (("azure-openai", "google"), {"reasoning_effort": "high"}, '"thinking_budget": 24576'),
    (("google", "azure-openai"), {"reasoning_effort": "high"}, '"reasoning_effort": "high"'),
    (("openai", "groq"), {"verbosity": "low", "prompt_cache_key": "a"}, '"messages"'),
    (("azure-openai", "cohere"), {"response_format": FORM}, '"response_format": {"type": "json_object", "json_schema"'),
    (("azure-openai", "deepseek"), {"response_format": FORM}, '"response_format": {"type": "json_object"}'),
    (("cohere", "azure-openai"), {"response_format": FORM}, '"type": "json_schema"'),
    (("cohere", "deepseek"), {"response_format": FORM}, "JSON schema below"),
    (("google", "azure-openai"), {"response_format": STRICT}, '"additionalProperties": false'),
    (("azure-openai", "cohere"), {"tools": [STRICT_LOOK]}, '"name": "look"'),
]


@pytest.fixture
def _thinking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let OpenAI's model be one that thinks."""
    monkeypatch.setitem(NAMES, "azure-openai", "gpt-5")


@pytest.mark.usefixtures("_thinking")
@pytest.mark.parametrize(("pair", "asked", "received"), PARTLY, indirect=["pair"])
@whole_or_streamed
def test_each_is_asked_in_its_own_words(
    framework: Framework, pair: Any, way: Way, asked: dict[str, Any], received: str
) -> None:
    _, failing, _, answering = pair
    said = Said('{"count": 1}')
    answering.say(said)
    assert framework.ask(way, [framework.user("Order in JSON.")], **asked).text == said.text
    assert {refused.status for refused in failing.refused} == {503}
    assert not answering.refused
    assert received in json.dumps(answering.received)
