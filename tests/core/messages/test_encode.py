"""The body of `POST /messages`, and the path that carries it whole."""

import copy
import json
import warnings
from typing import Any

import pytest

from portkey_gateway.errors import ContentError, EncodingError, PortkeyWarning
from portkey_gateway.messages.encode import PATH, PROXY_PATH, Encoded, encode_count, encode_request
from portkey_gateway.routing import Gateway, Route

CLAUDE = "claude-sonnet-4-5"
HELLO = {"role": "user", "content": "Hello"}
SAID = {"type": "text", "text": "Hello"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
BOUND = {**SCHEMA, "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
ROUTE = Route(api_format="messages", is_claude=True, provider="anthropic", only_anthropic=True)


def encode(*messages: Any, route: Route = ROUTE, **more: Any) -> Encoded:
    options = {name: more.pop(name) for name in ("prompt_caching", "user_id", "betas") if name in more}
    request: Any = {"model": CLAUDE, "max_tokens": 9, "messages": list(messages or (HELLO,)), **more}
    before = copy.deepcopy(request)
    encoded = encode_request(request, route, **options)
    assert request == before
    return encoded


def body(*messages: Any, **more: Any) -> Any:
    return json.loads(encode(*messages, **more).body)


def quiet_body(*messages: Any, **more: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return body(*messages, **more)


def parameters(**given_parameters: Any) -> dict[str, Any]:
    """What is sent beside the messages and the model."""
    sent = quiet_body(**given_parameters)
    return {name: value for name, value in sent.items() if name not in {"model", "messages"}}


# --- the whole --------------------------------------------------------------------------------------------------------


def test_a_request_as_anthropic_reads_it() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "a pixel"},
        {"role": "user", "content": "Hello"},
    ]
    assert quiet_body(*messages, tools=[TOOL], tool_choice="auto", stream=True, top_k=None) == {
        "model": CLAUDE,
        "max_tokens": 9,
        "stream": True,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            HELLO,
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "a pixel"}, SAID]},
        ],
        "tools": [{"name": "look", "input_schema": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "auto"},
    }


def test_text_is_sent_as_utf_8() -> None:
    assert "Grüße 🌞\u2028".encode() in encode({"role": "user", "content": "Grüße 🌞\u2028"}).body


@pytest.mark.parametrize("system", ["Be kind.", [{"type": "text", "text": "Be kind.", "cache_control": HOUR}]])
def test_anthropics_own_system_stands_before_the_messages_of_the_system(system: Any) -> None:
    first, second = quiet_body({"role": "system", "content": "Be brief."}, HELLO, system=system)["system"]
    assert first == ({"type": "text", "text": system} if isinstance(system, str) else system[0])
    assert second == {"type": "text", "text": "Be brief."}


def test_what_claude_asks_of_every_request_is_asked_here_too() -> None:
    sent = quiet_body({"role": "system", "content": " "}, HELLO, max_tokens=None)
    assert sent["max_tokens"] == 64_000  # the most that Sonnet 4.5 gives
    assert "system" not in sent
    with pytest.raises(EncodingError, match=r"messages\[1\] \(user\) is empty"):
        encode(HELLO, {"role": "user", "content": ""})
    with pytest.warns(PortkeyWarning, match="tool_choice is sent as 'auto'"):
        sent = body(tools=[TOOL], tool_choice="look", thinking={"type": "enabled", "budget_tokens": 1024})
    assert sent["tool_choice"] == {"type": "auto"}


def test_what_is_no_request_is_an_error() -> None:
    with pytest.raises(
        ContentError, match=r"messages\[0\]\.content\[0\] is a block of type 'input_audio', which Claude"
    ):
        encode({"role": "user", "content": [{"type": "input_audio"}]})
    with pytest.raises(ContentError, match=r"content\[1\]\.file needs file_data, file_url or file_id"):
        encode({"role": "user", "content": [SAID, {"type": "file", "file": {}}]})
    with pytest.raises(EncodingError, match="the request holds something that JSON does not know"):
        encode(metadata={"user_id": object()})


