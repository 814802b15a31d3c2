"""One call, encoded: its path, which headers travel, where beta features are told, and who asks."""

from __future__ import annotations

import copy
import dataclasses
import json
import warnings
from typing import Any, cast

import pytest

from portkey_gateway.caching.plan import PromptCaching
from portkey_gateway.calls import USER_LABEL, EncodedCall, binds_answers, encode_call, encode_count_call
from portkey_gateway.chat_completions.stream import DECODING as CHAT_COMPLETIONS
from portkey_gateway.conversation.claude import DEFAULT_MAX_TOKENS
from portkey_gateway.errors import EncodingError
from portkey_gateway.messages.stream import DECODING as MESSAGES
from portkey_gateway.routing import Gateway, Route
from portkey_gateway.tracing.context import encode_metadata

BETA = "x-portkey-anthropic-beta"
VERSION = "x-portkey-anthropic-version"
HEADERS = {"content-type": "application/json", "x-portkey-provider": "anthropic"}
WITH_BETA = {**HEADERS, BETA: "context-1m", VERSION: "2023-06-01"}
HELLO = {"role": "user", "content": "Hello!"}
BETAS_IN_THE_BODY = {"anthropic_beta": "context-1m", "anthropic_version": "2023-06-01"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
OPEN_SOURCE: list[Gateway] = ["oss-1", "oss-2"]


def chat_completions(gateway: Gateway = "oss-1", *, is_claude: bool = True) -> Route:
    return Route(gateway=gateway, is_claude=is_claude, only_anthropic=is_claude)


def messages(gateway: Gateway = "oss-1") -> Route:
    return Route(gateway=gateway, api_format="messages", is_claude=True, provider="anthropic", only_anthropic=True)


def encode(route: Route, headers: dict[str, str] = HEADERS, **more: Any) -> EncodedCall:
    options = {name: more.pop(name) for name in ("prompt_caching",) if name in more}
    if labels := encode_metadata(more.pop("labels", None) or {}):
        headers = {**headers, "x-portkey-metadata": labels}
    request: Any = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [HELLO], **more}
    before = copy.deepcopy((request, headers))
    encoded = encode_call(request, route, headers, **options)
    assert (request, headers) == before
    return encoded


def body(call: EncodedCall) -> Any:
    return json.loads(call.body)


# --- path and decoding ------------------------------------------------------------------------------------------------


def test_each_format_has_its_path_and_its_decoding() -> None:
    asked, told = encode(chat_completions()), encode(messages())
    assert (asked.path, asked.headers, asked.decoding) == ("/chat/completions", HEADERS, CHAT_COMPLETIONS)
    assert (told.path, told.headers, told.decoding) == ("/messages", HEADERS, MESSAGES)
    assert body(asked)["messages"] == [HELLO]
    assert body(told)["messages"] == [HELLO]


@pytest.mark.parametrize("route", [chat_completions(), messages()])
def test_planned_marks_reach_either_format(route: Route) -> None:
    [message] = body(encode(route, prompt_caching=PromptCaching()))["messages"]
    assert message["content"] == [{"type": "text", "text": "Hello!", "cache_control": {"type": "ephemeral"}}]


FALLBACK = {"targets": [{"provider": "openai"}, {"provider": "anthropic"}]}


def test_a_claude_that_a_config_falls_back_on_gets_the_limit_it_requires() -> None:
    headers = {**HEADERS, "x-portkey-config": json.dumps(FALLBACK)}
    route, free = Route(falls_on_claude=True), {"model": "gpt-5", "max_tokens": None}
    first, second = json.loads(encode(route, headers, **free).headers["x-portkey-config"])["targets"]
    assert first == {"provider": "openai"}
    assert second == {"provider": "anthropic", "override_params": {"max_tokens": DEFAULT_MAX_TOKENS}}


def test_the_limit_of_that_claude_holds_what_it_may_think() -> None:
    headers = {**HEADERS, "x-portkey-config": json.dumps(FALLBACK)}
    asked: dict[str, Any] = {"max_tokens": None, "thinking": {"type": "enabled", "budget_tokens": 5000}}
    _, claude = json.loads(encode(Route(falls_on_claude=True), headers, **asked).headers["x-portkey-config"])["targets"]
    assert claude["override_params"] == {"max_tokens": DEFAULT_MAX_TOKENS + 5000}


@pytest.mark.parametrize("limit", [{"max_tokens": 9}, {"max_tokens": None, "max_completion_tokens": 9}])
def test_a_limit_of_the_request_leaves_the_config_as_it_is(limit: dict[str, Any]) -> None:
    headers = {**HEADERS, "x-portkey-config": json.dumps(FALLBACK)}
    assert encode(Route(falls_on_claude=True), headers, **limit).headers == headers
    assert encode(Route(falls_on_claude=True), HEADERS, max_tokens=None).headers == HEADERS


