"""One call, encoded: its path, which headers travel, where beta features are told, and who asks."""

from __future__ import annotations

import copy
import json
from typing import Any, cast

import pytest

from portkey_gateway.caching.plan import PromptCaching
from portkey_gateway.calls import USER_LABEL, encode_count_call
from portkey_gateway.chat_completions.stream import DECODING as CHAT_COMPLETIONS
from portkey_gateway.conversation.claude import DEFAULT_MAX_TOKENS
from portkey_gateway.errors import EncodingError
from portkey_gateway.messages.stream import DECODING as MESSAGES
from portkey_gateway.routing import Gateway, Route
from portkey_gateway.tracing.context import encode_metadata
from tests.core.encoded import (
    BETA,
    BETAS_IN_THE_BODY,
    HEADERS,
    HELLO,
    OPEN_SOURCE,
    WITH_BETA,
    body,
    chat_completions,
    encode,
    messages,
)

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
    assert second == {"provider": "anthropic", "override_params": {"max_completion_tokens": DEFAULT_MAX_TOKENS}}


def test_the_limit_of_that_claude_holds_what_it_may_think() -> None:
    headers = {**HEADERS, "x-portkey-config": json.dumps(FALLBACK)}
    thinking = {"type": "enabled", "budget_tokens": 5000}
    asked: dict[str, Any] = {"model": "gpt-5", "max_tokens": None, "thinking": thinking}
    _, claude = json.loads(encode(Route(falls_on_claude=True), headers, **asked).headers["x-portkey-config"])["targets"]
    assert claude["override_params"] == {"max_completion_tokens": DEFAULT_MAX_TOKENS + 5000}


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


def test_in_chat_completions_the_label_is_told_to_anthropic_alone() -> None:
    assert body(encode(chat_completions(), labels={USER_LABEL: "ann"}))["user"] == "ann"
    for route in (Route(is_claude=True), chat_completions(is_claude=False)):
        assert "user" not in body(encode(route, labels={USER_LABEL: "ann"}))


def test_a_user_that_the_request_names_is_told_in_its_place() -> None:
    sent = body(encode(chat_completions(), labels={USER_LABEL: "ann"}, user="eve"))
    assert sent["user"] == "eve"


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


def test_a_saved_config_that_falls_back_on_a_claude_gets_the_limit_in_the_request() -> None:
    headers = {**HEADERS, "x-portkey-config": "pc-main-1a2b"}
    route = Route(falls_on_claude=True, is_mixed=True)
    call = encode(route, headers, model="gpt-5", max_tokens=None)
    assert call.headers == headers
    assert body(call)["max_completion_tokens"] == DEFAULT_MAX_TOKENS
    assert body(encode(route, headers, model="gpt-5", max_tokens=9))["max_completion_tokens"] == 9


@pytest.mark.parametrize(("gateway", "in_body"), [("oss-1", True), ("hosted", False)])
def test_a_count_names_the_betas_that_an_answer_would_need(gateway: Any, in_body: bool) -> None:
    request: Any = {"model": "claude-sonnet-4-5", "messages": [HELLO], "betas": ["b", "c"]}
    headers, body = encode_count_call(request, messages(gateway=gateway), {"x-portkey-anthropic-beta": "a"})
    assert json.loads(body).get("anthropic_beta") == ("a,b,c" if in_body else None)
    assert headers.get("x-portkey-anthropic-beta") == (None if in_body else "a,b,c")
