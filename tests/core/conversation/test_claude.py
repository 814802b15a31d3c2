"""What Claude asks of every request: no empty text, `max_tokens`, a choice of tools that it may obey."""

import copy
import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.conversation.claude import DEFAULT_MAX_TOKENS, forces_a_tool, prepare_for_claude, thinks
from portkey_gateway.errors import EncodingError, PortkeyWarning

HELLO = {"role": "user", "content": "Hello"}
MARK = {"type": "ephemeral"}
NAMED = {"type": "function", "function": {"name": "t"}}


def prepared(*messages: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    body: Any = {"model": "claude-sonnet-4-5", "messages": list(messages or (HELLO,)), **parameters}
    before = copy.deepcopy(body)
    made = prepare_for_claude(body)
    assert body == before
    return made


def messages_of(*messages: dict[str, Any]) -> Any:
    return prepared(*messages)["messages"]


# --- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_limits", "sent"),
    [
        ({}, {"max_tokens": DEFAULT_MAX_TOKENS}),
        ({"max_tokens": None}, {"max_tokens": DEFAULT_MAX_TOKENS}),
        ({"max_tokens": 9}, {"max_tokens": 9}),
    ],
)
def test_max_tokens_are_always_said(given_limits: dict[str, Any], sent: dict[str, Any]) -> None:
    assert {name: value for name, value in prepared(**given_limits).items() if name.startswith("max_")} == sent


def test_what_may_be_thought_fits_into_the_default_of_max_tokens() -> None:
    thinking = {"type": "enabled", "budget_tokens": 5000}
    assert prepared(thinking=thinking)["max_tokens"] == 5000 + DEFAULT_MAX_TOKENS
    assert prepared(thinking={"type": "adaptive"})["max_tokens"] == DEFAULT_MAX_TOKENS
    assert prepared(thinking={"type": "disabled"})["max_tokens"] == DEFAULT_MAX_TOKENS


@pytest.mark.parametrize("choice", ["any", "required", "t", NAMED, {"type": "any"}, {"type": "tool", "name": "t"}])
@pytest.mark.parametrize("thinking", [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}])
def test_a_thinking_claude_is_not_made_to_call_a_tool(choice: Any, thinking: dict[str, Any]) -> None:
    with pytest.warns(PortkeyWarning, match="tool_choice is sent as 'auto'"):
        assert prepared(tool_choice=choice, thinking=thinking)["tool_choice"] == "auto"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert prepared(tool_choice=choice, thinking={"type": "disabled"})["tool_choice"] != "auto"
        assert prepared(tool_choice=choice)["tool_choice"] != "auto"
        assert prepared(tool_choice="none", thinking=thinking)["tool_choice"] == "none"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("any", "required"), ({"type": "any"}, "required"), ({"type": "tool", "name": "t"}, NAMED), ("t", NAMED)],
)
def test_a_choice_of_tools_is_read_in_every_form(choice: Any, expected: Any) -> None:
    assert prepared(tool_choice=choice)["tool_choice"] == expected


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [(None, False), ({}, False), ({"type": "disabled"}, False), ({"type": "enabled"}, True), ({"type": "new"}, True)],
)
def test_thinks(thinking: Any, expected: bool) -> None:
    assert thinks(thinking) is expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [(None, False), ("auto", False), ({"type": "none"}, False), ("required", True), ({"type": "any"}, True)],
)
def test_forces_a_tool(choice: Any, expected: bool) -> None:
    assert forces_a_tool(choice) is expected


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "empty", ["", " \n", None, [], [{"type": "text", "text": ""}], [{"type": "text", "text": "\t"}]]
)
def test_an_empty_user_message_is_an_error_that_names_it(empty: Any) -> None:
    with pytest.raises(EncodingError, match=r"messages\[1\] \(user\) is empty"):
        prepared(HELLO, {"role": "user", "content": empty})


@pytest.mark.parametrize("role", ["system", "developer", "assistant"])
@pytest.mark.parametrize("empty", ["", " ", None, [], [{"type": "text", "text": ""}]])
def test_other_messages_that_say_nothing_are_left_out(role: str, empty: Any) -> None:
    assert messages_of(HELLO, {"role": role, "content": empty}) == [HELLO]


@pytest.mark.parametrize("empty", ["", None, [], [{"type": "text", "text": " "}]])
def test_an_empty_tool_result_is_a_result(empty: Any) -> None:
    result = {"role": "tool", "tool_call_id": "1", "content": empty}
    assert messages_of(HELLO, result)[1] == {"role": "tool", "tool_call_id": "1", "content": ""}


def test_empty_text_among_other_blocks_is_left_out() -> None:
    # The gateway drops a system message whole whose first text is empty.
    kept = {"type": "text", "text": "Be brief.", "cache_control": MARK}
    image = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
    assert messages_of(
        {"role": "system", "content": [{"type": "text", "text": ""}, kept]},
        {"role": "user", "content": [image, {"type": "text", "text": "\n"}]},
    ) == [{"role": "system", "content": [kept]}, {"role": "user", "content": [image]}]


def test_empty_text_beside_replayed_thinking_is_left_out_too() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    empty = {"type": "text", "text": ""}
    message = {"role": "assistant", "content": [empty], "content_blocks": [thought, empty]}
    assert messages_of(HELLO, message, HELLO)[1]["content_blocks"] == [thought]


def test_white_space_around_text_stays() -> None:
    message = {"role": "user", "content": " Hello \n"}
    assert messages_of(message) == [message]


@pytest.mark.parametrize(
    "said",
    [
        {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "now", "arguments": "{}"}}]},
        {"content_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "Eq=="}]},
    ],
)
@pytest.mark.parametrize("content", [{}, {"content": ""}, {"content": None}])
def test_an_assistant_message_may_say_something_else_than_text(said: dict[str, Any], content: dict[str, Any]) -> None:
    message = {"role": "assistant", **content, **said}
    assert messages_of(HELLO, message)[1] == message


def test_white_space_beside_a_tool_call_is_left_out() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "now", "arguments": "{}"}}]
    message = {"role": "assistant", "content": "\n\n", "tool_calls": calls}
    assert messages_of(HELLO, message)[1] == {**message, "content": ""}


def test_system_messages_alone_are_an_error() -> None:
    with pytest.raises(EncodingError, match="holds system messages only"):
        prepared({"role": "system", "content": "Be brief."})
    with pytest.raises(EncodingError, match="holds system messages only"):
        prepared({"role": "developer", "content": "a"}, {"role": "assistant", "content": ""})


TEXTS = st.sampled_from(["", " ", "Hi", "\n", "there"])
CONTENTS = st.none() | TEXTS | st.lists(TEXTS.map(lambda text: {"type": "text", "text": text}), max_size=3)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": CONTENTS}),
    max_size=5,
)


@given(MESSAGES)
def test_nothing_empty_is_ever_sent_and_nothing_said_is_lost(messages: list[dict[str, Any]]) -> None:
    try:
        sent = messages_of(*messages)
    except EncodingError:
        return
    for message in sent:
        content = message["content"]
        texts = [content] if isinstance(content, str) else [block["text"] for block in content]
        assert message["role"] == "tool" or (texts and all(text.strip() for text in texts))
    assert [word for word in json.dumps(sent).split('"') if word in {"Hi", "there"}] == [
        word for word in json.dumps(messages or [HELLO]).split('"') if word in {"Hi", "there"}
    ]
