"""Histories that other LLM classes wrote go on: with their ids of calls, their blocks, their roles."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.memory import ChatMemoryBuffer

from portkey_gateway import EncodingError, PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from tests.llamaindex.media import PNG
from tests.llamaindex.received import Received
from tests.llamaindex.tree import agents_warn
from tests.llamaindex.ways import ask, chat_way

LOOK: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
ASKED = ChatMessage("How is the sky?")


def called(*ids: str | None) -> ChatMessage:
    calls = [ToolCallBlock(tool_call_id=call_id, tool_name="look", tool_kwargs={}) for call_id in ids]
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=calls)


def told(call_id: str | None) -> ChatMessage:
    return ChatMessage(role=MessageRole.TOOL, content="blue", additional_kwargs={"tool_call_id": call_id})


def pairs(received: Received) -> tuple[list[str], list[str]]:
    """The ids of the calls that Claude received, and of the results."""
    blocks = [
        block
        for message in received.latest["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
    ]
    return [each["id"] for each in blocks if each["type"] == "tool_use"], [
        each["tool_use_id"] for each in blocks if each["type"] == "tool_result"
    ]


@chat_way
@pytest.mark.parametrize("turn", [
    ("functions.look:0",),
    ("call|fc_1:2",),
    (None,),
    ("call_0", "call_1"),
    ("x", "x"),
], ids=str)  # fmt: skip
def test_ids_that_claude_refuses_or_that_come_again_are_made_to_fit(
    llm: Portkey, received: Received, turn: tuple[str | None, ...], way: str
) -> None:
    results = [told(call_id or "look") for call_id in turn]
    history: list[ChatMessage] = []
    seen: list[list[str]] = []
    for _ in range(3):
        history += [ASKED, called(*turn), *results]
        ask(llm, way, history, tools=[LOOK])
        asked, answered = pairs(received)
        assert len(set(asked)) == len(asked) == len(turn) * (len(seen) + 1)
        assert answered == asked
        seen.append(asked)
    # What may be cached stays as it was.
    assert all(after[: len(before)] == before for before, after in pairwise(seen))


def test_a_call_as_openai_s_responses_tell_it_has_the_id_of_its_result(llm: Portkey, received: Received) -> None:
    item = {"type": "function_call", "name": "look", "arguments": "{}", "call_id": "call_1", "id": "fc_1"}
    said = ChatMessage(role=MessageRole.ASSISTANT, content="So.", additional_kwargs={"tool_calls": [item]})
    result = ChatMessage(role=MessageRole.TOOL, content="blue", additional_kwargs={"call_id": "call_1"})
    llm.chat([ASKED, said, result], tools=[LOOK])
    assert pairs(received) == (["call_1"], ["call_1"])


@chat_way
def test_what_other_models_said_in_their_own_way_is_left_out(llm: Portkey, received: Received, way: str) -> None:
    thought = ThinkingBlock(content="Hm.", additional_information={"id": "rs_1", "encrypted_content": "…"})
    drawn, spoken = ImageBlock(image=PNG), AudioBlock(audio=b"RIFF")
    said = ChatMessage(
        role=MessageRole.MODEL,
        blocks=[thought, drawn, TextBlock(text="\n\n"), spoken, ToolCallBlock(tool_call_id="a.b", tool_name="look")],
        additional_kwargs={"refusal": None, "annotations": [], "built_in_tool_calls": [], "reference_audio_id": "a"},
    )
    history = [ASKED, said, told("a.b")]
    with pytest.warns(
        PortkeyWarning, match=r"blocks\[3\] is of type AudioBlock|a picture that the model drew \(messages\[1\]\)"
    ):
        answer = ask(llm, way, history, tools=[LOOK])
    assert answer.message.content == "The tool look returned: blue"
    [use] = received.latest["messages"][1]["content"]
    assert (use["type"], use["id"]) == ("tool_use", "a_b_0")


@chat_way
@pytest.mark.parametrize("blocks", [["Let me look."], []], ids=["behind a text", "alone"])
def test_a_call_that_max_tokens_cut_stays_behind_and_the_conversation_goes_on(
    llm: Portkey, sandbox: Sandbox, received: Received, blocks: list[str], way: str
) -> None:
    thinking: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
    use = {"type": "tool_use", "name": "look", "input": {}}
    sandbox.claude.reply_with(*blocks, {"type": "thinking", "thinking": "Hm."}, use, stop_reason="max_tokens")
    cut = ask(llm, way, [ASKED], tools=[LOOK], **thinking).message
    assert any(isinstance(block, ToolCallBlock) for block in cut.blocks)
    answer = ask(llm, way, [ASKED, cut, ChatMessage("Please say: ahoy")], tools=[LOOK], **thinking)
    assert answer.message.content == "ahoy"
    said = [message["content"] for message in received.latest["messages"] if message["role"] == "assistant"]
    # A text alone is a block, too.
    assert said in ([blocks, [[{"type": "text", "text": text}] for text in blocks]])


@agents_warn
async def test_an_agent_of_a_class_without_ids_goes_on(
    llm: Portkey, memory: ChatMemoryBuffer, sandbox: Sandbox, received: Received
) -> None:
    # As LlamaIndex's class for Ollama leaves it.
    memory.put_messages([ASKED, called(None), told("look")])

    def look() -> str:
        """Look at the sky."""
        return "grey"

    sandbox.claude.reply_with({"type": "tool_use", "id": "call_0", "name": "look", "input": {}})
    output = await FunctionAgent(llm=llm, tools=[look]).run("And now?", memory=memory)
    assert "grey" in str(output)
    assert pairs(received) == (["call_0", "call_0_1"], ["call_0", "call_0_1"])


# --- order, pairs, numbers, white space -------------------------------------------------------------------------------


def restored(messages: list[ChatMessage]) -> list[ChatMessage]:
    """What LlamaIndex stores and loads."""
    return [ChatMessage.model_validate_json(message.model_dump_json()) for message in messages]


@chat_way
def test_results_come_first_and_then_what_the_user_said(llm: Portkey, received: Received, way: str) -> None:
    history = [ASKED, called("a", "b"), told("a"), ChatMessage("Hurry!"), told("b")]
    ask(llm, way, restored(history), tools=[LOOK])
    asked, answered = pairs(received)
    assert asked == answered == ["a", "b"]
    last = received.latest["messages"][-1]["content"]
    assert last == "Hurry!" or last[-1] == {"type": "text", "text": "Hurry!"}


@chat_way
@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([ASKED, called("a"), ChatMessage("And now?")], r"messages\[1\] calls 'look' \('a'\), and no result follows"),
        ([ASKED, told("a")], r"messages\[1\] is the result of a call 'a'"),
    ],
)
def test_what_has_no_other_half_is_named(llm: Portkey, way: str, history: list[ChatMessage], says: str) -> None:
    with pytest.raises(EncodingError, match=says):
        ask(llm, way, history, tools=[LOOK])


@chat_way
@pytest.mark.parametrize(("number", "name"), [(float("inf"), "Infinity"), (float("nan"), "NaN")])
def test_numbers_that_json_does_not_know_are_told_by_name(
    llm: Portkey, received: Received, way: str, number: float, name: str
) -> None:
    call = ToolCallBlock(tool_call_id="a", tool_name="look", tool_kwargs={"at": number})
    ask(llm, way, [ASKED, ChatMessage(role=MessageRole.ASSISTANT, blocks=[call]), told("a")], tools=[LOOK])
    [use] = [block for block in received.latest["messages"][1]["content"] if block["type"] == "tool_use"]
    assert use["input"] == {"at": name}


@chat_way
def test_white_space_beside_a_call_is_left_out(llm: Portkey, received: Received, way: str) -> None:
    said = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text="\n\n"), *called("a").blocks])
    ask(llm, way, restored([ASKED, said, told("a")]), tools=[LOOK])
    assert [block["type"] for block in received.latest["messages"][1]["content"]] == ["tool_use"]


@chat_way
def test_a_stop_of_white_space_is_left_out_with_a_warning(llm: Portkey, received: Received, way: str) -> None:
    with pytest.warns(PortkeyWarning, match="a text of white space in stop is left out"):
        ask(llm, way, [ASKED], stop=["\n", "END"])
    assert received.latest["stop_sequences"] == ["END"]
