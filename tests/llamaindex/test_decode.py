"""Answers become LlamaIndex responses, whole and streamed alike."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CitationBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from portkey_gateway.chat_completions.decode import AnswerFold
from portkey_gateway.chat_completions.wire import Chunk
from portkey_gateway.conversation.answer import Answer, Delta
from portkey_gateway.info import GatewayInfo
from portkey_llamaindex.decode import GrowingResponse, decode_completion, decode_raw, decode_response

SEARCH_CITATION = {
    "type": "search_result_location",
    "cited_text": "High at noon.",
    "source": "https://example.org",
    "title": "Tides",
    "search_result_index": 0,
    "start_block_index": 1,
    "end_block_index": 2,
}


def chunk(**delta: Any) -> Chunk:
    return {"id": "msg_1", "model": "claude-sonnet-4-5", "choices": [{"index": 0, "delta": delta}]}  # type: ignore[typeddict-item]  # tests write any delta


def thinking(index: int, **delta: str) -> Chunk:
    return chunk(content_blocks=[{"index": index, "delta": delta}])


def said(index: int, text: str) -> Chunk:
    return chunk(content=text, content_blocks=[{"index": index, "delta": {"text": text}}])


def called(index: int, arguments: str, **first: str) -> Chunk:
    function = {"arguments": arguments, **({"name": first["name"]} if first else {})}
    return chunk(tool_calls=[{"index": index, "function": function, **({"id": first["id"]} if first else {})}])


def last(finish_reason: str = "end_turn") -> Chunk:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115, "cache_read_input_tokens": 100}
    choice = {"index": 0, "delta": {}, "finish_reason": finish_reason}
    return {"id": "msg_1", "choices": [choice], "usage": usage}  # type: ignore[list-item,typeddict-item]  # a literal


EVERYTHING = [
    thinking(0, thinking="The user "),
    thinking(0, thinking="asks."),
    thinking(0, signature="sig"),
    thinking(1, data="encrypted"),
    said(2, "Let me "),
    said(2, "look."),
    called(0, "", id="toolu_1", name="add"),
    called(0, '{"a": 1, "b"'),
    called(0, ": 2}"),
    called(1, "{}", id="toolu_2", name="sub"),
    last("tool_use"),
]


def fold(chunks: list[Chunk], **more: Any) -> tuple[list[ChatResponse], Answer]:
    folded, growing = AnswerFold(GatewayInfo()), GrowingResponse(**more)
    responses = [response for each in chunks if (response := growing.add(folded.add(each)))]
    return responses, folded.answer()


def test_a_whole_answer() -> None:
    response = decode_response(fold(EVERYTHING)[1])
    assert response.message.blocks == [
        ThinkingBlock(content="The user asks.", additional_information={"signature": "sig"}),
        ThinkingBlock(additional_information={"data": "encrypted"}),
        TextBlock(text="Let me look."),
        ToolCallBlock(tool_call_id="toolu_1", tool_name="add", tool_kwargs={"a": 1, "b": 2}),
        ToolCallBlock(tool_call_id="toolu_2", tool_name="sub", tool_kwargs={}),
    ]
    assert response.message.content == "Let me look."
    assert response.delta is None


def test_usage_and_stop_reason_stand_in_the_message_too() -> None:
    response: Any = decode_response(fold(EVERYTHING)[1], delta="")
    assert response.message.additional_kwargs == {"stop_reason": "tool_use", "usage": response.raw["usage"]}


def test_a_stored_message_is_the_same_again() -> None:
    message = decode_response(fold(EVERYTHING)[1]).message
    assert ChatMessage.model_validate_json(message.model_dump_json()) == message


def test_usage_counts_cached_tokens_as_input() -> None:
    response: Any = decode_response(fold(EVERYTHING)[1])
    shared = {
        "total_tokens": 115,
        "cache_read_tokens": 100,
        "cache_write_tokens": 0,
        "cache_write_1h_tokens": 0,
        "reasoning_tokens": 0,
    }
    assert response.raw["usage"] == {"input_tokens": 110, "output_tokens": 5, **shared}
    assert response.additional_kwargs == {"prompt_tokens": 110, "completion_tokens": 5, **shared}


def test_a_stream_shows_all_that_was_said_so_far() -> None:
    responses, _ = fold(EVERYTHING)
    assert [response.delta for response in responses] == ["", "", "", "", "Let me ", "look.", "", "", "", ""]
    assert [response.additional_kwargs.get("thinking_delta") for response in responses[:3]] == [
        "The user ",
        "asks.",
        None,
    ]
    assert responses[4].message.content == "Let me "
    assert responses[5].message.content == "Let me look."
    assert responses[7].message.blocks[-1] == ToolCallBlock(
        tool_call_id="toolu_1", tool_name="add", tool_kwargs='{"a": 1, "b"'
    )
    assert [response.raw for response in responses] == [None] * 10


def test_no_response_changes_when_the_next_one_comes() -> None:
    folded, growing = AnswerFold(GatewayInfo()), GrowingResponse()
    responses = (growing.add(folded.add(each)) for each in EVERYTHING)
    taken = [(response, response.model_copy(deep=True)) for response in responses if response]
    assert len(taken) == 10
    assert all(response == before for response, before in taken)


def test_a_chunk_that_says_nothing_gives_no_response() -> None:
    assert GrowingResponse().add(Delta(stop_reason="end_turn")) is None


def test_only_the_first_tool_call_is_kept_where_one_is_wanted() -> None:
    responses, answer = fold(EVERYTHING, one_tool_call=True)
    assert len(responses) == 9
    for response in (responses[-1], decode_response(answer, one_tool_call=True)):
        [block] = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        assert block.tool_name == "add"
    assert len(responses[-1].message.additional_kwargs["tool_calls"]) == 1


@given(st.lists(st.sampled_from(["The", " sea 🐚", "\n", "is", " "]), min_size=1), st.data())
def test_any_cut_of_a_text_ends_in_the_same_message(words: list[str], data: st.DataObject) -> None:
    text = "".join(words)
    places = sorted({0, len(text), *data.draw(st.lists(st.integers(0, len(text))))})
    pieces = [text[start:end] for start, end in pairwise(places)]
    responses, answer = fold([said(0, piece) for piece in pieces])
    assert responses[-1].message == decode_response(answer).message
    assert "".join(response.delta or "" for response in responses) == text


def test_a_tool_call_that_was_cut_off_keeps_its_text() -> None:
    _, answer = fold([called(0, '{"a": 1, "b', id="toolu_1", name="add"), last("max_tokens")])
    [block] = decode_response(answer).message.blocks
    assert block == ToolCallBlock(tool_call_id="toolu_1", tool_name="add", tool_kwargs='{"a": 1, "b')
    assert decode_raw(answer)["finish_reason"] == "length"


def test_citations_follow_the_text_that_rests_on_them() -> None:
    page = {"type": "web_search_result_location", "url": "https://sea.org", "title": "Sea", "cited_text": None}
    document = {"type": "char_location", "document_title": "Log", "document_index": 3, "cited_text": "calm"}
    texts = thinking(0, text="At noon."), *(chunk(content_blocks=[{"index": 0, "delta": {"citation": each}}])
                                            for each in (SEARCH_CITATION, page, document))  # fmt: skip
    responses, answer = fold([*texts])
    text, tides, sea, log = decode_response(answer).message.blocks
    assert text == TextBlock(text="At noon.")
    assert responses[-1].message.blocks == [text]
    assert isinstance(tides, CitationBlock)
    assert isinstance(sea, CitationBlock)
    assert isinstance(log, CitationBlock)
    assert (tides.cited_content, tides.source, tides.title) == (
        TextBlock(text="High at noon."),
        "https://example.org",
        "Tides",
    )
    assert tides.additional_location_info == {"search_result_index": 0, "start_block_index": 1, "end_block_index": 2}
    assert (sea.source, sea.title, sea.cited_content) == ("https://sea.org", "Sea", TextBlock(text=""))
    assert (log.source, log.title, log.additional_location_info) == ("Log", "Log", {"document_index": 3})


def test_a_block_of_a_kind_that_llamaindex_does_not_know_stands_in_raw_as_it_came() -> None:
    searched = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1"}
    found = [said(0, "Let me "), chunk(content_blocks=[{"index": 1, "delta": searched}])]
    responses, answer = fold([*found, thinking(2, thinking="Hm."), said(3, "see."), said(0, "look.")])
    whole = decode_response(answer)
    for response in (responses[-1], whole):
        assert response.message.blocks == [
            TextBlock(text="Let me look."),
            ThinkingBlock(content="Hm."),
            TextBlock(text="see."),
        ]
    assert whole.raw == {"id": "msg_1", "model": "claude-sonnet-4-5", "other_blocks": [searched]}
    assert len(responses) == 4


def test_a_completion_joins_all_text_and_keeps_tool_calls() -> None:
    _, answer = fold([said(0, "One, "), thinking(1, thinking="hm"), said(2, "two."), called(0, "{}", id="1", name="f")])
    completion = decode_completion(decode_response(answer))
    assert completion.text == "One, two."
    assert completion.additional_kwargs["tool_calls"][0]["function"]["name"] == "f"


def test_an_answer_that_says_nothing() -> None:
    response = decode_response(Answer(refusal="No."))
    assert response.message.blocks == []
    assert response.raw == {"refusal": "No."}
    assert response.additional_kwargs == {}
    assert decode_completion(response).text == ""


def test_what_the_gateway_says_of_a_call_stands_in_raw() -> None:
    info = GatewayInfo(
        246, trace_id="t", request_id="r", cache_status="HIT", retry_count=0, target_index="config.targets[1]"
    )
    raw = decode_raw(Answer(stop_reason="end_turn", provider="anthropic", model="claude-sonnet-4-5", info=info))
    assert raw == {
        "model": "claude-sonnet-4-5",
        "status": 246,
        "finish_reason": "stop",
        "stop_reason": "end_turn",
        "provider": "anthropic",
        "trace_id": "t",
        "request_id": "r",
        "cache_status": "HIT",
        "retry_count": 0,
        "target_index": "config.targets[1]",
    }
