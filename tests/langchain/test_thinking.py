"""Claude's reasoning: decoded, translated, and replayed with the signatures that prove it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage

from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.brain import REDACT_MAGIC
from portkey_gateway.sandbox.claude.signatures import is_genuine, is_sealed, seal, sign
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, invoke, stream, whole_or_streamed

Received = Callable[[], dict[str, Any]]

GENUINE = {"type": "thinking", "thinking": "Look up.", "signature": sign("Look up.")}
CALL = {"name": "look", "args": {}, "id": "call_1", "type": "tool_call"}


@pytest.fixture
def thinking(model: ChatPortkey) -> ChatPortkey:
    return model.with_options(thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=3000)


def without_index(content: Any) -> Any:
    return [{key: value for key, value in block.items() if key != "index"} for block in content]


@any_call
def test_thinking_is_decoded_whole_and_streamed_alike(thinking: ChatPortkey, ask: Ask) -> None:
    answer = ask(thinking, "What is 2+2?")
    thought, said = without_index(answer.content)
    assert thought["type"] == "thinking"
    assert is_genuine(thought["thinking"], thought["signature"])
    assert said == {"type": "text", "text": "2 + 2 = 4."}
    assert answer.text == "2 + 2 = 4."


def test_whole_and_streamed_content_are_equal(thinking: ChatPortkey) -> None:
    whole, streamed = invoke(thinking, "What is 2+2?"), stream(thinking, "What is 2+2?")
    assert whole.content == without_index(streamed.content)
    assert whole.content_blocks == without_index(streamed.content_blocks)


@any_call
def test_the_standard_blocks_show_reasoning_and_its_proof(thinking: ChatPortkey, ask: Ask) -> None:
    reasoning, text = without_index(ask(thinking, "What is 2+2?").content_blocks)
    assert reasoning["type"] == "reasoning"
    assert is_genuine(reasoning["reasoning"], reasoning["extras"]["signature"])
    assert text == {"type": "text", "text": "2 + 2 = 4."}


def test_every_chunk_is_translated_while_the_answer_comes_in(thinking: ChatPortkey) -> None:
    kinds = [block["type"] for chunk in thinking.stream("What is 2+2?") for block in chunk.content_blocks]
    assert set(kinds) == {"reasoning", "text"}
    assert kinds == sorted(kinds)


@any_call
def test_redacted_thinking_is_decoded(thinking: ChatPortkey, ask: Ask) -> None:
    answer = ask(thinking, f"What is 2+2? {REDACT_MAGIC}")
    redacted, _ = without_index(answer.content)
    assert redacted["type"] == "redacted_thinking"
    assert is_sealed(redacted["data"])
    assert answer.content_blocks[0]["type"] == "non_standard"


def look() -> None:
    """Look at the sky."""


@any_call
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("magic", ["", f" {REDACT_MAGIC}"])
def test_a_tool_loop_replays_the_thoughts(
    thinking: ChatPortkey, received: Received, ask: Ask, version: str, magic: str
) -> None:
    bound = thinking.with_options(output_version=version).bind_tools([look])
    question = HumanMessage(f"Look at the sky.{magic}")
    asked = ask(bound, [question])
    [call] = asked.tool_calls
    ask(bound, [question, asked, ToolMessage("blue", tool_call_id=call["id"] or "")])
    first, *rest = received()["messages"][1]["content"]
    if magic:
        assert is_sealed(first["data"])
    else:
        assert is_genuine(first["thinking"], first["signature"])
        assert first["type"] == "thinking"
    assert rest[-1]["type"] == "tool_use"


@whole_or_streamed
def test_a_loaded_history_replays_the_thoughts(thinking: ChatPortkey, received: Received, ask: Ask) -> None:
    asked = ask(thinking, "What is 2+2?")
    loaded = type(asked).model_validate_json(asked.model_dump_json())
    thinking.invoke([HumanMessage("What is 2+2?"), loaded, HumanMessage("Sure?")])
    thought = received()["messages"][1]["content"][0]
    assert is_genuine(thought["thinking"], thought["signature"])


@pytest.mark.parametrize(
    ("block", "provider"),
    [
        pytest.param(GENUINE, None, id="written by hand"),
        pytest.param(GENUINE, "anthropic", id="langchain-anthropic"),
        pytest.param(
            {"type": "reasoning", "reasoning": "Look up.", "extras": {"signature": GENUINE["signature"]}},
            "anthropic",
            id="a standard block",
        ),
        pytest.param(
            {
                "type": "reasoning_content",
                "reasoning_content": {"text": "Look up.", "signature": GENUINE["signature"]},
            },
            "bedrock_converse",
            id="langchain-aws",
        ),
    ],
)
def test_claude_s_reasoning_from_another_integration_is_replayed(
    thinking: ChatPortkey, received: Received, block: dict[str, Any], provider: str | None
) -> None:
    metadata = {"model_provider": provider} if provider else {}
    message = AIMessage([block, {"type": "text", "text": "I look."}], tool_calls=[CALL], response_metadata=metadata)
    thinking.bind_tools([look]).invoke([HumanMessage("Look."), message, ToolMessage("blue", tool_call_id="call_1")])
    assert [each["type"] for each in received()["messages"][1]["content"]] == ["thinking", "text", "tool_use"]


@pytest.mark.parametrize(
    ("block", "metadata"),
    [
        pytest.param({"type": "reasoning", "reasoning": "Hm."}, {}, id="without a signature"),
        pytest.param({"type": "thinking", "thinking": "Hm."}, {}, id="thinking without a signature"),
        pytest.param({"type": "redacted_thinking"}, {}, id="nothing"),
        pytest.param(
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"model_provider": "openai"},
            id="OpenAI's",
        ),
        pytest.param(
            {"type": "thinking", "thinking": "Hm.", "signature": "AbCd"},
            {"model_provider": "google_genai"},
            id="Gemini's",
        ),
        pytest.param(
            {"type": "thinking", "thinking": "Hm.", "signature": "AbCd"},
            {"model_provider": "portkey", "model_name": "gemini-3-pro", "provider": "vertex-ai"},
            id="Gemini's through the gateway",
        ),
    ],
)
def test_foreign_reasoning_is_left_out(
    model: ChatPortkey, received: Received, block: dict[str, Any], metadata: dict[str, str]
) -> None:
    message = AIMessage([block, {"type": "text", "text": "Hello."}], response_metadata=metadata)
    model.invoke([HumanMessage("Hi"), message, HumanMessage("How are you?")])
    assert received()["messages"][1]["content"] == [{"type": "text", "text": "Hello."}]


def test_a_foreign_call_in_the_content_is_understood(model: ChatPortkey, received: Received) -> None:
    """OpenAI's Responses API keeps calls among its content."""
    message = AIMessage(
        [
            {"type": "text", "text": "I look.", "annotations": []},
            {"type": "function_call", "name": "look", "arguments": "{}", "call_id": "call_1", "id": "fc_1"},
        ],
        tool_calls=[CALL],
        response_metadata={"model_provider": "openai"},
    )
    model.invoke([HumanMessage("Look."), message, ToolMessage("blue", tool_call_id="call_1")])
    assert [block["type"] for block in received()["messages"][1]["content"]] == ["text", "tool_use"]


