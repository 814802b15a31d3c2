"""What an answer says of itself: every fact under its own name, and only what is known."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.conversation.answer import FINISH_REASONS, Answer, AnswerBlock, AnswerToolCall, finish_reason
from portkey_gateway.info import GatewayInfo


def call(call_id: str, after: int | None, **more: Any) -> AnswerToolCall:
    return AnswerToolCall(**{"id": call_id, "name": "look", "arguments": "{}", "after": after, **more})


def test_every_fact_has_its_own_name() -> None:
    info = GatewayInfo(
        246, trace_id="t", request_id="r", provider="p", cache_status="MISS", target_index="config.targets[0]",
        retry_count=0,
    )  # fmt: skip
    answer = Answer(
        stop_reason="end_turn", hook_results={"a": 1}, extras={"stop_sequence": "b"}, provider="q", id="i", info=info
    )
    assert answer.facts() == {
        "id": "i",
        "finish_reason": "stop",
        "stop_reason": "end_turn",
        "provider": "p",
        "trace_id": "t",
        "request_id": "r",
        "cache_status": "MISS",
        "retry_count": 0,
        "target_index": "config.targets[0]",
        "hook_results": {"a": 1},
        "status": 246,
        "stop_sequence": "b",
    }


def test_what_is_not_known_has_none() -> None:
    assert Answer().facts() == {}
    assert Answer(provider="q", info=GatewayInfo(200)).facts() == {"provider": "q"}


def test_the_headers_are_among_them_on_demand() -> None:
    answer = Answer(extras={"a": 1}, info=GatewayInfo(headers={"x-b": "c"}))
    assert answer.with_headers().extras == {"a": 1, "headers": {"x-b": "c"}}
    assert answer.extras == {"a": 1}


@pytest.mark.parametrize("reason", [None, ""])
def test_there_is_no_reason_as_long_as_none_is_told(reason: str | None) -> None:
    assert finish_reason(reason) is None


def test_an_unknown_reason_keeps_its_name_and_a_known_one_has_openai_s() -> None:
    assert finish_reason("pause_turn") == "pause_turn"
    assert {*FINISH_REASONS.values()} == {"stop", "tool_calls", "length", "content_filter"}
    assert finish_reason("max_tokens") == finish_reason("MAX_TOKENS") == "length"


def test_calls_stand_where_they_were_said() -> None:
    first, second = AnswerBlock("text", "a"), AnswerBlock("text", "b")
    before, amid, beside, last = call("0", 0), call("1", 1), call("2", 1), call("3", None)
    answer = Answer(blocks=(first, second), tool_calls=(before, amid, beside, last))
    assert answer.said == (before, first, amid, beside, second, last)


@pytest.mark.parametrize(
    ("given", "args"),
    [
        ({"arguments": '{"a":1}'}, {"a": 1}),
        ({"arguments": '{"a":1}', "is_cut": True}, None),
        ({"arguments": '{"a"'}, None),
        ({"arguments": "[]"}, None),
        ({"arguments": ""}, None),
    ],
)
def test_arguments_are_those_of_a_whole_object(given: dict[str, Any], args: Any) -> None:
    assert call("0", None, **given).args == args


def test_its_text_is_all_of_its_texts_and_no_thought() -> None:
    answer = Answer(blocks=(AnswerBlock("text", "a"), AnswerBlock("thinking", "b"), AnswerBlock("text", "c")))
    assert answer.text == "ac"
