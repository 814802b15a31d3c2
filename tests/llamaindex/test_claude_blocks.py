"""What only Claude says is kept beside LlamaIndex's blocks, stored with them, and replayed as Claude said it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    ChatResponse,
    CitationBlock,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.core.prompts import ChatPromptTemplate
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

from portkey_gateway.chat_completions.encode import encode_request as encode_chat
from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages.encode import encode_request
from portkey_gateway.messages.stream import DECODING
from portkey_gateway.routing import Route
from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from portkey_llamaindex.claude_notes import NOTES
from portkey_llamaindex.decode import GrowingResponse, decode_response
from portkey_llamaindex.encode import encode_messages
from tests.core.messages.told import message, streamed
from tests.llamaindex.claude_says import ANSWERS, CALL, CALLER, CODE, SEARCH, Block, text
from tests.llamaindex.received import Received
from tests.llamaindex.ways import ask, ask_all, chat_way

MESSAGES = Route(api_format="messages", is_claude=True, provider="anthropic", only_anthropic=True)
CHAT = Route(is_claude=True, provider="anthropic")
OPENAI = Route(provider="openai")
POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))
# What the emulated Claude wants to be offered for what it is told that it said.
OFFERED: dict[str, dict[str, Any]] = {
    "a search": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "code between thoughts": {
        "tools": [{"type": "code_execution_20250522", "name": "code_execution"}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "max_tokens": 2000,
    },
}

every_answer = pytest.mark.parametrize("content", ANSWERS.values(), ids=ANSWERS)


def whole(content: list[Block]) -> ChatResponse:
    return decode_response(DECODING.decode(json.dumps(message(content)).encode(), GatewayInfo()))


def last(content: list[Block]) -> ChatResponse:
    fold, growing = DECODING.fold(GatewayInfo()), GrowingResponse()
    for event in streamed(message(content), [3, 1]):
        growing.add(fold.add(event))
    return decode_response(fold.answer(), delta="")


def stored(said: ChatMessage) -> ChatMessage:
    return ChatMessage.model_validate_json(said.model_dump_json())


def remembered(said: ChatMessage) -> ChatMessage:
    memory = ChatMemoryBuffer.from_defaults(tokenizer_fn=str.split)
    memory.put(said)
    [found] = memory.get()
    return found


def filled_in(said: ChatMessage) -> ChatMessage:
    [formatted] = ChatPromptTemplate([said]).format_messages(name="Ada")
    return formatted


def body(encode: Callable[..., Any], said: ChatMessage, route: Route) -> Any:
    request: Any = {"model": "claude-sonnet-4-5", "messages": encode_messages([ChatMessage("Hi"), said])}
    encoded = encode(request, route)
    return json.loads(encoded if isinstance(encoded, bytes) else encoded.body)["messages"][1]


def replayed(said: ChatMessage) -> Any:
    return body(encode_request, said, MESSAGES)["content"]


@every_answer
@pytest.mark.parametrize("make", [whole, last])
@pytest.mark.parametrize("keep", [lambda said: said, stored, remembered, filled_in],
                         ids=["at once", "stored", "remembered", "filled in"])  # fmt: skip
def test_claude_receives_what_it_said(content: list[Block], make: Any, keep: Any) -> None:
    assert replayed(keep(make(content).message)) == content


@every_answer
def test_over_chat_completions_only_calls_lose_their_place(content: list[Block]) -> None:
    said = whole(content).message
    if any(block.get("caller") for block in content):
        with pytest.warns(match="caller of 'look'"):
            told = body(encode_chat, said, CHAT)
    else:
        told = body(encode_chat, said, CHAT)
    assert told["content_blocks"] == [block for block in content if block["type"] != "tool_use"]
    called = [call["id"] for call in told.get("tool_calls", ())]
    assert called == [block["id"] for block in content if block["type"] == "tool_use"]


@every_answer
def test_whole_and_streamed_are_the_same(content: list[Block]) -> None:
    one, other = whole(content), last(content)
    assert one.message == other.message
    assert one.raw == other.raw


@every_answer
def test_another_model_is_told_the_text_alone(content: list[Block]) -> None:
    told = body(encode_chat, whole(content).message, OPENAI)
    assert told.keys() <= {"role", "content", "tool_calls"}
    texts = told.get("content") or ""
    said = texts if isinstance(texts, str) else "".join(part["text"] for part in texts)
    assert said == "".join(block["text"] for block in content if block["type"] == "text")
    assert isinstance(texts, str) or all(part.keys() == {"type", "text"} for part in texts)


@chat_way
@pytest.mark.parametrize("name", ["a search", "code between thoughts", "citations"])
def test_claude_receives_through_the_gateway_what_it_said(
    llm: Portkey, sandbox: Sandbox, received: Received, name: str, way: str
) -> None:
    content, offered = ANSWERS[name], OFFERED.get(name, {})
    sandbox.claude.reply_with(*content)
    answer = ask(llm, way, "Hi", **offered)
    ask(llm, way, [ChatMessage("Hi"), stored(answer.message), ChatMessage("And?")], **offered)
    assert received.latest["messages"][1] == {"role": "assistant", "content": content}
    others = [block for block in content if block["type"] not in {"text", "thinking"}]
    assert answer.raw.get("other_blocks", []) == others


@every_answer
async def test_a_memory_in_a_database_keeps_it(content: list[Block]) -> None:
    engine = create_async_engine("sqlite+aiosqlite:///:memory:", poolclass=StaticPool)
    memory = Memory.from_defaults(async_engine=engine, tokenizer_fn=str.split)
    try:
        await memory.aput_messages([ChatMessage("Hi"), whole(content).message])
        _, said = await memory.aget()
    finally:
        await engine.dispose()
    assert replayed(said) == content


@pytest.mark.parametrize("api_format", ["messages"])  # chat completions lose who called
@chat_way
def test_a_call_made_by_code_goes_on_where_the_code_waits(
    llm: Portkey, sandbox: Sandbox, received: Received, way: str
) -> None:
    tools: list[Any] = [
        {"type": "code_execution_20250825", "name": "code_execution"},
        {
            "type": "function",
            "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
            "allowed_callers": ["code_execution_20250825"],
        },
    ]
    content = [CODE, {**CALL, "caller": CALLER}]
    sandbox.claude.reply_with(*content)
    answer = ask(llm, way, "Hi", tools=tools)
    result = ChatMessage(role=MessageRole.TOOL, content="blue", additional_kwargs={"tool_call_id": "toolu_1"})
    ask(llm, way, [ChatMessage("Hi"), stored(answer.message), result], tools=tools, container="container_1")
    assert received.latest["messages"][1]["content"] == content


@chat_way
def test_a_search_of_the_web_is_asked_for_and_cited(llm: Portkey, way: str) -> None:
    tool = {"type": "web_search_20250305", "name": "web_search"}
    *_, answer = ask_all(llm, way, "Search the web for lighthouses", tools=[tool])
    kinds = [block["type"] for block in answer.raw["other_blocks"]]
    assert kinds == ["server_tool_use", "web_search_tool_result"]
    citation = next(block for block in answer.message.blocks if isinstance(block, CitationBlock))
    assert citation.source.startswith("https://example.com/")
    question = ChatMessage("Search the web for lighthouses")
    goes_on = ask(llm, way, [question, answer.message, ChatMessage("Please say: ahoy")], tools=[tool])
    assert goes_on.message.content == "ahoy"


@chat_way
def test_a_turn_that_paused_goes_on(llm: Portkey, received: Received, way: str) -> None:
    tool = {"type": "web_search_20250305", "name": "web_search"}
    history = [ChatMessage("Search the web for lighthouses, and pause")]
    paused = ask(llm, way, history, tools=[tool])
    assert paused.raw["stop_reason"] == "pause_turn"
    rest = ask(llm, way, [*history, paused.message], tools=[tool])
    assert rest.raw["stop_reason"] == "end_turn"
    assert [block["type"] for block in received.content] == ["text", "server_tool_use", "web_search_tool_result"]


def test_tools_of_the_model_stand_beside_those_of_a_call(llm: Portkey, received: Received) -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    look: Block = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    searching = llm.with_options(additional_kwargs={"tools": [search, look]})
    searching.chat([ChatMessage("Hi")], tools=[{**look, "function": {**look["function"], "name": "see"}}])
    assert [tool["name"] for tool in received.latest["tools"]] == ["web_search", "see"]
    searching.chat([ChatMessage("Hi")], tools=[{**search, "max_uses": 1}])
    assert [tool.get("max_uses") for tool in received.latest["tools"]] == [1]


@pytest.mark.parametrize("api_format", ["messages"])  # chat completions lose the servers
@chat_way
def test_an_mcp_server_is_asked(llm: Portkey, received: Received, way: str) -> None:
    asked: dict[str, Any] = {
        "mcp_servers": [{"type": "url", "url": "https://mcp.example.com/sse", "name": "files"}],
        "tools": [{"type": "mcp_toolset", "mcp_server_name": "files"}],
    }
    history = [ChatMessage("Ask files where the harbour is")]
    answer = ask(llm, way, history, **asked)
    assert [block["type"] for block in answer.raw["other_blocks"]] == ["mcp_tool_use", "mcp_tool_result"]
    ask(llm, way, [*history, stored(answer.message), ChatMessage("Thanks")], **asked)
    kept = [block for block in received.latest["messages"][1]["content"] if block["type"].startswith("mcp")]
    assert kept == answer.raw["other_blocks"]


@chat_way
def test_for_whom_a_call_is_arrives_in_a_header(llm: Portkey, sandbox: Sandbox, received: Received, way: str) -> None:
    ask(llm.with_options(user_profile_id="uprof_1"), way, "Hi")
    assert sandbox.claude.requests[-1].headers["anthropic-user-profile-id"] == "uprof_1"
    assert "user_profile_id" not in received.latest


def test_lists_that_hold_nothing_are_left_out(llm: Portkey, received: Received) -> None:
    empty: dict[str, Any] = {"mcp_servers": [], "betas": [], "container": {"skills": []}, "stop": []}
    llm.chat([ChatMessage("Hi")], tools=[], context_management={"edits": []}, **empty)
    llm.with_options(**empty, additional_kwargs={"tools": []}).chat([ChatMessage("Hi")])
    assert {*received.latest} - {"system"} == {"model", "messages", "max_tokens"}


def test_a_cache_point_marks_what_stands_before_it() -> None:
    said = whole(ANSWERS["a search that failed"][:2]).message
    said.blocks.append(POINT)
    first, second = replayed(said)
    assert "cache_control" not in first
    assert second["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in said.additional_kwargs[NOTES][1]["block"]


def test_notes_that_fit_no_more_are_left() -> None:
    said = whole(ANSWERS["a call of code"]).message
    said.blocks = [TextBlock(text="I looked.")]
    assert replayed(said) == [CODE, text("I looked.")]
    said.additional_kwargs[NOTES] = "of another program"
    assert replayed(said) == "I looked."


def test_a_call_without_a_result_beside_it_keeps_its_place() -> None:
    content = [text("I look."), CALL, SEARCH, text("And search.")]
    for response in (whole(content), last(content)):
        assert [type(block).__name__ for block in response.message.blocks] == [
            "TextBlock",
            "ToolCallBlock",
            "TextBlock",
        ]
        assert replayed(response.message) == content


def test_a_call_that_is_left_out_takes_its_note_along() -> None:
    content = [CALL, {**CALL, "id": "toolu_2", "caller": CALLER}, text("Now.")]
    answer = DECODING.decode(json.dumps(message(content)).encode(), GatewayInfo())
    said = decode_response(answer, one_tool_call=True).message
    [call, _] = said.blocks
    assert isinstance(call, ToolCallBlock)
    assert NOTES not in said.additional_kwargs
    assert replayed(said) == [CALL, text("Now.")]
