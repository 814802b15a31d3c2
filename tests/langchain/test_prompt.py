"""``PortkeyPrompt``: a prompt of the library in LangChain, through the real gateway."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompt_values import PromptValue

from portkey_gateway import MissingVariablesError, NotFoundError, PortkeyError, PortkeyWarning
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_langchain import ChatPortkey, PortkeyPrompt

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

VALUES = {"company": "ACME", "mood": "kind", "question": "Where is it?"}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


def make(library: Sandbox, prompt_id: str = "pp-support", **more: Any) -> PortkeyPrompt:
    return PortkeyPrompt(prompt_id, max_retries=0, **library.account(), **more)


def asked(library: Sandbox) -> int:
    return len(library.control_plane.requests)


Fill = Callable[[PortkeyPrompt, Any], list[BaseMessage]]


def fill(prompt: PortkeyPrompt, values: Any) -> list[BaseMessage]:
    return prompt.invoke(values).to_messages()


def afill(prompt: PortkeyPrompt, values: Any) -> list[BaseMessage]:
    async def filled() -> PromptValue:
        return await prompt.ainvoke(values)

    return asyncio.run(filled()).to_messages()


twins = pytest.mark.parametrize("fill", [fill, afill], ids=["sync", "async"])


@twins
def test_a_prompt_fills_in_messages(library: Sandbox, fill: Fill) -> None:
    system, question = fill(make(library), VALUES)

    assert (type(system), system.content) == (SystemMessage, "You answer for ACME. Be kind.")
    assert (type(question), question.content) == (HumanMessage, "Where is it?")


@twins
def test_missing_variables_are_named_as_an_error_of_each_kind(library: Sandbox, fill: Fill) -> None:
    with pytest.raises(MissingVariablesError, match="needs 'mood', 'question' too") as caught:
        fill(make(library), {"company": "ACME"})

    assert isinstance(caught.value, KeyError)
    assert library.claude.requests == []


@twins
def test_variables_that_are_given_are_not_asked_for(library: Sandbox, fill: Fill) -> None:
    prompt = make(library, "pp-support@staging", input_variables=["draft"])

    assert prompt.input_variables == ["draft"]
    assert fill(prompt, "Hi")[0].content == "Hi"
    with pytest.raises(MissingVariablesError, match="'draft'"):
        fill(prompt, {})
    assert asked(library) == 1


@twins
def test_the_value_of_the_only_variable_may_stand_alone(library: Sandbox, fill: Fill) -> None:
    partial = make(library).partial(company="ACME", mood=lambda: "glad")

    assert [message.content for message in fill(partial, "Hi")] == ["You answer for ACME. Be glad.", "Hi"]
    with pytest.raises(TypeError, match="Expected mapping"):
        fill(make(library), "Hi")


def test_the_library_is_asked_only_when_something_is_needed_of_it(library: Sandbox) -> None:
    prompt = make(library)
    copies = [copy.copy(prompt), copy.deepcopy(prompt), pickle.loads(pickle.dumps(prompt)), prompt.with_options()]
    for each in [prompt, *copies]:
        for use in (
            repr,
            dumps,
            PortkeyPrompt.model_dump,
            PortkeyPrompt.with_options,
            lambda prompt: prompt.completion,
        ):
            use(each)
        each.partial(mood="kind")
    assert asked(library) == 0

    assert prompt.input_variables == ["company", "mood", "question"]
    assert prompt.optional_variables == ["angry", "topic"]
    assert prompt.partial(mood="kind").input_variables == ["company", "question"]
    assert prompt.get_input_jsonschema()["required"] == ["company", "mood", "question"]
    assert prompt.pretty_repr().endswith("with {{company}}, {{mood}}, {{question}}")
    assert asked(library) == 1
    assert copies[2].invoke(VALUES) == prompt.invoke(VALUES)


def test_partial_variables_share_what_is_kept(library: Sandbox) -> None:
    prompt = make(library, cache_seconds=60)
    prompt.invoke(VALUES)
    fill(prompt.partial(company="ACME", mood="kind"), "Where is it?")

    assert asked(library) == 2
    with pytest.raises(ValueError, match="'mood' cannot be both"):
        make(library, input_variables=["mood"], partial_variables={"mood": "kind"})


@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
def test_a_chain_of_a_prompt_and_a_model(library: Sandbox, api_format: str) -> None:
    options: dict[str, Any] = {**library.options(), "api_format": api_format}
    # As a user has it, who tries again: a kept connection may be lost under a thread of a batch.
    chain = PortkeyPrompt("pp-support", **library.account()) | ChatPortkey(model=library.model, **options)

    async def streamed() -> str:
        return "".join([chunk.text async for chunk in chain.astream(VALUES)])

    text = chain.invoke(VALUES).text
    assert "You said: “Where is it?”" in text
    assert "".join(chunk.text for chunk in chain.stream(VALUES)) == asyncio.run(streamed()) == text
    assert [answer.text for answer in chain.batch([VALUES] * 2)] == [text] * 2
    for request in library.claude.requests:
        assert request.body["system"] == [{"type": "text", "text": "You answer for ACME. Be kind."}]


@pytest.mark.parametrize("is_async", [False, True])
def test_the_prompts_own_model_and_parameters(library: Sandbox, is_async: bool) -> None:
    prompt = make(library, overrides={"max_tokens": 77}, trace_id="order-4711")

    model = asyncio.run(prompt.amodel(temperature=0.9)) if is_async else prompt.model(temperature=0.9)

    assert (model.model, model.max_tokens, model.temperature) == ("claude-sonnet-4-6", 77, 0.9)
    assert (model.provider, model.base_url, model.trace_id) == ("@anthropic", library.base_url, "order-4711")
    assert (prompt | model).invoke(VALUES).response_metadata["trace_id"] == "order-4711"
    assert library.claude.requests[-1].body["max_tokens"] == 77


def test_a_route_of_ones_own_is_not_the_prompts(library: Sandbox) -> None:
    options: dict[str, Any] = {**library.options()}

    model = PortkeyPrompt("pp-support", **options).model()

    assert (model.provider, model.custom_host) == ("anthropic", library.custom_host)


def test_the_environment_s_route_is_for_models_and_not_for_prompts(
    library: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in library.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PORTKEY_CUSTOM_HOST", "http://127.0.0.1:1/v1")

    prompt = PortkeyPrompt("pp-support", max_retries=0)

    assert (prompt.base_url, prompt.provider, prompt.custom_host) == (library.base_url, None, None)
    assert prompt.model().provider == "@anthropic"
    assert (prompt | prompt.model()).invoke(VALUES).text == prompt.completion.invoke(VALUES).text


@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
def test_tools_and_earlier_turns_in_a_prompt(library: Sandbox, api_format: str) -> None:
    prompt = make(library, "pp-forecast", api_format=api_format)

    messages = fill(prompt, "Oslo")
    answer = (prompt | prompt.model()).invoke({"city": "Oslo"})

    assert [type(message) for message in messages] == [HumanMessage, AIMessage, ToolMessage, AIMessage, HumanMessage]
    assert [call["name"] for call in answer.tool_calls] == ["get_weather"]
    [received] = library.claude.requests
    assert [tool["name"] for tool in received.body["tools"]] == ["get_weather"]
    assert received.body["messages"][1]["content"][0]["input"] == {"city": "Kiel"}


@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
def test_images_and_cache_marks_in_a_prompt(library: Sandbox, api_format: str) -> None:
    prompt = make(library, "pp-picture", api_format=api_format)

    (prompt | prompt.model()).invoke({"rules": "Be brief.", "picture": PIXEL})

    [received] = library.claude.requests
    assert received.body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert received.body["messages"][0]["content"][1]["source"]["data"] == PIXEL.partition(",")[2]


@twins
def test_a_library_that_is_down(library: Sandbox, fill: Fill) -> None:
    sure, unsure = make(library, stale_if_down=True), make(library)
    filled = fill(sure, VALUES)
    library.control_plane.inject(Fault("status", status=503, message="Out of order", times=99))

    with pytest.warns(PortkeyWarning, match="library is down"):
        assert fill(sure, VALUES) == filled
    with pytest.raises(PortkeyError, match="Out of order"):
        fill(unsure, VALUES)


@twins
def test_a_prompt_that_is_not_there(library: Sandbox, fill: Fill) -> None:
    with pytest.raises(NotFoundError, match="Prompt pp-none not found"):
        fill(make(library, "pp-none"), VALUES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt_id": " "}, "prompt_id is empty"),
        ({"prompt_id": "pp-1", "cache_second": 3}, "did you mean 'cache_seconds'"),
        ({"prompt_id": "pp-1", "cache_seconds": -1}, "greater than or equal to 0"),
        ({"prompt_id": "pp-1", "overrides": {"stream": True}}, "'stream' cannot stand there"),
    ],
)
def test_options_that_are_wrong(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PortkeyPrompt(base_url="http://127.0.0.1:1/v1", **options)


# LangChain calls `loads` a beta, and says so once in a process.
@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_keys_are_in_nothing_that_is_written_and_a_written_prompt_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"x-header-key": "header-secret"}
    prompt = PortkeyPrompt(
        "pp-1@3", base_url="http://127.0.0.1:1/v1", api_key="pk-secret", default_headers=headers, overrides={"n": 2}
    )
    for shown in (dumps(prompt), dumps(prompt.completion), repr(prompt), str(prompt.model_dump(mode="json"))):
        assert "pk-secret" not in shown
        assert "header-secret" not in shown

    monkeypatch.setenv("PORTKEY_API_KEY", "pk-other")
    loaded = loads(dumps(prompt), valid_namespaces=["portkey_langchain"], allowed_objects=[PortkeyPrompt])
    assert (loaded.prompt_id, loaded.overrides) == ("pp-1@3", {"n": 2})
