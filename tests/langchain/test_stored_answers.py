"""Whatever Claude says, stored in any of LangChain's ways and loaded again, goes back to Claude field by field."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.load import dumpd, load
from langchain_core.messages import AIMessage, HumanMessage, messages_from_dict, messages_to_dict
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, MessagesState, StateGraph

from tests.langchain.test_claude_blocks import as_version, every_answer, replayed, summed, whole

# LangChain has its `load` down as beta.
pytestmark = pytest.mark.filterwarnings("ignore:The function `load` is in beta")

Store = Callable[[AIMessage], Any]


def as_constructor(message: AIMessage) -> Any:
    return load(json.loads(json.dumps(dumpd(message))), allowed_objects="messages")


def as_dict(message: AIMessage) -> Any:
    return messages_from_dict(json.loads(json.dumps(messages_to_dict([message]))))[0]


def as_checkpoint(message: AIMessage) -> Any:
    serializer = JsonPlusSerializer()
    return serializer.loads_typed(serializer.dumps_typed(message))


def in_a_thread(message: AIMessage) -> Any:
    built = StateGraph(MessagesState)
    built.add_node("model", RunnableLambda(lambda _: {"messages": [message]}))
    built.add_edge(START, "model")
    graph: Any = built.compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    graph.invoke({"messages": [HumanMessage("Hi")]}, thread)
    return graph.get_state(thread).values["messages"][-1]


@every_answer
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("make", [whole, summed])
@pytest.mark.parametrize("store", [as_constructor, as_dict, as_checkpoint, in_a_thread])
def test_claude_receives_it_as_it_was_said(
    content: list[dict[str, Any]], version: str, make: Callable[..., AIMessage], *, store: Store
) -> None:
    message = as_version(make(content), version) if make is whole else make(content, version=version)
    assert replayed(store(message)) == content


@every_answer
@pytest.mark.parametrize("store", [as_constructor, as_dict, as_checkpoint, in_a_thread])
def test_its_standard_blocks_stay_the_same(content: list[dict[str, Any]], store: Store) -> None:
    message = whole(content)
    assert store(message).content_blocks == message.content_blocks


@pytest.mark.parametrize("store", [as_constructor, as_dict, as_checkpoint, in_a_thread])
def test_a_refusal_stays_one(store: Store) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    metadata = {"model_provider": "portkey", "stop_reason": "refusal", "stop_details": details}
    loaded = store(AIMessage("Well, I", response_metadata=metadata))
    assert loaded.content_blocks[-1] == {"type": "refusal", "refusal": "No.", "extras": {"category": "cyber"}}
