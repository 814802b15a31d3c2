"""The body of a chat completion: what the gateway would lose is mended, refused or warned of; the input stays."""

import copy
import json
import warnings
from contextlib import nullcontext
from typing import Any

import pytest

from portkey_gateway.chat_completions.encode import encode_request
from portkey_gateway.conversation.claude import DEFAULT_MAX_TOKENS
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.routing import Gateway, Route, is_claude

CLAUDE = "claude-sonnet-4-5"
HELLO = {"role": "user", "content": "Hello"}
MARK = {"type": "ephemeral"}
ONE = {"disable_parallel_tool_use": True}


def request(*messages: dict[str, Any], model: str = CLAUDE, **parameters: Any) -> ChatRequest:
    body: Any = {"model": model, "messages": list(messages or (HELLO,)), **parameters}
    return body  # type: ignore[no-any-return]  # also what no type allows


def encoded(body: ChatRequest, provider: str | None = None, gateway: Gateway = "oss-1") -> dict[str, Any]:
    before = copy.deepcopy(body)
    route = Route(
        gateway=gateway,
        is_claude=is_claude(body["model"], provider),
        provider=provider,
        only_anthropic=provider == "anthropic",
    )
    decoded = json.loads(encode_request(body, route).body)
    assert body == before
    assert isinstance(decoded, dict)
    return decoded


# --- parameters -------------------------------------------------------------------------------------------------------


def test_what_is_given_is_sent_and_none_is_not() -> None:
    parameters: dict[str, Any] = {
        "max_tokens": 5,
        "temperature": 0.0,
        "top_k": 3,
        "stream": False,
        "user": "u-1",
        "anthropic_beta": "context-1m",
        "anthropic_version": "2023-06-01",
    }
    assert encoded(request(**parameters, top_p=None, tools=None), "anthropic") == {
        "model": CLAUDE,
        "messages": [HELLO],
        **parameters,
    }


def test_text_is_sent_as_utf_8() -> None:
    asked = request({"role": "user", "content": "Grüße 🌞\u2028"})
    assert "Grüße 🌞\u2028".encode() in encode_request(asked, Route(is_claude=True)).body


