"""A request that a Claude or another model may answer, without what one of them refuses."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from portkey_gateway.chat_completions.mixed import as_every_target_takes_it, without_marks
from portkey_gateway.conversation.claude import CONTINUED
from tests.core.warned import warned

MARK = {"type": "ephemeral"}
USER: dict[str, Any] = {"role": "user", "content": "Hi"}
SONNET, ADAPTIVE, OPUS = "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-7"
BUDGET = {"type": "enabled", "budget_tokens": 2000}
CALL: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "blue"}
NOT_CACHED = (
    "cache_control is left out, and nothing is marked for Claude's prompt cache: the config may send this call to a "
    "model that refuses it"
)


def fit(*others: str, claudes: tuple[str, ...] = (SONNET,), caching: Any = None, **asked: Any) -> Any:
    """The request as all take it, and all that is warned of."""
    kept = asked.pop("kept", frozenset())
    request: Any = {"messages": [USER], **asked}
    before = copy.deepcopy(request)
    with warned() as texts:
        told = as_every_target_takes_it(request, caching, claudes, others, kept=kept)
    assert request == before
    return told, texts


def marked(block: dict[str, Any]) -> dict[str, Any]:
    return {**block, "cache_control": MARK}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"cache_control": MARK}, {}),
        (
            {"messages": [{"role": "user", "content": [marked({"type": "text", "text": "Hi"})]}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
        ),
        ({"messages": [USER, {**CALLING, "tool_calls": [marked(CALL)]}, RESULT]},
         {"messages": [USER, CALLING, RESULT]}),
        (
            {"messages": [USER, {**CALLING, "content_blocks": [marked({"type": "text", "text": "a"})]}, RESULT]},
            {"messages": [USER, {**CALLING, "content_blocks": [{"type": "text", "text": "a"}]}, RESULT]},
        ),
        ({"tools": [marked({"type": "function"}), {"type": "custom"}]},
         {"tools": [{"type": "function"}, {"type": "custom"}]}),
    ],
)  # fmt: skip
def test_marks_are_left_out_wherever_they_stand(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert fit(**given) == ({"messages": [USER], **sent}, [NOT_CACHED])


def test_a_wish_for_caching_is_told_off_without_marks_too() -> None:
    assert fit(caching="auto") == ({"messages": [USER]}, [NOT_CACHED])
    assert fit() == ({"messages": [USER]}, [])


@pytest.mark.parametrize("who", ["OpenAI", ""])
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"cache_control": MARK}, {}),
        ({"tools": [marked({"type": "function"})]}, {"tools": [{"type": "function"}]}),
        (
            {"messages": [{"role": "user", "content": [marked({"type": "text", "text": "Hi"})]}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
        ),
    ],
)
def test_marks_are_left_out_where_nobody_knows_them(who: str, given: dict[str, Any], sent: dict[str, Any]) -> None:
    request: Any = {"messages": [USER], "seed": 7, **given}
    with warned() as texts:
        told = without_marks(request, who)
    if who:
        assert told == {"messages": [USER], "seed": 7, **sent}
        assert texts == ["cache_control is left out: OpenAI takes no marks, and caches by itself where it caches"]
    else:
        assert told is request
        assert texts == []


@pytest.mark.parametrize("more", [{}, {"tools": None}, {"tools": []}, {"tools": [{"type": "function"}]}])
def test_without_marks_it_stays_the_same_request(more: dict[str, Any]) -> None:
    request: Any = {"messages": [USER], **more}
    with warned() as texts:
        assert without_marks(request, "OpenAI") is request
    assert texts == []


def test_old_definitions_of_tools_stand_where_claude_looks_for_them() -> None:
    old = {"type": "object", "properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"type": "string"}}}
    new = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}}
    plain = {"type": "function", "function": {"name": "a"}}
    tools = [{"type": "function", "function": {"name": "look", "parameters": old}}, plain, {"type": "custom"}]
    assert fit(tools=tools) == (
        {
            "messages": [USER],
            "tools": [{"type": "function", "function": {"name": "look", "parameters": new}}, plain, {"type": "custom"}],
        },
        [],
    )


@pytest.mark.parametrize(
    ("choice", "sent"),
    [("any", "required"), ("look", {"type": "function", "function": {"name": "look"}}), ("auto", "auto")],
)
def test_a_choice_of_tools_is_said_in_openai_s_words(choice: Any, sent: Any) -> None:
    assert fit(tool_choice=choice) == ({"messages": [USER], "tool_choice": sent}, [])


@pytest.mark.parametrize(
    ("claude", "asked", "goes_on"),
    [(SONNET, {}, True), (SONNET, {"thinking": BUDGET}, False), (ADAPTIVE, {}, False)],
)
def test_empty_texts_are_left_out_and_a_user_speaks_first_and_last(
    claude: str, asked: dict[str, Any], *, goes_on: bool
) -> None:
    nothing = {"type": "text", "text": ""}
    spoken = {"role": "assistant", "content": [{"type": "text", "text": "Hello."}]}
    told, texts = fit(claudes=(claude,), messages=[{**spoken, "content": [nothing, *spoken["content"]]}], **asked)
    begun = [{"role": "user", "content": CONTINUED}, spoken]
    if goes_on:
        assert (told, texts) == ({"messages": begun}, [])
    else:
        assert told == {"messages": [*begun, {"role": "user", "content": "Go on."}], **asked}
        [text] = texts
        assert text == (
            "the conversation ends with an answer, within which this Claude does not go on: 'Go on.' is said behind "
            "it; end with a message of the user's"
        )


# Claude wants the thoughts before a call back as long as it thinks to a budget.
@pytest.mark.parametrize(
    ("claude", "thinking", "messages", "is_kept"),
    [
        (SONNET, BUDGET, [USER, CALLING, RESULT], False),
        (SONNET, BUDGET, [USER, CALLING, RESULT, USER], False),
        (SONNET, BUDGET, [USER, CALLING, RESULT, {"role": "assistant", "content": "Blue."}, USER], True),
        (SONNET, {"type": "disabled"}, [USER, CALLING, RESULT], True),
        (ADAPTIVE, {"type": "adaptive"}, [USER, CALLING, RESULT], True),
    ],
)
def test_thoughts_of_a_loop_are_no_matter_of_the_others(
    claude: str, thinking: Any, messages: list[Any], *, is_kept: bool
) -> None:
    text = (
        "thinking is left out: the config may send this call to a model that takes no thoughts back, and Claude thinks "
        "on after a tool's result only with those that it had before"
    )
    asked = {"messages": messages, "thinking": thinking}
    left = asked if is_kept else {"messages": messages}
    assert fit(claudes=(claude,), **asked) == (left, [] if is_kept else [text])


def test_what_one_of_them_refuses_is_left_out_for_all_but_for_what_a_condition_reads() -> None:
    of_claude = "top_k is left out: claude-opus-4-7 takes none"
    of_openai = "stop is left out: the call may go to gpt-5, which takes none"
    asked: dict[str, Any] = {"top_k": 3, "stop": ["a"], "seed": 7}
    assert fit("gpt-4o", "gpt-5", claudes=(SONNET, OPUS), **asked) == (
        {"messages": [USER], "seed": 7},
        [of_claude, of_openai],
    )
    kept = frozenset({"stop", "temperature"})
    assert fit("gpt-5", claudes=(OPUS,), kept=kept, temperature=0.5, **asked) == (
        {"messages": [USER], "seed": 7, "stop": ["a"], "temperature": 0.5},
        [of_claude],
    )


@pytest.mark.parametrize("stop", [[], None])
def test_an_empty_stop_is_none(stop: Any) -> None:
    assert fit(stop=stop) == ({"messages": [USER]}, [])
    assert fit(stop=["a"]) == ({"messages": [USER], "stop": ["a"]}, [])
