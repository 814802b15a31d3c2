"""An answer that begins as a string and turns out to be more: its stream adds up to blocks only, as the whole one."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, MessagesState, StateGraph

from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages.stream import DECODING
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from portkey_langchain.decode import ContentState, decode_message
from portkey_langchain.late_list import GrowingChunk
from tests.core.messages.told import message, streamed
from tests.langchain.ask import Ask, any_call
from tests.langchain.test_claude_blocks import ANSWERS, without_index

Add = Callable[[list[ChatGenerationChunk]], Any]

BEGUN: list[dict[str, Any]] = [{"type": "text", "text": "I look."}, {"type": "text", "text": " Well."}]
LATE = {**ANSWERS, **{f"text before {name}": [*BEGUN, *content] for name, content in ANSWERS.items()}}
THOUGHT = {"type": "thinking", "thinking": "Hm."}


def chunks(content: list[dict[str, Any]]) -> list[ChatGenerationChunk]:
    fold, state = DECODING.fold(GatewayInfo()), ContentState()
    told = [state.decode_chunk(fold.add(event)) for event in streamed(message(content), [3, 1])]
    return [chunk for chunk in [*told, state.decode_last_chunk(fold.answer())] if chunk]


def at_once(told: list[ChatGenerationChunk]) -> Any:
    return generate_from_stream(iter(told)).generations[0].message


def one_by_one(told: list[ChatGenerationChunk]) -> Any:
    return reduce(add, [chunk.message for chunk in told])


def first_and_rest(told: list[ChatGenerationChunk]) -> Any:
    return told[0].message + [chunk.message for chunk in told[1:]]


@pytest.mark.parametrize("sum_up", [at_once, one_by_one, first_and_rest])
@pytest.mark.parametrize("content", LATE.values(), ids=LATE)
def test_it_adds_up_to_the_whole_answer(content: list[dict[str, Any]], sum_up: Add) -> None:
    summed = sum_up(chunks(content))
    whole = decode_message(DECODING.decode(json.dumps(message(content)).encode(), GatewayInfo()))
    assert type(summed) in {AIMessage, AIMessageChunk}
    assert without_index(summed.content) == whole.content == content
    assert summed.tool_calls == whole.tool_calls


@pytest.mark.parametrize("sum_up", [at_once, one_by_one, first_and_rest])
def test_an_answer_of_text_stays_a_string(sum_up: Add) -> None:
    summed = sum_up(chunks(BEGUN))
    assert type(summed) in {AIMessage, AIMessageChunk}
    assert summed.content == "I look. Well."


@any_call
@pytest.mark.parametrize("content", [[*BEGUN, *ANSWERS["a search"]], [BEGUN[0], THOUGHT, BEGUN[1]]])
def test_every_way_to_ask_gives_blocks(
    model: ChatPortkey, sandbox: Sandbox, ask: Ask, content: list[dict[str, Any]]
) -> None:
    """Nothing in the request tells that Claude will search or think."""
    sandbox.claude.reply_with(*content)
    said = ask(model, "Hi").content
    assert [block["type"] for block in said if isinstance(block, dict)] == [block["type"] for block in content]
    assert not any(isinstance(block, str) for block in said)


def test_the_state_of_a_graph_that_is_streamed_holds_blocks(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.reply_with(*BEGUN, *ANSWERS["a search"])
    built = StateGraph(MessagesState)

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    built.add_node("model", RunnableLambda(ask))
    built.add_edge(START, "model")
    graph: Any = built.compile()
    told = list(graph.stream({"messages": "Hi"}, stream_mode=["messages", "values"]))
    final = told[-1][1]["messages"][-1]
    assert without_index(final.content) == [*BEGUN, *ANSWERS["a search"]]


def test_its_chunks_are_stored_as_langchain_s() -> None:
    first = chunks(BEGUN)[0].message
    assert isinstance(first, GrowingChunk)
    assert dumpd(first)["id"] == dumpd(AIMessageChunk(content=""))["id"]
    late = [chunk.message for chunk in chunks(LATE["text before a search"])]
    again = pickle.loads(pickle.dumps(late))
    assert reduce(add, again).content == reduce(add, late).content


def test_a_string_that_somebody_changed_is_one_block() -> None:
    first, *rest = [chunk.message for chunk in chunks(LATE["text before a search"])]
    changed: Any = reduce(add, [first.model_copy(update={"content": "Let me see. I "}), *rest])
    assert changed.content[0] == {"type": "text", "text": "Let me see. I ook. Well.I look.", "index": "lc_block_0"}


def test_only_a_chunk_can_be_added() -> None:
    with pytest.raises(TypeError):
        "text" + chunks(BEGUN)[0].message  # type: ignore[operator]