@pytest.mark.parametrize(
    ("model", "provider", "given", "sent"),
    [
        # As langchain-anthropic's profiles of these models have it.
        ("claude-sonnet-4-5", "anthropic", {}, {"max_tokens": 64_000}),
        ("@prod/claude-opus-5-5", None, {}, {"max_completion_tokens": 128_000}),
        ("my-model", "anthropic", {}, {"max_tokens": DEFAULT_MAX_TOKENS}),
        ("claude-sonnet-4-5", "anthropic", {"max_tokens": None}, {"max_tokens": 64_000}),
        (CLAUDE, "anthropic", {"max_tokens": 9}, {"max_tokens": 9}),
        ("claude-sonnet-4-5", None, {}, {"max_completion_tokens": 64_000}),
        (CLAUDE, None, {"max_tokens": 9}, {"max_completion_tokens": 9}),
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


@pytest.mark.parametrize(
    ("provider", "given", "sent"),
    [
        ("openai", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        ("openai", {"max_tokens": 9, "max_completion_tokens": 7}, {"max_completion_tokens": 7}),
        ("cohere", {"max_tokens": 9}, {"max_tokens": 9}),
        (None, {"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        (
            "openai",
            {"stream": True, "stream_options": {"include_obfuscation": False}},
            {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        ),
        ("openai", {"stream_options": {"include_usage": True}}, {}),
        ("openai", {"stream": False, "stream_options": {"include_usage": True}}, {"stream": False}),
    ],
)
def test_other_models_are_asked_in_openai_s_newest_words(
    provider: str | None, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert encoded(request(model="gpt-5", **given), provider) == {"model": "gpt-5", "messages": [HELLO], **sent}


def test_a_claude_at_anthropic_alone_tells_its_usage_unasked() -> None:
    assert "stream_options" not in encoded(request(stream=True), "anthropic")


@pytest.mark.parametrize("model", [CLAUDE, "gpt-5"])
def test_one_stop_text_becomes_a_list(model: str) -> None:
    assert encoded(request(model=model, stop="END"))["stop"] == ["END"]
    assert encoded(request(model=model, stop=["A", "B"]))["stop"] == ["A", "B"]


def test_anthropics_word_for_stop_is_said_in_openais() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        body = encoded(request(stop_sequences=["END"]))
        assert body["stop"] == ["END"]
        assert "stop_sequences" not in body
    other = encoded(request(model="gpt-5", stop_sequences=["END"]))
    assert other["stop"] == ["END"]
    assert "stop_sequences" not in other


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("seed", "Claude has none"),
        ("parallel_tool_calls", "api_format='messages' carries it"),
        ("reasoning_effort", "api_format='messages' carries it; or use thinking where the model takes a budget"),
        ("response_format", "the answer would be free text: use the framework's structured output, or a tool"),
        ("output_config", "api_format='messages' carries it"),
        ("context_management", "api_format='messages' carries it"),
        ("speed", "api_format='messages' carries it"),
        ("container", "api_format='messages' carries it"),
        ("mcp_servers", "api_format='messages' carries it"),
        ("metadata", "label calls with the model's metadata option"),
        ("service_tier", "api_format='messages' carries it"),
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


@pytest.mark.parametrize(
    ("gateway", "carried"),
    [
        ("oss-2", {"response_format", "reasoning_effort"}),
        ("hosted", {"response_format", "reasoning_effort", "output_config", "context_management", "speed"}),
    ],
)
def test_a_gateway_that_carries_a_parameter_gets_it_without_a_warning(gateway: Gateway, carried: set[str]) -> None:
    given: dict[str, Any] = {**dict.fromkeys(sorted(carried), 1), "reasoning_effort": "high"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        body = encoded(request(model="claude-opus-4-6", **given), gateway=gateway)
    assert given.items() <= body.items()
    with pytest.warns(PortkeyWarning, match="service_tier does not reach Claude"):
        encoded(request(service_tier="auto"), gateway=gateway)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("temprature", "did you mean 'temperature'"),
        ("extra_headers", "say default_headers, or betas"),
        ("tracee_id", "did you mean 'trace_id'"),
        ("inference_geo", "the gateway leaves out what it does not know"),
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


def test_a_temperature_beyond_claudes_range_is_warned_of() -> None:
    with pytest.warns(PortkeyWarning, match=r"temperature 1.5 is sent to Claude as 1: its range is 0 to 1"):
        encoded(request(temperature=1.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoded(request(temperature=1.0))
        encoded(request(model="gpt-5", temperature=1.5))


@pytest.mark.parametrize("value", [object(), "\ud83d", {"a": object()}])
def test_what_json_does_not_know_is_an_error(value: Any) -> None:
    with pytest.raises(EncodingError, match=r"JSON does not know|user holds half a character"):
        encode_request(request(user=value), Route(is_claude=True))


# --- messages ---------------------------------------------------------------------------------------------------------


def test_cache_breakpoints_are_checked_for_a_claude_only() -> None:
    block = {"type": "text", "text": "a", "cache_control": MARK}
    many = {"role": "user", "content": [block] * 5}
    with pytest.raises(EncodingError, match="at most 4"):
        encoded(request(many))
    assert encoded(request(many, model="gpt-5"))["messages"] == [many]


def test_claude_gets_no_empty_text() -> None:
    empty = {"role": "system", "content": ""}
    assert encoded(request(empty, HELLO))["messages"] == [HELLO]
    with pytest.raises(EncodingError, match=r"messages\[1\] \(user\) is empty"):
        encoded(request(HELLO, {"role": "user", "content": " "}))


def test_other_models_messages_stay_as_they_are() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": ""}]
    assert encoded(request(*messages, model="gpt-5"))["messages"] == messages


# --- tools ------------------------------------------------------------------------------------------------------------

NAMED = {"type": "function", "function": {"name": "weather"}}


@pytest.mark.parametrize("model", [CLAUDE, "gpt-5"])
def test_any_is_said_as_the_gateway_understands_it(model: str) -> None:
    assert encoded(request(model=model, tool_choice="any"))["tool_choice"] == "required"
    assert encoded(request(model=model, tool_choice=NAMED))["tool_choice"] == NAMED


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "auto", **ONE}, "auto"),
        ({"type": "any", **ONE}, "required"),
        ({"type": "required", **ONE}, "required"),
        ({"type": "tool", "name": "weather", **ONE}, NAMED),
        ({**NAMED, **ONE}, NAMED),
    ],
)
def test_one_tool_at_a_time_cannot_be_said_and_a_warning_tells(choice: dict[str, Any], sent: Any) -> None:
    with pytest.warns(PortkeyWarning, match="disable_parallel_tool_use does not reach Claude: api_format='messages'"):
        assert encoded(request(tool_choice=choice))["tool_choice"] == sent


def test_a_tool_schema_is_rewritten_into_what_the_gateway_keeps() -> None:
    parameters = {"$ref": "#/definitions/P", "definitions": {"P": {"type": "object", "properties": {"a": {}}}}}
    tool: dict[str, Any] = {"type": "function", "function": {"name": "t", "parameters": parameters}}
    sent = encoded(request(tools=[tool, {"type": "web_search"}]))["tools"]
    assert sent[0]["function"]["parameters"]["properties"] == {"a": {}}
    assert sent[1] == {"type": "web_search"}
    assert encoded(request(tools=[tool], model="gpt-5"))["tools"] == [tool]


def test_a_closed_object_stays_closed_where_the_gateway_carries_that() -> None:
    parameters = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    tool: dict[str, Any] = {"type": "function", "function": {"name": "t", "parameters": parameters}}
    [hosted] = encoded(request(tools=[tool]), gateway="hosted")["tools"]
    [own] = encoded(request(tools=[tool]))["tools"]
    assert hosted["function"]["parameters"] == parameters
    assert own["function"]["parameters"] == {"type": "object", "properties": {"a": {}}}


def test_a_schema_that_is_none_is_an_error_that_names_the_tool() -> None:
    tool = {"function": {"name": "t", "parameters": {"anyOf": [{"required": 1}]}}}
    with pytest.raises(EncodingError, match="the parameters of tool 't' are no JSON schema"):
        encoded(request(tools=[tool]))


def test_a_server_tool_takes_the_gateways_form_whoever_answers() -> None:
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    sent = [{"type": "web_search", "web_search": {"name": "web_search_20250305", "max_uses": 2}}]
    assert encoded(request(tools=[tool]))["tools"] == encoded(request(tools=[tool], model="gpt-5"))["tools"] == sent


@pytest.mark.parametrize(
    ("provider", "model", "takes"),
    [("bedrock", "amazon.nova-pro-v1:0", True), ("bedrock", "meta.llama3-70b-instruct-v1:0", True),
     ("cohere", "command-a-03-2025", False)],
)  # fmt: skip
def test_marks_go_to_whoever_makes_cache_points_of_them(provider: str, model: str, takes: bool) -> None:
    """Of them the gateway makes ``cachePoint``, for every model on Bedrock (``bedrock/chatComplete.ts``)."""
    mark = {"cache_control": {"type": "ephemeral"}}
    asked = request({"role": "user", "content": [{"type": "text", "text": "Hi", **mark}]}, model=model)
    left_out = pytest.warns(PortkeyWarning, match="cache_control is left out: Cohere takes no marks")
    with nullcontext() if takes else left_out:
        body = json.loads(encode_request(asked, Route(provider=provider, targets=((provider, model),))).body)
    assert ("cache_control" in body["messages"][0]["content"][0]) is takes
