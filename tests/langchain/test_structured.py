"""Structured output: what the model is asked, and what comes back."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel
from pydantic.v1 import BaseModel as BaseModelV1

from portkey_langchain.object_form import Method, Schema

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox
    from portkey_langchain import ChatPortkey

QUESTION = "Which city is in the text? Name: Lisbon, population: 545000. Return JSON."
METHODS: tuple[Method, ...] = ("function_calling", "json_schema", "json_mode")
BY_SCHEMA: tuple[Method, ...] = ("function_calling", "json_schema")


class City(BaseModel):
    """A city."""

    name: str
    population: int


class CityV1(BaseModelV1):
    """A city."""

    name: str
    population: int


class CityDict(TypedDict):
    """A city."""

    name: str
    population: int


BOUND = {
    "type": "json_schema",
    "schema": {
        "type": "object",
        "description": "A city.",
        "properties": {"name": {"type": "string"}, "population": {"type": "integer"}},
        "required": ["name", "population"],
        "additionalProperties": False,
    },
}
"""The schema in the words that bind Claude."""
LISBON: dict[str, Any] = {"name": "Lisbon", "population": 545000}
SCHEMAS = [
    pytest.param(City, City(**LISBON), id="pydantic"),
    pytest.param(CityV1, CityV1(**LISBON), id="pydantic-v1"),
    pytest.param(CityDict, LISBON, id="typed-dict"),
    pytest.param(City.model_json_schema(), LISBON, id="json-schema"),
]

any_method = pytest.mark.parametrize("method", METHODS)
by_schema = pytest.mark.parametrize("method", BY_SCHEMA)
any_schema = pytest.mark.parametrize(("schema", "expected"), SCHEMAS)


def received(sandbox: Sandbox) -> dict[str, Any]:
    """The body of the one request that reached Claude."""
    [request] = sandbox.claude.requests
    body: dict[str, Any] = request.body
    return body


@any_method
@any_schema
def test_every_method_gives_an_object_of_every_schema(
    model: ChatPortkey, schema: Schema, expected: object, method: Method
) -> None:
    assert model.with_structured_output(schema, method=method).invoke(QUESTION) == expected


@any_method
async def test_async_gives_the_same(model: ChatPortkey, method: Method) -> None:
    assert await model.with_structured_output(City, method=method).ainvoke(QUESTION) == City(**LISBON)


@any_method
@any_schema
def test_the_last_object_of_a_stream_is_the_whole_one(
    model: ChatPortkey, schema: Schema, expected: object, method: Method
) -> None:
    *_, last = model.with_structured_output(schema, method=method).stream(QUESTION)
    assert last == expected


@by_schema
def test_a_schema_binds_the_answer_or_goes_as_a_tool_that_must_be_called(
    model: ChatPortkey, sandbox: Sandbox, api_format: str, method: Method
) -> None:
    model.with_structured_output(City, method=method).invoke(QUESTION)
    body = received(sandbox)
    if method == "json_schema" and api_format == "messages":
        assert "tools" not in body
        assert body["output_config"]["format"] == BOUND
    else:
        assert [tool["name"] for tool in body["tools"]] == ["City"]
        assert body["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize("name", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"])
@by_schema
def test_the_newest_claudes_are_not_forced(
    model: ChatPortkey, sandbox: Sandbox, api_format: str, name: str, method: Method
) -> None:
    newest = model.with_options(model=name)
    question = QUESTION if api_format == "messages" else f"Use the City tool. {QUESTION}"
    assert newest.with_structured_output(City, method=method).invoke(question) == City(**LISBON)
    body = received(sandbox)
    if api_format == "messages":
        assert body["output_config"]["format"] == BOUND
    else:
        assert body["tool_choice"] == {"type": "auto"}


def test_json_mode_asks_in_a_system_message_behind_the_ones_given(model: ChatPortkey, sandbox: Sandbox) -> None:
    mark = {"type": "ephemeral"}
    known = SystemMessage([{"type": "text", "text": "You know cities.", "cache_control": mark}])
    answer = model.with_structured_output(City, method="json_mode").invoke([known, HumanMessage(QUESTION)])
    assert answer == City(**LISBON)
    body = received(sandbox)
    assert "tools" not in body
    first, instruction = body["system"]
    assert first == known.content[0]
    assert instruction["text"].startswith("Answer with one JSON object")
    assert json.loads(instruction["text"].split("\n\n")[1])["required"] == ["name", "population"]
    assert [message["role"] for message in body["messages"]] == ["user"]


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([SystemMessage("Be brief.")], id="only-system"),
        pytest.param([HumanMessage("Hi"), AIMessage("Hello"), SystemMessage("Hush."), HumanMessage("Go")], id="mid"),
    ],
)
def test_json_mode_leaves_the_order_of_messages_alone(model: ChatPortkey, messages: list[BaseMessage]) -> None:
    chain = model.with_structured_output(City, method="json_mode")
    instructed = chain.steps[0].invoke(messages)  # type: ignore[attr-defined]  # a sequence
    assert [message for message in instructed if "JSON" not in message.text] == messages


@any_method
def test_a_prompt_pipes_into_it(model: ChatPortkey, method: Method) -> None:
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])
    chain = prompt | model.with_structured_output(City, method=method)
    assert chain.invoke({"question": QUESTION}) == City(**LISBON)


@any_method
def test_include_raw_returns_the_message_too(model: ChatPortkey, method: Method) -> None:
    answer = model.with_structured_output(City, method=method, include_raw=True).invoke(QUESTION)
    assert isinstance(answer["raw"], AIMessage)
    assert answer["parsed"] == City(**LISBON)
    assert answer["parsing_error"] is None


@any_method
@any_schema
def test_words_instead_of_an_object_are_an_error(
    model: ChatPortkey, sandbox: Sandbox, schema: Schema, expected: object, method: Method
) -> None:
    sandbox.claude.reply_with("I would rather talk.", stop_reason="max_tokens", times=2)
    with pytest.raises(OutputParserException, match="'length'"):
        model.with_structured_output(schema, method=method).invoke(QUESTION)
    answer = model.with_structured_output(schema, method=method, include_raw=True).invoke(QUESTION)
    assert answer["raw"].text == "I would rather talk."
    assert answer["parsed"] is None
    assert isinstance(answer["parsing_error"], OutputParserException)
    assert model.with_structured_output(schema, method=method).invoke(QUESTION) == expected


@by_schema
def test_a_thinking_claude_is_not_forced(model: ChatPortkey, sandbox: Sandbox, api_format: str, method: Method) -> None:
    thinking = model.with_options(thinking={"type": "enabled", "budget_tokens": 1024})
    chain = thinking.with_structured_output(City, method=method)
    assert chain.invoke(f"Use the City tool. {QUESTION}") == City(**LISBON)
    if api_format == "messages":
        assert received(sandbox)["output_config"]["format"] == BOUND
    else:
        assert received(sandbox)["tool_choice"] == {"type": "auto"}
    sandbox.claude.reply_with("I would rather talk.")
    with pytest.raises(OutputParserException, match="I would rather talk"):
        chain.invoke(QUESTION)


@any_schema
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4096}, id="it thinks"),
        pytest.param({"model": "claude-opus-5-5"}, id="another model"),
    ],
)
def test_a_chain_that_cannot_force_in_one_call_binds_the_answer(
    model: ChatPortkey, sandbox: Sandbox, schema: Schema, expected: object, more: Any
) -> None:
    """The chain was built where a tool could be forced; what is told of one call says otherwise."""
    chain = model.with_structured_output(schema)
    question = f"Use the City tool. {QUESTION}"
    assert chain.invoke(question, **more) == expected
    sent = received(sandbox)
    is_bound = sent.get("output_config", {}).get("format", {}).get("type") == "json_schema" and "tools" not in sent
    assert is_bound or sent["tool_choice"] == {"type": "auto"}
    assert is_bound is (model.api_format == "messages")
    assert list(chain.stream(question, **more))[-1] == expected
    assert asyncio.run(chain.ainvoke(question, **more)) == expected
    assert chain.invoke(QUESTION) == expected
    last: Any = sandbox.claude.requests[-1].body
    assert last["tool_choice"] == {"type": "any"}
    sandbox.claude.reply_with("I would rather talk.")
    with pytest.raises(OutputParserException):
        chain.invoke(QUESTION, **more)
    sandbox.claude.reply_with('{"name": "Lis', stop_reason="max_tokens")
    with pytest.raises(OutputParserException, match="'length'"):
        chain.invoke(QUESTION, **more)


def test_thinking_switched_off_may_be_forced(model: ChatPortkey, sandbox: Sandbox) -> None:
    model.with_options(thinking={"type": "disabled"}).with_structured_output(City).invoke(QUESTION)
    assert received(sandbox)["tool_choice"] == {"type": "any"}


@by_schema
@pytest.mark.parametrize("strict", [True, False])
def test_strict_is_handed_on(model: ChatPortkey, method: Method, strict: bool) -> None:
    chain = model.with_structured_output(City, method=method, strict=strict)
    bound = chain.steps[0].kwargs  # type: ignore[attr-defined]  # a sequence that starts with a binding
    asked = bound["response_format"]["json_schema"] if method == "json_schema" else bound["tools"][0]["function"]
    assert asked["strict"] is strict


def test_an_unknown_method_is_an_error_that_names_the_known(model: ChatPortkey) -> None:
    with pytest.raises(ValueError, match="function_calling, json_schema, json_mode; got 'json'"):
        model.with_structured_output(City, method="json")  # type: ignore[arg-type]  # the mistake under test


def test_an_unknown_argument_is_an_error(model: ChatPortkey) -> None:
    with pytest.raises(ValueError, match="does not know 'methd'"):
        model.with_structured_output(City, methd="json_mode")
