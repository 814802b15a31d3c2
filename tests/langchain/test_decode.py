"""Answers: a whole message and the sum of a stream's chunks say the same, however the stream was cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk

from portkey_gateway.chat_completions.decode import AnswerFold
from portkey_gateway.chat_completions.stream import DECODING, ChunkStream
from portkey_gateway.chat_completions.wire import Chunk
from portkey_gateway.conversation.answer import Delta
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.info import GatewayInfo
from portkey_langchain.cut import CUT_MARK, cut_delta
from portkey_langchain.decode import ContentState, decode_message, decode_usage_metadata
from tests.langchain.ask import total

INFO = GatewayInfo(provider="anthropic", trace_id="t-1", cache_status="MISS", retry_count=1, target_index="config")
USAGE = {
    "prompt_tokens": 3,
    "completion_tokens": 7,
    "total_tokens": 30,
    "cache_read_input_tokens": 15,
    "cache_creation_input_tokens": 5,
}
HEAD = {"id": "msg_1", "model": "claude-sonnet-4-5", "provider": "anthropic"}
WIRE = Path(__file__).parents[1] / "wire"


def whole(
    blocks: list[dict[str, Any]], calls: list[dict[str, Any]], finish: str, *, in_blocks: bool = False, **more: Any
) -> AIMessage:
    message = {"role": "assistant", "content": None, "content_blocks": blocks, "tool_calls": calls}
    body = {**HEAD, "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": USAGE, **more}
    return decode_message(DECODING.decode(json.dumps(body).encode(), INFO), in_blocks=in_blocks)


def summed(chunks: list[dict[str, Any]], *, in_blocks: bool = False) -> AIMessageChunk:
    fold, content = AnswerFold(INFO), ContentState(in_blocks=in_blocks)
    decoded = [content.decode_chunk(fold.add(as_chunk(chunk))) for chunk in chunks]
    answer = fold.answer()
    ends = [content.decode_chunk(cut_delta(answer)), content.decode_last_chunk(answer)]
    messages = [each.message for each in filter(None, [*decoded, *ends])]
    return total([message for message in messages if isinstance(message, AIMessageChunk)])


def as_chunk(chunk: dict[str, Any]) -> Chunk:
    return chunk  # type: ignore[return-value]  # a test writes what the gateway sends


def delta(**added: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": added, "finish_reason": None}]}


def without_index(block: Any) -> Any:
    """A block without what only the blocks of streams have, so that LangChain can add them up."""
    return {name: value for name, value in block.items() if name != "index"} if isinstance(block, dict) else block


def said(message: AIMessage) -> dict[str, Any]:
    """What a message says, without what differs from call to call."""
    metadata = {key: value for key, value in message.response_metadata.items() if key != "id"}
    calls = [(call["name"], call["args"], call["id"]) for call in message.tool_calls]
    content = message.content if isinstance(message.content, str) else [*map(without_index, message.content)]
    return {
        "content": content,
        "text": message.text,
        # Why a call is invalid only a whole message tells, and the spaces in its arguments are as they came.
        "blocks": [
            {**block, "args": None, "error": None} if block["type"] == "invalid_tool_call" else without_index(block)
            for block in message.content_blocks
        ],
        "calls": calls,
        "invalid": [
            (call["name"], json.loads((call["args"] or "").removesuffix(CUT_MARK) or "{}"), call["id"])
            for call in message.invalid_tool_calls
        ],
        "usage": message.usage_metadata,
        "metadata": metadata,
        "more": message.additional_kwargs,
    }


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, _TEXT),
    st.builds(lambda text, proof: {"type": "thinking", "thinking": text, "signature": proof}, _TEXT, _TEXT),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, _TEXT),
    st.builds(
        lambda args: {"id": "srvtoolu_1", "name": "web_search", "input": args},
        st.dictionaries(_TEXT, _TEXT, min_size=1),
    ),
    st.builds(lambda text: {"tool_use_id": "srvtoolu_1", "content": [{"title": text}]}, _TEXT),
)
_CALLS = st.builds(
    lambda name, args: {"name": name, "args": args},
    st.sampled_from(["look", "listen"]),
    st.dictionaries(_TEXT, st.one_of(_TEXT, st.integers(-99, 99), st.none(), st.booleans()), max_size=2),
)
_FINISHES = st.sampled_from(["end_turn", "tool_use", "max_tokens", "refusal", "stop_sequence", "pause_turn"])


def _cut(text: str, data: st.DataObject) -> list[str]:
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


def _told_block(index: int, block: dict[str, Any], data: st.DataObject) -> list[dict[str, Any]]:
    """The chunks that tell a block, as the gateway writes them: text twice, types left out."""

    def blocks_delta(added: dict[str, Any]) -> dict[str, Any]:
        return {"content_blocks": [{"index": index, "delta": added}]}

    if "text" in block:
        return [delta(content=piece, **blocks_delta({"text": piece})) for piece in _cut(block["text"], data)]
    if "thinking" in block:
        thoughts = [delta(**blocks_delta({"thinking": piece})) for piece in _cut(block["thinking"], data)]
        return [*thoughts, delta(**blocks_delta({"signature": block["signature"]}))]
    if "input" in block:
        pieces = _cut(json.dumps(block["input"]), data)
        told = [delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}]) for piece in ["", *pieces]]
        return [delta(**blocks_delta({**block, "input": {}})), *told]
    return [delta(**blocks_delta({key: value for key, value in block.items() if key != "type"}))]


def _told_call(position: int, call: dict[str, Any], data: st.DataObject) -> list[dict[str, Any]]:
    first = {"index": position, "id": f"toolu_{position}", "type": "function"}
    # Where there are none, Claude tells an empty piece.
    pieces = _cut(json.dumps(call["args"]), data) if call["args"] else [""]
    return [
        delta(tool_calls=[{**first, "function": {"name": call["name"], "arguments": ""}}]),
        *(delta(tool_calls=[{"index": position, "function": {"arguments": piece}}]) for piece in pieces),
    ]


@pytest.mark.filterwarnings("ignore:a block came whose kind")
@given(blocks=st.lists(_BLOCKS, max_size=5), calls=st.lists(_CALLS, max_size=3), finish=_FINISHES, data=st.data())
def test_the_sum_of_the_chunks_is_the_whole_message(
    blocks: list[dict[str, Any]], calls: list[dict[str, Any]], finish: str, data: st.DataObject
) -> None:
    order = data.draw(st.permutations([True] * len(blocks) + [False] * len(calls)))
    chunks: list[dict[str, Any]] = []
    position = call_position = 0
    for index, is_block in enumerate(order):
        if is_block:
            chunks += _told_block(index, blocks[position], data)
            position += 1
        else:
            chunks += _told_call(call_position, calls[call_position], data)
            call_position += 1
    chunks.append({**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": USAGE})
    wire_calls = [
        {
            "id": f"toolu_{position}",
            "type": "function",
            "function": {"name": call["name"], "arguments": json.dumps(call["args"])},
        }
        for position, call in enumerate(calls)
    ]
    in_blocks = data.draw(st.booleans())
    streamed, told = summed(chunks, in_blocks=in_blocks), whole(blocks, wire_calls, finish, in_blocks=in_blocks)
    assert said(streamed) == said(told)
    is_list = isinstance(streamed.content, list)
    assert is_list is isinstance(told.content, list)
    assert all(isinstance(block, dict) for block in streamed.content if is_list)


@given(pieces=st.lists(_TEXT, min_size=1), rest=st.lists(_BLOCKS, max_size=2), data=st.data())
def test_text_that_comes_first_becomes_a_block(
    pieces: list[str], rest: list[dict[str, Any]], data: st.DataObject
) -> None:
    chunks = [delta(content=piece, content_blocks=[{"index": 0, "delta": {"text": piece}}]) for piece in pieces]
    assert summed(chunks).content == "".join(pieces)
    for index, block in enumerate(rest, 1):
        chunks += _told_block(index, block, data)
    content = summed(chunks).content
    first = {"text": content} if isinstance(content, str) else content[0]
    assert isinstance(first, dict)
    assert first["text"].startswith("".join(pieces))


@pytest.mark.parametrize("name", ["mixed", "mixed_strict", "search"])
def test_recorded_answers_say_the_same_whole_and_streamed(name: str) -> None:
    stream = ChunkStream(INFO)
    chunks = [dict(chunk) for chunk in stream.feed((WIRE / f"{name}.sse").read_bytes())]
    message = decode_message(DECODING.decode((WIRE / f"{name}.json").read_bytes(), INFO), in_blocks=True)
    assert said(summed(chunks, in_blocks=True)) == said(message)


def test_citations_stand_with_their_text_and_as_annotations() -> None:
    citation = {"type": "web_search_result_location", "url": "https://a.org", "title": "A", "cited_text": "Blue."}
    message = whole([{"type": "text", "text": "It is blue.", "citations": [citation]}], [], "end_turn")
    assert message.text == "It is blue."
    assert message.content == [{"type": "text", "text": "It is blue.", "citations": [citation]}]
    [block] = message.content_blocks
    assert block.get("annotations") == [
        {
            "type": "citation",
            "url": "https://a.org",
            "title": "A",
            "cited_text": "Blue.",
        }
    ]


def test_blocks_of_another_hand_are_translated_too() -> None:
    message = AIMessage(
        [{"type": "thinking", "thinking": "Hm."}, "Hi"], response_metadata={"model_provider": "portkey"}
    )
    assert message.content_blocks == [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Hi"}]


def test_usage_includes_what_came_from_the_cache() -> None:
    assert whole([], [], "end_turn").usage_metadata == {
        "input_tokens": 23,
        "output_tokens": 7,
        "total_tokens": 30,
        "input_token_details": {"cache_read": 15, "cache_creation": 5},
        "output_token_details": {"reasoning": 0},
    }
    assert decode_usage_metadata(None) is None


@pytest.mark.parametrize(("hour", "details"), [
    (0, {"cache_read": 15, "cache_creation": 5}),
    (3, {"cache_read": 15, "cache_creation": 2, "ephemeral_1h_input_tokens": 3}),
    (5, {"cache_read": 15, "cache_creation": 0, "ephemeral_1h_input_tokens": 5}),
])  # fmt: skip
def test_no_token_is_counted_in_two_details(hour: int, details: dict[str, int]) -> None:
    usage = Usage(input_tokens=23, cache_read_tokens=15, cache_write_tokens=5, cache_write_1h_tokens=hour)
    decoded = decode_usage_metadata(usage)
    assert decoded
    assert decoded.get("input_token_details") == details


def test_the_gateway_s_own_facts_stand_in_the_metadata() -> None:
    info = GatewayInfo(status=246, provider="anthropic", trace_id="t-1", request_id="req_1", retry_count=0)
    hooks = {"after_request_hooks": [{"verdict": False}]}
    body = {
        **HEAD,
        "choices": [{"message": {"content": "Hi"}, "finish_reason": "end_turn"}],
        "hook_results": hooks,
    }
    message = decode_message(DECODING.decode(json.dumps(body).encode(), info))
    assert message.response_metadata == {
        "id": "msg_1",
        "model_name": "claude-sonnet-4-5",
        "model_provider": "portkey",
        "finish_reason": "stop",
        "stop_reason": "end_turn",
        "provider": "anthropic",
        "trace_id": "t-1",
        "request_id": "req_1",
        "retry_count": 0,
        "hook_results": hooks,
        "status": 246,
    }
    assert message.usage_metadata is None


@pytest.mark.parametrize("arguments", ['{"at": "sk', "[1]", "7", '"sky"'])
def test_arguments_that_are_no_object_make_an_invalid_call(arguments: str) -> None:
    call = {"id": "toolu_0", "type": "function", "function": {"name": "look", "arguments": arguments}}
    message = whole([], [call], "tool_use")
    assert message.tool_calls == []
    [invalid] = message.invalid_tool_calls
    assert (invalid["name"], invalid["args"], invalid["id"]) == ("look", arguments, "toolu_0")
    assert message.content_blocks == [invalid]


def test_a_refusal_is_kept_beside_the_content() -> None:
    refused = [delta(refusal="I "), delta(refusal="won't.")]
    message = summed([*refused, {**HEAD, "choices": [{"delta": {}, "finish_reason": "stop"}]}])
    assert message.additional_kwargs == {"refusal": "I won't."}
    assert message.content == ""


def test_a_chunk_that_adds_nothing_is_none() -> None:
    assert ContentState().decode_chunk(Delta()) is None
