"""Answers: whole or streamed, cut anywhere, the same answer comes out."""

import json
from collections.abc import Iterable
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
from tests.support import gateway_model

WIRE = Path(__file__).parents[2] / "wire"
INFO = GatewayInfo(200, trace_id="trace-1")


def fold(stream: bytes) -> Answer:
    """What the chunks say, be they the whole answer or not."""
    answer = AnswerFold(INFO)
    for chunk in ChunkStream(INFO).feed(stream):
        answer.add(chunk)
    return answer.answer()


def fold_deltas(*deltas: dict[str, Any], **last: Any) -> Answer:
    """The answer of chunks with these deltas; what else the last one holds."""
    return fold(gateway_model.events(iter([*({"choices": [{"delta": delta}]} for delta in deltas), last])))


def block_chunk(index: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"content_blocks": [{"index": index, "delta": delta}]}


def whole(message: dict[str, Any], **rest: Any) -> Answer:
    return DECODING.decode(json.dumps({"choices": [{"message": message}], **rest}).encode(), INFO)


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


# --- other providers --------------------------------------------------------------------------------------------------


def test_plain_openai_chunks() -> None:
    answer = fold_deltas(
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hel"},
        {"content": "lo"},
        choices=[],
        usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    )
    assert answer.blocks == (AnswerBlock("text", "Hello"),)
    assert answer.usage == Usage(input_tokens=5, output_tokens=2)


def test_a_refusal_is_not_text() -> None:
    answer = fold_deltas({"refusal": "I can"}, {"refusal": "not."})
    assert (answer.refusal, answer.text) == ("I cannot.", "")
    assert whole({"content": None, "refusal": "I cannot."}) == answer


def test_openrouter_gives_reasoning_and_text_one_index() -> None:
    # src/providers/openrouter/chatComplete.ts: the index is the choice's
    answer = fold_deltas(
        block_chunk(0, {"thinking": "Hm, "}),
        block_chunk(0, {"thinking": "well."}),
        {"content": "Hi", **block_chunk(0, {"text": "Hi"})},
    )
    assert answer.blocks == (AnswerBlock("thinking", "Hm, well."), AnswerBlock("text", "Hi"))
    assert answer.text == "Hi"


def call(call_id: str | None, name: str | None, arguments: str, **index: int | None) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{**index, "id": call_id, "type": "function", "function": function}]}


TWO_CALLS = (AnswerToolCall("a", "weather", '{"x":1}'), AnswerToolCall("b", "now", '{"y":2}'))


@pytest.mark.parametrize("index", [{}, {"index": None}, {"index": 0}], ids=["no index", "null", "always 0"])
def test_tool_calls_are_told_apart_by_id_where_the_index_does_not(index: dict[str, int | None]) -> None:
    # src/providers/google/chatComplete.ts: the index counts the parts of one chunk
    answer = fold_deltas(
        call("a", "weather", '{"x":', **index),
        call(None, None, "1}", **index),
        call("b", "now", '{"y":2}', **index),
    )
    assert answer.tool_calls == TWO_CALLS


def test_tool_calls_of_one_chunk_without_an_index() -> None:
    both = [call("a", "weather", '{"x":1}')["tool_calls"][0], call("b", "now", '{"y":2}')["tool_calls"][0]]
    assert fold_deltas({"tool_calls": both}).tool_calls == TWO_CALLS


def test_interleaved_tool_calls() -> None:
    answer = fold_deltas(
        call("a", "weather", "", index=0),
        call("b", "now", "", index=1),
        call("", None, '{"x"', index=0),
        call(None, None, '{"y":2}', index=1),
        call("a", None, ":1}", index=0),
    )
    assert answer.tool_calls == TWO_CALLS


def test_a_server_tool_before_any_tool_call_is_no_tool_call() -> None:
    # The gateway gives its input the index -1; in strict mode nothing else tells of it.
    assert fold_deltas(call(None, None, '{"query":1}', index=-1)).tool_calls == ()


