"""The body of a request: what the gateway would lose is mended, refused or warned of; the input stays as it is."""

import copy
import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.chat_completions.encode import (
    DEFAULT_MAX_TOKENS,
    encode_request,
    encode_tool_choice,
)
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.errors import ContentError, EncodingError, PortkeyWarning

CLAUDE = "claude-sonnet-4-5"
HELLO = {"role": "user", "content": "Hello"}
MARK = {"type": "ephemeral"}


def request(*messages: dict[str, Any], model: str = CLAUDE, **parameters: Any) -> ChatRequest:
    body: Any = {"model": model, "messages": list(messages or (HELLO,)), **parameters}
    return body  # type: ignore[no-any-return]  # also what no type allows


def encoded(body: ChatRequest, provider: str | None = None) -> dict[str, Any]:
    before = copy.deepcopy(body)
    decoded = json.loads(encode_request(body, provider=provider))
    assert body == before
    assert isinstance(decoded, dict)
    return decoded


def messages_of(*messages: dict[str, Any]) -> Any:
    return encoded(request(*messages, max_tokens=5))["messages"]


# --- parameters -------------------------------------------------------------------------------------------------------


def test_what_is_given_is_sent_and_none_is_not() -> None:
    parameters: dict[str, Any] = {
        "max_tokens": 5,
        "temperature": 0.0,
        "top_k": 3,
        "stream": False,
        "user": "u-1",
    }
    assert encoded(request(**parameters, top_p=None, tools=None)) == {
        "model": CLAUDE,
        "messages": [HELLO],
        **parameters,
    }


def test_text_is_sent_as_utf_8() -> None:
    assert "Grüße 🌞\u2028".encode() in encode_request(request({"role": "user", "content": "Grüße 🌞\u2028"}))