# --- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_parameters", "sent"),
    [
        ({"max_tokens": None, "max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["A", "B"]}, {"stop_sequences": ["A", "B"]}),
        ({"stop": []}, {}),
        ({"stop_sequences": ["A"]}, {"stop_sequences": ["A"]}),
        ({"stop": "B", "stop_sequences": ["A"]}, {"stop_sequences": ["B"]}),
        ({"user": "ann"}, {"metadata": {"user_id": "ann"}}),
        ({"user": "ann", "metadata": {"user_id": "bob"}}, {"metadata": {"user_id": "bob"}}),
        ({"user_id": "ann"}, {"metadata": {"user_id": "ann"}}),
        ({"user_id": "ann", "user": "bob"}, {"metadata": {"user_id": "bob"}}),
        ({"user_id": "ann", "metadata": {"user_id": "bob"}}, {"metadata": {"user_id": "bob"}}),
        ({"temperature": 0.0, "top_k": 3}, {"temperature": 0.0, "top_k": 3}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"service_tier": "auto", "container": "c"}, {"service_tier": "auto", "container": "c"}),
        ({"mcp_servers": [{"name": "files"}]}, {"mcp_servers": [{"name": "files"}]}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"parallel_tool_calls": False}, {}),
        ({"tool_choice": "auto"}, {}),
        ({"response_format": {"type": "text"}, "reasoning_effort": None}, {}),
    ],
)
def test_openais_parameters_are_said_in_anthropics_words(
    given_parameters: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert parameters(**given_parameters) == {"max_tokens": 9, **sent}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"tool_choice": "any"}, {"type": "any", "disable_parallel_tool_use": True}),
        ({"tool_choice": "look"}, {"type": "tool", "name": "look", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": {"type": "tool", "name": "look"}, "parallel_tool_calls": True},
            {"type": "tool", "name": "look"},
        ),
        (
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}, "parallel_tool_calls": None},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_the_choice_of_a_tool_in_every_form(choice: dict[str, Any], expected: dict[str, Any]) -> None:
    assert quiet_body(tools=[TOOL], **{"parallel_tool_calls": False, **choice})["tool_choice"] == expected


@pytest.mark.parametrize(
    ("given_parameters", "output"),
    [
        ({"response_format": FORMAT}, {"format": {"type": "json_schema", "schema": BOUND}}),
        ({"reasoning_effort": "low"}, {"effort": "low"}),
        (
            {"response_format": FORMAT, "reasoning_effort": "low"},
            {"effort": "low", "format": {"type": "json_schema", "schema": BOUND}},
        ),
        ({"reasoning_effort": "low", "output_config": {"effort": "high"}}, {"effort": "high"}),
    ],
)
def test_the_form_of_an_answer_and_its_effort_become_output_config(
    given_parameters: dict[str, Any], output: dict[str, Any]
) -> None:
    # What goes by proxy is always streamed.
    sent = parameters(model="claude-sonnet-4-6", **given_parameters)
    assert sent == {"max_tokens": 9, "output_config": output, "stream": True}


@pytest.mark.parametrize(
    ("model", "asked", "sent", "says"),
    [
        ("claude-opus-4-5", "max", "high", "is sent as 'high': claude-opus-4-5 has low, medium, high"),
        ("claude-sonnet-4-6", "xhigh", "high", "is sent as 'high': claude-sonnet-4-6 has low, medium, high, max"),
        ("claude-opus-5-5", "minimal", "low", "is sent as 'low'"),
        ("claude-sonnet-4-5", "low", None, "is left out: claude-sonnet-4-5 has no levels of effort"),
        ("claude-opus-5-5", "much", None, "is left out: claude-opus-5-5 has low, medium, high, xhigh, max"),
    ],
)
def test_an_effort_that_the_model_lacks_becomes_the_nearest(
    model: str, asked: str, sent: str | None, says: str
) -> None:
    with pytest.warns(PortkeyWarning, match=f"reasoning_effort '{asked}' {says}"):
        output = body(model=model, reasoning_effort=asked).get("output_config")
    assert output == ({"effort": sent} if sent else None)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"schema": SCHEMA}, BOUND),
        ({"schema": SCHEMA, "description": "What it is."}, {**BOUND, "description": "What it is."}),
        ({"schema": BOUND, "description": None}, BOUND),
        (
            {"schema": {**SCHEMA, "description": "Of its own."}, "description": "a"},
            {**BOUND, "description": "Of its own."},
        ),
        ({"schema": {"anyOf": [SCHEMA]}}, {"anyOf": [SCHEMA]}),
        ({"schema": {"type": "object"}, "description": "All."}, {"type": "object", "description": "All."}),
    ],
)
def test_a_schema_is_sent_in_the_words_that_bind_or_as_it_is(asked: dict[str, Any], sent: dict[str, Any]) -> None:
    made = parameters(response_format={"type": "json_schema", "json_schema": {"name": "answer", **asked}})
    assert made["output_config"] == {"format": {"type": "json_schema", "schema": sent}}


