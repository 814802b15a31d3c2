"""Answers of the Messages API: whole or streamed, cut anywhere, the same answer comes out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.conversation.answer import (
    FINISH_REASONS,
    AnswerBlock,
    AnswerToolCall,
    BlockDelta,
    Delta,
    ToolCallDelta,
)
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.messages.decode import MessageFold
from portkey_gateway.messages.stream import DECODING
from tests.core.messages.told import INFO, USAGE, USE, Block, block_events, fold, message, streamed, told_block, whole

# --- any answer -------------------------------------------------------------------------------------------------------

TEXTS = st.text(min_size=1, max_size=40)
KEYS = st.text(max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e6, 1e6) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
IDS = st.uuids().map(lambda number: number.hex)
CITATIONS = st.lists(st.fixed_dictionaries({"type": st.just("page_location"), "cited_text": TEXTS}), max_size=2)
CALLERS = st.none() | st.fixed_dictionaries({"type": st.just("direct")})
TOOL_USES = st.fixed_dictionaries(
    {"type": st.just("tool_use"), "id": IDS, "name": st.sampled_from(["weather", "now"]), "input": OBJECTS},
    optional={"caller": CALLERS},
)
BLOCKS = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("text"), "text": st.text(max_size=40)}, optional={"citations": st.none() | CITATIONS}
    )
    | st.fixed_dictionaries({"type": st.just("thinking"), "thinking": st.text(max_size=40), "signature": TEXTS})
    | st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": TEXTS})
    | TOOL_USES
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["server_tool_use", "mcp_tool_use"]), "id": IDS, "name": TEXTS, "input": OBJECTS}
    )
    | st.fixed_dictionaries({"type": st.just("web_search_tool_result"), "tool_use_id": IDS, "content": VALUES})
    | st.fixed_dictionaries({"type": st.just("compaction"), "content": st.none() | TEXTS})
    | st.fixed_dictionaries({"type": st.just("not_known_yet"), "value": VALUES}),
    max_size=6,
)
REASONS = st.sampled_from(["end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal", "pause_turn"])
COUNTS = st.integers(0, 9999)
USAGES = st.fixed_dictionaries(
    {"input_tokens": COUNTS, "output_tokens": COUNTS},
    optional={
        "cache_read_input_tokens": st.none() | COUNTS,
        "cache_creation": st.none() | st.fixed_dictionaries({"ephemeral_1h_input_tokens": COUNTS}),
        "output_tokens_details": st.none() | st.fixed_dictionaries({"thinking_tokens": COUNTS}),
    },
)
EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "stop_sequence": st.none() | TEXTS,
        "stop_details": st.none() | st.fixed_dictionaries({"type": st.just("refusal"), "category": st.just("bio")}),
        "container": st.none() | st.fixed_dictionaries({"id": IDS}),
        "context_management": st.none() | st.fixed_dictionaries({"applied_edits": st.lists(OBJECTS, max_size=1)}),
    },
)
CUTS = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@given(blocks=BLOCKS, reason=REASONS, usage=USAGES, extras=EXTRAS, cuts=CUTS, whole_inputs=st.booleans())
def test_whole_and_streamed_answers_are_equal(  # noqa: PLR0917 hypothesis names them all
    blocks: list[Block],
    reason: str,
    usage: dict[str, Any],
    extras: dict[str, Any],
    cuts: list[int],
    whole_inputs: bool,
) -> None:
    told = message(blocks, reason, usage=usage, **extras)
    answer = fold(streamed(told, cuts, whole_inputs=whole_inputs))
    assert answer == DECODING.decode(json.dumps(told).encode(), INFO)
    assert answer.extras == {name: value for name, value in extras.items() if value is not None}
    assert all(block.text == block.text.encode().decode() for block in answer.blocks)


@given(blocks=BLOCKS, cuts=CUTS)
def test_an_answer_holds_what_claude_said(blocks: list[Block], cuts: list[int]) -> None:
    answer = fold(streamed(message(blocks), cuts))
    said = [
        block for block in blocks if block["type"] != "tool_use" and (block.get("text") != "" or block.get("citations"))
    ]
    assert [_as_claude_said(block) for block in answer.blocks] == [
        {name: value for name, value in block.items() if name != "citations" or value} for block in said
    ]
    assert [(call.id, call.name, call.args, call.extras) for call in answer.tool_calls] == [
        (block["id"], block["name"], block["input"], {"caller": caller} if (caller := block.get("caller")) else None)
        for block in blocks
        if block["type"] == "tool_use"
    ]


def _as_claude_said(block: AnswerBlock) -> Block:
    raw = block.raw or {}
    if block.type == "text":
        return {"type": "text", "text": block.text, **raw}
    if block.type == "thinking":
        return {"type": "thinking", "thinking": block.text, "signature": block.signature}
    return raw if block.type == "other" else {"type": block.type, "data": block.data}


@given(blocks=BLOCKS, cuts=CUTS)
def test_positions_count_blocks_and_calls_apart_and_leave_no_gap(blocks: list[Block], cuts: list[int]) -> None:
    answer = MessageFold(INFO)
    deltas = [answer.add(event) for event in streamed(message(blocks), cuts)]
    for places, count in (
        ([block.position for delta in deltas for block in delta.blocks], len(answer.answer().blocks)),
        ([call.position for delta in deltas for call in delta.tool_calls], len(answer.answer().tool_calls)),
    ):
        assert places == sorted(places)
        assert [*dict.fromkeys(places)] == [*range(count)]


# --- event by event ---------------------------------------------------------------------------------------------------


def add_all(*events: Any) -> list[Delta]:
    answer = MessageFold(INFO)
    return [answer.add(event) for event in events]


def test_each_event_says_what_it_adds() -> None:
    blocks: list[Block] = [
        {"type": "thinking", "thinking": "Hm.", "signature": "Eq=="},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {"zone": "UTC"}, "caller": {"type": "direct"}},
    ]
    deltas = add_all(*streamed(message(blocks, "tool_use"), [99]))
    assert [delta for delta in deltas if delta != Delta()] == [
        Delta((BlockDelta(0, "thinking", "Hm."),)),
        Delta((BlockDelta(0, "thinking", signature="Eq=="),)),
        Delta((BlockDelta(1, "text", "Hi"),)),
        Delta(tool_calls=(ToolCallDelta(0, "toolu_1", "now", "", {"caller": {"type": "direct"}}, 2),)),
        Delta(tool_calls=(ToolCallDelta(0, None, None, '{"zone": "UTC"}'),)),
        Delta(stop_reason="tool_use", usage=Usage(input_tokens=7, output_tokens=3)),
    ]
    assert deltas[-1].finish_reason == "tool_calls"


def test_a_whole_answer_is_one_delta() -> None:
    blocks = [{"type": "text", "text": "Hi"}, USE]
    delta = MessageFold(INFO).add_whole(json.dumps(message(blocks, "tool_use")).encode())
    assert delta.text == "Hi"
    assert delta.tool_calls == (ToolCallDelta(0, "toolu_1", "now", '{"zone":"UTC"}', None, 1),)
    assert delta.stop_reason == "tool_use"


def test_the_answer_is_named_by_the_message() -> None:
    for answer in (fold(streamed(message([]), [1])), whole([])):
        assert (answer.id, answer.model, answer.provider, answer.info) == ("msg_1", "claude-sonnet-4-5", "", INFO)


def test_usage_is_told_once_and_its_end_wins_over_its_start() -> None:
    start = {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 9, "cache_creation_input_tokens": 4}
    parts = {"cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 4}}
    final = {"input_tokens": 600, "output_tokens": 70, "cache_read_input_tokens": None}
    deltas = add_all(
        {"type": "message_start", "message": {"usage": {**start, **parts}}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": final},
        {"type": "message_stop"},
    )
    expected = Usage(613, 70, cache_read_tokens=9, cache_write_tokens=4, cache_write_1h_tokens=4)
    assert [delta.usage for delta in deltas] == [None, expected, None]


def test_what_broke_off_has_the_usage_that_its_start_told() -> None:
    starts: list[Any] = [{"input_tokens": 5, "output_tokens": 1}, {"input_tokens": "5"}]
    for told, expected in zip(starts, [Usage(5, 1), None], strict=True):
        begun = MessageFold(INFO)
        begun.add({"type": "message_start", "message": {"usage": told}})
        assert begun.answer().usage == expected


def test_without_usage_there_is_none() -> None:
    # The gateway's Bedrock tells none at the start.
    answer = fold([{"type": "message_start", "message": {}}, {"type": "message_delta", "delta": {}}])
    assert answer.usage is None


@pytest.mark.parametrize(
    ("reason", "name"), [*FINISH_REASONS.items(), ("pause_turn", "pause_turn"), ("compaction", "compaction")]
)
def test_every_stop_reason_is_kept_and_has_openais_name(reason: str, name: str) -> None:
    answer = fold(streamed(message([], reason), [1]))
    assert (answer.stop_reason, answer.finish_reason) == (reason, name)
    assert answer == whole([], reason)


@pytest.mark.parametrize("where", ["own", "message_start", "ping", "message", "content_block_delta"])
def test_hook_results_are_kept_wherever_they_stand(where: str) -> None:
    hooks = {"before_request_hooks": [{"verdict": True}], "after_request_hooks": []}
    told = message([{"type": "text", "text": "Hi"}], hook_results=hooks)
    events = [*streamed(message([{"type": "text", "text": "Hi"}]), [9])]
    if where == "own":
        events.insert(0, {"hook_results": hooks})
    elif where == "message":
        events[0]["message"]["hook_results"] = hooks
    else:
        next(event for event in events if event["type"] == where)["hook_results"] = hooks
    assert fold(events) == DECODING.decode(json.dumps(told).encode(), INFO)
    assert [delta.hook_results for delta in add_all(*events) if delta.hook_results] == [hooks]


def test_unknown_events_and_unknown_deltas_of_known_blocks_add_nothing() -> None:
    deltas: list[Block] = [{"type": "sparkle_delta", "text": "no"}]
    text, call = {"type": "text", "text": "Hi"}, {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}}
    answer = fold(
        [
            {"type": "vertex_event", "index": 7},
            {"no": "type"},
            *block_events(0, text, deltas),
            *block_events(1, {"type": "thinking", "thinking": "Hm.", "signature": ""}, deltas),
            *block_events(2, call, deltas),
            {"type": "content_block_stop", "index": 9},
        ]
    )
    assert answer.blocks == (AnswerBlock("text", "Hi"), AnswerBlock("thinking", "Hm."))
    assert answer.tool_calls == (AnswerToolCall("toolu_1", "now", "{}"),)
    assert add_all({"type": "ping"}, {"type": "brand_new"}) == [Delta(), Delta()]


# --- blocks -----------------------------------------------------------------------------------------------------------


def test_blocks_that_say_nothing_are_left_out() -> None:
    blocks: list[Block] = [
        {"type": "text", "text": "", "citations": []},
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "redacted_thinking", "data": ""},
        {"type": "text", "text": "Hi", "citations": None},
    ]
    answer = fold(streamed(message(blocks), [9]))
    assert answer.blocks == whole(blocks).blocks == (AnswerBlock("text", "Hi"),)


def test_thinking_that_shows_nothing_but_its_signature_is_kept() -> None:
    blocks = [{"type": "thinking", "thinking": "", "signature": "Eq=="}]
    assert fold(streamed(message(blocks), [9])).blocks == (AnswerBlock("thinking", signature="Eq=="),)
    # Of Bedrock's the gateway begins a text (1.15.2, ``providers/bedrock/messages.ts``).
    events = block_events(0, {"type": "text", "text": ""}, [{"type": "signature_delta", "signature": "Eq=="}])
    assert fold(events) == fold(block_events(0, *told_block(blocks[0], [9], whole_inputs=False)))


def test_a_text_may_begin_with_text_and_citations() -> None:
    start = {"type": "text", "text": "Sun", "citations": [{"url": "a"}]}
    deltas: list[Block] = [{"type": "citations_delta", "citation": {"url": "b"}}, {"type": "text_delta", "text": "ny."}]
    answer = fold(block_events(0, start, deltas))
    assert answer.blocks == (AnswerBlock("text", "Sunny.", raw={"citations": [{"url": "a"}, {"url": "b"}]}),)


def test_an_unknown_block_is_kept_with_what_its_deltas_add() -> None:
    answer = fold(
        [
            *block_events(0, {"type": "sparkle", "id": "s_1", "light": None}, [
                {"type": "sparkle_delta", "light": "br", "rays": [1]},
                {"type": "text_delta", "light": "ight", "rays": [2], "id": None, "colour": None},
                {"type": "sparkle_delta"},
            ]),
        ]
    )  # fmt: skip
    raw = {"type": "sparkle", "id": "s_1", "light": "bright", "rays": [1, 2], "colour": None}
    assert answer.blocks == (AnswerBlock("other", raw=raw),)
    assert whole([raw]).blocks == answer.blocks


def test_the_model_that_took_over_is_the_one_that_answers() -> None:
    fallback = {"type": "fallback", "from": {"model": "claude-a"}, "to": {"model": "claude-b"}}
    told = message([fallback, {"type": "text", "text": "Hi"}])
    assert fold(streamed(told, [9])).model == "claude-b"
    assert whole(told["content"], model="claude-b") == fold(streamed(told, [9]))


@pytest.mark.parametrize(
    ("pieces", "text"), [(("a\ud83c", "b"), "a\ufffdb"), (("\udf1eb",), "\ufffdb"), (("a\ud83c",), "a")]
)
def test_half_an_emoji_alone_never_reaches_the_text(pieces: tuple[str, ...], text: str) -> None:
    more = {"type": "text", "text": "more"}
    for kind in ("text", "thinking"):
        deltas = [{"type": f"{kind}_delta", kind: piece} for piece in pieces]
        answer = fold([*block_events(0, {"type": kind, kind: ""}, deltas), *block_events(1, more, [])])
        assert [block.text for block in answer.blocks] == [text, "more"]
        assert whole([{"type": kind, kind: "".join(pieces)}, more]).blocks == answer.blocks


# --- inputs -----------------------------------------------------------------------------------------------------------


def inputs(*pieces: str | None) -> list[Block]:
    return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


@pytest.mark.parametrize("pieces", [(), ("",), (None,)])
def test_an_input_that_comes_whole_with_the_start_is_told_at_the_end(pieces: tuple[str | None, ...]) -> None:
    *_, end = add_all(*block_events(0, USE, inputs(*pieces)))
    assert end.tool_calls == (ToolCallDelta(0, None, None, '{"zone":"UTC"}'),)


def test_pieces_of_an_input_win_over_what_came_with_the_start() -> None:
    assert fold(block_events(0, USE, inputs('{"zone":', '"CET"}'))).tool_calls == (
        AnswerToolCall("toolu_1", "now", '{"zone":"CET"}'),
    )


def test_an_input_that_was_cut_off_stays_as_it_came() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}}
    answer = fold([*block_events(0, USE | {"input": {}}, inputs('{"zone": "U')), end])
    assert answer.tool_calls == (AnswerToolCall("toolu_1", "now", '{"zone": "U', is_cut=True),)


def test_an_answer_that_the_gateway_streams_from_its_cache_is_the_same() -> None:
    # 1.15.2, ``handlers/streamHandler.ts``: all else stands in message_start, and a call one level deeper.
    told = message([{"type": "text", "text": "Hi"}, USE], "tool_use", container={"id": "c_1"}, context_management={})
    text, call = told["content"]
    events = [
        {"type": "message_start", "message": {**told, "content": [], "type": "message_start"}},
        *block_events(0, {"type": "text", "text": ""}, [{"type": "text_delta", "text": text["text"]}]),
        *block_events(1, {"type": "tool_use", "tool_use": call | {"input": {}}}, inputs(json.dumps(call["input"]))),
        {"type": "content_block_stop", "index": 2},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": USAGE},
    ]
    assert fold(events) == DECODING.decode(json.dumps(told).encode(), INFO)


def test_half_an_emoji_in_an_input_breaks_nothing() -> None:
    use = USE | {"input": {"a": "\ud83d"}}
    assert whole([use]).tool_calls == fold(block_events(0, use, [])).tool_calls
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    answer = fold(block_events(0, search, inputs('{"query": "\ud83c', '\udf1e"}')))
    assert answer.blocks == (AnswerBlock("other", raw=search | {"input": {"query": "🌞"}}),)


def test_a_guardrail_that_changes_an_answer_leaves_bare_texts() -> None:
    assert DECODING.decode(b'{"content": ["Hi"], "stop_reason": "end_turn"}', INFO).blocks == (
        AnswerBlock("text", "Hi"),
    )
