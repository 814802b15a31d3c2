"""Ids of tool calls are made to fit, the same on call and result, and a beginning stays as it was."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway import EncodingError
from portkey_gateway.conversation.call_ids import with_fitting_ids

FITS = re.compile(r"[A-Za-z0-9_-]{1,40}")


def called(*calls: str | tuple[str, str]) -> dict[str, Any]:
    """An assistant's message; a call is its id, or its id and the tool's name."""
    given_calls = [(call, "look") if isinstance(call, str) else call for call in calls]
    return {
        "role": "assistant",
        "tool_calls": [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": "{}"}}
            for call_id, name in given_calls
        ],
    }


def used(*ids: str) -> dict[str, Any]:
    """An assistant's message with calls among its blocks."""
    uses = [{"type": "tool_use", "id": call_id, "name": "look", "input": {}} for call_id in ids]
    return {"role": "assistant", "content": [{"type": "text", "text": "I look."}, *uses]}


def told(call_id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "blue"}


USER: dict[str, Any] = {"role": "user", "content": "Look"}


def ids(*messages: dict[str, Any]) -> list[list[str]]:
    """The ids of each message that has some."""
    fitted: list[Any] = with_fitting_ids([*messages])  # type: ignore[list-item]  # they are messages
    found = []
    for message in fitted:
        content = message.get("content")
        uses = [block["id"] for block in content if block["type"] == "tool_use"] if isinstance(content, list) else []
        own = [message["tool_call_id"]] if "tool_call_id" in message else []
        found.append([*own, *uses, *(call["id"] for call in message.get("tool_calls", ()))])
    return [each for each in found if each]


def test_an_id_that_is_too_long_for_openai_is_shortened() -> None:
    long = [f"chatcmpl-tool-{digits * 32}" for digits in "ab"]
    [calls, first, second] = ids(USER, called(*long), *map(told, long))
    assert calls == [*first, *second]
    assert all(FITS.fullmatch(each) for each in calls)
    assert ids(called("a" * 40)) == [["a" * 40]]


def test_ids_that_fit_stay_and_so_do_their_messages() -> None:
    history: list[Any] = [USER, called("a", "b"), told("a"), told("b"), used("c"), told("c"), {"role": "assistant"}]
    assert with_fitting_ids(history) == history


@pytest.mark.parametrize(("given_id", "stem"), [
    ("functions.f:0", "functions_f_0_0"),
    ("call|fc_1:2", "call_fc_1_2_0"),
    ("", "call_0"),
    ("ü", "__0"),
    ("a" * 39 + ".", "a" * 32 + "_0"),
])  # fmt: skip
@pytest.mark.parametrize("call", [called, used])
def test_an_id_that_does_not_fit_is_another_on_call_and_result(call: Any, given_id: str, stem: str) -> None:
    assert ids(call(given_id), told(given_id)) == [[stem], [stem]]


def test_an_id_that_is_used_again_is_another() -> None:
    turn = called("call_0"), told("call_0")
    assert ids(*turn, *turn, *turn) == [["call_0"]] * 2 + [["call_0_1"]] * 2 + [["call_0_2"]] * 2


def test_one_id_for_several_calls_is_answered_in_order() -> None:
    assert ids(called("x", "x"), told("x"), told("x")) == [["x", "x_1"], ["x"], ["x_1"]]


def test_calls_without_an_id_are_answered_under_the_tool_s_name_or_in_order() -> None:
    calls = called(("", "look"), ("", "listen"), ("", "look"))
    named = [told("listen"), told("look"), told("look")]
    assert ids(calls, *named) == [["call_0", "call_1", "call_2"], ["call_1"], ["call_0"], ["call_2"]]
    assert ids(calls, told(""), told("")) == [["call_0", "call_1", "call_2"], ["call_0"], ["call_1"]]


def test_a_made_up_id_takes_no_other_s_place() -> None:
    assert ids(called("call_1"), told("call_1"), called(""), told("")) == [["call_1"]] * 2 + [["call_2"]] * 2
    assert ids(called(""), told(""), called("call_0"), told("call_0")) == [["call_0"]] * 2 + [["call_0_1"]] * 2