@pytest.mark.parametrize(
    ("model", "provider", "given", "sent"),
    [
        (CLAUDE, None, {}, {"max_tokens": DEFAULT_MAX_TOKENS}),
        ("my-model", "anthropic", {}, {"max_tokens": DEFAULT_MAX_TOKENS}),
        (CLAUDE, None, {"max_tokens": None}, {"max_tokens": DEFAULT_MAX_TOKENS}),
        (CLAUDE, None, {"max_tokens": 9}, {"max_tokens": 9}),
        (CLAUDE, None, {"max_completion_tokens": 9}, {"max_completion_tokens": 9}),
        ("gpt-5", "openai", {}, {}),
        ("gpt-5", None, {}, {}),
    ],
)
def test_a_claude_gets_the_max_tokens_it_requires(
    model: str, provider: str | None, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    body = encoded(request(model=model, **given), provider)
    assert {name: value for name, value in body.items() if name.startswith("max_")} == sent


@pytest.mark.parametrize("model", [CLAUDE, "gpt-5"])
def test_one_stop_text_becomes_a_list(model: str) -> None:
    assert encoded(request(model=model, stop="END"))["stop"] == ["END"]
    assert encoded(request(model=model, stop=["A", "B"]))["stop"] == ["A", "B"]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("seed", "Claude has none"),
        ("parallel_tool_calls", "the gateway cannot say it"),
        ("reasoning_effort", "use thinking={'type': 'enabled', 'budget_tokens': …}"),
        ("metadata", "label calls with the model's metadata option"),
        ("service_tier", "the gateway cannot say it"),
        ("stop_sequences", "use stop"),
        ("frequency_penalty", "Claude has none"),
        ("presence_penalty", "Claude has none"),
        ("logit_bias", "Claude has none"),
        ("logprobs", "Claude has none"),
        ("n", "Claude gives one answer"),
    ],
)
def test_a_parameter_that_the_gateway_drops_is_warned_of_with_a_remedy(name: str, remedy: str) -> None:
    given: dict[str, Any] = {name: 1}
    absent: dict[str, Any] = {name: None}
    with pytest.warns(PortkeyWarning) as caught:
        encoded(request(**given))
    assert len(caught) == 1
    assert str(caught[0].message).startswith(f"{name} does not reach Claude: {remedy}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoded(request(**absent))
        assert encoded(request(model="gpt-5", **given))[name] == 1


def test_a_temperature_beyond_claudes_range_is_warned_of() -> None:
    with pytest.warns(PortkeyWarning, match=r"temperature 1.5 is sent to Claude as 1: its range is 0 to 1"):
        encoded(request(temperature=1.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoded(request(temperature=1.0))
        encoded(request(model="gpt-5", temperature=1.5))


@pytest.mark.parametrize("value", [object(), "\ud83d", {"a": object()}])
def test_what_json_does_not_know_is_an_error(value: Any) -> None:
    with pytest.raises(EncodingError, match="the request holds something that JSON does not know"):
        encode_request(request(user=value))


def test_cache_breakpoints_are_checked_for_a_claude_only() -> None:
    block = {"type": "text", "text": "a", "cache_control": MARK}
    many = {"role": "user", "content": [block] * 5}
    with pytest.raises(EncodingError, match="at most 4"):
        encode_request(request(many))
    assert encoded(request(many, model="gpt-5"))["messages"] == [many]


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("messages", [[], None])
def test_no_messages_are_an_error(messages: Any) -> None:
    with pytest.raises(EncodingError, match="messages is empty"):
        encode_request({"model": CLAUDE, "messages": messages})


@pytest.mark.parametrize(
    "empty", ["", " \n", None, [], [{"type": "text", "text": ""}], [{"type": "text", "text": "\t"}]]
)
def test_an_empty_user_message_is_an_error_that_names_it(empty: Any) -> None:
    with pytest.raises(EncodingError, match=r"messages\[1\] \(user\) is empty"):
        encode_request(request(HELLO, {"role": "user", "content": empty}))


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


def test_system_messages_alone_are_an_error() -> None:
    with pytest.raises(EncodingError, match="holds system messages only"):
        encode_request(request({"role": "system", "content": "Be brief."}))
    with pytest.raises(EncodingError, match="holds system messages only"):
        encode_request(request({"role": "developer", "content": "a"}, {"role": "assistant", "content": ""}))


def test_other_models_messages_stay_as_they_are() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": ""}]
    assert encoded(request(*messages, model="gpt-5"))["messages"] == messages


TEXTS = st.sampled_from(["", " ", "Hi", "\n", "there"])
CONTENTS = st.none() | TEXTS | st.lists(TEXTS.map(lambda text: {"type": "text", "text": text}), max_size=3)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": CONTENTS}),
    max_size=5,
)


@given(MESSAGES)
def test_nothing_empty_is_ever_sent_and_nothing_said_is_lost(messages: list[dict[str, Any]]) -> None:
    try:
        sent = encoded(request(*messages))["messages"]
    except EncodingError:
        return
    for message in sent:
        content = message["content"]
        texts = [content] if isinstance(content, str) else [block["text"] for block in content]
        assert message["role"] == "tool" or (texts and all(text.strip() for text in texts))
    assert [word for word in json.dumps(sent).split('"') if word in {"Hi", "there"}] == [
        word for word in json.dumps(messages or [HELLO]).split('"') if word in {"Hi", "there"}
    ]


# --- tool choice ------------------------------------------------------------------------------------------------------

NAMED = {"type": "function", "function": {"name": "weather"}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        (False, None),
        (True, "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        ("weather", NAMED),
        (NAMED, NAMED),
        ({"type": "tool", "name": "weather"}, NAMED),
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
    ],
)
def test_tool_choice(choice: Any, expected: Any) -> None:
    assert encode_tool_choice(choice) == expected


@pytest.mark.parametrize(
    "choice", [{}, {"type": "tool"}, {"type": "function"}, {"type": "function", "function": "weather"}, {"name": "x"}]
)
def test_a_tool_choice_of_no_known_form_is_an_error(choice: dict[str, Any]) -> None:
    with pytest.raises(EncodingError, match=r"tool_choice .* is not understood: give 'auto'"):
        encode_tool_choice(choice)


@pytest.mark.parametrize("model", [CLAUDE, "gpt-5"])
def test_any_is_said_as_the_gateway_understands_it(model: str) -> None:
    assert encoded(request(model=model, tool_choice="any"))["tool_choice"] == "required"
    assert encoded(request(model=model, tool_choice=NAMED))["tool_choice"] == NAMED


def test_a_tool_schema_is_rewritten_into_what_the_gateway_keeps() -> None:
    parameters = {"$ref": "#/definitions/P", "definitions": {"P": {"type": "object", "properties": {"a": {}}}}}
    tool: dict[str, Any] = {"type": "function", "function": {"name": "t", "parameters": parameters}}
    sent = encoded(request(tools=[tool, {"type": "web_search"}]))["tools"]
    assert sent[0]["function"]["parameters"]["properties"] == {"a": {}}
    assert sent[1] == {"type": "web_search"}
    assert encoded(request(tools=[tool], model="gpt-5"))["tools"] == [tool]


@pytest.mark.parametrize("choice", ["any", "required", {"type": "function", "function": {"name": "t"}}])
def test_a_thinking_claude_is_not_made_to_call_a_tool(choice: Any) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    with pytest.warns(PortkeyWarning, match="tool_choice is sent as 'auto'"):
        assert encoded(request(tool_choice=choice, thinking=thinking))["tool_choice"] == "auto"
    assert encoded(request(tool_choice=choice, thinking={"type": "disabled"}))["tool_choice"] != "auto"
    assert encoded(request(tool_choice="none", thinking=thinking))["tool_choice"] == "none"


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"type": "input_audio", "input_audio": {}}, r"messages\[0\].content\[0\] is a 'input_audio' block"),
        ({"type": "image_url", "image_url": "https://example.com/a.png"}, r"content\[0\].image_url must be"),
    ],
)
def test_a_user_block_that_the_gateway_would_drop_is_refused(block: dict[str, Any], named: str) -> None:
    with pytest.raises(ContentError, match=named):
        encoded(request({"role": "user", "content": [block]}))


