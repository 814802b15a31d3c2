"""Answers of providers that fill the fields their own way: read where that can be, else an error of ours."""

import json
from typing import Any, cast

import pytest

from portkey_gateway.chat_completions.decode import AnswerFold
from portkey_gateway.chat_completions.stream import DECODING
from portkey_gateway.chat_completions.wire import Chunk
from portkey_gateway.conversation.answer import Answer, AnswerBlock, AnswerToolCall
from portkey_gateway.errors import ErrorInBodyError, InvalidResponseError, StreamDecodeError, StreamProviderError
from portkey_gateway.info import GatewayInfo

INFO = GatewayInfo(200, trace_id="trace-1")


def fold_deltas(*deltas: Any, **last: Any) -> Answer:
    """The answer of chunks with these deltas; what else the last one holds."""
    answer = AnswerFold(INFO)
    for delta in deltas:
        answer.add({"choices": [{"delta": delta}]})
    answer.add(cast("Chunk", last))
    return answer.answer()


def block_chunk(index: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"content_blocks": [{"index": index, "delta": delta}]}


def whole(message: dict[str, Any], **rest: Any) -> Answer:
    return DECODING.decode(json.dumps({"choices": [{"message": message}], **rest}).encode(), INFO)


def both_ways(message: dict[str, Any]) -> Answer:
    """The answer of this message, the same whole and streamed in one chunk."""
    answer = whole(message)
    assert fold_deltas(message) == answer
    return answer


def test_content_as_a_list_of_parts_is_its_text() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}, "."]
    assert both_ways({"content": parts}).blocks == (AnswerBlock("text", "Hello."),)
    assert fold_deltas({"content": parts}, {"content": [{"type": "text", "text": " Bye."}]}).text == "Hello. Bye."


def test_parts_of_an_unknown_kind_are_kept_in_their_places() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
    assert [block.type for block in both_ways({"content": ["Look: ", image, image]}).blocks] == [
        "text",
        "other",
        "other",
    ]


def test_mistrals_thinking_is_a_list_of_parts_too() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm, "}, {"type": "text", "text": "yes."}]}
    answer = both_ways({"content": [thinking, {"type": "text", "text": "Yes."}]})
    assert answer.blocks == (AnswerBlock("thinking", "Hm, yes."), AnswerBlock("text", "Yes."))


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_beside_the_content_is_thinking_without_a_signature(field: str) -> None:
    thought = (AnswerBlock("thinking", "Hm, yes."), AnswerBlock("text", "Yes."))
    assert both_ways({field: "Hm, yes.", "content": "Yes."}).blocks == thought
    assert (
        fold_deltas({field: "Hm,", "content": None}, {field: " yes."}, {"content": "Yes.", field: ""}).blocks == thought
    )


def test_reasoning_is_counted_once_however_often_it_is_told() -> None:
    thought = AnswerBlock("thinking", "Hm.")
    assert both_ways({"reasoning": "Hm.", "reasoning_content": "Hm."}).blocks == (thought,)
    block = {"type": "thinking", "thinking": "Hm."}
    text = {"type": "text", "text": "Yes."}
    assert whole({"content_blocks": [block, text], "reasoning": "Hm.", "content": "Yes."}).text == "Yes."
    assert whole({"content_blocks": [block, text], "reasoning": "Hm."}).blocks == (thought, AnswerBlock("text", "Yes."))
    assert fold_deltas({"reasoning": "Hm.", **block_chunk(0, block)}).blocks == (thought,)
    # Blocks that hold no thinking do not stand for it.
    assert whole({"content_blocks": [text], "reasoning": "Hm."}).blocks == (thought, AnswerBlock("text", "Yes."))


def test_reasoning_that_is_no_text_is_left_alone() -> None:
    assert both_ways({"reasoning": {"effort": "high"}, "content": "Yes."}).blocks == (AnswerBlock("text", "Yes."),)


def test_arguments_as_an_object_are_its_json() -> None:
    given = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": {"x": 1}}}
    assert both_ways({"tool_calls": [given]}).tool_calls == (AnswerToolCall("a", "weather", '{"x":1}'),)


def test_coheres_streamed_calls_are_no_lists() -> None:
    def chunk(index: int, call: Any) -> Chunk:
        return cast("Chunk", {"choices": [{"index": index, "delta": {"tool_calls": call}, "finish_reason": None}]})

    answer = AnswerFold(INFO)
    for index in (0, 1):
        begun = {"id": f"look_{index}", "type": "function", "function": {"name": "look", "arguments": ""}}
        for call in (begun, *({"function": {"arguments": piece}} for piece in ('{"at":', f"{index}}}"))):
            answer.add(chunk(index, call))
    assert answer.answer().tool_calls == tuple(AnswerToolCall(f"look_{at}", "look", f'{{"at":{at}}}') for at in (0, 1))


def test_nothing_may_stand_among_geminis_calls() -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    assert fold_deltas({"tool_calls": [call, None]}).tool_calls == (AnswerToolCall("a", "look", "{}"),)


@pytest.mark.parametrize("reason", ["error", "ERROR", "TIMEOUT", "insufficient_system_resource"])
def test_an_answer_that_the_provider_could_not_end_is_none(reason: str) -> None:
    told = json.dumps({"choices": [{"index": 0, "delta": {"content": "Once"}, "finish_reason": reason}]})
    with pytest.raises(StreamProviderError, match=f"the provider broke off its answer: {reason}") as caught:
        DECODING.decode(f"data: {told}\n\n".encode(), INFO)
    assert caught.value.error_type == reason
    choice = {"message": {"content": "Once"}, "finish_reason": reason}
    with pytest.raises(ErrorInBodyError, match=f"the provider broke off its answer: {reason}"):
        DECODING.decode(json.dumps({"choices": [choice]}).encode(), INFO)


