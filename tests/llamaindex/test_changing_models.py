"""Conversations that change their model in the middle, and those that other classes wrote, behind the real gateway.

Claude, OpenAI and Claude again: with tools, thoughts, images, citations, searches and refusals. What other classes of
LlamaIndex answer is given here as their own decoders build it.
"""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    CitableBlock,
    CitationBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from portkey_gateway import PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.brain import REDACT_MAGIC, REFUSAL_MAGIC
from portkey_gateway.sandbox.claude.signatures import sign
from portkey_llamaindex import Portkey
from tests.llamaindex.media import PNG
from tests.llamaindex.ways import ask, chat_way
from tests.support.routed import routed

BUDGET = {"type": "enabled", "budget_tokens": 2000}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
LOOK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look at a thing.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
    },
}


@pytest.fixture(params=["chat_completions", "messages"])
def claude(both: Sandbox, request: pytest.FixtureRequest) -> Portkey:
    return Portkey(
        model="claude-sonnet-4-5", thinking=BUDGET, max_tokens=9000, api_format=request.param, max_retries=0,
        **both.options(),
    )  # fmt: skip


@pytest.fixture
def openai(both: Sandbox) -> Portkey:
    return Portkey(model="gpt-5", max_retries=0, **both.options("openai"))


class Conversation:
    """One that anybody may go on with, stored between its turns."""

    def __init__(self, way: str) -> None:
        self._way = way
        self.messages = [ChatMessage("Be brief.", role=MessageRole.SYSTEM)]

    def turn(self, llm: Portkey, *said: Any, tools: Any = (LOOK,)) -> ChatMessage:
        self.messages += [each if isinstance(each, ChatMessage) else ChatMessage(each) for each in said]
        answer: ChatMessage = ask(llm, self._way, self.messages, tools=[*tools]).message
        stored = [*self.messages, answer]
        self.messages = [ChatMessage.model_validate_json(message.model_dump_json()) for message in stored]
        return answer


def result_of(answer: ChatMessage) -> ChatMessage:
    [call] = [block for block in answer.blocks if isinstance(block, ToolCallBlock)]
    return ChatMessage("blue", role=MessageRole.TOOL, additional_kwargs={"tool_call_id": call.tool_call_id})


@pytest.mark.filterwarnings("ignore:a CitableBlock of a user's message:portkey_gateway.PortkeyWarning")
@chat_way
def test_a_conversation_goes_from_claude_to_openai_and_back(
    claude: Portkey, openai: Portkey, both: Sandbox, way: str
) -> None:
    talk = Conversation(way)
    called = talk.turn(claude, "Look at the sky. at: sky")
    assert "blue" in str(talk.turn(openai, result_of(called)).content)
    facts = CitableBlock(title="Colours", source="src", content=[TextBlock(text="The grass is green.")])
    talk.turn(claude, ChatMessage(blocks=[TextBlock(text="What colour is the grass?"), facts]))
    shown = ChatMessage(blocks=[TextBlock(text="Describe the image."), ImageBlock(image=PNG)])
    assert "pixel" in str(talk.turn(openai, shown).content)
    talk.turn(claude, f"Think of nothing. {REDACT_MAGIC}")
    talk.turn(openai, "And so?")
    called = talk.turn(claude, "Look at the sea. at: sea")
    seen = result_of(called)
    seen.blocks.append(ImageBlock(image=PNG))
    assert "pixel" in str(talk.turn(openai, seen, tools=[]).content)
    talk.turn(claude, "And so?")
    talk.turn(claude, "Search the web for lighthouses.", tools=[SEARCH])
    talk.turn(openai, "And so?")
    talk.turn(claude, REFUSAL_MAGIC)
    talk.messages[-2:-1] = [ChatMessage("Never mind.")]
    talk.turn(openai, "And so?")
    assert talk.turn(claude, "And so?").content
    contents = [message["content"] for message in both.claude.requests[-1].body["messages"]]
    thoughts = [block["type"] for content in contents if isinstance(content, list) for block in content]
    assert thoughts.count("thinking") >= 2
    assert "redacted_thinking" in thoughts


@chat_way
def test_claude_goes_on_with_a_loop_of_tool_calls_that_another_began(
    claude: Portkey, openai: Portkey, both: Sandbox, way: str
) -> None:
    talk = Conversation(way)
    called = talk.turn(openai, "Look at the sky. at: sky")
    with pytest.warns(PortkeyWarning, match="thinking is left out until this loop of tool calls is over"):
        assert "blue" in str(talk.turn(claude, result_of(called)).content)
    assert "thinking" not in both.claude.requests[-1].body
    talk.turn(claude, "Thanks.")
    assert both.claude.requests[-1].body["thinking"] == BUDGET


# --- what other classes wrote -----------------------------------------------------------------------------------------


