"""`response_format` that binds Claude's answer itself: in every form people write it, whole and streamed, in agents."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, TypedDict, TypeVar

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field, ValidationError

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.support.recording import RecordingServer, whole
from tests.support.recording import answer as told

Received = Callable[[], dict[str, Any]]
ASKED = "Tell the weather. city: Paris, degrees: 21."
THINKING = {"type": "enabled", "budget_tokens": 1024}


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int = Field(ge=-90, le=60)


class WeatherDict(TypedDict):
    """The weather of a city."""

    city: str
    degrees: int


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"{city}: sunny, 21 degrees"


PARIS = Weather(city="Paris", degrees=21)
SCHEMA = Weather.model_json_schema()
FORMS = [
    pytest.param(Weather, id="class"),
    pytest.param(WeatherDict, id="TypedDict"),
    pytest.param(SCHEMA, id="schema"),
    pytest.param({name: value for name, value in SCHEMA.items() if name != "title"}, id="schema without a title"),
    pytest.param({"type": "json_schema", "json_schema": {"name": "Weather", "schema": SCHEMA}}, id="OpenAI's form"),
]


@pytest.fixture
def model(sandbox: Sandbox) -> ChatPortkey:
    return ChatPortkey(model=sandbox.model, max_retries=0, **sandbox.options(), api_format="messages")


@any_call
@pytest.mark.parametrize("form", FORMS)
def test_every_form_binds_the_answer(model: ChatPortkey, received: Received, ask: Ask, form: Any) -> None:
    answer = ask(model.bind(response_format=form), ASKED)
    assert Weather.model_validate_json(answer.text) == PARIS
    assert not answer.tool_calls
    assert answer.response_metadata["finish_reason"] == "stop"
    body = received()
    assert "tools" not in body
    assert body["output_config"]["format"]["schema"]["additionalProperties"] is False


@any_call
@pytest.mark.parametrize("api_format", ["messages", "chat_completions"])
def test_a_class_leaves_its_object(model: ChatPortkey, ask: Ask, api_format: Any) -> None:
    """As ``ChatOpenAI`` does; ``ChatAnthropic`` (1.7.10) tells the text alone."""
    asked = model.with_options(api_format=api_format)
    assert ask(asked, ASKED, response_format=Weather).additional_kwargs["parsed"] == PARIS
    always = asked.with_options(response_format=Weather)
    assert ask(always, ASKED).additional_kwargs["parsed"] == PARIS
    assert "parsed" not in ask(asked, ASKED, response_format=SCHEMA).additional_kwargs


CALL: Any = {"type": "tool_use", "name": "get_weather", "input": {}}


@any_call
@pytest.mark.parametrize("said", [[CALL], [{"type": "text", "text": "Let me look."}, CALL]])
def test_where_a_tool_is_called_there_is_none(model: ChatPortkey, sandbox: Sandbox, ask: Ask, said: Any) -> None:
    sandbox.claude.reply_with(*said)
    answer = ask(model.bind_tools([get_weather]).bind(response_format=Weather), ASKED)
    assert answer.additional_kwargs["parsed"] is None


@any_call
@pytest.mark.parametrize("api_format", ["messages", "chat_completions"])
@pytest.mark.parametrize("said", ["It is sunny.", '{"city": "Paris"}', '{"city": "Paris", "degrees": "warm"}'])
def test_an_answer_that_does_not_fit_is_an_error_that_has_it(
    model: ChatPortkey, sandbox: Sandbox, ask: Ask, api_format: Any, said: str
) -> None:
    """As of ``ChatOpenAI``, so that nothing goes on with an object that is none."""
    sandbox.claude.reply_with({"type": "text", "text": said})
    asked = model.with_options(api_format=api_format, response_format=Weather)
    with pytest.raises(ValidationError, match="for Weather") as caught:
        ask(asked, ASKED)
    told: Any = caught.value
    assert told.response.usage_metadata["output_tokens"] > 0
    assert told.response.response_metadata["finish_reason"] == "stop"


@any_call
def test_an_answer_that_was_cut_is_an_error_that_says_so(model: ChatPortkey, ask: Ask) -> None:
    with pytest.raises(OutputParserException, match="no Weather: the answer was cut off, by max_tokens") as caught:
        ask(model.bind(response_format=Weather, max_tokens=2), ASKED)
    told: Any = caught.value
    assert told.response.response_metadata["finish_reason"] == "length"


def test_a_limit_that_cannot_bind_is_told_in_words(model: ChatPortkey, received: Received) -> None:
    model.with_structured_output(Weather, method="json_schema").invoke(ASKED)
    degrees = received()["output_config"]["format"]["schema"]["properties"]["degrees"]
    assert degrees == {"type": "integer", "description": "maximum: 60, minimum: -90"}


@any_call
def test_it_binds_while_claude_thinks(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model.bind(response_format=Weather, thinking=THINKING, max_tokens=4000), ASKED)
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
    assert Weather.model_validate_json(answer.text) == PARIS


@pytest.mark.parametrize("thinking", [None, THINKING])
@pytest.mark.parametrize("asked", [Weather, ProviderStrategy(Weather)], ids=lambda kind: type(kind).__name__)
def test_an_agent_ends_with_an_object(model: ChatPortkey, sandbox: Sandbox, asked: Any, thinking: Any) -> None:
    agent: Any = create_agent(model.with_options(thinking=thinking), [get_weather], response_format=asked)
    result = agent.invoke({"messages": [HumanMessage("What is the weather in Paris?")]})
    assert result["structured_response"] == PARIS
    for request in sandbox.claude.requests:
        assert [each["name"] for each in request.body["tools"]] == ["get_weather"]
        assert request.body["output_config"]["format"]["type"] == "json_schema"


class Scores(BaseModel):
    """Points by name."""

    points: dict[str, int]


@any_call
def test_a_schema_beyond_what_binds_goes_as_a_tool(model: ChatPortkey, sandbox: Sandbox, ask: Ask) -> None:
    call = {"type": "tool_use", "name": "Scores", "input": {"points": {"Ann": 3}}}
    sandbox.claude.reply_with(call)
    answer = ask(model.bind(response_format=Scores), "Who has how many?")
    assert Scores.model_validate_json(answer.text) == Scores(points={"Ann": 3})
    body = sandbox.claude.requests[-1].body
    assert "output_config" not in body
    assert body["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize("form", FORMS)
def test_another_model_gets_it_in_openai_s_form(server: RecordingServer, form: Any) -> None:
    other = ChatPortkey(model="gpt-5", provider="openai", provider_api_key="sk-x", base_url=server.base_url)
    server.reply(whole(told(PARIS.model_dump_json())))
    other.invoke(ASKED, response_format=form)
    asked = server.requests[-1].json["response_format"]
    assert asked["type"] == "json_schema"
    assert asked["json_schema"]["schema"]["required"] == ["city", "degrees"]


def test_other_kinds_of_format_stay_as_they_are(server: RecordingServer) -> None:
    other = ChatPortkey(model="gpt-5", provider="openai", provider_api_key="sk-x", base_url=server.base_url)
    other.invoke(ASKED, response_format={"type": "json_object"})
    assert server.requests[-1].json["response_format"] == {"type": "json_object"}


class Other(BaseModel):
    """Something else."""

    item: int


@any_call
@pytest.mark.parametrize("api_format", ["messages", "chat_completions"])
@pytest.mark.parametrize("form", FORMS)
def test_a_format_of_the_model_itself(model: ChatPortkey, ask: Ask, api_format: Any, form: Any) -> None:
    always = model.with_options(response_format=form, api_format=api_format)
    assert Weather.model_validate_json(ask(always, ASKED).text) == PARIS


def test_the_schema_that_is_asked_for_wins_over_the_model_s_own(model: ChatPortkey, received: Received) -> None:
    always = model.with_options(response_format=Weather)
    assert always.with_structured_output(Other).invoke("item: 5") == Other(item=5)
    assert "output_config" not in received()


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    """A box."""

    held: T


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_a_generic_class_has_a_name_that_openai_takes(server: RecordingServer, method: Any) -> None:
    other = ChatPortkey(model="gpt-5", provider="openai", provider_api_key="sk-x", base_url=server.base_url)
    other.with_structured_output(Box[int], method=method, include_raw=True).invoke("held: 5")
    sent = server.requests[-1].json
    name = (
        sent["response_format"]["json_schema"]["name"]
        if method == "json_schema"
        else sent["tools"][0]["function"]["name"]
    )
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)