SHOWN = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize("model", ["claude-opus-4-7", "claude-sonnet-5", "@prod/claude-haiku-5-5"])
def test_who_says_how_much_to_think_sees_what_is_thought(model: str) -> None:
    said = parameters(model=model, reasoning_effort="high")
    assert said == {"max_tokens": 9, "thinking": SHOWN, "output_config": {"effort": "high"}, "stream": True}
    for thinking in ({"type": "disabled"}, {"type": "adaptive"}):
        assert parameters(model=model, reasoning_effort="low", thinking=thinking)["thinking"] == thinking
    assert parameters(model=model, reasoning_effort="low", thinking=None)["thinking"] == SHOWN
    assert "thinking" not in parameters(model=model)
    assert "thinking" not in parameters(model=model, output_config={"effort": "low"})


@pytest.mark.parametrize("model", ["claude-opus-4-5", "claude-opus-4-6", "claude-sonnet-4-6", "claude-of-tomorrow"])
def test_a_model_that_shows_its_thoughts_is_not_asked_to(model: str) -> None:
    assert parameters(model=model, reasoning_effort="high").keys() == {"max_tokens", "output_config", "stream"}


@pytest.mark.parametrize("choice", ["any", "look"])
def test_a_model_that_was_asked_to_show_its_thoughts_is_not_made_to_call_a_tool(choice: str) -> None:
    with pytest.warns(PortkeyWarning, match="tool_choice is sent as 'auto'"):
        sent = body(model="claude-opus-5", reasoning_effort="low", tools=[TOOL], tool_choice=choice)
    assert (sent["tool_choice"], sent["thinking"]) == ({"type": "auto"}, SHOWN)


def test_a_strict_tool_binds_where_the_model_does() -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": SCHEMA, "strict": True}}
    assert quiet_body(tools=[tool])["tools"] == [{"name": "look", "input_schema": BOUND, "strict": True}]
    with pytest.warns(PortkeyWarning, match="strict of tool 'look' is left out, .*: this model binds no tools"):
        sent = body(model="claude-sonnet-4-0", tools=[tool])
    assert sent["tools"] == [{"name": "look", "input_schema": SCHEMA}]


@pytest.mark.parametrize("response_format", [{"type": "json_object"}, {"type": "json_schema"}])
def test_a_form_without_a_schema_is_warned_of(response_format: dict[str, Any]) -> None:
    with pytest.warns(PortkeyWarning, match="response_format of type '.*' does not reach Claude: give a JSON schema"):
        assert "output_config" not in body(response_format=response_format)


def test_a_temperature_beyond_claudes_range_is_sent_as_1_with_a_warning() -> None:
    with pytest.warns(PortkeyWarning, match=r"temperature 1.5 is sent to Claude as 1: its range is 0 to 1"):
        assert body(temperature=1.5)["temperature"] == 1
    assert quiet_body(temperature=1.0)["temperature"] == 1.0


@pytest.mark.parametrize("gateway", ["oss-1", "oss-2", "hosted"])
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("seed", "Claude has none"),
        ("frequency_penalty", "Claude has none"),
        ("logprobs", "Claude has none"),
        ("verbosity", "Claude has none"),
        ("prompt_cache_key", "mark blocks with cache_control, or use prompt_caching"),
        ("function_call", "use tool_choice"),
        ("n", "Claude gives one answer"),
        ("temprature", "did you mean 'temperature'?"),
        ("max_token", "did you mean 'max_tokens'?"),
        ("extra_headers", "say default_headers, or betas"),
        ("tracee_id", "did you mean 'trace_id'?"),
    ],
)
def test_what_no_claude_has_is_left_out_with_a_warning(name: str, remedy: str, gateway: Gateway) -> None:
    given_parameters: dict[str, Any] = {name: 1}
    with pytest.warns(PortkeyWarning) as caught:
        encoded = encode(route=Route(gateway=gateway, is_claude=True, only_anthropic=True), **given_parameters)
    assert [str(warning.message) for warning in caught] == [f"{name} does not reach Claude: {remedy}"]
    assert encoded.path == PATH
    assert name not in json.loads(encoded.body)
    quiet_body(**{name: None})


