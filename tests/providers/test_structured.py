"""Answers as objects, from each provider: bound to their schema where something binds, else asked for in words."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy
from pydantic import BaseModel

from docs.provider_tables import COLUMNS
from portkey_gateway import EncodingError
from portkey_langchain import ChatPortkey
from tests.providers.emulated import Call, EmulatedProvider, Said
from tests.providers.frameworks import Framework, LangChain, Way, any_way, whole_or_streamed
from tests.providers.wires import ASKED


class City(BaseModel):
    """A city."""

    name: str
    kind: Literal["port"]
    population: int


KIEL: Final = {"name": "Kiel", "kind": "port", "population": 250_000}
IN_WORDS: Final = Said(json.dumps(KIEL))
# Where the gateway carries no choice of tools, nothing can force one: the answer itself is the object there.
UNFORCED: Final = {"deepseek", "ollama"}
# How the schema of an answer is told, where one is.
SCHEMAS: Final = {
    "openai": "response_format",
    "azure-openai": "response_format",
    "ollama": "response_format",
    "groq": "response_format",
    "cohere": "response_format",
    "google": "responseSchema",
    "vertex-ai": "responseSchema",
    "messages": "output_config",
}


def called(provider: EmulatedProvider, name: str) -> Said:
    """The object as the arguments of a tool."""
    _ = provider
    return Said(calls=(Call(name, KIEL),), ending="tool_calls")


@any_way
def test_an_object(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    provider.say(IN_WORDS if row in UNFORCED else called(provider, "City"))
    assert framework.give(way, City, "Tell me of Kiel.") == City(**KIEL)
    assert not provider.refused
    assert "population" in json.dumps(provider.received)


@pytest.mark.parametrize("framework", ["langchain"], indirect=True)
@whole_or_streamed
def test_an_answer_of_a_schema(framework: LangChain, provider: EmulatedProvider, row: str, way: Way) -> None:
    native = row in SCHEMAS or row == "deepseek"
    provider.say(IN_WORDS if native else called(provider, "City"))
    assert framework.give(way, City, "Tell me of Kiel.", method="json_schema") == City(**KIEL)
    assert not provider.refused
    received: dict[str, Any] = provider.received
    if row in SCHEMAS:
        assert SCHEMAS[row] in received | received.get("generationConfig", {})
    elif row == "deepseek":
        assert received["response_format"] == {"type": "json_object"}
        assert "population" in received["messages"][0]["content"]
    else:
        assert "tools" in received or "toolConfig" in received


@pytest.mark.parametrize("framework", ["langchain"], indirect=True)
@whole_or_streamed
def test_json_mode(framework: LangChain, provider: EmulatedProvider, row: str, way: Way) -> None:
    provider.say(IN_WORDS)
    assert framework.give(way, City, "Tell me of Kiel.", method="json_mode") == City(**KIEL)
    assert not provider.refused
    received = json.dumps(provider.received)
    if row != "messages" and (row in SCHEMAS or row == "deepseek"):
        assert '{"type": "json_object"}' in received or '"responseMimeType": "application/json"' in received
    else:
        assert "response_format" not in received


def look(at: str) -> str:
    """Look at a place."""
    return f"blue {at}"


def ask_agent(agent: Any, way: Way) -> Any:
    """What an agent gives in the end."""
    asked = {"messages": [("user", "Tell me of Kiel.")]}
    if way == "invoke":
        return agent.invoke(asked)
    return [state for mode, state in agent.stream(asked, stream_mode=["messages", "values"]) if mode == "values"][-1]


@pytest.mark.filterwarnings("ignore:tool calls of earlier turns do not reach Cohere")
@pytest.mark.parametrize("row", [row for row in ASKED if "tools" in COLUMNS[row].parameters], indirect=True)
@pytest.mark.parametrize("framework", ["langchain"], indirect=True)
@whole_or_streamed
def test_an_agent_with_a_tool_and_an_answer_of_a_schema(
    framework: LangChain, provider: EmulatedProvider, row: str, way: Way
) -> None:
    is_bound = row in SCHEMAS and COLUMNS[row].binds_beside_tools
    looking = Said(calls=(Call("look", {"at": "Kiel"}),), ending="tool_calls")
    provider.say(looking, IN_WORDS if is_bound else called(provider, "City"))
    told = ask_agent(create_agent(framework.model, [look], response_format=ProviderStrategy(City)), way)
    assert told["structured_response"] == City(**KIEL)
    assert not provider.refused
    assert "blue Kiel" in json.dumps(provider.received)


@pytest.mark.parametrize("row", ["cohere"], indirect=True)
@pytest.mark.parametrize("framework", ["langchain"], indirect=True)
@whole_or_streamed
def test_an_agent_chooses_what_cohere_takes(framework: LangChain, provider: EmulatedProvider, way: Way) -> None:
    provider.say(called(provider, "City"))
    told = ask_agent(create_agent(framework.model, [look], response_format=City), way)
    assert told["structured_response"] == City(**KIEL)
    assert not provider.refused


@pytest.mark.parametrize("row", [row for row in ASKED if "tools" in COLUMNS[row].parameters], indirect=True)
@pytest.mark.parametrize("framework", ["langchain"], indirect=True)
@whole_or_streamed
def test_it_calls_a_tool_or_answers_in_the_form(
    framework: LangChain, provider: EmulatedProvider, row: str, way: Way
) -> None:
    is_bound = row in SCHEMAS and COLUMNS[row].binds_beside_tools
    calling = Said(calls=(Call("look", {"at": "Kiel"}),), ending="tool_calls")
    provider.say(calling, IN_WORDS if is_bound else called(provider, "City"))
    chain = framework.model.with_structured_output(City, tools=[look], include_raw=True)
    first, second = (ask_chain(chain, way) for _ in range(2))
    assert not provider.refused
    assert [call["name"] for call in first["raw"].tool_calls] == ["look"]
    assert (first["parsed"], first["parsing_error"]) == (None, None)
    assert second["parsed"] == City(**KIEL)


def ask_chain(chain: Any, way: Way) -> Any:
    """What a chain with ``include_raw`` gives."""
    if way == "invoke":
        return chain.invoke("Tell me of Kiel.")
    told: dict[str, Any] = {}
    for part in chain.stream("Tell me of Kiel."):
        told |= {**part, "raw": told["raw"] + part["raw"]} if "raw" in part and "raw" in told else part
    return told


@pytest.mark.parametrize("method", ["function_calling", "json_mode"])
def test_tools_go_with_a_form_only(method: Any) -> None:
    model = ChatPortkey(model="gpt-5", api_key="pk")
    with pytest.raises(ValueError, match=r"tools go with method='json_schema' only"):
        model.with_structured_output(City, method=method, tools=[look])


def test_every_provider_is_spoken_of() -> None:
    in_tools = {"anthropic", "vertex-ai/anthropic", "bedrock/anthropic", "mistral-ai"}
    assert {*SCHEMAS, "deepseek", *in_tools} == ASKED.keys()


class Node(BaseModel):
    """A node."""

    name: str
    kids: list[Node] = []


TREE: Final = {"name": "a", "kids": [{"name": "b", "kids": []}]}


@pytest.mark.parametrize("row", ["openai", "azure-openai", "messages", "bedrock/anthropic", "groq"], indirect=True)
@any_way
def test_an_object_of_a_class_that_explains_itself(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    provider.say(Said(calls=(Call("Node", TREE),), ending="tool_calls"))
    assert framework.give(way, Node, "A tree.") == Node.model_validate(TREE)
    assert not provider.refused
    assert '"items": {"$ref": "#/$defs/Node"}' in json.dumps(provider.received)


@pytest.mark.parametrize("row", ["openai", "azure-openai"], indirect=True)
@pytest.mark.parametrize("framework", ["langchain"], indirect=True)
@pytest.mark.parametrize("strict", [None, True])
@whole_or_streamed
def test_an_answer_is_bound_to_a_class_that_explains_itself(
    framework: LangChain, provider: EmulatedProvider, way: Way, strict: bool | None
) -> None:
    provider.say(Said(json.dumps(TREE)))
    assert framework.give(way, Node, "A tree.", method="json_schema", strict=strict) == Node.model_validate(TREE)
    assert not provider.refused
    assert '"items": {"$ref": "#/$defs/Node"}' in json.dumps(provider.received["response_format"])


@pytest.mark.parametrize("row", ["google", "vertex-ai"], indirect=True)
@any_way
def test_gemini_has_no_words_for_a_class_that_explains_itself(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    with pytest.raises(EncodingError, match=r"explains 'Node' by itself.*ask for JSON in words"):
        framework.give(way, Node, "A tree.")
    assert not provider.requests
