"""What LangChain decides by the provider's name: prices, tool search, cache marks of a fallback, when to sum up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ProviderToolSearchMiddleware, SummarizationMiddleware
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.langchain.graphs import TOOLS, Run, ainvoke, amessages, invoke, messages

Received = Callable[[], dict[str, Any]]

CLAUDE: dict[str, Any] = {"model": "claude-sonnet-4-6", "provider": "anthropic"}
CATALOG: dict[str, Any] = {"model": "@anthropic-prod/claude-sonnet-4-6"}
TO_CLAUDE: dict[str, Any] = {"config": {"targets": [{"provider": "anthropic"}, {"provider": "bedrock"}]}}
GPT_TARGET: dict[str, Any] = {"provider": "openai", "override_params": {"model": "gpt-5"}}
EITHER: dict[str, Any] = {"config": {"targets": [{"provider": "anthropic"}, GPT_TARGET]}}
GPT: dict[str, Any] = {"model": "gpt-5", "provider": "openai"}
NAME = "claude-sonnet-4-6"

any_run = pytest.mark.parametrize("run", [invoke, ainvoke, messages, amessages])


class Listener(BaseCallbackHandler):
    """Notes the metadata of a model's run, as LangSmith gets it."""

    run_inline = True

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}

    def on_chat_model_start(self, *_: Any, metadata: dict[str, Any] | None = None, **__: Any) -> None:
        self.metadata = metadata or {}


def elsewhere(**options: Any) -> ChatPortkey:
    return ChatPortkey(**{"api_key": "pk-x", "base_url": "http://127.0.0.1:9/v1", **options})


@pytest.mark.parametrize(
    ("options", "is_surely_claude"),
    [
        pytest.param(CLAUDE, True, id="by provider"),
        pytest.param(CATALOG, True, id="by the catalog"),
        pytest.param({"model": NAME, **TO_CLAUDE}, True, id="by a config that is known"),
        pytest.param(
            {"model": NAME, "config": "pc-1", "config_targets": ["anthropic"]}, True, id="by one that is told"
        ),
        pytest.param({"model": NAME, "config": "pc-1"}, False, id="not by a config of which nothing is known"),
        pytest.param({"model": NAME, **EITHER}, False, id="not where another model may answer"),
        pytest.param(GPT, False, id="not by another model"),
    ],
)
def test_a_claude_has_anthropic_s_name_where_surely_it_answers(options: dict[str, Any], is_surely_claude: bool) -> None:
    model = elsewhere(**options)
    told: dict[str, Any] = {**model._get_ls_params_with_defaults()}
    assert told["ls_gateway"] == "portkey"
    assert (told["ls_provider"] == "anthropic") is is_surely_claude
    assert told["ls_model_name"] == (NAME if is_surely_claude else options["model"])
    assert model._llm_type == ("anthropic-chat" if is_surely_claude else "portkey-chat")
    # LangChain compares it with the provider that our messages name.
    assert model._get_ls_params().get("ls_provider") == "portkey"


@any_call
def test_a_run_tells_langsmith_who_has_a_price(model: ChatPortkey, ask: Ask) -> None:
    listener = Listener()
    ask(model, "Hi", config={"callbacks": [listener]}, model="claude-haiku-4-5")
    told = {name: value for name, value in listener.metadata.items() if name.startswith("ls_")}
    assert told["ls_provider"] == "anthropic"
    assert told["ls_model_name"] == "claude-haiku-4-5"
    assert told["ls_gateway"] == "portkey"


@any_run
def test_tool_search_finds_a_deferred_tool(model: ChatPortkey, received: Received, run: Run) -> None:
    agent = create_agent(model, TOOLS, middleware=[ProviderToolSearchMiddleware(searchable_tools=["get_weather"])])
    told = run(agent, "Search the tools for one, and get the weather in Paris.")
    assert "sunny in Paris" in told[-1].text
    tools = {tool["name"]: tool for tool in received()["tools"]}
    assert tools["get_weather"]["defer_loading"] is True
    assert "defer_loading" not in tools["now"]
    assert tools["tool_search_tool_bm25"]["type"] == "tool_search_tool_bm25_20251119"


def test_tool_search_is_refused_where_no_claude_is_sure() -> None:
    agent: Any = create_agent(
        elsewhere(**GPT), TOOLS, middleware=[ProviderToolSearchMiddleware(searchable_tools=["now"])]
    )
    with pytest.raises(ValueError, match="requires a provider with server-side tool search, but got 'portkey'"):
        agent.invoke({"messages": [HumanMessage("What time is it?")]})


MARKED = SystemMessage([{"type": "text", "text": "Be brief. " * 10, "cache_control": {"type": "ephemeral"}}])


@any_run
def test_a_fallback_to_a_claude_keeps_its_cache_marks(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.inject(Fault("status", status=529, match="claude-haiku-4-5"))
    first = model.with_options(model="claude-haiku-4-5")
    agent = create_agent(first, TOOLS, system_prompt=MARKED, middleware=[ModelFallbackMiddleware(model)])
    assert run(agent, "Say exactly: a")[-1].text == "a"
    failed, answered = [request.body for request in sandbox.claude.requests]
    assert failed["model"] == "claude-haiku-4-5"
    assert answered["model"] == sandbox.model
    assert json.dumps(answered["system"]).count("cache_control") == 1


def test_a_fallback_to_another_model_loses_them(portkey_sandbox_with_openai: Sandbox) -> None:
    sandbox = portkey_sandbox_with_openai
    sandbox.claude.clear()
    sandbox.openai.clear()
    sandbox.claude.inject(Fault("status", status=529))
    claude = ChatPortkey(model=sandbox.model, max_retries=0, **sandbox.options())
    gpt = ChatPortkey(model="gpt-4o", max_retries=0, **sandbox.options("openai"))
    agent = create_agent(claude, TOOLS, system_prompt=MARKED, middleware=[ModelFallbackMiddleware(gpt)])
    assert invoke(agent, "Say exactly: a")[-1].text == "a"
    assert "cache_control" not in json.dumps(sandbox.openai.requests[-1].body)


def test_what_an_answer_cost_tells_when_to_sum_up(model: ChatPortkey, sandbox: Sandbox) -> None:
    """LangChain trusts figures only of the provider it asked."""
    sandbox.claude.reply_with("Hello.", usage={"input_tokens": 9000})
    history: list[Any] = [HumanMessage("Hi")]
    history = [*history, model.invoke(history), HumanMessage("Say exactly: a")]
    agent: Any = create_agent(
        model, middleware=[SummarizationMiddleware(model, trigger=("tokens", 8000), keep=("messages", 1))]
    )
    told = agent.invoke({"messages": history})["messages"]
    assert "summary" in told[0].text
    assert isinstance(told[-1], AIMessage)
    assert len(sandbox.claude.requests) == 3