def test_one_tool_at_a_time_cannot_be_said_and_a_warning_tells() -> None:
    with pytest.warns(PortkeyWarning, match="disable_parallel_tool_use does not reach Claude"):
        assert encode_tool_choice({"type": "auto", "disable_parallel_tool_use": True}) == "auto"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("temprature", "did you mean 'temperature'"),
        ("tracee_id", "did you mean 'trace_id'"),
        ("mcp_servers", "the gateway leaves out what it does not know"),
        ("seed", "Claude has none"),
    ],
)
def test_a_parameter_that_does_not_reach_claude_is_warned_of(name: str, hint: str) -> None:
    with pytest.warns(PortkeyWarning, match=f"{name} does not reach Claude: {hint}"):
        encoded(request(**{name: "x"}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nothing: dict[str, Any] = {name: None}
        encoded(request(**nothing))
        assert encoded(request(model="gpt-5", **{name: "x"}))[name] == "x"


def test_what_may_be_thought_fits_into_the_default_of_max_tokens() -> None:
    thinking = {"type": "enabled", "budget_tokens": 5000}
    assert encoded(request(thinking=thinking))["max_tokens"] == 5000 + DEFAULT_MAX_TOKENS
    assert encoded(request(thinking={"type": "disabled"}))["max_tokens"] == DEFAULT_MAX_TOKENS


def test_empty_text_beside_replayed_thinking_is_left_out_too() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    empty = {"type": "text", "text": ""}
    message = {"role": "assistant", "content": [empty], "content_blocks": [thought, empty]}
    assert messages_of(HELLO, message, HELLO)[1]["content_blocks"] == [thought]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"messages": ["Hello"]}, r"messages\[0\] must be a mapping with a role; got str"),
        ({"messages": [{"content": "Hello"}]}, r"messages\[0\] must be a mapping with a role"),
        ({"messages": [{"role": "user", "content": ["Hello"]}]}, r"content\[0\] must be a mapping with a type"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, r"content\[0\] must be a mapping with a type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, r"content\[0\] .* text is no string"),
        ({"messages": [HELLO], "thinking": True}, "thinking must be a mapping"),
        ({"messages": [HELLO], "thinking": []}, "thinking must be a mapping"),
        ({"messages": [HELLO], "thinking": {"type": "enabled", "budget_tokens": "5"}}, "thinking must be a mapping"),
        ({"messages": [HELLO], "temperature": float("nan")}, "temperature is nan"),
        ({"messages": [HELLO], "temperature": "0.5"}, "temperature must be a number; got '0.5'"),
        ({"messages": [HELLO], "tools": [1]}, r"tools\[0\] must be a mapping"),
        ({"messages": [HELLO], "tools": [{"function": {"name": "t", "parameters": None}}]}, r"tools\[0\] must be"),
        (
            {"messages": [HELLO], "tools": [{"function": {"name": "t", "parameters": {"anyOf": [{"required": 1}]}}}]},
            "the parameters of tool 't' are no JSON schema",
        ),
    ],
)
def test_what_is_no_request_is_an_error_that_names_the_place(body: dict[str, Any], named: str) -> None:
    with pytest.raises(EncodingError, match=named):
        encode_request({"model": CLAUDE, **body})  # type: ignore[typeddict-item]  # what no type allows


def test_a_tool_choice_of_no_known_kind_is_an_error() -> None:
    with pytest.raises(EncodingError, match="tool_choice 5 is not understood"):
        encode_tool_choice(5)  # type: ignore[arg-type]  # what no type allows
