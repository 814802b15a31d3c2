"""Where a loop of tool calls began, and whether it began in thought."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.conversation.claude import CONTINUED, prepare_for_claude, with_user_first
from portkey_gateway.conversation.tool_loop import begins_in_thought, loop_start
from portkey_gateway.errors import PortkeyWarning

ASKED: Any = {"role": "user", "content": "Look."}
RESULT: Any = {"role": "tool", "tool_call_id": "a", "content": "blue"}
SAID: Any = {"role": "assistant", "content": "Blue."}
THOUGHT: Any = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
BUDGET: Any = {"type": "enabled", "budget_tokens": 2000}


def calling(*content: Any) -> Any:
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    return {"role": "assistant", "content": [*content], "tool_calls": [call]}


FIRST, SECOND = calling(THOUGHT), calling()


@pytest.mark.parametrize(
    ("messages", "start"),
    [
        ([ASKED], None),
        ([ASKED, FIRST], None),
        ([ASKED, FIRST, RESULT], FIRST),
        ([ASKED, FIRST, RESULT, RESULT], FIRST),
        ([ASKED, FIRST, RESULT, SECOND, RESULT], FIRST),
        ([ASKED, SECOND, RESULT, FIRST, RESULT, ASKED], SECOND),
        ([ASKED, FIRST, RESULT, SAID], None),
        ([ASKED, FIRST, RESULT, SAID, ASKED], None),
        ([ASKED, FIRST, RESULT, SAID, ASKED, SECOND, RESULT], SECOND),
    ],
)
def test_a_loop_began_with_the_first_answer_whose_results_wait(messages: list[Any], start: Any) -> None:
    assert loop_start(messages) is start


def test_it_begins_in_thought_with_thoughts_alone() -> None:
    assert begins_in_thought(FIRST)
    assert begins_in_thought({"role": "assistant", "content_blocks": [{"type": "redacted_thinking", "data": "x"}]})
    for answer in (SECOND, SAID, calling({"type": "text", "text": "I look."}, THOUGHT)):
        assert not begins_in_thought(answer)


@pytest.mark.parametrize(
    ("model", "thinking", "start", "is_kept"),
    [
        ("claude-sonnet-4-5", BUDGET, FIRST, True),
        ("claude-sonnet-4-5", BUDGET, SECOND, False),
        ("claude-sonnet-4-6", BUDGET, SECOND, False),
        # Adaptive thinking asks for no thoughts back, and what takes no budget is told to think so.
        ("claude-sonnet-4-6", {"type": "adaptive"}, SECOND, True),
        ("claude-opus-4-7", BUDGET, SECOND, True),
    ],
)
@pytest.mark.filterwarnings("ignore:thinking is sent as:portkey_gateway.PortkeyWarning")
def test_claude_thinks_on_with_the_thoughts_that_it_began_with(
    model: str, thinking: Any, start: Any, *, is_kept: bool
) -> None:
    request: Any = {"model": model, "messages": [ASKED, start, RESULT], "thinking": thinking, "max_tokens": 9000}
    if is_kept:
        assert "thinking" in prepare_for_claude(request)
        return
    with pytest.warns(PortkeyWarning, match="thinking is left out until this loop of tool calls is over"):
        assert "thinking" not in prepare_for_claude(request)


def test_a_user_speaks_first() -> None:
    system: Any = {"role": "system", "content": "Be brief."}
    put = {"role": "user", "content": CONTINUED}
    assert with_user_first([SAID, ASKED]) == [put, SAID, ASKED]
    assert with_user_first([system, FIRST, RESULT]) == [system, put, FIRST, RESULT]
    for begun in ([ASKED, SAID], [system, ASKED], [system]):
        assert with_user_first(begun) is begun