@whole_or_streamed
def test_what_the_provider_did_by_itself_is_replayed(
    model: ChatPortkey, sandbox: Sandbox, received: Received, ask: Ask
) -> None:
    result = {"type": "web_search_result", "url": "https://a.org", "title": "A", "encrypted_content": seal("Blue.")}
    sandbox.claude.reply_with(
        "I search.",
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "sky"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [result]},
        "It is blue.",
    )
    answer = ask(model, "Search.")
    assert answer.text == "I search.It is blue."
    model.invoke([HumanMessage("Search."), answer, HumanMessage("Sure?")])
    said = received()["messages"][1]["content"]
    assert said == [
        {"type": "text", "text": "I search."},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "sky"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [result]},
        {"type": "text", "text": "It is blue."},
    ]


def test_thinking_is_no_matter_of_a_strict_answer(thinking: ChatPortkey) -> None:
    strict = thinking.with_options(strict_open_ai_compliance=True, api_format="auto")
    for answer in (invoke(strict, "What is 2+2?"), stream(strict, "What is 2+2?")):
        assert without_index(answer.content) == [{"type": "text", "text": "2 + 2 = 4."}]
        assert answer.response_metadata["finish_reason"] == "stop"
        assert isinstance(answer, AIMessage | AIMessageChunk)
