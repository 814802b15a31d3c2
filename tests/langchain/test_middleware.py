"""``PortkeyPromptCachingMiddleware`` in LangChain's agents."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

import portkey_langchain
from portkey_gateway import EncodingError, PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey, PortkeyPromptCachingMiddleware
from tests.langchain.graphs import TOOLS, ainvoke, invoke
from tests.support.recording import RecordingServer

Received = Callable[[], dict[str, Any]]

LONG = "This sentence stands in front of every question of the day. " * 120
QUESTION = "First tell the current time, then the weather in Paris and in London."

any_invoke = pytest.mark.parametrize("run", [invoke, ainvoke])


def agent(model: Any, **options: Any) -> Any:
    middleware = [PortkeyPromptCachingMiddleware(**options)]
    return create_agent(model, TOOLS, system_prompt=LONG, middleware=middleware)


def marks(body: Any) -> int:
    return json.dumps(body).count('"cache_control"')


def reads(told: list[Any]) -> list[int]:
    answers = [message for message in told if isinstance(message, AIMessage)]
    figures: list[Any] = [answer.usage_metadata for answer in answers]
    return [figure["input_token_details"]["cache_read"] for figure in figures]


@any_invoke
def test_every_round_reads_what_the_last_one_wrote(model: ChatPortkey, sandbox: Sandbox, run: Any) -> None:
    told = run(agent(model), QUESTION)
    first, *others = reads(told)
    assert first == 0
    assert others
    assert others[0] > 1024
    assert others == sorted(others)
    assert all(3 <= marks(request.body) <= 4 for request in sandbox.claude.requests)


def test_the_next_turn_of_a_thread_reads_the_last_one(model: ChatPortkey) -> None:
    middleware = [PortkeyPromptCachingMiddleware()]
    graph: Any = create_agent(model, system_prompt=LONG, middleware=middleware, checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    for turn in range(3):
        graph.invoke({"messages": [HumanMessage(f"And question number {turn}?")]}, thread)
    first, second, third = reads(graph.get_state(thread).values["messages"])
    assert first == 0
    assert 1024 < second < third


def test_it_streams_too(model: ChatPortkey, received: Received) -> None:
    list(agent(model).stream({"messages": [HumanMessage("Hi")]}, stream_mode="messages"))
    assert marks(received()) == 3


def test_an_hour_goes_out(server: RecordingServer) -> None:
    model = ChatPortkey(
        model="claude-sonnet-4-6", provider="anthropic", base_url=server.base_url, api_format="chat_completions"
    )
    invoke(agent(model, ttl="1h"), "Hi")
    sent = server.requests[-1].json
    assert sent["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


@pytest.mark.parametrize(("at_least", "expected"), [(2, 3), (3, 0)])
def test_short_conversations_may_be_left_alone(
    model: ChatPortkey, received: Received, at_least: int, expected: int
) -> None:
    """The question and the system message are two."""
    invoke(agent(model, min_messages_to_cache=at_least), "Hi")
    assert marks(received()) == expected


def test_it_wins_over_the_model_s_own_option(model: ChatPortkey, received: Received) -> None:
    own = model.with_options(prompt_caching={"messages": False, "system": False})
    invoke(agent(own), "Hi")
    assert marks(received()) == 3


def test_models_that_fall_back_on_one_another_are_all_asked(model: ChatPortkey, received: Received) -> None:
    falling: Any = model.with_options(model="no-such-claude").with_fallbacks([model])
    assert invoke(agent(falling), "Hi")[-1].text
    assert marks(received()) == 3


def test_a_model_with_something_bound_is_one_of_ours(model: ChatPortkey, received: Received) -> None:
    bound: Any = model.bind(temperature=0.5)
    invoke(agent(bound, unsupported_model_behavior="raise"), "Hi")
    assert marks(received()) == 3


# --- other models -----------------------------------------------------------------------------------------------------


def gpt(server: RecordingServer) -> ChatPortkey:
    return ChatPortkey(model="gpt-5", provider="openai", provider_api_key="sk-x", base_url=server.base_url)


def fake(_: RecordingServer) -> Any:
    class Fake(FakeListChatModel):
        def bind_tools(self, tools: Any, **_: Any) -> Any:
            return self.bind(tools=tools)

    return Fake(responses=["Hello."])


others = pytest.mark.parametrize(
    ("other", "says"),
    [
        pytest.param(gpt, "marks nothing for model 'gpt-5': by its name it is no Claude", id="gpt"),
        pytest.param(fake, "works with ChatPortkey only, not with Fake", id="another class"),
    ],
)


@others
def test_another_model_is_called_with_a_warning(server: RecordingServer, other: Any, says: str) -> None:
    with pytest.warns(PortkeyWarning, match=says):
        invoke(agent(other(server)), "Hi")
    assert marks([request.json for request in server.requests]) == 0


@others
def test_or_without_one(server: RecordingServer, other: Any, says: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = invoke(agent(other(server), unsupported_model_behavior="ignore"), "Hi")
    assert told[-1].text, says


@others
@any_invoke
def test_or_not_at_all(server: RecordingServer, other: Any, says: str, run: Any) -> None:
    with pytest.raises(EncodingError, match=says):
        run(agent(other(server), unsupported_model_behavior="raise"), "Hi")
    assert not server.requests


@wrap_model_call
def another_model(request: Any, handler: Any) -> Any:
    return handler(request.override(model_settings={"model": "gpt-5"}))


def test_a_model_chosen_for_the_call_counts(server: RecordingServer) -> None:
    model = ChatPortkey(model="claude-sonnet-4-6", virtual_key="of-any-provider", base_url=server.base_url)
    graph: Any = create_agent(model, middleware=[another_model, PortkeyPromptCachingMiddleware()])
    with pytest.warns(PortkeyWarning, match="marks nothing for model 'gpt-5'"):
        invoke(graph, "Hi")


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"ttl": "2h"}, "ttl"),
        ({"min_messages_to_cache": -1}, "min_messages_to_cache must be 0 or more; got -1"),
        ({"unsupported_model_behavior": "explode"}, "unsupported_model_behavior must be one of .*got 'explode'"),
    ],
)
def test_a_wrong_argument_is_named(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        PortkeyPromptCachingMiddleware(**wrong)


def test_without_langchain_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "portkey_langchain.middleware")
    monkeypatch.setitem(sys.modules, "langchain.agents.middleware", None)
    with pytest.raises(ImportError, match="PortkeyPromptCachingMiddleware is for LangChain's agents: pip install lang"):
        _ = portkey_langchain.PortkeyPromptCachingMiddleware


def test_everything_else_works_without_langchain() -> None:
    code = (
        "import sys; sys.modules['langchain'] = None\n"
        "from portkey_langchain import *\n"
        "assert ChatPortkey and 'PortkeyPromptCachingMiddleware' not in globals()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 our own words


def test_the_package_loads_agents_only_for_it() -> None:
    code = "import sys, portkey_langchain; assert 'langchain.agents' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 our own words


def test_an_unknown_name_is_none() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Middleware'"):
        exec("from portkey_langchain import Middleware", {})  # noqa: S102 a name that type checkers would refuse
