"""``ChatPortkey`` beside ``ChatOpenAI``: tools, and answers of a form."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, messages_from_dict, messages_to_dict
from langchain_core.tools import tool
from pydantic import BaseModel

from tests.conformance.beside import Pair, check_says_as_much, once_each, plain
from tests.langchain.ask import Ask, any_call

# OpenAI's SDK warns of the object that ChatOpenAI leaves in a message.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")

CITY: Final = {
    "title": "City",
    "description": "A city.",
    "type": "object",
    "properties": {"name": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["name", "population"],
}
LISBON: Final = {"name": "Lisbon", "population": 545000}
QUESTION: Final = "Which city is in the text? name: Lisbon, population: 545000. Answer in JSON."


class City(BaseModel):
    """A city."""

    name: str
    population: int


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"{city}: sunny"


@once_each
@pytest.mark.parametrize("choice", ["auto", "any", "get_weather", None])
def test_a_tool_loop(pair: Pair, ask: Ask, choice: str | None) -> None:
    question = HumanMessage("What is the weather in Paris?")
    call = check_says_as_much(
        pair.ask(lambda model: ask(model.bind_tools([get_weather], tool_choice=choice), [question]))
    )
    [called] = call.tool_calls
    history = [question, call, ToolMessage("Paris: sunny", tool_call_id=called["id"])]
    answer = check_says_as_much(pair.ask(lambda model: ask(model.bind_tools([get_weather]), history)))
    assert "sunny" in answer.text


@once_each
@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls(pair: Pair, ask: Ask, parallel: bool) -> None:
    def weather(model: Any) -> AIMessage:
        bound = model.bind_tools([get_weather], tool_choice="any", parallel_tool_calls=parallel)
        return ask(bound, "What is the weather in Paris and in Rome?")

    check_says_as_much(pair.ask(weather))
    assert pair.sent["parallel_tool_calls"] is parallel


def test_several_calls_of_several_choices(gpt_4o: Pair) -> None:
    def calls(model: Any) -> list[Any]:
        bound = model.bind_tools([get_weather], tool_choice="any").bind(n=2)
        result = bound.bound.generate([[HumanMessage("What is the weather in Paris?")]], **bound.kwargs)
        return [generation.message for generation in result.generations[0]]

    messages = check_says_as_much(gpt_4o.ask(calls))
    assert [message.tool_calls[0]["args"] for message in messages] == [{"city": "Paris"}] * 2
    assert len({message.tool_calls[0]["id"] for message in messages}) == 2


@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize("schema", [City, CITY])
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_an_object(
    pair: Pair, method: Literal["function_calling", "json_schema"], schema: Any, strict: bool | None
) -> None:
    def objects(model: Any) -> list[Any]:
        *_, streamed = model.with_structured_output(schema, method=method, strict=strict).stream(QUESTION)
        told = model.with_structured_output(schema, method=method, strict=strict, include_raw=True).invoke(QUESTION)
        raw = told["raw"]
        return [
            *map(plain, (streamed, told["parsed"])),
            raw.content,
            raw.tool_calls,
            raw.response_metadata["finish_reason"],
        ]

    streamed, whole, *_ = check_says_as_much(pair.ask(objects))
    assert streamed == whole == LISBON


def test_an_object_in_json_mode(pair: Pair) -> None:
    """``ChatOpenAI`` leaves it to the user to tell the model the schema."""
    instructed = f"{QUESTION} Use this JSON schema: {json.dumps(CITY)}"

    def objects(model: Any) -> list[Any]:
        chain = model.with_structured_output(City, method="json_mode", include_raw=True)
        return [chain.invoke(question)["parsed"] for question in (QUESTION, instructed)]

    _, ours = pair.ask(objects)
    assert plain(ours) == [LISBON, LISBON]
    assert pair.sent["response_format"] == {"type": "json_object"}


@any_call
def test_a_format_of_the_answer(pair: Pair, ask: Ask) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "City", "schema": {**CITY, "additionalProperties": False}}}
    answer = check_says_as_much(pair.ask(lambda model: ask(model, QUESTION, response_format=form)))
    assert json.loads(answer.text) == LISBON


@any_call
@pytest.mark.parametrize(("refusal", "parsed"), [(None, City(**LISBON)), ("No.", None)])
def test_a_class_as_the_format_of_the_answer_leaves_its_object(
    gpt_4o: Pair, ask: Ask, refusal: str | None, parsed: City | None
) -> None:
    def left(model: Any) -> Any:
        answer = ask(model.bind(response_format=City), QUESTION)
        return {name: value for name, value in answer.additional_kwargs.items() if value is not None}

    ours = check_says_as_much(gpt_4o.ask(left, **({"refusal": refusal} if refusal else {})))
    assert ours.get("parsed") == parsed


@any_call
def test_a_stored_object_is_one_of_plain_values(gpt_4o: Pair, ask: Ask) -> None:
    """The object goes as it does with ``ChatOpenAI``: by ``messages_to_dict``, and back to the model unread."""

    def stored(model: Any) -> Any:
        answer = ask(model.bind(response_format=City), QUESTION)
        [loaded] = messages_from_dict(json.loads(json.dumps(messages_to_dict([answer]))))
        ask(model, [HumanMessage(QUESTION), answer, HumanMessage("Hi")])
        ask(model, [HumanMessage(QUESTION), loaded, HumanMessage("Hi")])
        return loaded.additional_kwargs["parsed"]

    assert check_says_as_much(gpt_4o.ask(stored)) == LISBON
    assert gpt_4o.sent["messages"][1].keys() == {"role", "content"}
