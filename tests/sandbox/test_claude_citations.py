"""Answers that cite: the right kind of place for each kind of source, whole and streamed."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from portkey_gateway.sandbox.claude import sse
from portkey_gateway.sandbox.claude.answer import build_message
from portkey_gateway.sandbox.claude.brain import think
from portkey_gateway.sandbox.claude.cache_ledger import InputUsage
from portkey_gateway.sandbox.claude.validate import validate
from tests.sandbox.test_media import pdf

ON = {"citations": {"enabled": True}}
QUESTION = {"type": "text", "text": "What colour is the grass?"}
TEXT = {"type": "text", "media_type": "text/plain", "data": "The sky is blue. The grass is green."}
PDF = {
    "type": "base64",
    "media_type": "application/pdf",
    "data": base64.b64encode(pdf("The sky is blue", "The grass is green")).decode(),
}
BLOCKS = {"type": "content", "content": [{"type": "text", "text": "Blue sky"}, {"type": "text", "text": "Green grass"}]}


def document(source: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "document", "source": source, **more}


def request(*content: dict[str, Any]) -> dict[str, Any]:
    messages = [{"role": "user", "content": [*content, QUESTION]}]
    return {"model": "claude-sonnet-4-6", "max_tokens": 1000, "messages": messages}


def citations(body: dict[str, Any]) -> list[Any]:
    validate(body)
    return [citation for block in think(body).content for citation in block.get("citations", ())]


FOUND = {
    "type": "search_result",
    "source": "https://example.com",
    "title": "Colours",
    "content": [{"type": "text", "text": "The grass is green"}],
}


@pytest.mark.parametrize(
    ("block", "citation"),
    [
        (
            document(TEXT, title="Colours"),
            {
                "type": "char_location",
                "cited_text": "The grass is green.",
                "document_index": 0,
                "document_title": "Colours",
                "start_char_index": 17,
                "end_char_index": 36,
            },
        ),
        (
            document(PDF),
            {
                "type": "page_location",
                "cited_text": "The grass is green",
                "document_index": 0,
                "document_title": None,
                "start_page_number": 2,
                "end_page_number": 3,
            },
        ),
        (
            document(BLOCKS),
            {
                "type": "content_block_location",
                "cited_text": "Green grass",
                "document_index": 0,
                "document_title": None,
                "start_block_index": 1,
                "end_block_index": 2,
            },
        ),
        (
            FOUND,
            {
                "type": "search_result_location",
                "cited_text": "The grass is green",
                "source": "https://example.com",
                "title": "Colours",
                "search_result_index": 0,
                "start_block_index": 0,
                "end_block_index": 1,
            },
        ),
    ],
)
def test_each_kind_of_source_has_its_kind_of_place(block: dict[str, Any], citation: dict[str, Any]) -> None:
    assert citations(request({**block, **ON})) == [citation]
    assert citations(request(block)) == []


def test_documents_are_counted_through_the_conversation() -> None:
    body = request(document({**TEXT, "data": "Nothing."}, **ON), document(TEXT, **ON))

    assert [citation["document_index"] for citation in citations(body)] == [1]


def test_a_search_result_of_a_tool_is_cited() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{**FOUND, **ON}]}
    body = request()
    body["messages"] += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]

    assert [citation["type"] for citation in citations(body)] == ["search_result_location"]


def test_what_answers_nothing_is_not_cited() -> None:
    body = request(document({**TEXT, "data": "Prices rose."}, **ON))

    assert citations(body) == []
    assert think(body).content[0]["text"]


def streamed(body: dict[str, Any]) -> Iterator[Any]:
    message = build_message(think(body), body=body, input_usage=InputUsage(7))
    yield from sse.events(message)


def test_a_cited_text_is_streamed_with_its_citation_first() -> None:
    events = [event for event in streamed(request(document(TEXT, **ON))) if event["type"].startswith("content_block_")]

    assert events[0]["content_block"] == {"type": "text", "text": "", "citations": []}
    assert [event["delta"]["type"] for event in events[1:-1]] == ["citations_delta", *["text_delta"] * 4]


def test_the_answer_comes_back_as_it_went() -> None:
    body = request(document(TEXT, **ON))
    turns = [{"role": "assistant", "content": list(think(body).content)}, {"role": "user", "content": "Sure?"}]

    validate(body | {"messages": [*body["messages"], *turns]})