# --- beta features ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gateway", OPEN_SOURCE)
@pytest.mark.parametrize("make", [chat_completions, messages])
def test_beta_and_version_travel_in_the_body_to_an_open_source_gateway(make: Any, gateway: Gateway) -> None:
    call = encode(make(gateway), WITH_BETA)
    assert call.headers == HEADERS
    assert {name: body(call)[name] for name in BETAS_IN_THE_BODY} == BETAS_IN_THE_BODY


@pytest.mark.parametrize("route", [chat_completions("hosted"), messages("hosted"), chat_completions(is_claude=False)])
def test_beta_and_version_stay_headers_elsewhere(route: Route) -> None:
    call = encode(route, WITH_BETA)
    assert call.headers == WITH_BETA
    assert body(call).keys() <= {"model", "max_tokens", "max_completion_tokens", "messages"}


@pytest.mark.parametrize("route", [chat_completions(), messages(), chat_completions("hosted"), messages("hosted")])
def test_nothing_is_said_of_beta_features_where_none_are_wanted(route: Route) -> None:
    call = encode(route, betas=[])
    assert call.headers == HEADERS
    assert body(call).keys() == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize("route", [chat_completions(), messages()])
def test_a_plain_header_and_a_text_of_betas_count_too(route: Route) -> None:
    call = encode(route, {**HEADERS, "anthropic-beta": "context-1m"}, betas="files,skills")
    assert body(call)["anthropic_beta"] == "context-1m,files,skills"
    assert "anthropic-beta" not in call.headers


@pytest.mark.parametrize("make", [chat_completions, messages])
def test_betas_of_a_call_are_added_to_those_of_the_options_each_once(make: Any) -> None:
    headers = {**HEADERS, BETA: "context-1m, files"}
    wanted = "context-1m,files,skills"
    local = encode(make("oss-1"), headers, betas=["files", "skills"])
    assert body(local)["anthropic_beta"] == wanted
    assert "betas" not in body(local)
    hosted = encode(make("hosted"), headers, betas=["files", "skills"])
    assert hosted.headers[BETA] == wanted
    assert "betas" not in body(hosted)


def test_betas_of_a_call_need_none_of_the_options() -> None:
    assert body(encode(messages(), betas=["skills"]))["anthropic_beta"] == "skills"
    assert encode(messages("hosted"), betas=["skills"]).headers == {**HEADERS, BETA: "skills"}


def test_a_call_by_proxy_speaks_to_anthropic_itself() -> None:
    """There the gateway reads no body, and passes the client's own headers on: it cannot read every encoding."""
    call = encode(messages(), WITH_BETA, output_config={"effort": "low"})
    assert call.path == "/proxy/messages"
    assert call.headers == {
        **HEADERS,
        "anthropic-beta": "context-1m",
        "anthropic-version": "2023-06-01",
        "accept-encoding": "gzip, deflate",
    }
    assert body(call).keys() == {"model", "max_tokens", "messages", "output_config", "stream"}
    assert body(call)["stream"] is True


def test_a_call_by_proxy_without_beta_features_says_nothing_of_them() -> None:
    call = encode(messages(), output_config={"effort": "low"})
    assert call.headers == {**HEADERS, "accept-encoding": "gzip, deflate"}


# --- what is checked and fitted in both formats -----------------------------------------------------------------------

both_formats = pytest.mark.parametrize("route", [chat_completions(), chat_completions(is_claude=False), messages()])


@both_formats
def test_what_is_no_request_is_an_error(route: Route) -> None:
    with pytest.raises(EncodingError, match="messages is empty"):
        encode(route, messages=[])
    with pytest.raises(EncodingError, match="temperature must be a number"):
        encode(route, temperature="0.5")
    with pytest.raises(EncodingError, match="messages is empty"):
        encode_count_call({"model": "claude-sonnet-4-5", "messages": []}, route, {})


@both_formats
def test_a_tool_that_is_called_as_no_provider_takes_it_gets_a_fitting_name(route: Route) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "files.list", "arguments": "{}"}}
    tool = {"type": "function", "function": {"name": "files.list", "parameters": {"type": "object", "properties": {}}}}
    history = [HELLO, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "1", "content": ""}]
    asked = encode(route, messages=history, tools=[tool], tool_choice="files.list" if route.is_claude else "auto")
    assert b"files.list" not in asked.body
    assert asked.body.count(b"files_list") == (3 if route.is_claude else 2)
    assert asked.decoding.names == {"files_list_7e7aa135": "files.list"}
    counted: Any = {"model": "claude-sonnet-4-5", "messages": history, "tools": [tool]}
    assert b"files.list" not in encode_count_call(counted, route, {})[1]