def test_a_tool_call_after_a_server_tool_is_its_own() -> None:
    answer = fold_deltas(
        block_chunk(0, {"id": "srvtoolu_1", "name": "web_search", "input": {}}),
        call(None, None, "not JSON", index=-1),
        call("a", "weather", '{"x":1}', index=0),
        call(None, None, "", index=0),
    )
    assert answer.tool_calls == TWO_CALLS[:1]
    assert answer.blocks[0].raw == {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "web_search",
        "input": "not JSON",
    }


def test_blocks_of_an_unknown_kind_are_kept() -> None:
    unknown = {"type": "container_upload", "file_id": "file_1"}
    assert whole({"content": "", "content_blocks": [unknown]}).blocks == (AnswerBlock("other", raw=unknown),)
    answer = fold_deltas(block_chunk(0, {"of_a": "kind"}), block_chunk(0, {"title": "x"}), block_chunk(1, {}))
    assert answer.blocks == (AnswerBlock("other", raw={"of_a": "kind", "title": "x"}),)


def test_blocks_that_say_nothing_are_left_out() -> None:
    empty: list[dict[str, Any]] = [
        {"text": None},
        {"thinking": None, "signature": ""},
        {"data": ""},
        {"text": "", "citations": []},
    ]
    assert fold_deltas(*(block_chunk(index, delta) for index, delta in enumerate(empty))).blocks == ()


def test_a_citation_before_its_text_makes_no_other_block() -> None:
    answer = fold_deltas(
        block_chunk(0, {"citation": {"url": "a"}}),
        block_chunk(0, {"text": "Hi"}),
        block_chunk(0, {"citation": {"url": "b"}}),
    )
    assert answer.blocks == (AnswerBlock("text", "Hi", raw={"citations": [{"url": "a"}, {"url": "b"}]}),)


def split_emoji(*texts: str) -> Iterable[dict[str, Any]]:
    return ({"content": text, **block_chunk(0, {"text": text})} for text in texts)


def test_an_emoji_that_the_gateway_cut_in_two_is_whole_again() -> None:
    # src/providers/openai/chatComplete.ts cuts a cached answer every 500 UTF-16 units
    assert fold_deltas(*split_emoji("Sun \ud83c", "\udf1e and \ud83c", "\udf1e")).text == "Sun 🌞 and 🌞"


@pytest.mark.parametrize(
    ("texts", "text"), [(("a\ud83c", "b"), "a\ufffdb"), (("\udf1eb",), "\ufffdb"), (("a\ud83c",), "a")]
)
def test_half_an_emoji_alone_never_reaches_the_text(texts: tuple[str, ...], text: str) -> None:
    answer = fold_deltas(*split_emoji(*texts))
    assert answer.text == text
    assert answer.text.encode()


def test_half_a_surrogate_pair_in_a_whole_answer_is_read_as_in_a_streamed_one() -> None:
    assert whole({"content": "a\ud83d b"}).text == "a\ufffd b"


# --- whole answers ----------------------------------------------------------------------------------------------------


def test_a_whole_answer_is_one_chunk() -> None:
    chunk = decode_whole((WIRE / "mixed.json").read_bytes(), INFO)
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


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text", "args"),
    [
        ("", "{}", {}),
        ('{ "a" : 1 }', '{"a":1}', {"a": 1}),
        ('{"a": "', '{"a": "', None),
        ("[1]", "[1]", None),
        ('{"a": 12345678901234567890}', '{"a":12345678901234567890}', {"a": 12345678901234567890}),
    ],
)
def test_arguments(arguments: str, text: str, args: dict[str, Any] | None) -> None:
    decoded = fold_deltas(call("a", "f", arguments, index=0)).tool_calls[0]
    assert (decoded.arguments, decoded.args) == (text, args)


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
