"""Results stand behind their calls, and each call has one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from portkey_gateway.conversation.results import check_results, with_results_behind_calls
from portkey_gateway.errors import EncodingError

ASKED: Any = {"role": "user", "content": "Look."}
HURRY: Any = {"role": "user", "content": "Hurry!"}


def calling(*ids: str) -> Any:
    calls = [{"id": call_id, "type": "function", "function": {"name": "look", "arguments": "{}"}} for call_id in ids]
    return {"role": "assistant", "tool_calls": calls}


def result(call_id: str) -> Any:
    return {"role": "tool", "tool_call_id": call_id, "content": "blue"}


USING: Any = {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}}]}


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        (
            [ASKED, calling("a", "b"), result("a"), HURRY, result("b"), ASKED],
            [ASKED, calling("a", "b"), result("a"), result("b"), HURRY, ASKED],
        ),
        ([ASKED, calling("a"), HURRY, result("a")], [ASKED, calling("a"), result("a"), HURRY]),
        ([ASKED, USING, HURRY, result("a")], [ASKED, USING, result("a"), HURRY]),
        (
            [ASKED, calling("a"), HURRY, result("a"), calling("b"), HURRY, result("b")],
            [ASKED, calling("a"), result("a"), HURRY, calling("b"), result("b"), HURRY],
        ),
        ([ASKED, calling("a"), HURRY, result("x")], [ASKED, calling("a"), HURRY, result("x")]),
    ],
)
def test_what_was_said_between_comes_after(given: list[Any], ordered: list[Any]) -> None:
    before = copy.deepcopy(given)
    assert with_results_behind_calls(given) == ordered
    assert given == before


def test_what_is_in_order_is_returned_as_it_is() -> None:
    messages = [ASKED, calling("a", "b"), result("b"), result("a"), HURRY]
    assert with_results_behind_calls(messages) is messages


@pytest.mark.parametrize(
    "messages",
    [
        [ASKED],
        [ASKED, calling("a", "b"), result("b"), result("a"), HURRY],
        [ASKED, USING, result("a"), calling("b"), result("b")],
        [ASKED, {"role": "assistant", "content": "Blue."}, HURRY],
    ],
)
def test_pairs_pass(messages: list[Any]) -> None:
    check_results(messages)


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([ASKED, calling("a")], r"messages\[1\] calls 'look' \('a'\), and no result follows"),
        ([ASKED, calling("a", "b"), result("b"), HURRY], r"messages\[1\] calls 'look' \('a'\)"),
        ([ASKED, USING, HURRY, result("a")], r"messages\[1\] calls 'look' \('a'\)"),
        ([ASKED, calling("a"), calling("b"), result("b")], r"messages\[1\] calls 'look' \('a'\)"),
        ([ASKED, result("a")], r"messages\[1\] is the result of a call 'a' that the answer before it does not make"),
        ([ASKED, calling("a"), result("a"), result("a")], r"messages\[3\] is the result of a call 'a'"),
        ([ASKED, calling("a"), result("a"), HURRY, result("a")], r"messages\[4\] is the result of a call 'a'"),
    ],
)
def test_what_has_no_other_half_is_named(messages: list[Any], says: str) -> None:
    with pytest.raises(EncodingError, match=says):
        check_results(messages)
