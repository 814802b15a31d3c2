"""Answers: whole or streamed, cut anywhere, the same answer comes out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.chat_completions.decode import AnswerFold, decode_whole
from portkey_gateway.chat_completions.stream import DECODING, ChunkStream
from portkey_gateway.conversation.answer import (
    FINISH_REASONS,
    Answer,
    AnswerBlock,
    AnswerToolCall,
    BlockDelta,
    Delta,
    ToolCallDelta,
)
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.errors import ErrorInBodyError, HTMLResponseError, InvalidResponseError, NotJSONError
from portkey_gateway.info import GatewayInfo
from tests.core.chat_completions.told import INFO, fold, fold_deltas, whole
from tests.support import gateway_model

WIRE = Path(__file__).parents[2] / "wire"


# --- any answer -------------------------------------------------------------------------------------------------------

TEXTS = st.text(min_size=1, max_size=40)
# JavaScript keeps neither the point of 1.0 nor the place of a key that is an index; both are the same JSON.
KEYS = st.text(max_size=8).filter(lambda key: not key.isdecimal() and key != "__proto__")
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e6, 1e6).filter(lambda number: not number.is_integer())
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
BLOCKS = st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=40)})
    | st.fixed_dictionaries({"type": st.just("thinking"), "thinking": st.text(max_size=40), "signature": TEXTS})
    | st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": TEXTS})
    | st.fixed_dictionaries(
        {
            "type": st.just("tool_use"),
            "id": st.uuids().map(lambda number: f"toolu_{number.hex}"),
            "name": st.sampled_from(["weather", "now"]),
            "input": st.dictionaries(KEYS, VALUES, max_size=4),
        }
    ),
    max_size=6,
)
REASONS = st.sampled_from(["end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal", "pause_turn"])
COUNTS = st.integers(0, 9999)
USAGES = st.fixed_dictionaries(
    {
        "input_tokens": COUNTS,
        "output_tokens": COUNTS,
        "cache_read_input_tokens": COUNTS,
        "cache_creation_input_tokens": COUNTS,
    }
)
CUTS = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@given(blocks=BLOCKS, reason=REASONS, usage=USAGES, cuts=CUTS, strict=st.booleans())
def test_whole_and_streamed_answers_are_equal(
    blocks: list[dict[str, Any]], reason: str, usage: dict[str, int], cuts: list[int], strict: bool
) -> None:
    body = json.dumps(gateway_model.whole(blocks, reason, usage, strict=strict)).encode()
    stream = gateway_model.events(gateway_model.streamed(blocks, reason, usage, cuts, strict=strict))
    assert fold(stream) == DECODING.decode(body, INFO)


@given(blocks=BLOCKS, reason=REASONS, usage=USAGES, cuts=CUTS)
def test_an_answer_holds_what_claude_said(
    blocks: list[dict[str, Any]], reason: str, usage: dict[str, int], cuts: list[int]
) -> None:
    answer = fold(gateway_model.events(gateway_model.streamed(blocks, reason, usage, cuts)))
    said = [block for block in blocks if block["type"] != "tool_use" and block != {"type": "text", "text": ""}]
    assert [(block.type, block.text, block.signature, block.data) for block in answer.blocks] == [
        (
            block["type"],
            block.get("text") or block.get("thinking") or "",
            block.get("signature", ""),
            block.get("data", ""),
        )
        for block in said
    ]
    calls = [block for block in blocks if block["type"] == "tool_use"]
    assert [(call.id, call.name, json.loads(call.arguments)) for call in answer.tool_calls] == [
        (call["id"], call["name"], call["input"]) for call in calls
    ]
    is_broken_off = reason in {"max_tokens", "refusal"}
    assert [call.is_cut for call in answer.tool_calls] == [is_broken_off and call is calls[-1] for call in calls]
    assert all(call.args == (None if call.is_cut else json.loads(call.arguments)) for call in answer.tool_calls)
    assert answer.stop_reason == reason
    assert answer.usage is not None
    assert answer.usage.total_tokens == sum(usage.values())


# --- bytes of the real gateway ----------------------------------------------------------------------------------------

MIXED_USAGE = Usage(input_tokens=3169, output_tokens=57, cache_read_tokens=2048, cache_write_tokens=1100)
MIXED_TEXT = "I look both up — Wetter in Köln\u2028und Zürich ☀️."
MIXED_CALLS = (
    AnswerToolCall("toolu_1", "weather", '{"city":"Köln \\"am\\" Rhein","days":3}'),
    AnswerToolCall("toolu_2", "now", "{}"),
)


@pytest.mark.parametrize("name", ["mixed", "mixed_strict", "search"])
def test_the_gateways_own_bytes_are_equal_whole_and_streamed(name: str) -> None:
    streamed = fold((WIRE / f"{name}.sse").read_bytes())
    answer = DECODING.decode((WIRE / f"{name}.json").read_bytes(), INFO)
    assert streamed.blocks == answer.blocks
    assert streamed.tool_calls == answer.tool_calls
    assert (streamed.usage, streamed.stop_reason, streamed.model) == (answer.usage, answer.stop_reason, answer.model)


def test_the_gateways_answer_with_everything() -> None:
    assert fold((WIRE / "mixed.sse").read_bytes()) == Answer(
        blocks=(
            AnswerBlock("thinking", "Two cities; zwei Städte. 🤔", signature="EqQBCgIYAhIkSIGN+/="),
            AnswerBlock("redacted_thinking", data="EmwKAhgBEgySEALED=="),
            AnswerBlock("text", MIXED_TEXT),
        ),
        tool_calls=MIXED_CALLS,
        stop_reason="tool_use",
        usage=MIXED_USAGE,
        model="claude-sonnet-4-5",
        provider="anthropic",
    )


def test_the_gateways_strict_answer() -> None:
    assert fold((WIRE / "mixed_strict.sse").read_bytes()) == Answer(
        blocks=(AnswerBlock("text", MIXED_TEXT),),
        tool_calls=MIXED_CALLS,
        stop_reason="tool_calls",
        usage=MIXED_USAGE,
        model="claude-sonnet-4-5",
        provider="anthropic",
    )


def test_a_search_by_the_provider_is_no_tool_call_of_ours() -> None:
    # The gateway streams the search's query as if it belonged to the tool call before it.
    answer = fold((WIRE / "search.sse").read_bytes())
    assert answer.tool_calls == (AnswerToolCall("toolu_1", "now", '{"zone":"UTC"}'),)
    assert [block.type for block in answer.blocks] == ["text", "other", "other", "text"]
    assert answer.blocks[1].raw == {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "web_search",
        "input": {"query": "weather Köln"},
    }
    cited = answer.blocks[3]
    assert cited.text == "It is sunny."
    assert cited.raw is not None
    assert cited.raw["citations"][0]["cited_text"] == "It is sunny."


def test_guardrail_results_are_equal_whole_and_streamed() -> None:
    streamed = fold((WIRE / "guardrail.sse").read_bytes())
    answer = DECODING.decode((WIRE / "guardrail_246.json").read_bytes(), GatewayInfo(246))
    assert streamed.hook_results is not None
    assert answer.hook_results is not None
    assert streamed.hook_results.keys() == answer.hook_results.keys() == {"before_request_hooks"}
    assert streamed.hook_results["before_request_hooks"][0]["id"] == "words"
    assert answer.text == MIXED_TEXT


# --- deltas -----------------------------------------------------------------------------------------------------------


def test_each_chunk_says_what_it_adds() -> None:
    answer = AnswerFold(INFO)
    chunks = list(ChunkStream(INFO).feed((WIRE / "mixed.sse").read_bytes()))
    deltas = [answer.add(chunk) for chunk in chunks]
    assert deltas[0] == Delta()
    assert deltas[2] == Delta(blocks=(BlockDelta(0, "thinking", "Two cities; "),))
    assert deltas[4] == Delta(blocks=(BlockDelta(0, "thinking", signature="EqQBCgIYAhIkSIGN+/="),))
    assert deltas[5] == Delta(blocks=(BlockDelta(1, "redacted_thinking", data="EmwKAhgBEgySEALED=="),))
    assert [delta.text for delta in deltas if delta.text] == [
        "I look both up — ",
        "Wetter in Köln\u2028und",
        " Zürich ☀️.",
    ]
    assert deltas[10].tool_calls == (ToolCallDelta(0, "toolu_1", "weather", ""),)
    assert deltas[-1] == Delta(stop_reason="tool_use", usage=MIXED_USAGE)
    assert deltas[-1].finish_reason == "tool_calls"
    assert deltas[0].finish_reason is None
    assert (answer.id[:10], answer.model, answer.provider) == ("anthropic-", "claude-sonnet-4-5", "anthropic")


@pytest.mark.parametrize(("reason", "name"), [*FINISH_REASONS.items(), ("pause_turn", "pause_turn"), ("stop", "stop")])
def test_finish_reasons_have_openais_names(reason: str, name: str) -> None:
    answer = fold_deltas(choices=[{"delta": {}, "finish_reason": reason}])
    assert (answer.stop_reason, answer.finish_reason) == (reason, name)


def test_without_a_reason_there_is_none() -> None:
    assert fold_deltas({"content": "Hi"}).finish_reason is None


# --- whole answers ----------------------------------------------------------------------------------------------------


def test_a_whole_answer_is_one_chunk() -> None:
    [chunk] = decode_whole((WIRE / "mixed.json").read_bytes(), INFO)
    assert AnswerFold(INFO).add(chunk).text == MIXED_TEXT


def test_the_answer_carries_the_calls_info_which_says_nothing_about_equality() -> None:
    answer = whole({"content": "Hi"}, id="msg_1")
    assert (answer.info, answer.id) == (INFO, "msg_1")
    assert answer == DECODING.decode(b'{"id":"msg_2","choices":[{"message":{"content":"Hi"}}]}', GatewayInfo(246))


def test_a_tool_call_of_another_kind_does_not_break_the_answer() -> None:
    answer = whole({"content": None, "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "x"}}]})
    assert answer.tool_calls == (AnswerToolCall("a", "", "{}"),)


@pytest.mark.parametrize(
    ("content", "error_class"),
    [
        (b"", NotJSONError),
        (b'{"id": "msg_1", "con', NotJSONError),
        (b"<html>", HTMLResponseError),
        (b'{"error":{"message":"no"}}', ErrorInBodyError),
        (b"{}", InvalidResponseError),
        (b"[]", InvalidResponseError),
        (b'{"choices":[]}', InvalidResponseError),
        (b'{"choices":"no"}', InvalidResponseError),
        (b'{"choices":{"0":1}}', InvalidResponseError),
        (b'{"choices":["no"]}', InvalidResponseError),
        (b'{"choices":[null]}', InvalidResponseError),
        (b'{"choices":[{"text":"legacy"}]}', InvalidResponseError),
        (b'{"choices":[{"message":null}]}', InvalidResponseError),
    ],
)
def test_what_is_no_answer_raises(content: bytes, error_class: type[InvalidResponseError]) -> None:
    with pytest.raises(error_class) as caught:
        DECODING.decode(content, INFO)
    assert type(caught.value) is error_class
    assert caught.value.info is INFO


# --- facts ------------------------------------------------------------------------------------------------------------


def test_only_facts_that_are_known_have_a_key() -> None:
    assert Answer().facts() == {}
    assert Answer(info=GatewayInfo(retry_count=0)).facts() == {"retry_count": 0}


def test_facts_tell_a_status_other_than_the_ordinary_success() -> None:
    hooks = {"after_request_hooks": [{"verdict": False}]}
    answer = Answer(id="msg_1", stop_reason="max_tokens", hook_results=hooks, info=GatewayInfo(246))
    assert answer.facts() == {
        "id": "msg_1",
        "stop_reason": "max_tokens",
        "finish_reason": "length",
        "hook_results": hooks,
        "status": 246,
    }


def test_the_provider_that_the_headers_name_wins() -> None:
    assert Answer(provider="anthropic").facts() == {"provider": "anthropic"}
    assert Answer(provider="anthropic", info=GatewayInfo(provider="bedrock")).facts() == {"provider": "bedrock"}