def test_the_latest_call_is_the_one_that_is_answered() -> None:
    assert ids(called("x"), called("x"), told("x"), told("x")) == [["x"], ["x_1"], ["x_1"], ["x"]]


def test_a_call_that_is_told_twice_is_one() -> None:
    both = {**used("a.b"), **called("a.b", "c")}
    assert ids(both, told("a.b"), told("c")) == [["a_b_0", "a_b_0", "c"], ["a_b_0"], ["c"]]


def test_a_result_that_nobody_asked_for_keeps_what_it_can() -> None:
    assert ids(told("a"), told("a.b")) == [["a"], ["a_b"]]
    assert ids(told("a" * 41), told("..")) == [["a" * 32], ["_"]]


@pytest.mark.parametrize("result", [told(""), {"role": "tool", "content": "blue"}])
@pytest.mark.parametrize("before", [[USER], [USER, called("a"), told("a")]])
def test_a_result_without_an_id_that_nobody_waits_for_is_an_error(before: list[Any], result: Any) -> None:
    with pytest.raises(EncodingError) as caught:
        ids(*before, result)
    place = len(before)
    assert caught.value.message == (
        f"messages[{place}] is a tool message without an id, and no call waits for a result"
    )


def test_messages_that_fit_are_the_same_and_those_that_do_not_keep_all_else() -> None:
    call, result = called("a"), told("a")
    plain = {"role": "assistant", "content": [{"type": "text", "text": "a"}]}
    history: list[Any] = [USER, call, result, plain]
    fitted: list[Any] = with_fitting_ids(history)
    assert fitted[0] is USER
    assert fitted[2] is result
    assert fitted[3] is plain
    noted = {**told("a.b"), "is_error": True}
    both: Any = {**used("a.b"), "name": "Ann", **called("a.b")}
    assert with_fitting_ids([both, noted]) == [  # type: ignore[list-item]  # they are messages
        {
            "role": "assistant",
            "name": "Ann",
            "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "a_b_0", "name": "look", "input": {}},
            ],
            "tool_calls": [{"id": "a_b_0", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
        },
        {**noted, "tool_call_id": "a_b_0"},
    ]


def test_an_id_of_blocks_that_fits_stays_and_so_does_its_block() -> None:
    fitted: list[Any] = with_fitting_ids([used("a", "b")])  # type: ignore[list-item]  # it is a message
    assert fitted == [used("a", "b")]


def test_a_call_without_an_id_beside_blocks_is_one_of_its_own() -> None:
    both = {**used(""), **called("")}
    assert ids(both, told(""), told("")) == [["call_0", "call_1"], ["call_0"], ["call_1"]]


def test_a_result_of_a_made_up_id_answers_the_latest_turn_first() -> None:
    assert ids(called("", ""), called(""), told("look"), told("look"), told("look")) == [
        ["call_0", "call_1"],
        ["call_2"],
        ["call_2"],
        ["call_0"],
        ["call_1"],
    ]


turns = st.lists(
    st.lists(st.sampled_from(["", "a", "b.c", "call_0", "call_1", "b_c_0"]), min_size=1, max_size=3), max_size=5
)


@given(turns)
def test_every_conversation_has_ids_of_its_own_and_a_beginning_stays(given_turns: list[list[str]]) -> None:
    history = [
        message for turn in given_turns for message in (called(*turn), *(told(call_id or "look") for call_id in turn))
    ]
    before = deepcopy(history)
    found = ids(*history)
    roles = [message["role"] for message in history]
    asked = [call_id for role, group in zip(roles, found, strict=True) if role == "assistant" for call_id in group]
    answered = [call_id for role, group in zip(roles, found, strict=True) if role == "tool" for call_id in group]
    assert all(FITS.fullmatch(call_id) for call_id in asked)
    assert len(asked) == len(set(asked))
    assert sorted(answered) == sorted(asked)
    assert history == before
    for length in range(len(history)):
        assert ids(*history[:length]) == found[:length]
