"""Conversations that grew too long, and those that are summarized on order."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude import sse, tokens
from portkey_gateway.sandbox.claude.answer import build_message
from portkey_gateway.sandbox.claude.brain import think
from portkey_gateway.sandbox.claude.cache_ledger import InputUsage
from portkey_gateway.sandbox.claude.compaction import without_summarized
from portkey_gateway.sandbox.claude.validate import validate

BETAS = ["compact-2026-01-12", "compact-2026-09-04"]
LONG = "Summarize this: " + "word " * 50_000


def request(text: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "claude-opus-4-6", "max_tokens": 1000, "messages": messages, **more}


def editing(text: str, *, pause: bool) -> dict[str, Any]:
    trigger = {"type": "input_tokens", "value": 50_000}
    edit = {"type": "compact_20260112", "trigger": trigger, "pause_after_compaction": pause}
    return request(text, context_management={"edits": [edit]})


def answer(body: dict[str, Any]) -> Any:
    validate(body, betas=BETAS)
    return build_message(think(body), body=body, input_usage=InputUsage(tokens.count_tokens(body)))


@pytest.mark.parametrize(("pause", "kinds"), [(False, ["compaction", "text"]), (True, ["compaction"])])
def test_a_long_conversation_is_summarized(pause: bool, kinds: list[str]) -> None:
    message = answer(editing(LONG, pause=pause))

    assert [block["type"] for block in message["content"]] == kinds
    assert message["stop_reason"] == ("compaction" if pause else "end_turn")
    assert message["context_management"] == {"applied_edits": []}
    iterations = message["usage"]["iterations"]
    assert [each["type"] for each in iterations] == ["compaction", "message"][: len(kinds)]
    assert iterations[0]["input_tokens"] > 50_000 > message["usage"]["input_tokens"]


def test_a_short_one_is_not() -> None:
    message = answer(editing("Hi", pause=True))

    assert [block["type"] for block in message["content"]] == ["text"]
    assert [each["type"] for each in message["usage"]["iterations"]] == ["message"]


def test_a_summary_is_given_on_order_and_stands_for_the_rest() -> None:
    message = answer(request("My name is Ada.", compaction={"type": "summarize"}))
    (summary,) = message["content"]
    assert message["stop_reason"] == "compaction"
    assert "Ada" in summary["content"]

    later = request("Who am I?")
    later["messages"].insert(0, {"role": "assistant", "content": [summary]})
    assert answer(later)["content"][0]["type"] == "text"


def test_what_a_summary_stands_for_is_read_no_more() -> None:
    body = editing(LONG, pause=True)
    told = [{"role": "assistant", "content": answer(body)["content"]}, {"role": "user", "content": "What was it?"}]
    following = {**body, "messages": [*body["messages"], *told]}
    validate(following, betas=BETAS)

    read = without_summarized(following)

    assert read["messages"] == told
    assert tokens.count_tokens(read) < 100
    assert tokens.count_tokens(following) > 50_000
    assert [block["type"] for block in think(read).content] == ["text"]


def test_a_failed_summary_stands_for_nothing() -> None:
    body = request("Hi")
    body["messages"] += [
        {"role": "assistant", "content": [{"type": "compaction", "content": None}]},
        body["messages"][0],
    ]

    assert without_summarized(body) is body


def test_a_summary_is_streamed_in_one_piece() -> None:
    events: list[Any] = list(sse.events(answer(editing(LONG, pause=False))))
    start, delta = [event for event in events if event.get("index") == 0][:2]

    assert start["content_block"] == {"type": "compaction", "content": None}
    assert delta["delta"]["type"] == "compaction_delta"
    assert delta["delta"]["content"]
    assert events[-2]["context_management"] == {"applied_edits": []}
    assert "context_management" not in events[0]["message"]
