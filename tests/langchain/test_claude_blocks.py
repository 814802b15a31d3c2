"""What only Claude says is kept whole, shown in LangChain's standard blocks, and replayed as Claude said it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, messages_from_dict, messages_to_dict

from portkey_gateway.chat_completions.encode import encode_request as encode_chat
from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages.decode import MessageFold
from portkey_gateway.messages.encode import encode_request
from portkey_gateway.messages.stream import DECODING
from portkey_gateway.routing import Route
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.signatures import seal
from portkey_langchain import ChatPortkey
from portkey_langchain.claude_blocks import as_claude_block, citations_of
from portkey_langchain.content_form import is_told_in_blocks
from portkey_langchain.decode import ContentState, decode_message
from portkey_langchain.encode import encode_messages
from tests.core.messages.told import streamed
from tests.langchain.ask import stream, total

ROUTE = Route(api_format="messages", is_claude=True, provider="anthropic", only_anthropic=True)
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "sky"}}
PAGE = {"type": "web_search_result", "url": "https://a.org", "title": "A", "encrypted_content": seal("Blue.")}
CODE = {"type": "server_tool_use", "id": "srvtoolu_2", "name": "code_execution", "input": {"code": "print(1)"}}
PRINTED = {"type": "code_execution_result", "stdout": "1\n", "stderr": "", "return_code": 0, "content": []}
MCP = {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "find", "server_name": "files", "input": {"q": "a"}}
THINKING = {"type": "enabled", "budget_tokens": 1024}
CALLER = {"type": "code_execution_20250825", "tool_id": "srvtoolu_2"}


def cited(**location: Any) -> dict[str, Any]:
    return {"type": "text", "text": "It is blue.", "citations": [{"cited_text": "Blue.", **location}]}


def served(name: str, **given: Any) -> dict[str, Any]:
    """A call of a tool that Anthropic runs."""
    return {"type": "server_tool_use", "id": "srvtoolu_3", "name": name, "input": given}


SAID = {"type": "text", "text": "It is blue."}
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "a fetched page": [
        served("web_fetch", url="https://a.org"),
        {
            "type": "web_fetch_tool_result",
            "tool_use_id": "srvtoolu_3",
            "content": {
                "type": "web_fetch_result",
                "url": "https://a.org",
                "content": {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Blue."},
                    "title": "A",
                    "citations": {"enabled": True},
                },
                "retrieved_at": "2026-01-01T00:00:00Z",
            },
        },
        SAID,
    ],
    "tools that were found": [
        served("tool_search_tool_bm25", query="sky"),
        {
            "type": "tool_search_tool_result",
            "tool_use_id": "srvtoolu_3",
            "content": {
                "type": "tool_search_tool_search_result",
                "tool_references": [{"type": "tool_reference", "tool_name": "look"}],
            },
        },
        SAID,
    ],
    "a shell": [
        served("bash_code_execution", command="ls"),
        {
            "type": "bash_code_execution_tool_result",
            "tool_use_id": "srvtoolu_3",
            "content": {
                "type": "bash_code_execution_result",
                "stdout": "a",
                "stderr": "",
                "return_code": 0,
                "content": [{"type": "bash_code_execution_output", "file_id": "file_1"}],
            },
        },
        SAID,
    ],
    "an editor": [
        served("text_editor_code_execution", command="view", path="/a"),
        {
            "type": "text_editor_code_execution_tool_result",
            "tool_use_id": "srvtoolu_3",
            "content": {
                "type": "text_editor_code_execution_view_result",
                "file_type": "text",
                "content": "a",
                "num_lines": 1,
                "start_line": 1,
                "total_lines": 1,
            },
        },
        SAID,
    ],
    "a search": [
        {"type": "text", "text": "I look."},
        SEARCH,
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [PAGE]},
        cited(type="web_search_result_location", url="https://a.org", title="A", encrypted_index=seal("https://a.org")),
    ],
    "a search that failed": [
        SEARCH,
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"},
        },
    ],
    "code": [CODE, {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": PRINTED}],
    "a call of code": [
        CODE,
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}, "caller": CALLER},
    ],
    "an MCP server": [
        MCP,
        {
            "type": "mcp_tool_result",
            "tool_use_id": "mcptoolu_1",
            "content": [{"type": "text", "text": "b"}],
            "is_error": False,
        },
        {
            "type": "mcp_tool_result",
            "tool_use_id": "mcptoolu_2",
            "content": [{"type": "text", "text": "b"}],
            "is_error": True,
        },
    ],
    "thoughts": [
        {"type": "thinking", "thinking": "Hm.", "signature": "Eq"},
        {"type": "redacted_thinking", "data": "Em"},
        {"type": "text", "text": "Blue."},
    ],
    "a compaction": [{"type": "compaction", "content": "They spoke of the sky."}, {"type": "text", "text": "Yes."}],
    "an upload": [{"type": "container_upload", "file_id": "file_1"}, {"type": "text", "text": "Yes."}],
    "citations": [
        cited(type="char_location", document_index=0, document_title="A", start_char_index=0, end_char_index=5),
        cited(type="char_location", document_index=0, document_title=None, start_char_index=0, end_char_index=5),
        cited(type="page_location", document_index=0, document_title="A", start_page_number=1, end_page_number=2),
        cited(type="content_block_location", document_index=0, document_title="A", start_block_index=0,
              end_block_index=1),
        cited(type="search_result_location", search_result_index=0, source="s", title="A", start_block_index=0,
              end_block_index=1),
    ],
}  # fmt: skip

every_answer = pytest.mark.parametrize("content", ANSWERS.values(), ids=ANSWERS)


def body(content: list[dict[str, Any]]) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6"}
    return {**head, "content": content, "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}


def whole(content: list[dict[str, Any]]) -> AIMessage:
    return decode_message(DECODING.decode(json.dumps(body(content)).encode(), GatewayInfo()), in_blocks=True)


def summed(content: list[dict[str, Any]], *, version: str = "v0") -> AIMessage:
    fold, state = DECODING.fold(GatewayInfo()), ContentState(in_blocks=True)
    chunks = [state.decode_chunk(fold.add(event)) for event in streamed(body(content), [3, 1])]
    ends = [state.decode_last_chunk(fold.answer())]
    messages = [chunk.message for chunk in [*chunks, *ends] if chunk]
    assert all(isinstance(message, AIMessageChunk) for message in messages)
    return total([as_version(message, version) for message in messages])


def as_version(message: Any, version: str) -> Any:
    """What LangChain makes of a message for ``output_version="v1"``."""
    if version == "v0":
        return message
    metadata = {**message.response_metadata, "output_version": "v1"}
    return message.model_copy(update={"content": message.content_blocks, "response_metadata": metadata})


def replayed(message: AIMessage) -> Any:
    request: Any = {"model": "claude-sonnet-4-5", "messages": encode_messages([HumanMessage("Hi"), message])}
    return json.loads(encode_request(request, ROUTE).body)["messages"][1]["content"]


def without_index(blocks: Any) -> Any:
    return [{name: value for name, value in block.items() if name != "index"} for block in blocks]


@every_answer
def test_content_is_what_claude_said(content: list[dict[str, Any]]) -> None:
    assert whole(content).content == content
    assert without_index(summed(content).content) == content


@every_answer
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("make", [whole, summed])
def test_claude_receives_what_it_said(content: list[dict[str, Any]], version: str, make: Any) -> None:
    message = as_version(whole(content), version) if make is whole else summed(content, version=version)
    assert replayed(message) == content
    [stored] = messages_from_dict(json.loads(json.dumps(messages_to_dict([message]))))
    assert isinstance(stored, AIMessage)
    assert replayed(stored) == content


@every_answer
def test_the_standard_blocks_are_the_same_whole_and_streamed(content: list[dict[str, Any]]) -> None:
    message = whole(content)
    assert without_index(summed(content).content_blocks) == message.content_blocks
    assert without_index(summed(content, version="v1").content) == message.content_blocks


def speaking(sandbox: Sandbox, content: list[dict[str, Any]], **more: Any) -> ChatPortkey:
    """A model that answers in blocks, and that says this."""
    options: dict[str, Any] = {**sandbox.options(), "api_format": "messages", "max_retries": 0, **more}
    model = ChatPortkey(model="claude-sonnet-4-6", **options)
    sandbox.claude.reply_with(*content)
    return model


@every_answer
def test_claude_receives_what_it_said_in_langchain_s_events(sandbox: Sandbox, content: list[dict[str, Any]]) -> None:
    model = speaking(sandbox, content, thinking=THINKING)
    message = model.stream_events("Hi", version="v3").output
    assert replayed(message) == content


@pytest.mark.parametrize("version", ["v0", "v1", "v3"])
def test_all_citations_and_who_called_survive_a_stream(sandbox: Sandbox, version: str) -> None:
    [first, _, second, *_] = ANSWERS["citations"]
    text = {**first, "citations": [*first["citations"], *second["citations"]]}
    content = [text, *ANSWERS["a compaction"], *ANSWERS["a call of code"]]
    model = speaking(sandbox, content, thinking=THINKING)
    if version == "v3":
        message = model.stream_events("Hi", version="v3").output
    else:
        message = stream(model.model_copy(update={"output_version": version}), "Hi")
    assert replayed(message) == content


def test_each_block_of_claude_s_own_comes_once_and_whole() -> None:
    fold, state = DECODING.fold(GatewayInfo()), ContentState(in_blocks=True)
    content = [*ANSWERS["a compaction"], ANSWERS["a call of code"][1]]
    chunks = [state.decode_chunk(fold.add(event)) for event in streamed(body(content), [3, 1])]
    messages: list[Any] = [chunk.message for chunk in chunks if chunk]
    assert [block for each in messages for block in each.content if block["type"] == "compaction"] == [
        {**content[0], "index": 0}
    ]
    [begun, *_] = [block for each in messages for block in each.content_blocks if block["type"] == "tool_call_chunk"]
    assert begun["extras"] == {"caller": CALLER}


@pytest.mark.parametrize(("model", "more"), [
    ("claude-sonnet-4-5", {"model_kwargs": {"fallbacks": [{"model": "claude-sonnet-4-6"}]}}),
    ("claude-opus-4-7", {"reasoning_effort": "low"}),
])  # fmt: skip
def test_what_may_be_more_than_text_is_a_list_whole_and_streamed(model: str, more: Any) -> None:
    asked: Any = {"model": model, "messages": [], **more.get("model_kwargs", more)}
    assert is_told_in_blocks(asked)
    assert not is_told_in_blocks({"model": model, "messages": []})


def test_a_list_that_begins_behind_a_text_spoils_none_of_its_blocks(sandbox: Sandbox) -> None:
    call: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    texts: list[dict[str, Any]] = [{"type": "text", "text": text} for text in ("I call.", "I look.", "It is blue.")]
    search = ANSWERS["a search"][1:3]
    model = speaking(sandbox, [texts[0], call, texts[1], *search, texts[2]], output_version="v1")
    said = replayed(stream(model, "Hi"))
    assert [block for block in said if block["type"] != "tool_use"] == [*texts[:2], *search, texts[2]]


def test_a_server_tool_and_its_result_are_langchain_s_own_blocks() -> None:
    call, result, *_ = whole(ANSWERS["a search"][1:]).content_blocks
    assert call == {"type": "server_tool_call", "id": "srvtoolu_1", "name": "web_search", "args": {"query": "sky"}}
    assert result == {
        "type": "server_tool_result",
        "tool_call_id": "srvtoolu_1",
        "status": "success",
        "output": [PAGE],
        "extras": {"block_type": "web_search_tool_result"},
    }


def test_who_called_stands_beside_the_call() -> None:
    message = whole(ANSWERS["a call of code"])
    [call] = message.tool_calls
    assert (call["name"], call["args"]) == ("look", {"at": "sky"})
    assert message.content_blocks[-1].get("extras") == {"caller": CALLER}


def test_another_model_is_told_the_text_alone() -> None:
    openai = Route(api_format="chat_completions", provider="openai")
    message = whole([*ANSWERS["a search"], *ANSWERS["a compaction"]])
    request: Any = {"model": "gpt-5", "messages": encode_messages([HumanMessage("Hi"), message])}
    [_, said] = json.loads(encode_chat(request, openai).body)["messages"]
    assert said == {"role": "assistant", "content": [{"type": "text", "text": text} for text in
                                                     ("I look.", "It is blue.", "Yes.")]}  # fmt: skip


@pytest.mark.parametrize("provider", ["openai", "google_genai", "bedrock_converse"])
def test_what_another_provider_ran_is_left_out(provider: str) -> None:
    content: list[Any] = [*whole(ANSWERS["a search"]).content_blocks]
    metadata = {"model_provider": provider, "output_version": "v1"}
    message = AIMessage(content, response_metadata=metadata)
    if provider == "bedrock_converse":
        # Behind it may be a Claude, which knows what it said.
        assert [block["type"] for block in replayed(message)] == [block["type"] for block in ANSWERS["a search"]]
    else:
        assert [block["type"] for block in replayed(message)] == ["text", "text"]


def test_what_is_none_of_claude_s_own_is_none() -> None:
    assert as_claude_block({"type": "image", "base64": "…"}) is None
    assert as_claude_block({"type": "server_tool_result", "tool_call_id": "1", "output": "of another provider"}) is None
    assert citations_of({"type": "text", "text": "a"}) == []
    assert citations_of({"type": "text", "text": "a", "annotations": [{"type": "citation", "title": "?"}, "?"]}) == []


def test_a_stream_that_ends_inside_the_input_of_a_server_tool_can_be_added_up() -> None:
    """As one that ``max_tokens`` cuts off: LangChain adds no text to the object that the input begins as."""
    begun = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    state, fold = ContentState(), MessageFold(GatewayInfo())
    told: list[Any] = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "claude-sonnet-4-5"}},
        {"type": "content_block_start", "index": 0, "content_block": begun},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"query": "s'},
        },
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
    ]
    chunks = [chunk for event in told if (chunk := state.decode_chunk(fold.add(event)))]
    chunks.append(state.decode_last_chunk(fold.answer()))

    content: Any = sum(chunks[1:], chunks[0]).message.content
    [block] = content

    cut = begun | {"partial_json": '{"query": "s'}
    assert {name: value for name, value in block.items() if name != "index"} == cut
    assert decode_message(fold.answer()).content == [cut]
    assert as_claude_block(block) == begun
    [ended] = chunks[-1].message.content_blocks
    assert (ended["type"], ended.get("args")) == ("server_tool_call_chunk", '{"query": "s')
