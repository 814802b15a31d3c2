"""What may be cited reaches Claude as what it cites, and comes back with its citation; others are told it as text."""

from __future__ import annotations

import json
from contextlib import nullcontext as nothing
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from pydantic import BaseModel

from portkey_gateway import PortkeyWarning
from portkey_llamaindex import Portkey
from tests.llamaindex.media import PDF, PDF_SOURCE, PNG, PNG_SOURCE
from tests.llamaindex.received import Received
from tests.llamaindex.ways import ask, chat_way
from tests.support.recording import RecordingServer, whole

URL = "https://example.org/tides"
FACT = "The tide is high at noon."
TIDES = CitableBlock(title="Tides", source=URL, content=[TextBlock(text=FACT), TextBlock(text="It is low at six.")])
CITED = {"citations": {"enabled": True}}
SEARCH_RESULT = {
    "type": "search_result",
    "source": URL,
    "title": "Tides",
    "content": [{"type": "text", "text": FACT}, {"type": "text", "text": "It is low at six."}],
    **CITED,
}
QUESTION = TextBlock(text="When is the tide high?")
POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
LOOKED = ChatMessage(
    role=MessageRole.ASSISTANT, blocks=[ToolCallBlock(tool_call_id="toolu_1", tool_name="look", tool_kwargs={})]
)


def told(*blocks: Any) -> ChatMessage:
    return ChatMessage(role=MessageRole.TOOL, blocks=[*blocks], additional_kwargs={"tool_call_id": "toolu_1"})


@chat_way
def test_claude_cites_it_over_messages_and_reads_it_over_chat_completions(
    llm: Portkey, received: Received, api_format: str, way: str
) -> None:
    lost = api_format == "chat_completions"
    with pytest.warns(PortkeyWarning, match="CitableBlock .* not cited: api_format='messages'") if lost else nothing():
        answer = ask(llm, way, [ChatMessage([TIDES, POINT, QUESTION])])
    assert FACT in answer.message.content
    if lost:
        first, second, *_ = received.content
        assert (first["text"], second["text"]) == (f"Tides ({URL}):", FACT)
        return
    assert received.content[0] == {**SEARCH_RESULT, "cache_control": {"type": "ephemeral"}}
    citation = next(block for block in answer.message.blocks if isinstance(block, CitationBlock))
    assert (citation.source, citation.title, citation.cited_content) == (URL, "Tides", TextBlock(text=FACT))
    assert citation.additional_location_info == {"search_result_index": 0, "start_block_index": 0, "end_block_index": 1}
    history = [ChatMessage([TIDES, QUESTION]), answer.message, ChatMessage("Please say: ahoy")]
    ask(llm, way, history)
    [cited] = received.latest["messages"][1]["content"]
    assert cited["citations"][0]["source"] == URL


@chat_way
def test_what_a_tool_found_is_cited_over_both(llm: Portkey, received: Received, way: str) -> None:
    history = [ChatMessage([QUESTION]), LOOKED, told(TIDES)]
    answer = ask(llm, way, history, tools=[LOOK])
    [result] = received.content
    assert result["content"] == [SEARCH_RESULT]
    assert any(isinstance(block, CitationBlock) and block.source == URL for block in answer.message.blocks)


@chat_way
@pytest.mark.parametrize("api_format", ["messages"])  # chat completions have no place for it
def test_a_document_is_cited_as_itself(llm: Portkey, received: Received, way: str) -> None:
    report = CitableBlock(title="Report", source=URL, content=[DocumentBlock(data=PDF), ImageBlock(image=PNG)])
    answer = ask(llm, way, [ChatMessage([report, TextBlock(text="Cite the annual report")])])
    document = {"type": "document", "source": PDF_SOURCE, "title": "Report", "context": URL, **CITED}
    assert received.content[:2] == [document, {"type": "image", "source": PNG_SOURCE}]
    citation = next(block for block in answer.message.blocks if isinstance(block, CitationBlock))
    assert citation.title == "Report"


def test_another_model_is_told_the_text(recorded: Portkey, server: RecordingServer) -> None:
    server.reply(whole({"choices": [{"message": {"content": "At noon."}, "finish_reason": "stop"}]}))
    other = recorded.with_options(model="gpt-5", provider="openai")
    other.chat([ChatMessage([TIDES, QUESTION]), LOOKED, told(TIDES)])
    asked, _, result = server.requests[0].json["messages"]
    for content in (asked["content"], result["content"]):
        assert [part["text"] for part in content[:3]] == [f"Tides ({URL}):", FACT, "It is low at six."]


class Time(BaseModel):
    """A time of day."""

    hour: str


@pytest.mark.parametrize("way", ["chat", "achat"])
def test_an_answer_that_is_bound_to_a_schema_cites_nothing(llm: Portkey, received: Received, way: str) -> None:
    thinking = llm.with_options(thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000)
    answer = ask(thinking.as_structured_llm(Time), way, [ChatMessage([TIDES, QUESTION])])
    assert isinstance(answer.raw, Time)
    assert "search_result" not in json.dumps(received.latest)
