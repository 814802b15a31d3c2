"""What a format carries of a call, and what a call needs that a Claude or another model may answer."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import pytest

from portkey_gateway.calls import binds_answers
from portkey_gateway.routing import Route
from tests.core.encoded import (
    HELLO,
    SCHEMA,
    body,
    chat_completions,
    encode,
    messages,
)

# --- what a format carries --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (chat_completions("oss-1"), False),
        (chat_completions("oss-2"), True),
        (chat_completions("hosted"), True),
        (messages("hosted"), True),
        (messages("oss-2"), True),
        (messages("oss-1"), True),
        (dataclasses.replace(messages("oss-1"), is_guarded=True), False),
        (dataclasses.replace(messages("oss-1"), has_private_headers=True), False),
        (dataclasses.replace(messages("oss-1"), only_anthropic=False), False),
        (Route(provider="openai"), True),
    ],
)
def test_a_schema_binds_the_answer_where_the_gateway_carries_it(route: Route, *, expected: bool) -> None:
    assert binds_answers(route, "claude-sonnet-4-5", SCHEMA) is expected


@pytest.mark.parametrize(
    ("model", "schema", "expected"),
    [
        ("claude-sonnet-4-5", SCHEMA, True),
        ("claude-3-5-sonnet-20241022", SCHEMA, False),
        ("claude-of-no-known-generation", SCHEMA, False),
        ("claude-sonnet-4-5", {"type": "object", "additionalProperties": {"type": "integer"}}, False),
    ],
)
def test_it_binds_no_old_claude_and_no_schema_that_cannot_be_said(model: str, schema: Any, *, expected: bool) -> None:
    assert binds_answers(messages(), model, schema) is expected


@pytest.mark.parametrize(
    ("claudes", "expected"),
    [
        (("claude-sonnet-4-5",), True),
        (("claude-sonnet-4-5", "claude-3-7-sonnet-latest"), False),
        (("claude-3-7-sonnet-latest",), False),
    ],
)
@pytest.mark.parametrize("is_mixed", [False, True])
def test_it_binds_where_every_claude_of_the_config_knows_it(
    claudes: tuple[str, ...], *, is_mixed: bool, expected: bool
) -> None:
    route = Route(gateway="hosted", is_claude=True, is_mixed=is_mixed, claude_models=claudes)
    assert binds_answers(route, "claude-sonnet-4-5", SCHEMA) is expected
    assert binds_answers(route, "claude-3-opus-latest", SCHEMA) is expected
    assert binds_answers(dataclasses.replace(route, is_claude=False), "gpt-5", SCHEMA) is expected


# --- a call that a Claude or another model may answer -----------------------------------------------------------------


@pytest.mark.parametrize("named_first", [True, False])
def test_a_remedy_does_not_break_the_other_target(*, named_first: bool) -> None:
    route = Route(
        is_claude=named_first, falls_on_claude=not named_first, is_mixed=True, claude_models=("claude-opus-4-6",)
    )
    asked: dict[str, Any] = {
        "reasoning_effort": "high",
        "service_tier": "auto",
        "parallel_tool_calls": False,
        "mcp_servers": [{"type": "url", "url": "https://a.org", "name": "a"}],
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sent = body(encode(route, model="claude-opus-4-6" if named_first else "gpt-5", **asked))
    assert sent["reasoning_effort"] == "high"
    told = [str(each.message).split()[0] for each in caught]
    assert sorted(told) == sorted(asked)
    assert not [warning for warning in caught if "api_format" in str(warning.message)]


CALLED: Any = {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "t", "arguments": "{}"}}]}
RESULT = {"role": "tool", "tool_call_id": "1", "content": "x"}


@pytest.mark.parametrize(
    ("history", "is_kept"),
    [
        ([HELLO], True),
        ([HELLO, CALLED, RESULT], False),
        ([HELLO, CALLED, RESULT, HELLO], False),
        ([HELLO, CALLED, RESULT, {"role": "assistant", "content": "y"}, HELLO], True),
    ],
)
@pytest.mark.filterwarnings("ignore::portkey_gateway.PortkeyWarning")
def test_thinking_waits_for_the_end_of_a_tool_loop(history: list[Any], *, is_kept: bool) -> None:
    route = Route(falls_on_claude=True, is_mixed=True, claude_models=("claude-sonnet-4-5",))
    thinking = {"type": "enabled", "budget_tokens": 1024}
    assert ("thinking" in body(encode(route, model="gpt-5", messages=history, thinking=thinking))) is is_kept


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"temperature": 0.5}, {}),
        ({"stop": ["\n", " "]}, {}),
        ({"stop": ["\n", "END"]}, {"stop": ["END"]}),
        ({"stop_sequences": "END"}, {"stop": ["END"]}),
        ({"tool_choice": "any"}, {"tool_choice": "auto"}),
        ({"tool_choice": {"type": "tool", "name": "t"}}, {"tool_choice": "auto"}),
        ({"seed": 7, "max_tokens": 5}, {"seed": 7, "max_completion_tokens": 5}),
    ],
)
@pytest.mark.filterwarnings("ignore::portkey_gateway.PortkeyWarning")
def test_nothing_goes_out_that_one_claude_refuses(asked: dict[str, Any], left: dict[str, Any]) -> None:
    route = Route(falls_on_claude=True, is_mixed=True, claude_models=("claude-sonnet-4-5", "claude-opus-5-5"))
    sent = body(encode(route, model="gpt-5", **{"max_tokens": None, **asked}))
    assert {name: value for name, value in sent.items() if name not in {"model", "messages"}} == left


@pytest.mark.parametrize(("models", "sent"), [(("claude-opus-4-6",), "high"), (("claude-haiku-4-5",), None)])
@pytest.mark.filterwarnings("ignore::portkey_gateway.PortkeyWarning")
def test_effort_goes_out_where_the_gateway_carries_it_and_every_claude_takes_it(models: Any, sent: Any) -> None:
    for route in (
        Route(gateway="hosted", falls_on_claude=True, is_mixed=True, claude_models=models),
        Route(gateway="hosted", is_claude=True, claude_models=models),
    ):
        assert body(encode(route, reasoning_effort="high")).get("reasoning_effort") == sent
