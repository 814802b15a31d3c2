"""What Claude does not take back of its own answers, and how calls stand among what was said."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.conversation.in_place import part_calls
from portkey_gateway.conversation.taken_back import as_taken_back

USER: dict[str, Any] = {"role": "user", "content": "Hi"}
TEXT = {"type": "text", "text": "So."}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "Eq"}
SERVED = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
RESULT = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
CALL = {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
USED = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}}


def answer(*content: Any, **more: Any) -> Any:
    return {"role": "assistant", "content": [*content], **more}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (answer(TEXT, SERVED), answer(TEXT)),
        (answer(TEXT, THOUGHT), answer(TEXT)),
        (answer(THOUGHT, {"type": "redacted_thinking", "data": "Eq"}), answer()),
        (answer(TEXT, RESULT), answer(TEXT)),
        (answer(RESULT, SERVED, TEXT), answer(SERVED, TEXT)),
        (answer(THOUGHT, tool_calls=[CALL]), answer(THOUGHT, tool_calls=[CALL])),
    ],
)
def test_what_is_kept_once_the_user_went_on(said: Any, kept: Any) -> None:
    messages: Any = [USER, said, USER]
    assert as_taken_back(messages) == [USER, kept, USER]


WAITING = [
    answer(TEXT, SERVED, tool_calls=[CALL]),
    answer(SERVED, USED),
    answer(SERVED, {**USED, "caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}}),
]
SEEN: Any = {"role": "tool", "tool_call_id": "toolu_1", "content": "Seen."}


@pytest.mark.parametrize("said", WAITING)
def test_what_waits_beside_calls_is_kept_until_somebody_speaks(said: Any) -> None:
    messages: Any = [USER, said, SEEN]
    assert as_taken_back(messages) is messages
    for spoken in (USER, answer(TEXT)):
        later: Any = [*messages, spoken]
        kept = str(as_taken_back(later)[1])
        assert "toolu_1" in kept
        assert "srvtoolu_1" not in kept


CODE = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
OTHER_CODE = {"type": "code_execution_20250825", "tool_id": "srvtoolu_2"}


def test_calls_lose_the_code_that_is_left_out_wherever_they_stand() -> None:
    other = {**CALL, "id": "toolu_2", "caller": OTHER_CODE}
    said = answer(
        TEXT, SERVED, {**USED, "caller": CODE}, tool_calls=[{**CALL, "caller": CODE}, other, CALL], name="Ann"
    )
    results: list[Any] = [SEEN, {**SEEN, "tool_call_id": "toolu_2"}]
    messages: Any = [USER, said, *results, USER]
    kept = answer(TEXT, USED, tool_calls=[CALL, other, CALL], name="Ann")
    assert as_taken_back(messages) == [USER, kept, *results, USER]


@pytest.mark.parametrize("kind", ["server_tool_use", "mcp_tool_use"])
def test_calls_of_every_server_are_left_out_that_have_no_result(kind: str) -> None:
    call = {**SERVED, "type": kind}
    result = {"type": kind.replace("_use", "_result"), "tool_use_id": "srvtoolu_1"}
    messages: Any = [USER, answer(TEXT, call), USER, answer(TEXT, {**call, "id": "srvtoolu_2"}, result), USER]
    assert as_taken_back(messages) == [USER, answer(TEXT, call), USER, answer(TEXT, result), USER]


def test_results_of_calls_that_never_were_are_left_out_of_later_answers_too() -> None:
    messages: Any = [USER, answer(SERVED, RESULT, TEXT), USER, answer({**RESULT, "tool_use_id": "x"}, TEXT), USER]
    assert as_taken_back(messages) == [USER, answer(SERVED, RESULT, TEXT), USER, answer(TEXT), USER]


@pytest.mark.parametrize(
    ("last", "kept"),
    [
        (answer(TEXT, {"type": "text", "text": "So. "}, tool_calls=[CALL]), None),
        (answer({"type": "text", "text": "So. "}, USED), None),
        ({"role": "assistant", "content": None}, None),
        ({"role": "assistant", "content": []}, None),
        ({"role": "user", "content": "So. "}, None),
        ({"role": "assistant", "content": " So. "}, {"role": "assistant", "content": " So."}),
        (
            answer({"type": "text", "text": "A. "}, {"type": "text", "text": " B. ", "citations": []}, name="Ann"),
            answer({"type": "text", "text": "A. "}, {"type": "text", "text": " B.", "citations": []}, name="Ann"),
        ),
    ],
)
def test_only_the_text_that_a_conversation_ends_with_is_trimmed(last: Any, kept: Any) -> None:
    assert as_taken_back([USER, last]) == [USER, kept or last]  # type: ignore[list-item]  # they are messages


def test_a_call_is_kept_whose_result_came_in_a_later_answer() -> None:
    messages: Any = [USER, answer(SERVED), answer(RESULT, TEXT), USER]
    assert as_taken_back(messages) is messages


def test_what_the_conversation_ends_with_is_gone_on_from() -> None:
    messages: Any = [USER, answer(TEXT, SERVED)]
    assert as_taken_back(messages)[-1] == answer(TEXT, SERVED)


@pytest.mark.parametrize("content", ["So. ", [{"type": "text", "text": "So.\n\n"}]])
def test_an_end_in_white_space_is_trimmed_and_nothing_is_changed(content: Any) -> None:
    said = {"role": "assistant", "content": content}
    before = repr(said)
    messages: Any = [USER, said]
    assert as_taken_back(messages)[-1].get("content") in ("So.", [TEXT])
    assert repr(said) == before


SPACE: dict[str, Any] = {"type": "text", "text": " \n"}


@pytest.mark.parametrize("end", [(SPACE,), (SPACE, SPACE), (THOUGHT, SPACE), (SPACE, THOUGHT, SPACE)])
def test_behind_the_last_that_says_something_is_nothing(end: Any) -> None:
    said = {"type": "text", "text": "So. "}
    amid: Any = [USER, answer(said, *end), USER]
    assert as_taken_back(amid)[1] == answer(said)
    assert as_taken_back(amid[:2])[1] == answer(TEXT)


def test_plain_conversations_are_returned_as_they_are() -> None:
    messages: Any = [USER, {"role": "assistant", "content": "So. "}, USER]
    assert as_taken_back(messages) is messages


def test_calls_behind_all_else_stand_apart() -> None:
    assert part_calls([TEXT, CALL]) == ([TEXT], [CALL])


def test_calls_amid_stand_among_the_blocks() -> None:
    assert part_calls([CALL, TEXT]) == ([USED, TEXT], [])


def test_a_call_that_is_no_json_stands_apart() -> None:
    broken = {**CALL, "function": {"name": "look", "arguments": '{"at'}}
    assert part_calls([broken, TEXT]) == ([TEXT], [broken])