def of(*blocks: Any, role: MessageRole = MessageRole.ASSISTANT, **told: Any) -> ChatMessage:
    return ChatMessage(role=role, blocks=[*blocks], additional_kwargs=told)


BLUE = TextBlock(text="Blue.")
CALL = ToolCallBlock(tool_call_id="call_1", tool_name="look", tool_kwargs={"at": "sky"})
REASONED = ThinkingBlock(content="Hm.", additional_information={"id": "rs_1", "encrypted_content": "gAAA"})
GEMINI_S = ThinkingBlock(content="Hm.", additional_information={"thought": True, "thought_signature": "c2ln"})
SIGNED = ThinkingBlock(content="Hm.", additional_information={"signature": sign("Hm.")})
UNSIGNED = ThinkingBlock(content="Hm.", additional_information={"signature": None})
PIECE = CitationBlock(cited_content=TextBlock(text="b"), source="s", title="t", additional_location_info={})
WRITTEN: dict[str, tuple[ChatMessage, str | None]] = {
    "Responses": (of(REASONED, BLUE, built_in_tool_calls=[{"type": "web_search_call"}], annotations=[]), None),
    "Responses, a call": (of(REASONED, ToolCallBlock(tool_call_id="call_1", tool_name="look",
                                                     tool_kwargs='{"at": "sky"}')), "call_1"),
    "Responses, a refusal": (of(refusal="I will not.", built_in_tool_calls=[]), None),
    "Gemini": (of(GEMINI_S, BLUE, role=MessageRole.MODEL, thought_signatures=["c2ln"]), None),
    "Gemini on Vertex, a call": (of(ToolCallBlock(tool_call_id="look", tool_name="look", tool_kwargs={"at": "sky"}),
                                    role=MessageRole.MODEL), "look"),
    "Gemini, before there were blocks": (of(role=MessageRole.MODEL, tool_calls=[{"name": "look",
                                                                                 "args": {"at": "sky"}}]), "look"),
    "Bedrock, Claude": (of(SIGNED, BLUE), None),
    "Bedrock, another": (of(UNSIGNED, BLUE), None),
    "Mistral": (of(ThinkingBlock(content="Hm."), BLUE), None),
    "Ollama": (of(ThinkingBlock(content="Hm."), TextBlock(text=""),
                  ToolCallBlock(tool_name="look", tool_kwargs={"at": "sky"})), "look"),
    "Cohere": (of(TextBlock(text="I look."), tool_calls=[{"name": "look", "parameters": {"at": "sky"}}]), "look"),
    "Anthropic": (of(UNSIGNED, BLUE, PIECE), None),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:thinking is left out until this loop:portkey_gateway.PortkeyWarning")
@pytest.mark.parametrize("way", ["chat", "stream_chat"])
@pytest.mark.parametrize("written", WRITTEN)
def test_what_another_class_wrote_goes_on(
    claude: Portkey, openai: Portkey, both: Sandbox, written: str, way: str
) -> None:
    message, call_id = WRITTEN[written]
    # OpenAI's Responses class knows a result by another name.
    name = "call_id" if written.startswith("Responses") else "tool_call_id"
    results = [ChatMessage("grey", role=MessageRole.TOOL, additional_kwargs={name: call_id})] if call_id else []
    history = [ChatMessage("Look."), message, *results, ChatMessage("And now?")]
    fallback = Portkey(**routed(both, both.config()))
    for llm, provider in ((claude, both.claude), (openai, both.openai), (fallback, both.openai)):
        assert ask(llm, way, history).message.content
        told = str(provider.requests[-1].body["messages"])
        assert ("grey" in told) is bool(call_id)
        assert ("Blue." in told) is (BLUE in message.blocks)
        assert ("sky" in told) is bool(call_id)
        is_thought_on = provider is both.claude and written == "Bedrock, Claude"
        assert ("Hm." in told) is is_thought_on


@chat_way
@pytest.mark.parametrize("said", [{"status": "error"}, {"is_error": True}])
def test_a_tool_that_failed_says_so_as_the_class_for_bedrock_does_or_anthropic(
    both: Sandbox, way: str, said: dict[str, Any]
) -> None:
    llm = Portkey(model=both.model, max_retries=0, **both.options())
    failed = {"tool_call_id": "call_1", **said}
    result = ChatMessage("no sky", role=MessageRole.TOOL, additional_kwargs=failed)
    ask(llm, way, [ChatMessage("Look."), of(CALL), result])
    [block] = both.claude.requests[-1].body["messages"][-1]["content"]
    assert block["is_error"] is True


@chat_way
def test_a_conversation_may_begin_with_an_answer(claude: Portkey, both: Sandbox, way: str) -> None:
    begun = ChatMessage("How can I help?", role=MessageRole.ASSISTANT)
    assert ask(claude, way, [begun, ChatMessage("And now?")]).message.content
    first = both.claude.requests[-1].body["messages"][0]
    assert (first["role"], "continued" in str(first["content"])) == ("user", True)