# --- what cannot be read --------------------------------------------------------------------------------------------

MALFORMED_MESSAGES: tuple[dict[str, Any], ...] = (
    {"content": 5},
    {"content": [None]},
    {"content": [{"text": 5}]},
    {"content": [{"thinking": [5]}]},
    {"content_blocks": 5},
    {"content_blocks": {"text": "a"}},
    {"refusal": {"text": "no"}},
    {"tool_calls": 5},
    {"tool_calls": [None]},
    {"tool_calls": ["weather"]},
    {"tool_calls": [{"id": 5}]},
    {"tool_calls": [{"id": "a", "function": "weather"}]},
    {"tool_calls": [{"id": "a", "function": {"name": ["weather"]}}]},
    {"tool_calls": [{"id": "a", "function": {"name": "weather", "arguments": [1]}}]},
)
MALFORMED_BLOCKS: tuple[Any, ...] = (
    "text",
    ["text"],
    {"thinking": 5},
    {"signature": 5},
    {"data": 5},
    {"text": {"a": 1}},
)
MALFORMED_FACTS: tuple[dict[str, Any], ...] = (
    {"usage": [1]},
    {"usage": "much"},
    {"usage": {"prompt_tokens": "12"}},
    {"usage": {"completion_tokens": "12", "total_tokens": 24}},
    {"usage": {"total_tokens": 5, "prompt_tokens_details": [1]}},
    {"usage": {"prompt_tokens": 1, "completion_tokens_details": {"reasoning_tokens": "3"}}},
    {"hook_results": [1]},
    {"hook_results": "denied"},
)


@pytest.mark.parametrize(
    "delta",
    ["text", {"content_blocks": [None]}, {"content_blocks": [{"index": [1], "delta": {"text": "a"}}]},
     *MALFORMED_MESSAGES, *(block_chunk(0, block) for block in MALFORMED_BLOCKS)],
    ids=repr,
)  # fmt: skip
def test_a_chunk_of_another_shape_is_an_error_of_ours(delta: Any) -> None:
    with pytest.raises(StreamDecodeError, match="has not the shape of a chat completion's") as caught:
        fold_deltas({"content": "a"}, delta)
    assert caught.value.info is INFO
    assert caught.value.body["choices"][0]["delta"] == delta


@pytest.mark.parametrize(
    "message", [*MALFORMED_MESSAGES, *({"content_blocks": [block]} for block in MALFORMED_BLOCKS)], ids=repr
)
def test_a_whole_answer_of_another_shape_is_an_error_of_ours(message: dict[str, Any]) -> None:
    with pytest.raises(InvalidResponseError, match="no chat completion that can be read") as caught:
        whole(message)
    assert caught.value.info is INFO
    assert caught.value.body == {"choices": [{"message": message}]}


@pytest.mark.parametrize("facts", MALFORMED_FACTS, ids=repr)
def test_facts_of_another_shape_are_an_error_of_ours(facts: dict[str, Any]) -> None:
    with pytest.raises(StreamDecodeError):
        fold_deltas({"content": "a"}, **facts)
    with pytest.raises(InvalidResponseError, match="no chat completion that can be read"):
        whole({"content": "a"}, **facts)


@pytest.mark.parametrize(
    "choices", [[None], ["no"], {"0": 1}, 5, [{"finish_reason": ["stop"]}], [{"finish_reason": 1}]]
)
def test_choices_of_another_shape_are_an_error_of_ours(choices: Any) -> None:
    with pytest.raises(StreamDecodeError):
        AnswerFold(INFO).add({"choices": choices})


def test_halves_of_an_emoji_in_arguments_are_joined_and_a_lone_one_breaks_nothing() -> None:
    fold = AnswerFold(GatewayInfo())
    for arguments in ('{"a":"\ud83d', '\ude00"}'):
        call = {"index": 0, "id": "c", "function": {"name": "t", "arguments": arguments}}
        fold.add({"choices": [{"delta": {"tool_calls": [call]}}]})  # type: ignore[list-item]  # as it comes
    assert fold.answer().tool_calls[0].args == {"a": "\U0001f600"}

    lone = AnswerFold(GatewayInfo())
    call = {"index": 0, "id": "c", "function": {"name": "t", "arguments": '{"a":"\ud83d"}'}}
    lone.add({"choices": [{"delta": {"tool_calls": [call]}}]})  # type: ignore[list-item]  # as it comes
    assert lone.answer().tool_calls[0].args == {"a": "\ufffd"}


@pytest.mark.parametrize(
    "broken",
    [
        {"choices": [{"message": {"content_blocks": [{"text": "x", "citations": ["http://a"]}]}}]},
        {"choices": [{"message": {"content_blocks": [{"text": "x", "citations": "x"}]}}]},
        {"choices": [{"message": {"content": "x"}}], "usage": {"completion_tokens": 1.5}},
    ],
)
def test_citations_and_usage_of_no_known_shape_are_no_answer(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidResponseError):
        DECODING.decode(json.dumps(broken).encode(), GatewayInfo())
