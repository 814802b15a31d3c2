"""Blocks and tool calls keep the order in which Claude said them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from portkey_gateway.conversation.answer import Answer, AnswerBlock, AnswerToolCall
from tests.core.messages.told import USE, fold, message, streamed, whole

TEXT = {"type": "text", "text": "I look."}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "Eq"}
CODE = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code", "input": {"a": 1}}
OTHER = {**USE, "id": "toolu_2"}


def kinds(answer: Answer) -> list[str]:
    return [said.id if isinstance(said, AnswerToolCall) else said.type for said in answer.said]


@pytest.mark.parametrize("blocks", [*itertools.permutations([TEXT, CODE, USE, OTHER])])
def test_any_order_is_kept(blocks: tuple[dict[str, Any], ...]) -> None:
    content = [THOUGHT, *blocks]
    names = {"text": "text", "thinking": "thinking", "server_tool_use": "other"}
    order = [names.get(block["type"]) or block["id"] for block in content]
    assert kinds(whole(content)) == order
    assert kinds(fold(streamed(message(content), [3, 1]))) == order


def test_a_call_whose_place_is_not_told_stands_behind_all() -> None:
    calls = AnswerToolCall("a", "now", "{}"), AnswerToolCall("b", "now", "{}")
    assert kinds(Answer(blocks=(AnswerBlock("text", "Hi"),), tool_calls=calls)) == ["text", "a", "b"]
    assert Answer(tool_calls=calls) == Answer(tool_calls=(AnswerToolCall("a", "now", "{}", after=0), calls[1]))
