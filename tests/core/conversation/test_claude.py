"""What Claude asks of every request: no empty text, `max_tokens`, a choice of tools that it may obey."""

import copy
import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.conversation.claude import (
    DEFAULT_MAX_TOKENS,
    forces_a_tool,
    may_force_tools,
    prepare_for_claude,
    thinks,
)
from portkey_gateway.errors import EncodingError, PortkeyWarning

HELLO = {"role": "user", "content": "Hello"}
MARK = {"type": "ephemeral"}
ADAPTIVE = {"type": "adaptive"}
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
        ({}, {"max_tokens": 64_000}),
        ({"max_tokens": None}, {"max_tokens": 64_000}),
        ({"model": "claude-opus-5-5"}, {"max_tokens": 128_000}),
        ({"model": "claude-of-tomorrow"}, {"max_tokens": DEFAULT_MAX_TOKENS}),
        ({"max_tokens": 9}, {"max_tokens": 9}),
    ],
)
def test_max_tokens_are_always_said(given_limits: dict[str, Any], sent: dict[str, Any]) -> None:
    assert {name: value for name, value in prepared(**given_limits).items() if name.startswith("max_")} == sent


def test_what_may_be_thought_fits_into_the_default_of_max_tokens() -> None:
    thinking = {"type": "enabled", "budget_tokens": 5000}
    assert prepared(model="prod-7", thinking=thinking)["max_tokens"] == 5000 + DEFAULT_MAX_TOKENS
    assert prepared(model="prod-7", thinking=ADAPTIVE)["max_tokens"] == DEFAULT_MAX_TOKENS
    assert prepared(model="prod-7", thinking={"type": "disabled"})["max_tokens"] == DEFAULT_MAX_TOKENS
    assert prepared(thinking=thinking)["max_tokens"] == 64_000


def test_the_default_is_one_that_all_claudes_give_which_may_answer() -> None:
    asked: Any = {"messages": [HELLO]}
    assert prepare_for_claude(asked, ("claude-opus-5-5", "claude-haiku-4-5"))["max_tokens"] == 64_000


@pytest.mark.parametrize("choice", ["any", "required", "t", NAMED, {"type": "any"}, {"type": "tool", "name": "t"}])
@pytest.mark.parametrize("thinking", [{"type": "enabled", "budget_tokens": 1024}, ADAPTIVE])
def test_a_thinking_claude_is_not_made_to_call_a_tool(choice: Any, thinking: dict[str, Any]) -> None:
    model = "claude-sonnet-4-6"
    with pytest.warns(PortkeyWarning, match="tool_choice is sent as 'auto'"):
        assert prepared(model=model, tool_choice=choice, thinking=thinking)["tool_choice"] == "auto"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert prepared(tool_choice=choice, thinking={"type": "disabled"})["tool_choice"] != "auto"
        assert prepared(tool_choice=choice)["tool_choice"] != "auto"
        assert prepared(model=model, tool_choice="none", thinking=thinking)["tool_choice"] == "none"


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


# --- what the model takes ---------------------------------------------------------------------------------------------

NEWEST = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "@prod/us.anthropic.claude-opus-5-5-v1:0"]
FREE = ["claude-sonnet-4-5", "claude-opus-4-6", "claude-3-7-sonnet-latest", "claude-of-tomorrow"]
BOUND = ["claude-opus-4-7", "claude-sonnet-5", "anthropic/claude-fable-5", "@prod/claude-haiku-5-5"]
BUDGET = {"type": "enabled", "budget_tokens": 1024}


