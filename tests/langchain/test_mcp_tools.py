"""Tools of an MCP server, by ``langchain-mcp-adapters``, in agents of ChatPortkey."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.shared.memory import create_connected_server_and_client_session

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import total
from tests.langchain.mcp_server import server

Received = Callable[[], dict[str, Any]]


@asynccontextmanager
async def mcp_agent(model: Any) -> AsyncIterator[Any]:
    """An agent whose tools are those of a server in this process."""
    async with create_connected_server_and_client_session(server._mcp_server) as session:
        yield create_agent(model, await load_mcp_tools(session))


def ask(text: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_tool_of_any_name_is_called(model: ChatPortkey, received: Received, *, is_streamed: bool) -> None:
    """``weather.get`` is a name that Anthropic refuses: it is fitted on the wire, and found again."""
    async with mcp_agent(model) as agent:
        question = ask("What is the weather in Paris?")
        if is_streamed:
            told = [message async for message, _ in agent.astream(question, stream_mode="messages")]
            last = total([part for part in told if isinstance(part, AIMessageChunk) and part.id == told[-1].id])
        else:
            last = (await agent.ainvoke(question))["messages"][-1]
    assert "sunny in Paris" in last.text
    assert all("." not in each["name"] for each in received()["tools"])


async def test_claude_sees_the_image_of_a_tool(model: ChatPortkey, sandbox: Sandbox, received: Received) -> None:
    sandbox.claude.reply_with({"type": "tool_use", "name": "draw_map", "input": {"region": "Kiel"}})
    async with mcp_agent(model) as agent:
        told = await agent.ainvoke(ask("Show it."))
    [result] = received()["messages"][-1]["content"]
    assert [block["type"] for block in result["content"]] == ["text", "image"]
    assert "image" in told["messages"][-1].text


async def test_claude_hears_that_a_tool_failed(model: ChatPortkey, sandbox: Sandbox, received: Received) -> None:
    sandbox.claude.reply_with({"type": "tool_use", "name": "fail", "input": {"reason": "rain"}})
    async with mcp_agent(model) as agent:
        told = await agent.ainvoke(ask("Do it."))
    [result] = [message for message in told["messages"] if isinstance(message, ToolMessage)]
    assert result.status == "error"
    assert "rain" in str(received()["messages"][-1])


async def test_a_server_of_its_own_process(model: ChatPortkey) -> None:
    here = Path(__file__).parents[2]
    started = {
        "transport": "stdio",
        "command": sys.executable,
        "args": ["-m", "tests.langchain.mcp_server"],
        "cwd": str(here),
    }
    servers: Any = {"weather": started}
    agent: Any = create_agent(model, await MultiServerMCPClient(servers).get_tools())
    told = await agent.ainvoke(ask("What is the weather in Oslo?"))
    assert "sunny in Oslo" in told["messages"][-1].text
