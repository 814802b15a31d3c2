"""langchain-anthropic's middleware for tools that Claude knows and the client runs, with ChatPortkey in its place.

Bash, memory, text editor and file search ask for no class of model; its prompt caching does, and ours takes its place.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.graphs import Run, ainvoke, amessages, invoke, messages

THEIRS: Final[Any] = import_module("langchain_anthropic.middleware")
EDITOR: Final = "str_replace_based_edit_tool"
BASH: Final = {"type": "bash_20250124", "name": "bash"}

# LangChain's shell leaves its pipes for Python to close.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

any_run = pytest.mark.parametrize("run", [invoke, ainvoke, messages, amessages])


def use(name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": given}


def offered(sandbox: Sandbox) -> list[dict[str, Any]]:
    body: Any = sandbox.claude.requests[-1].body
    tools: list[dict[str, Any]] = body["tools"]
    return tools


def results(told: list[Any]) -> list[str]:
    return [message.text.strip() for message in told if isinstance(message, ToolMessage)]


@any_run
def test_bash(model: ChatPortkey, sandbox: Sandbox, tmp_path: Path, run: Run) -> None:
    sandbox.claude.reply_with(use("bash", command="echo $((40 + 2)) > answer; cat answer"))
    middleware = [THEIRS.ClaudeBashToolMiddleware(workspace_root=str(tmp_path))]
    told = run(create_agent(model, middleware=middleware), "Compute.")
    assert results(told) == ["42"]
    assert offered(sandbox) == [BASH]
    assert (tmp_path / "answer").read_text() == "42\n"
    assert "42" in told[-1].text


@any_run
def test_the_text_editor_on_files(model: ChatPortkey, sandbox: Sandbox, tmp_path: Path, run: Run) -> None:
    sandbox.claude.reply_with(use(EDITOR, command="create", path="/a.txt", file_text="one two"))
    sandbox.claude.reply_with(use(EDITOR, command="str_replace", path="/a.txt", old_str="two", new_str="three"))
    sandbox.claude.reply_with(use(EDITOR, command="view", path="/a.txt"))
    middleware = [THEIRS.FilesystemClaudeTextEditorMiddleware(root_path=str(tmp_path))]
    told = run(create_agent(model, middleware=middleware), "Edit it.")
    assert (tmp_path / "a.txt").read_text().strip() == "one three"
    assert "one three" in results(told)[-1]
    assert offered(sandbox) == [{"type": "text_editor_20250728", "name": EDITOR}]


@any_run
def test_the_memory_on_files(model: ChatPortkey, sandbox: Sandbox, tmp_path: Path, run: Run) -> None:
    sandbox.claude.reply_with(use("memory", command="create", path="/memories/a.txt", file_text="Ada likes tea."))
    sandbox.claude.reply_with(use("memory", command="view", path="/memories/a.txt"))
    middleware = [THEIRS.FilesystemClaudeMemoryMiddleware(root_path=str(tmp_path))]
    told = run(create_agent(model, middleware=middleware), "Remember it.")
    assert "Ada likes tea." in results(told)[-1]
    assert offered(sandbox) == [{"type": "memory_20250818", "name": "memory"}]
    body: Any = sandbox.claude.requests[-1].body
    assert "MEMORY" in str(body["system"])


def test_editor_memory_and_search_in_the_state_of_the_agent(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.reply_with(use(EDITOR, command="create", path="/project/a.py", file_text="needle = 1"))
    sandbox.claude.reply_with(use("memory", command="create", path="/memories/b.txt", file_text="tea"))
    sandbox.claude.reply_with(use("glob_search", pattern="**/*.py"), use("grep_search", pattern="needle"))
    middleware = [
        THEIRS.StateClaudeTextEditorMiddleware(),
        THEIRS.StateClaudeMemoryMiddleware(),
        THEIRS.StateFileSearchMiddleware(),
    ]
    agent: Any = create_agent(model, middleware=middleware)
    state = agent.invoke({"messages": [HumanMessage("Do it all.")]})
    assert state["text_editor_files"]["/project/a.py"]["content"] == ["needle = 1"]
    assert state["memory_files"]["/memories/b.txt"]["content"] == ["tea"]
    assert [("/project/a.py" in found) for found in results(state["messages"])[2:]] == [True, True]
    assert {tool["name"] for tool in offered(sandbox)} == {EDITOR, "memory", "glob_search", "grep_search"}