def fitted(model: str, *warned: str, **parameters: Any) -> dict[str, Any]:
    """The parameters as they are sent, after exactly these warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = prepared(model=model, max_tokens=9, **parameters)
    assert [str(warning.message) for warning in caught] == [*warned]
    assert all(warning.category is PortkeyWarning for warning in caught)
    return {name: value for name, value in made.items() if name not in {"model", "messages", "max_tokens"}}


@pytest.mark.parametrize("model", NEWEST)
@pytest.mark.parametrize("choice", ["any", "t", {"type": "any"}, NAMED])
def test_the_newest_are_not_made_to_call_a_tool_though_they_do_not_think(model: str, choice: Any) -> None:
    told = f"tool_choice is sent as 'auto': Claude cannot be made to call a tool ({model} takes no such choice)"
    assert fitted(model, told, tool_choice=choice) == {"tool_choice": "auto"}
    assert fitted(model, told, tool_choice=choice, thinking=ADAPTIVE)["tool_choice"] == "auto"
    assert fitted(model, tool_choice="none") == {"tool_choice": "none"}


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        ("claude-sonnet-4-5", None, True),
        ("claude-sonnet-4-5", {"type": "disabled"}, True),
        ("claude-sonnet-4-5", BUDGET, False),
        ("claude-opus-5", None, True),
        ("claude-opus-5", ADAPTIVE, False),
        ("claude-opus-5-5", None, False),
        ("claude-opus-5-5", {"type": "disabled"}, False),
        ("claude-haiku-5-5", None, True),
        ("claude-of-tomorrow", None, True),
    ],
)
def test_may_force_tools(model: str, thinking: Any, *, expected: bool) -> None:
    assert may_force_tools((model,), thinking) is expected


@pytest.mark.parametrize("model", BOUND)
def test_a_budget_of_thought_is_left_to_models_that_think_adaptively(model: str) -> None:
    told = (
        f"thinking is sent as {{'type': 'adaptive'}}: {model} takes no budget_tokens; say how much to think with "
        "reasoning_effort"
    )
    assert fitted(model, told, thinking=BUDGET) == {"thinking": ADAPTIVE}
    shown = fitted(model, told, thinking={**BUDGET, "display": "summarized"})
    assert shown == {"thinking": {**ADAPTIVE, "display": "summarized"}}
    for taken in (ADAPTIVE, None):
        assert fitted(model, thinking=taken) == {"thinking": taken}


def test_thinking_that_cannot_be_switched_off_is_said_nothing_of() -> None:
    off = {"type": "disabled"}
    for model in ("claude-opus-5", "claude-sonnet-4-6", "claude-haiku-5-5"):
        assert fitted(model, thinking=off) == {"thinking": off}
    for model in ("claude-fable-5", "claude-opus-5-5", "claude-sonnet-5-5"):
        assert fitted(model, f"thinking is left out: that of {model} cannot be switched off", thinking=off) == {}


def test_one_of_temperature_and_top_p_since_4_1() -> None:
    both = {"temperature": 0.5, "top_p": 0.5}
    assert fitted("claude-3-7-sonnet-20250219", **both) == both
    told = "top_p is left out: claude-sonnet-4-5 takes temperature or top_p, not both"
    assert fitted("claude-sonnet-4-5", told, **both) == {"temperature": 0.5}


@pytest.mark.parametrize("model", FREE)
def test_older_models_keep_their_budget(model: str) -> None:
    assert fitted(model, thinking=BUDGET) == {"thinking": BUDGET}


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.5), ("top_p", 0.9), ("top_k", 5)])
def test_what_a_model_does_not_sample_by_is_left_out(name: str, value: float) -> None:
    for model in BOUND:
        assert fitted(model, f"{name} is left out: {model} takes none", **{name: value}) == {}
        assert fitted(model, **{name: None}) == {name: None}
    for model in FREE:
        assert fitted(model, **{name: value}) == {name: value}


@pytest.mark.parametrize("thinking", [BUDGET, {"type": "enabled", "budget_tokens": 2048}])
@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("temperature", 1, None),
        ("temperature", 1.0, None),
        ("temperature", 0, "Claude takes none while it thinks"),
        ("temperature", 0.7, "Claude takes none while it thinks"),
        ("top_p", 0.95, None),
        ("top_p", 1, None),
        ("top_p", 0.9, "Claude takes 0.95 to 1 while it thinks"),
        ("top_k", 5, "Claude takes none while it thinks"),
    ],
)
def test_a_thinking_claude_samples_by_little(thinking: Any, name: str, value: float, why: str | None) -> None:
    parameters: dict[str, Any] = {"thinking": thinking, name: value}
    if why:
        assert fitted("claude-sonnet-4-5", f"{name} is left out: {why}", **parameters) == {"thinking": thinking}
    else:
        assert fitted("claude-sonnet-4-5", **parameters) == parameters
    assert fitted("claude-sonnet-4-5", **{name: value}, thinking={"type": "disabled"})[name] == value


MODELS = st.sampled_from([*NEWEST, *FREE, *BOUND])
CHOICES = st.sampled_from([None, "auto", "none", "any", "t", {"type": "tool", "name": "t"}])
THINKING = st.sampled_from([None, {"type": "disabled"}, ADAPTIVE, BUDGET])


@given(
    MODELS,
    st.fixed_dictionaries(
        {},
        optional={
            "tool_choice": CHOICES,
            "thinking": THINKING,
            "temperature": st.sampled_from([None, 0, 0.5, 1]),
            "top_p": st.sampled_from([None, 0.5, 0.95, 1]),
            "top_k": st.sampled_from([None, 1]),
        },
    ),
)
def test_what_fits_once_fits_again_and_nothing_is_changed_without_a_word(
    model: str, parameters: dict[str, Any]
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        once = prepared(model=model, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert prepare_for_claude(once) == once  # type: ignore[arg-type]  # it is a request
    changed = {
        name
        for name, value in parameters.items()
        if value is not None and name != "tool_choice" and once.get(name) != value
    }
    if forces_a_tool(parameters.get("tool_choice")) and once["tool_choice"] == "auto":
        changed.add("tool_choice")
    assert {str(warning.message).split()[0] for warning in caught} == changed


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
