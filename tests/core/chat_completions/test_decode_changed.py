"""Answers that a guardrail of the gateway changed: its words stand, not those that it took away."""

from typing import Any

import pytest
from pydantic_core import to_json

from portkey_gateway.chat_completions.stream import DECODING
from portkey_gateway.conversation.answer import Answer
from portkey_gateway.errors import InvalidResponseError
from portkey_gateway.info import GatewayInfo

THINKING: dict[str, Any] = {"type": "thinking", "thinking": "Secret?", "signature": "c2lnbmVk"}
SEARCH: dict[str, Any] = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
SECRET: dict[str, Any] = {"type": "text", "text": "The secret."}
CHANGED = [{"id": "a", "transformed": False}, {"id": "b", "transformed": True}]


def decode(content: Any, blocks: Any, hooks: Any) -> Answer:
    message = {"role": "assistant", "content": content, "content_blocks": blocks}
    body = {"choices": [{"message": message, "finish_reason": "end_turn"}], "hook_results": hooks}
    return DECODING.decode(to_json(body), GatewayInfo())


@pytest.mark.parametrize(
    ("blocks", "kinds"),
    [
        ([SECRET], ["text"]),
        ([THINKING, SECRET], ["thinking", "text"]),
        ([THINKING, SECRET, SEARCH, SECRET], ["thinking", "text", "other"]),
        ([{"type": "text", "text": "The secret.", "citations": [{"cited_text": "The secret."}]}], ["text"]),
        ([THINKING], ["thinking", "text"]),
        ([], ["text"]),
        (None, ["text"]),
    ],
)
def test_what_a_guardrail_wrote_takes_the_place_of_all_text(blocks: Any, kinds: list[str]) -> None:
    answer = decode("The [x].", blocks, {"after_request_hooks": CHANGED})

    assert answer.text == "The [x]."
    assert [block.type for block in answer.blocks] == kinds
    assert "The secret" not in str(answer.blocks)


def test_a_guardrail_may_leave_nothing() -> None:
    assert decode("", [SECRET], {"after_request_hooks": CHANGED}).blocks == ()


@pytest.mark.parametrize(
    "hooks",
    [
        None,
        {},
        {"after_request_hooks": None},
        {"after_request_hooks": CHANGED[:1]},
        {"after_request_hooks": [{"verdict": False}]},
        {"before_request_hooks": CHANGED},
    ],
)
def test_an_answer_that_none_changed_is_told_by_its_blocks(hooks: Any) -> None:
    answer = decode("The secret.Really.", [SECRET, {"type": "text", "text": "Really."}], hooks)

    assert [block.text for block in answer.blocks] == ["The secret.", "Really."]


@pytest.mark.parametrize("hooks", [[1], {"after_request_hooks": [1]}, {"after_request_hooks": 1}])
def test_verdicts_that_cannot_be_read_are_no_answer(hooks: Any) -> None:
    with pytest.raises(InvalidResponseError, match="can be read"):
        decode("The [x].", [SECRET], hooks)
