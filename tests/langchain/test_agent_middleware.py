"""Every middleware of ``langchain.agents.middleware`` in an agent of ChatPortkey, through the real gateway.

``ProviderToolSearchMiddleware`` and ``ModelFallbackMiddleware`` stand in ``test_provider_names``, since what they do
hangs on a name; what only newer versions of LangChain have stands in ``tests/ecosystem``, where this runs as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent, middleware
from langchain.agents.middleware import (
    ClearToolUsesEdit,
    ContextEditingMiddleware,
    FilesystemFileSearchMiddleware,
    HumanInTheLoopMiddleware,
    LLMToolEmulator,
    LLMToolSelectorMiddleware,
    ModelCallLimitMiddleware,
    ModelRetryMiddleware,
    PIIMiddleware,
    ShellToolMiddleware,
    SummarizationMiddleware,
    TodoListMiddleware,
    ToolCallLimitMiddleware,
    ToolErrorMiddleware,
    ToolRetryMiddleware,
)
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.graphs import TOOLS, Run, ainvoke, amessages, invoke, messages

Received = Callable[[], dict[str, Any]]

QUESTION = "First tell the current time, then the weather in Paris."
ELSEWHERE = {
    "PortkeyPromptCachingMiddleware",
    "ProviderToolSearchMiddleware",
    "ModelFallbackMiddleware",
    "AgentMiddleware",
    "ModelRefusalMiddleware",
    "AutoModeMiddleware",
    "ModelRouterMiddleware",
}

any_run = pytest.mark.parametrize("run", [invoke, ainvoke, messages, amessages])


@tool
def fail(reason: str) -> str:
    """Fail for a reason."""
    raise ValueError(reason)


def use(name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": given}


def test_none_is_forgotten() -> None:
    told = {name for name in middleware.__all__ if name.endswith("Middleware") or name == "LLMToolEmulator"}
    assert told - ELSEWHERE <= set(globals())


def history(*, rounds: int) -> list[Any]:
    """Questions with tools, whose results are long."""
    told: list[Any] = []
    for number in range(rounds):
        call = {"name": "now", "args": {}, "id": f"call_{number}"}
        told += [HumanMessage(f"Time {number}?"), AIMessage("", tool_calls=[call])]
        told += [ToolMessage("noon " * 200, tool_call_id=f"call_{number}"), AIMessage(f"Noon {number}.")]
    return told


@pytest.mark.parametrize("is_async", [False, True])
def test_a_long_conversation_is_summed_up(
    model: ChatPortkey, sandbox: Sandbox, received: Received, *, is_async: bool
) -> None:
    summing = SummarizationMiddleware(model, trigger=("fraction", 0.001), keep=("messages", 2))
    agent: Any = create_agent(model, TOOLS, middleware=[summing])
    given = {"messages": [*history(rounds=8), HumanMessage("Say exactly: a")]}
    told = (asyncio.run(agent.ainvoke(given)) if is_async else agent.invoke(given))["messages"]
    assert told[0].text.startswith("Here is a summary of the conversation")
    assert told[-1].text == "a"
    assert len(sandbox.claude.requests) == 2
    assert len(received()["messages"]) <= 3


@any_run
def test_a_model_selects_the_tools(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.reply_with(use("ToolSelectionResponse", tools=["now"]), match="ToolSelectionResponse", times=2)
    selecting = LLMToolSelectorMiddleware(model=model, max_tools=1)
    told = run(create_agent(model, TOOLS, middleware=[selecting]), "Tell the current time with the tool now.")
    assert "noon" in told[-1].text
    asked = [request.body for request in sandbox.claude.requests]
    offered = [[each["name"] for each in body.get("tools", ())] for body in asked]
    assert offered[-1] == ["now"]


@any_run
def test_a_model_plays_the_tools(model: ChatPortkey, run: Run) -> None:
    playing = LLMToolEmulator(tools=["get_weather"], model=model)
    told = run(create_agent(model, TOOLS, middleware=[playing]), "What is the weather in Paris?")
    [result] = [message for message in told if isinstance(message, ToolMessage)]
    assert result.text
    assert "sunny" not in result.text


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("counted_by", ["approximate", "model"])
def test_old_results_are_cleared(model: ChatPortkey, received: Received, counted_by: Any, *, is_async: bool) -> None:
    editing = ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=1000, keep=1)], token_count_method=counted_by)
    agent: Any = create_agent(model, TOOLS, middleware=[editing])
    given = {"messages": [*history(rounds=6), HumanMessage("Say exactly: a")]}
    told = asyncio.run(agent.ainvoke(given)) if is_async else agent.invoke(given)
    assert told["messages"][-1].text == "a"
    results = [str(block) for each in received()["messages"] if each["role"] == "user" for block in each["content"]]
    assert sum("[cleared]" in result for result in results) == 5
    assert sum("noon noon" in result for result in results) == 1


def test_a_human_is_asked_first(model: ChatPortkey) -> None:
    asking = HumanInTheLoopMiddleware(interrupt_on={"get_weather": True})
    agent: Any = create_agent(model, TOOLS, middleware=[asking], checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    stopped = agent.invoke({"messages": [HumanMessage("What is the weather in Paris?")]}, thread)
    [request] = stopped["__interrupt__"][0].value["action_requests"]
    assert (request["name"], request["args"]) == ("get_weather", {"city": "Paris"})
    edited = {"name": "get_weather", "args": {"city": "Oslo"}}
    decision: Command[Any] = Command(resume={"decisions": [{"type": "edit", "edited_action": edited}]})
    told = agent.invoke(decision, thread)["messages"]
    assert "sunny in Oslo" in told[-1].text


@any_run
def test_calls_of_the_model_are_limited(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    told = run(create_agent(model, TOOLS, middleware=[ModelCallLimitMiddleware(run_limit=1)]), QUESTION)
    assert len(sandbox.claude.requests) == 1
    assert "limit" in told[-1].text


@any_run
def test_calls_of_tools_are_limited(model: ChatPortkey, run: Run) -> None:
    told = run(create_agent(model, TOOLS, middleware=[ToolCallLimitMiddleware(run_limit=1)]), QUESTION)
    results = [message for message in told if isinstance(message, ToolMessage)]
    assert [result.status for result in results] == ["success", "error"]
    assert isinstance(told[-1], AIMessage)


@any_run
def test_a_failed_call_is_tried_again(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.inject(Fault("status", status=529))
    trying = ModelRetryMiddleware(max_retries=1, initial_delay=0.0, jitter=False)
    told = run(create_agent(model, TOOLS, middleware=[trying]), "Say exactly: a")
    assert told[-1].text == "a"
    assert len(sandbox.claude.requests) == 2


@any_run
def test_what_is_private_does_not_reach_claude(model: ChatPortkey, received: Received, run: Run) -> None:
    hiding = PIIMiddleware("email", strategy="redact")
    run(create_agent(model, TOOLS, middleware=[hiding]), "Write to ada@example.org")
    assert "ada@" not in str(received())
    assert "[REDACTED_EMAIL]" in str(received())


@any_run
def test_plans_are_kept(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.reply_with(use("write_todos", todos=[{"content": "Ask", "status": "pending"}]))
    told = run(create_agent(model, TOOLS, middleware=[TodoListMiddleware()]), "Plan it.")
    assert any(isinstance(message, ToolMessage) and "Ask" in message.text for message in told)
    assert isinstance(told[-1], AIMessage)


@any_run
def test_a_tool_that_fails_is_told(model: ChatPortkey, sandbox: Sandbox, received: Received, run: Run) -> None:
    sandbox.claude.reply_with(use("fail", reason="rain"))
    telling = ToolErrorMiddleware(lambda error, *_: f"It failed: {error}")
    told = run(create_agent(model, [fail], middleware=[telling]), "Do it.")
    assert isinstance(told[-1], AIMessage)
    assert "It failed: rain" in str(received())


@any_run
def test_a_tool_that_fails_is_tried_again(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.reply_with(use("fail", reason="rain"))
    trying = ToolRetryMiddleware(max_retries=1, initial_delay=0.0, jitter=False)
    told = run(create_agent(model, [fail], middleware=[trying]), "Do it.")
    [result] = [message for message in told if isinstance(message, ToolMessage)]
    assert "2 attempts" in result.text
    assert isinstance(told[-1], AIMessage)


# LangChain's shell leaves its pipes for Python to close.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@any_run
def test_a_shell_runs_what_claude_wants(model: ChatPortkey, sandbox: Sandbox, tmp_path: Path, run: Run) -> None:
    sandbox.claude.reply_with(use("shell", command="echo $((40 + 2))"))
    told = run(create_agent(model, middleware=[ShellToolMiddleware(workspace_root=tmp_path)]), "Compute.")
    [result] = [message for message in told if isinstance(message, ToolMessage)]
    assert result.text.strip() == "42"


@any_run
def test_files_are_searched(model: ChatPortkey, sandbox: Sandbox, tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.py").write_text("needle = 1\n")
    sandbox.claude.reply_with(use("glob_search", pattern="*.py"))
    searching = FilesystemFileSearchMiddleware(root_path=str(tmp_path), use_ripgrep=False)
    told = run(create_agent(model, middleware=[searching]), "Look.")
    [result] = [message for message in told if isinstance(message, ToolMessage)]
    assert "/a.py" in result.text