# --- the path ---------------------------------------------------------------------------------------------------------


def route(gateway: Gateway = "oss-1", *, only_anthropic: bool = True, is_guarded: bool = False) -> Route:
    return Route(gateway, "messages", is_claude=True, only_anthropic=only_anthropic, is_guarded=is_guarded)


@pytest.mark.parametrize(
    ("gateway", "name", "path"),
    [
        ("oss-1", "output_config", PROXY_PATH),
        ("oss-2", "output_config", PATH),
        ("hosted", "output_config", PATH),
        ("oss-1", "context_management", PROXY_PATH),
        ("oss-2", "context_management", PROXY_PATH),
        ("hosted", "context_management", PATH),
        ("oss-2", "speed", PROXY_PATH),
        ("hosted", "inference_geo", PATH),
        ("oss-1", "of_tomorrow", PROXY_PATH),
        ("hosted", "of_tomorrow", PATH),
        ("oss-1", "thinking", PATH),
        ("oss-1", "service_tier", PATH),
    ],
)
def test_a_parameter_takes_the_path_that_carries_it(gateway: Gateway, name: str, path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoded = encode(route=route(gateway), **{name: {"x": 1}})
    assert encoded.path == path
    assert json.loads(encoded.body)[name] == {"x": 1}


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        (route(is_guarded=True), "a config may hold guardrails, which it would skip"),
        (route(only_anthropic=False), "only Anthropic is served so"),
        (route("oss-2", only_anthropic=False), "only Anthropic is served so"),
    ],
)
def test_what_no_path_carries_is_left_out_with_a_warning(taken: Route, why: str) -> None:
    given_parameters = {"speed": "fast", "of_tomorrow": 1}
    with pytest.warns(PortkeyWarning) as caught:
        encoded = encode(route=taken, **given_parameters)
    assert encoded.path == PATH
    assert json.loads(encoded.body).keys() == {"model", "max_tokens", "messages"}
    assert [str(warning.message) for warning in caught] == [
        f"{name} does not reach Claude: /messages of this gateway drops it, and of /proxy/messages {why}"
        for name in ("of_tomorrow", "speed")
    ]


def test_beta_features_stand_in_the_body_of_messages_alone() -> None:
    betas = {"anthropic_beta": "skills"}
    assert quiet_body(betas=betas)["anthropic_beta"] == "skills"
    assert "anthropic_beta" not in quiet_body(betas=betas, speed="fast")


# --- counting ---------------------------------------------------------------------------------------------------------


def test_only_what_is_counted_is_sent_to_be_counted() -> None:
    counted: dict[str, Any] = {
        "system": "Be brief.",
        "tools": [TOOL],
        "tool_choice": "any",
        "thinking": {"type": "disabled"},
        "mcp_servers": [{"name": "files"}],
    }
    uncounted = {"stream": True, "temperature": 0.5, "stop": "END", "user": "ann", "output_config": {"effort": "low"}}
    request: Any = {"model": CLAUDE, "messages": [HELLO], **counted, **uncounted}
    before = copy.deepcopy(request)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sent = json.loads(encode_count(request, ROUTE))
    assert request == before
    assert sent == {
        "model": CLAUDE,
        "messages": [HELLO],
        "system": [{"type": "text", "text": "Be brief."}],
        "tools": [{"name": "look", "input_schema": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "any"},
        "thinking": {"type": "disabled"},
        "mcp_servers": [{"name": "files"}],
    }


def test_counting_sends_no_more_than_there_is() -> None:
    request: Any = {"model": CLAUDE, "messages": [HELLO]}
    assert json.loads(encode_count(request, ROUTE)).keys() == {"model", "messages"}


def test_tools_and_answer_are_limited_together() -> None:
    optional = {"type": "object", "properties": {f"p{index}": {"type": "string"} for index in range(13)}}
    tool = {"type": "function", "function": {"name": "look", "parameters": optional, "strict": True}}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": optional}}
    assert quiet_body(tools=[tool])["tools"][0]["strict"] is True
    with pytest.warns(PortkeyWarning, match="strict of 'look' is left out"):
        assert "strict" not in body(tools=[tool], response_format=wanted)["tools"][0]
