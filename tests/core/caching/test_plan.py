"""Planned cache breakpoints: where they go, beside which explicit ones, and for how long."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portkey_gateway import PromptCaching
from portkey_gateway.caching.breakpoints import check_breakpoints, find_marks
from portkey_gateway.caching.plan import plan_breakpoints
from portkey_gateway.conversation.request import SYSTEM_ROLES, ChatRequest
from portkey_gateway.errors import EncodingError
from tests.core.caching.told import (
    ANSWER,
    ASKED,
    AUTO,
    CALL,
    CALLED,
    FILE,
    HOUR,
    IMAGE,
    LINK,
    LONG,
    LOOP,
    RESULT,
    SHORT,
    SYSTEM,
    THOUGHT,
    TOOL,
    planned,
    request,
    text,
    ttls,
    user,
)

# --- where ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "places"),
    [
        pytest.param(request(ASKED), ["messages[0].content[0]"], id="a question"),
        pytest.param(
            request(SYSTEM, ASKED), ["messages[0].content[0]", "messages[1].content[0]"], id="system and question"
        ),
        pytest.param(
            request(SYSTEM, ASKED, tools=[TOOL, TOOL]),
            ["tools[1]", "messages[0].content[0]", "messages[1].content[0]"],
            id="the last tool first",
        ),
        pytest.param(
            request(ASKED, SYSTEM),
            ["messages[1].content[0]", "messages[0].content[0]"],
            id="system comes first wherever it stands",
        ),
        pytest.param(
            request(ASKED, ANSWER, ASKED),
            ["messages[0].content[0]", "messages[2].content[0]"],
            id="where the request before ended",
        ),
        pytest.param(
            request(ASKED, CALLED, RESULT, RESULT, CALLED, RESULT),
            ["messages[3].content[0]", "messages[5].content[0]"],
            id="in a tool loop",
        ),
        pytest.param(
            request(ASKED, ANSWER), ["messages[0].content[0]", "messages[1].content[0]"], id="a beginning of the answer"
        ),
        pytest.param(
            request(ASKED, CALLED), ["messages[0].content[0]", "messages[1].tool_calls[1]"], id="the last call"
        ),
        pytest.param(
            request(ASKED, {"role": "assistant", "content": "a", "content_blocks": [text("a"), THOUGHT]}),
            ["messages[0].content[0]", "messages[1].content_blocks[0]"],
            id="not a thought",
        ),
        pytest.param(request(user(text("a"), IMAGE)), ["messages[0].content[1]"], id="an image as data"),
        pytest.param(request(user(text("a"), LINK, FILE)), ["messages[0].content[0]"], id="not a link, not a file"),
        pytest.param(
            request(ASKED, ANSWER, user(LINK)),
            ["messages[0].content[0]", "messages[1].content[0]"],
            id="a message of a link: the one before",
        ),
        pytest.param(
            request(ASKED, ANSWER, ASKED, CALLED, {**RESULT, "content": ""}),
            ["messages[2].content[0]", "messages[3].tool_calls[1]"],
            id="an empty result: the call",
        ),
        pytest.param(request(user(LINK)), [], id="nothing that carries a mark"),
        pytest.param(request(user(LINK), ANSWER, ASKED), ["messages[2].content[0]"], id="nothing to read before"),
        pytest.param(
            request(SYSTEM, {"role": "developer", "content": [text("a"), text("b")]}, ASKED),
            ["messages[1].content[1]", "messages[2].content[0]"],
            id="the last of the system messages",
        ),
    ],
)
def test_breakpoints_go_where_the_next_call_reads(body: ChatRequest, places: list[str]) -> None:
    before = copy.deepcopy(body)
    assert planned(body) == places
    assert body == before


def test_a_system_message_amid_the_conversation_leaves_the_mark_at_the_top() -> None:
    messages = (SYSTEM, ASKED, ANSWER, ASKED, SYSTEM)
    newer: Any = request(*messages, tools=[TOOL]) | {"model": "claude-opus-4-8"}
    places = ["tools[0]", "messages[0].content[0]", "messages[1].content[0]", "messages[3].content[0]"]
    assert planned(newer) == places
    older = request(*messages, tools=[TOOL])
    assert "messages[4].content[0]" in planned(older)


@pytest.mark.parametrize(
    ("caching", "places"),
    [
        (PromptCaching(messages=False), ["tools[0]", "messages[0].content[0]"]),
        (
            PromptCaching(tools=False),
            ["messages[0].content[0]", "messages[1].content[0]", "messages[3].content[0]"],
        ),
        (PromptCaching(tools=False, system=False), ["messages[1].content[0]", "messages[3].content[0]"]),
    ],
)
def test_only_the_parts_asked_for_are_marked(caching: PromptCaching, places: list[str]) -> None:
    assert planned(request(SYSTEM, ASKED, ANSWER, ASKED, tools=[TOOL]), caching) == places


@pytest.mark.parametrize(
    ("marked", "places"),
    [
        pytest.param(
            [text("a", SHORT)],
            ["messages[0].content[0]", "messages[1].content[0]", "messages[3].content[0]", "messages[5].content[0]"],
            id="one: no tool",
        ),
        pytest.param(
            [text("a", SHORT), text("b", SHORT)],
            ["messages[0].content[0]", "messages[1].content[0]", "messages[1].content[1]", "messages[5].content[0]"],
            id="two: not where the request before ended",
        ),
        pytest.param(
            [text("a", SHORT), text("b", SHORT), text("c", SHORT)],
            ["messages[1].content[0]", "messages[1].content[1]", "messages[1].content[2]", "messages[5].content[0]"],
            id="three: the end alone",
        ),
        pytest.param(
            [text("a", SHORT), text("b", SHORT), text("c", SHORT), text("d", SHORT)],
            [f"messages[1].content[{index}]" for index in range(4)],
            id="four: nothing",
        ),
    ],
)
def test_explicit_marks_are_kept_and_take_the_room_of_others(marked: list[Any], places: list[str]) -> None:
    body = request(SYSTEM, user(*marked), ANSWER, ASKED, ANSWER, ASKED, tools=[TOOL])
    assert planned(body) == places


def test_five_explicit_marks_stay_an_error() -> None:
    body = request(user(*[text("a", SHORT)] * 5), ANSWER, ASKED)
    assert plan_breakpoints(body, AUTO) is body
    with pytest.raises(EncodingError, match="stands on 5 blocks"):
        check_breakpoints(body)


def test_a_mark_where_one_is_planned_counts_once() -> None:
    body = request({"role": "system", "content": [text("a", LONG)]}, user(text("b", LONG)))
    assert plan_breakpoints(body, AUTO) is body


def test_a_tool_s_result_has_one_shape_with_and_without_a_mark() -> None:
    """Else what a turn wrote under its mark is another beginning when the mark has moved on."""
    first: Any = plan_breakpoints(request(ASKED, CALLED, RESULT), AUTO)
    later: Any = plan_breakpoints(request(ASKED, CALLED, RESULT, CALLED, RESULT, ANSWER, ASKED), AUTO)
    assert first["messages"][2]["content"] == [text("sunny", SHORT)]
    assert later["messages"][2]["content"] == [text("sunny")]


# --- for how long -----------------------------------------------------------------------------------------------------


def test_five_minutes_are_said_without_a_ttl() -> None:
    marks = find_marks(plan_breakpoints(request(SYSTEM, ASKED), AUTO))
    assert list(marks.values()) == [SHORT, SHORT]


@pytest.mark.parametrize(
    ("body", "caching", "keeps_ttl", "expected"),
    [
        pytest.param(request(SYSTEM, ASKED, tools=[TOOL]), HOUR, False, ["1h", "1h", "1h"], id="an hour"),
        pytest.param(request(*LOOP, tools=[TOOL]), HOUR, True, ["1h", "1h", "1h", "1h"], id="an hour for results"),
        pytest.param(
            request(*LOOP, tools=[TOOL]), HOUR, False, ["1h", "1h", "5m", "5m"], id="results pass a ttl, tools may not"
        ),
        pytest.param(
            request(*LOOP, ANSWER, ASKED), HOUR, False, ["1h", "5m", "5m"], id="and nothing longer after a result"
        ),
        pytest.param(
            request({"role": "system", "content": [text("a", SHORT)]}, ASKED),
            HOUR,
            True,
            ["5m", "5m"],
            id="no hour after explicit minutes",
        ),
        pytest.param(
            request({"role": "system", "content": [{**text("a"), "cache_control": {**SHORT, "ttl": "5m"}}]}, ASKED),
            HOUR,
            True,
            ["5m", "5m"],
            id="no hour after explicit minutes in words",
        ),
        pytest.param(
            request(SYSTEM, user(text("a", LONG), text("b")), tools=[TOOL]),
            AUTO,
            False,
            ["1h", "1h", "1h", "5m"],
            id="an hour before an explicit hour",
        ),
        pytest.param(
            request(SYSTEM, user(text("a", LONG), text("b", SHORT)), ANSWER, ASKED),
            HOUR,
            True,
            ["1h", "1h", "5m", "5m"],
            id="around both",
        ),
    ],
)
def test_no_hour_comes_after_five_minutes(
    body: ChatRequest, caching: PromptCaching, keeps_ttl: bool, expected: list[str]
) -> None:
    assert ttls(body, caching, keeps_ttl=keeps_ttl) == expected


# --- whatever the conversation ----------------------------------------------------------------------------------------

words = st.sampled_from(["a", "b c", "d"])
user_blocks = st.lists(st.one_of(words.map(text), st.sampled_from([IMAGE, LINK, FILE])), min_size=1, max_size=4)
results = st.one_of(st.just(""), words, st.lists(words.map(text), max_size=2))
calls = st.lists(st.just(CALL), min_size=1, max_size=30)
messages = st.one_of(
    st.builds(lambda content: {"role": "user", "content": content}, st.one_of(words, user_blocks)),
    st.builds(lambda content: {"role": "system", "content": content}, st.one_of(words, st.just([text("a")]))),
    st.builds(lambda content: {"role": "assistant", "content": content}, words),
    st.builds(lambda made: {"role": "assistant", "content": None, "tool_calls": made}, calls),
    st.builds(lambda said: {"role": "assistant", "content_blocks": [THOUGHT, *said]}, st.lists(words.map(text))),
    st.builds(lambda content: {"role": "tool", "tool_call_id": "1", "content": content}, results),
)
conversations = st.lists(messages, min_size=1, max_size=8)
on_any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy one is no failure
cachings = st.builds(PromptCaching, ttl=st.sampled_from(["5m", "1h"]), tools=st.booleans(), system=st.booleans())


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """Requests with up to five explicit marks, hours first, as Anthropic wants them."""
    body: Any = copy.deepcopy(request(*draw(conversations), tools=[TOOL] * draw(st.integers(0, 2))))
    blocks = [*body.get("tools", ())]
    for is_system in (True, False):
        for message in body["messages"]:
            if (message["role"] in SYSTEM_ROLES) is is_system:
                for field in ("content", "content_blocks", "tool_calls"):
                    blocks += message[field] if isinstance(message.get(field), list) else []
    carrying = [block for block in blocks if block["type"] not in {"thinking", "file"} and block != LINK]
    marked = sorted(draw(st.sets(st.integers(0, len(carrying) - 1), max_size=5))) if carrying else []
    hours = draw(st.integers(0, 5))
    for turn, index in enumerate(marked):
        carrying[index]["cache_control"] = LONG if turn < hours else SHORT
    return cast("ChatRequest", body)


def unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: [text(item)] if name == "content" and isinstance(item, str) else unmarked(item)
            for name, item in value.items()
            if name != "cache_control"
        }
    return [unmarked(item) for item in value] if isinstance(value, list) else value


@on_any_machine
@given(requests(), cachings, st.booleans())
def test_a_plan_keeps_anthropics_rules_and_what_was_said(
    body: ChatRequest, caching: PromptCaching, keeps_ttl: bool
) -> None:
    before = copy.deepcopy(body)
    explicit = find_marks(body)
    after = plan_breakpoints(body, caching, keeps_ttl=keeps_ttl)
    assert body == before
    assert unmarked(after) == unmarked(before)
    marks = find_marks(after)
    assert len(marks) <= max(4, len(explicit))
    assert marks.items() >= explicit.items()
    if len(explicit) <= 4:
        check_breakpoints(after)
    if not (explicit or keeps_ttl):
        check_breakpoints(as_the_open_source_gateway_passes_it_on(after))
    assert plan_breakpoints(after, caching, keeps_ttl=keeps_ttl) == after


def as_the_open_source_gateway_passes_it_on(body: ChatRequest) -> ChatRequest:
    arrived: Any = copy.deepcopy(body)
    blocks = [*arrived.get("tools", ())]
    for message in arrived["messages"]:
        if message["role"] not in {"assistant", "tool"} and isinstance(message["content"], list):
            blocks += message["content"]
    for block in blocks:
        if "cache_control" in block:
            block["cache_control"] = SHORT
    return cast("ChatRequest", arrived)


@on_any_machine
@given(conversations, st.lists(messages, min_size=1, max_size=8))
def test_each_turn_marks_where_the_turn_before_ended_or_looks_back_to_it(told: list[Any], added: list[Any]) -> None:
    added = [message for message in added if message["role"] not in SYSTEM_ROLES | {"assistant"}]
    told = [message for message in told if message["role"] not in SYSTEM_ROLES]
    earlier = planned(request(*told))
    later = planned(request(*told, ANSWER, *added))
    if blocks_of([ANSWER, *added]) >= 20:
        assert earlier[-1:] == [point for point in earlier[-1:] if point in later]


def blocks_of(told: list[Any]) -> int:
    """How many blocks Claude sees: of a tool message one, its result."""
    listed = [message for message in told if isinstance(message["content"], list) and message["role"] != "tool"]
    others = [message for message in told if message["content"] and message not in listed]
    calls = [call for message in told for call in message.get("tool_calls", ())]
    return sum(len(message["content"]) for message in listed) + len(others) + len(calls)


def round_of(results: int) -> list[Any]:
    calls = [{**CALL, "id": str(at)} for at in range(results)]
    results_ = [{**RESULT, "tool_call_id": str(at)} for at in range(results)]
    return [{"role": "assistant", "content": "I look.", "tool_calls": calls}, *results_]


@pytest.mark.parametrize(
    ("rounds", "marked"),
    [
        pytest.param([1, 1], "messages[3].content[0]", id="all within reach: the last request's end"),
        pytest.param([1, 10], "messages[3].content[0]", id="twenty-one blocks follow the last one"),
        pytest.param([1, 9], "messages[1].content[0]", id="nineteen: the one before it is out of reach"),
        pytest.param([1] * 9, "messages[5].content[0]", id="the latest that is out of reach"),
        pytest.param([12, 1, 1], "messages[1].content[0]", id="of many results none in the middle"),
    ],
)
def test_the_end_looks_back_over_twenty_blocks(rounds: list[int], marked: str) -> None:
    told = [message for results in rounds for message in round_of(results)]
    assert planned(request(SYSTEM, ASKED, *told))[1] == marked