# --- who asks ---------------------------------------------------------------------------------------------------------


def test_the_label_of_the_user_is_anthropics_user_id() -> None:
    assert body(encode(messages(), labels={USER_LABEL: "ann", "team": "search"}))["metadata"] == {"user_id": "ann"}
    assert body(encode(messages(), labels={USER_LABEL: 7}))["metadata"] == {"user_id": "7"}


@pytest.mark.parametrize(
    ("said", "user_id"),
    [({"metadata": {"user_id": "own"}}, "own"), ({"user": "own"}, "own"), ({"metadata": {}}, "ann"), ({}, "ann")],
)
def test_a_user_id_of_the_request_wins(said: dict[str, Any], user_id: str) -> None:
    assert body(encode(messages(), labels={USER_LABEL: "ann"}, **said))["metadata"] == {"user_id": user_id}


@pytest.mark.parametrize("labels", [None, {}, {"team": "search"}, {USER_LABEL: ""}])
def test_without_a_user_there_is_no_user_id(labels: Any) -> None:
    assert "metadata" not in body(encode(messages(), labels=labels))


def test_in_chat_completions_the_label_stays_a_label() -> None:
    assert body(encode(chat_completions(), labels={USER_LABEL: "ann"})).keys() == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(("keys", "told"), [(None, True), (("_user",), True), (("team",), False)])
def test_a_user_that_is_held_back_from_the_gateway_is_held_back_from_anthropic(
    keys: tuple[str, ...] | None, *, told: bool
) -> None:
    headers = {**HEADERS, "x-portkey-metadata": encode_metadata({USER_LABEL: "ann", "team": "x"}, keys) or ""}
    assert ("metadata" in body(encode(messages(), headers))) is told


# --- counting ---------------------------------------------------------------------------------------------------------


def counted(request: Any, route: Route) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(encode_count_call(request, route, {})[1]))


def test_what_is_counted_is_what_claude_receives_in_the_format_of_the_route() -> None:
    parameters = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    tool = {"type": "function", "function": {"name": "look", "parameters": parameters}}
    request: Any = {"model": "claude-sonnet-4-5", "messages": [HELLO], "tools": [tool]}
    before = copy.deepcopy(request)
    [told] = counted(request, messages())["tools"]
    [asked] = counted(request, chat_completions())["tools"]
    assert request == before
    assert told == {"name": "look", "input_schema": parameters}
    received = {"type": "object", "properties": {"a": {}}, "required": [], "$defs": {}}
    assert asked == {"name": "look", "input_schema": received}
    del request["tools"]
    assert counted(request, chat_completions()).keys() == {"model", "messages"}


def test_betas_reach_a_claude_that_a_config_falls_back_on() -> None:
    call = encode(Route(falls_on_claude=True), WITH_BETA, model="gpt-5")
    assert body(call)["anthropic_beta"] == "context-1m"
    assert BETA not in call.headers


def test_cohere_in_a_config_gets_the_limit_under_the_name_it_knows() -> None:
    config = {"targets": [{"provider": "openai"}, {"provider": "cohere"}]}
    headers = {**HEADERS, "x-portkey-config": json.dumps(config)}
    call = encode(Route(falls_on_cohere=True), headers, model="gpt-5", max_tokens=9)
    [openai, cohere] = json.loads(call.headers["x-portkey-config"])["targets"]
    assert openai == {"provider": "openai"}
    assert cohere == {"provider": "cohere", "override_params": {"max_tokens": 9}}
    assert body(call)["max_completion_tokens"] == 9


@pytest.mark.parametrize(("gateway", "in_body"), [("oss-1", True), ("hosted", False)])
def test_a_count_names_the_betas_that_an_answer_would_need(gateway: Any, in_body: bool) -> None:
    request: Any = {"model": "claude-sonnet-4-5", "messages": [HELLO], "betas": ["b", "c"]}
    headers, body = encode_count_call(request, messages(gateway=gateway), {"x-portkey-anthropic-beta": "a"})
    assert json.loads(body).get("anthropic_beta") == ("a,b,c" if in_body else None)
    assert headers.get("x-portkey-anthropic-beta") == (None if in_body else "a,b,c")


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
        "mcp_servers": [],
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sent = body(encode(route, model="claude-opus-4-6" if named_first else "gpt-5", **asked))
    assert sent["reasoning_effort"] == "high"
    assert len(caught) == (4 if named_first else 0)
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
