"""What only Claude has, as arguments of the constructor and of a call: it arrives, and keys in it never show."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import create_model

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call

Received = Callable[[], dict[str, Any]]
KEY = "mcp-very-secret"
SERVERS = [{"type": "url", "name": "files", "url": "https://files.example/mcp", "authorization_token": KEY}]
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "files"}
SKILLED = {"skills": [{"type": "anthropic", "skill_id": "xlsx", "version": "latest"}]}
EDITS = {"edits": [{"type": "clear_tool_uses_20250919"}]}


@pytest.fixture
def model(sandbox: Sandbox) -> ChatPortkey:
    return ChatPortkey(model=sandbox.model, max_retries=0, **sandbox.options(), api_format="messages")


def betas(sandbox: Sandbox) -> set[str]:
    told = sandbox.claude.requests[-1].headers.get("anthropic-beta", "")
    return {name.strip() for name in told.split(",")}


@any_call
@pytest.mark.parametrize("none", [[], None])
def test_no_servers_are_none(model: ChatPortkey, received: Received, ask: Ask, none: Any) -> None:
    """Anthropic refuses ``mcp_servers`` without its beta, an empty list of them, too."""
    ask(model.with_options(mcp_servers=none), "Say hello.")
    ask(model, "Say hello.", mcp_servers=none)
    assert "mcp_servers" not in received()


@any_call
@pytest.mark.parametrize(
    ("options", "arrives"),
    [
        ({"service_tier": "standard_only"}, {"service_tier": "standard_only"}),
        ({"reasoning_effort": "low"}, {"output_config": {"effort": "low"}}),
        ({"context_management": EDITS}, {"context_management": EDITS}),
    ],
)
def test_an_option_arrives(
    model: ChatPortkey, received: Received, ask: Ask, options: dict[str, Any], arrives: dict[str, Any]
) -> None:
    assert ask(model.with_options(**options), "Say hello.").text
    assert received().items() >= arrives.items()
    assert ask(model, "Say hello.", **options).text
    assert received().items() >= arrives.items()


@any_call
def test_mcp_servers_arrive_with_their_beta(model: ChatPortkey, sandbox: Sandbox, received: Received, ask: Ask) -> None:
    serving = model.with_options(mcp_servers=SERVERS).bind_tools([TOOLSET])
    ask(serving, "Say hello.")
    assert received()["mcp_servers"] == SERVERS
    assert received()["tools"] == [TOOLSET]
    assert "mcp-client-2025-11-20" in betas(sandbox)


def test_betas_of_the_model_and_those_that_are_needed(model: ChatPortkey, sandbox: Sandbox) -> None:
    model.with_options(betas=["context-1m-2025-08-07"], context_management=EDITS).invoke("Say hello.")
    assert {"context-1m-2025-08-07", "context-management-2025-06-27"} <= betas(sandbox)


@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
@any_call
def test_for_whom_a_call_is_arrives_in_a_header(
    model: ChatPortkey, sandbox: Sandbox, received: Received, ask: Ask, api_format: str
) -> None:
    """Where Anthropic reads it; also on the path that an effort takes, which needs no list of headers to pass on."""
    model = model.with_options(api_format=api_format, user_profile_id="uprof_1", forward_headers=["x-own"])
    effort = {"reasoning_effort": "low"} if api_format == "messages" else {}
    for more in ({}, {"user_profile_id": "uprof_2"}, effort):
        ask(model, "Say hello.", **more)
        told = sandbox.claude.requests[-1].headers
        assert told["anthropic-user-profile-id"] == more.get("user_profile_id", "uprof_1")
        assert "user-profiles-2026-03-24" in betas(sandbox)
        assert "user_profile_id" not in received()


def test_so_it_does_where_tokens_are_counted(model: ChatPortkey, sandbox: Sandbox) -> None:
    model.with_options(user_profile_id="uprof_1").get_num_tokens("Say hello.")
    assert sandbox.claude.requests[-1].headers["anthropic-user-profile-id"] == "uprof_1"


def test_one_that_is_no_text_is_an_error_and_an_empty_one_is_none(model: ChatPortkey, sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="user_profile_id and workspace_id must be texts; got 3"):
        model.invoke("Say hello.", user_profile_id=3)
    model.invoke("Say hello.", user_profile_id="", workspace_id="wrkspc_1")
    told = sandbox.claude.requests[-1].headers
    assert "anthropic-user-profile-id" not in told
    assert told["anthropic-workspace-id"] == "wrkspc_1"


@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
def test_lists_that_hold_nothing_are_left_out(model: ChatPortkey, received: Received, api_format: str) -> None:
    empty: dict[str, Any] = {"mcp_servers": [], "betas": [], "container": {"skills": []}, "stop": []}
    model = model.with_options(api_format=api_format)
    model.invoke("Say hello.", tools=[], context_management={"edits": []}, **empty)
    model.with_options(**empty, context_management={"edits": []}).bind_tools([]).invoke("Say hello.")
    assert {*received()} - {"system"} == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize(
    ("container", "sent"),
    [(None, "c_1"), ("c_2", "c_2"), (SKILLED, {**SKILLED, "id": "c_1"}), ({"id": "c_3"}, {"id": "c_3"})],
)
def test_the_last_container_is_used_again(model: ChatPortkey, container: Any, sent: Any) -> None:
    told = {"container": {"id": "c_1", "expires_at": "2026-11-26T00:00:00Z"}, "model_provider": "portkey"}
    history = [HumanMessage("Hi"), AIMessage("Hello.", response_metadata=told), HumanMessage("Again.")]
    again = model.with_options(reuse_last_container=True, container=container)
    assert again._get_request_payload(history)["container"] == sent
    assert model.with_options(container=container)._get_request_payload(history).get("container") == container


def test_the_payload_is_what_invoke_sends(model: ChatPortkey, received: Received) -> None:
    asked = model.bind_tools([{"type": "web_search_20250305", "name": "web_search"}])
    asked.invoke("Say hello.")
    payload = model._get_request_payload("Say hello.", tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert payload == received()


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        dumps,
        lambda model: model.model_dump_json(),
        lambda model: model.model_dump(),
        lambda model: model._get_invocation_params(),
        lambda model: model._get_llm_string(),
        lambda model: model._identifying_params,
        lambda model: repr(pickle.loads(pickle.dumps(model))),
    ],
)
@pytest.mark.parametrize("way", ["field", "model_kwargs"])
def test_a_key_of_a_server_never_shows(model: ChatPortkey, show: Callable[[ChatPortkey], Any], way: str) -> None:
    options = {"mcp_servers": SERVERS} if way == "field" else {"model_kwargs": {"mcp_servers": SERVERS}}
    assert KEY not in str(show(model.with_options(**options)))


def test_nor_in_what_a_tracer_is_told_of_a_call(model: ChatPortkey) -> None:
    assert KEY not in str(model._get_invocation_params(mcp_servers=SERVERS))


def test_a_cache_keeps_servers_and_formats_apart_and_no_key(model: ChatPortkey) -> None:
    other = [{**SERVERS[0], "url": "https://other.example/mcp"}]
    first, second = (create_model("City", **{name: (str, ...)}) for name in ("name", "river"))  # type: ignore[call-overload]
    changes: list[dict[str, Any]] = [
        {}, {"mcp_servers": SERVERS}, {"mcp_servers": other}, {"response_format": first}, {"response_format": second}
    ]  # fmt: skip
    own = [model.with_options(**change)._get_llm_string() for change in changes]
    bound = [model._get_llm_string(**change) for change in changes]
    assert len(set(own)) == len(set(bound)) == len(changes)
    assert not any(KEY in text for text in (*own, *bound))
