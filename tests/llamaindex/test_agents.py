"""LlamaIndex's agents run to their end on `Portkey`."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentStream, AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.agent.workflow.workflow_events import AgentOutput
from llama_index.core.base.llms.types import ChatMessage, DocumentBlock, ImageBlock, TextBlock, ToolCallBlock
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from tests.llamaindex.media import PDF, PDF_SOURCE, PNG, PNG_SOURCE
from tests.llamaindex.received import Received, choice
from tests.llamaindex.tree import agents_warn

pytestmark = agents_warn

streaming_or_not = pytest.mark.parametrize("streaming", [True, False])


def get_weather(city: str) -> str:
    """Get the weather in a city."""
    return f"rain in {city}"


def get_time(city: str) -> str:
    """Get the local time in a city."""
    return f"noon in {city}"


@streaming_or_not
async def test_a_function_agent_calls_a_tool_and_answers(
    llm: Portkey, memory: ChatMemoryBuffer, received: Received, streaming: bool
) -> None:
    agent = FunctionAgent(llm=llm, tools=[get_weather, get_time], streaming=streaming, system_prompt="Be brief.")
    handler = agent.run("What is the weather in Oslo?", memory=memory)
    deltas = [event.delta async for event in handler.stream_events() if isinstance(event, AgentStream)]
    output: Any = await handler
    assert isinstance(output, AgentOutput)
    assert output.response.content == "The tool get_weather returned: rain in Oslo"
    assert "".join(deltas) == (output.response.content if streaming else "")
    first, second = received.bodies
    assert second["system"] == first["system"] == [{"type": "text", "text": "Be brief."}]
    assert {tool["name"] for tool in first["tools"]} == {"get_weather", "get_time"}
    [result] = second["messages"][-1]["content"]
    assert result["type"] == "tool_result"
    assert result["tool_use_id"] == second["messages"][-2]["content"][-1]["id"]


@streaming_or_not
async def test_tools_are_called_side_by_side(
    llm: Portkey, memory: ChatMemoryBuffer, received: Received, api_format: str, streaming: bool
) -> None:
    agent = FunctionAgent(llm=llm, tools=[get_weather, get_time], streaming=streaming)
    output: Any = await agent.run("What are the weather and the local time in Oslo?", memory=memory)
    assert "rain in Oslo" in str(output)
    assert "noon in Oslo" in str(output)
    _, _, *told = received.latest["messages"]
    # Claude's own format has the results of one answer in one message.
    assert len(told) == (1 if api_format == "messages" else 2)
    results = [block for message in told for block in message["content"]]
    assert [block["type"] for block in results] == ["tool_result", "tool_result"]


@streaming_or_not
async def test_an_agent_may_call_one_tool_at_a_time(
    llm: Portkey, memory: ChatMemoryBuffer, sandbox: Sandbox, received: Received, *, api_format: str, streaming: bool
) -> None:
    both = [{"type": "tool_use", "name": name, "input": {"city": "Oslo"}} for name in ("get_weather", "get_time")]
    sandbox.claude.reply_with(*both)
    sandbox.claude.reply_with("Done.")
    tools = [get_weather, get_time]
    agent = FunctionAgent(llm=llm, tools=tools, streaming=streaming, allow_parallel_tool_calls=False)
    assert str(await agent.run("Weather and time in Oslo?", memory=memory)) == "Done."
    assert len(received.content) == 1
    assert [body["tool_choice"] for body in received.bodies] == [choice("auto", api_format)] * 2


@streaming_or_not
async def test_an_agent_never_runs_a_call_that_max_tokens_cut(
    llm: Portkey, memory: ChatMemoryBuffer, streaming: bool
) -> None:
    deleted: list[str] = []

    def delete(path: str = "/") -> str:
        """Delete a file."""
        deleted.append(path)
        return f"deleted {path}"

    brief = llm.with_options(max_tokens=12)
    agent = FunctionAgent(llm=brief, tools=[delete], streaming=streaming)
    with pytest.raises(ValueError, match="'delete' was cut off, by max_tokens"):
        await agent.run("Please delete the file a/name.txt", memory=memory)
    assert deleted == []


async def test_an_agent_that_thinks_replays_its_thoughts(
    llm: Portkey, memory: ChatMemoryBuffer, received: Received
) -> None:
    thinking = llm.with_options(thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000)
    handler = FunctionAgent(llm=thinking, tools=[get_weather]).run("What is the weather in Oslo?", memory=memory)
    thoughts = [event.thinking_delta or "" async for event in handler.stream_events() if isinstance(event, AgentStream)]
    await handler
    replayed = received.latest["messages"][-2]["content"]
    assert [block["type"] for block in replayed] == ["thinking", "tool_use"]
    assert replayed[0]["signature"]
    assert "".join(thoughts).startswith(replayed[0]["thinking"])


async def test_an_agent_sees_what_its_tool_shows(llm: Portkey, memory: ChatMemoryBuffer, received: Received) -> None:
    def show_map(place: str) -> list[TextBlock | ImageBlock | DocumentBlock]:
        """Show the map of a place."""
        return [TextBlock(text=f"Map of {place}"), ImageBlock(image=PNG), DocumentBlock(data=PDF)]

    output = await FunctionAgent(llm=llm, tools=[FunctionTool.from_defaults(show_map)]).run(
        "Show the map of Oslo", memory=memory
    )
    assert "PNG image, 8 x 6 pixels" in str(output)
    [result] = received.content
    sources = [block.get("source") for block in result["content"]]
    assert sources == [None, PNG_SOURCE, PDF_SOURCE]


async def test_an_agent_answers_with_an_object(llm: Portkey, memory: ChatMemoryBuffer) -> None:
    class Forecast(BaseModel):
        """A forecast."""

        city: str
        weather: str

    agent = FunctionAgent(llm=llm, tools=[get_weather], output_cls=Forecast)
    output: Any = await agent.run("What is the weather in Oslo?", memory=memory)
    assert output.get_pydantic_model(Forecast).city == "Oslo"


@streaming_or_not
async def test_an_agent_that_thinks_answers_with_an_object(
    llm: Portkey, memory: ChatMemoryBuffer, received: Received, *, api_format: str, streaming: bool
) -> None:
    class Forecast(BaseModel):
        """A forecast."""

        city: str

    thinking = llm.with_options(thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000)
    agent = FunctionAgent(llm=thinking, tools=[get_weather], output_cls=Forecast, streaming=streaming)
    output: Any = await agent.run("What is the weather in Oslo?", memory=memory)
    assert output.get_pydantic_model(Forecast).city == "Oslo"
    assert "tools" not in received.latest
    assert ("output_config" in received.latest) == (api_format == "messages")


@streaming_or_not
async def test_an_agent_runs_tools_whose_names_no_provider_takes(
    llm: Portkey, memory: ChatMemoryBuffer, received: Received, streaming: bool
) -> None:
    tools = [
        FunctionTool.from_defaults(get_weather, name="weather.get"),
        FunctionTool.from_defaults(get_time, name="time.get" + "_local" * 20),
    ]
    agent = FunctionAgent(llm=llm, tools=tools, streaming=streaming)
    output: Any = await agent.run("What are the weather and the local time in Oslo?", memory=memory)
    assert "rain in Oslo" in str(output)
    assert "noon in Oslo" in str(output)
    assert {call.tool_name for call in output.tool_calls} == {tool.metadata.name for tool in tools}
    names = {tool["name"] for tool in received.latest["tools"]}
    replayed = [block["name"] for block in received.latest["messages"][1]["content"] if block["type"] == "tool_use"]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    assert set(replayed) == names
    blocks = [block for message in memory.get() for block in message.blocks]
    assert "weather.get" in [block.tool_name for block in blocks if isinstance(block, ToolCallBlock)]


async def test_what_an_agent_remembers_tells_its_calls_once(llm: Portkey, memory: ChatMemoryBuffer) -> None:
    await FunctionAgent(llm=llm, tools=[get_weather]).run("What is the weather in Oslo?", memory=memory)
    assert not any("tool_calls" in message.additional_kwargs for message in memory.get())


async def test_an_agent_remembers(llm: Portkey, memory: ChatMemoryBuffer) -> None:
    agent = FunctionAgent(llm=llm, tools=[get_weather])
    await agent.run("My name is Ada.", memory=memory)
    assert "Ada" in str(await agent.run("What is my name?", memory=memory))


async def test_agents_hand_over(llm: Portkey, memory: ChatMemoryBuffer, sandbox: Sandbox, received: Received) -> None:
    handover = {"type": "tool_use", "name": "handoff", "input": {"to_agent": "clock", "reason": "It knows the time."}}
    sandbox.claude.reply_with(handover)
    sandbox.claude.reply_with({"type": "tool_use", "name": "get_time", "input": {"city": "Oslo"}})
    weather = FunctionAgent(name="weather", description="Knows the weather.", llm=llm, tools=[get_weather])
    clock = FunctionAgent(name="clock", description="Knows the time.", llm=llm, tools=[get_time])
    workflow = AgentWorkflow(agents=[weather, clock], root_agent="weather")
    output: Any = await workflow.run("What is the local time in Oslo?", memory=memory)
    assert "noon in Oslo" in str(output)
    assert output.current_agent_name == "clock"
    assert "handoff" in {tool["name"] for tool in received.bodies[0]["tools"]}
    assert len(received.bodies) == 3


@streaming_or_not
async def test_a_react_agent_thinks_in_words(
    llm: Portkey, memory: ChatMemoryBuffer, sandbox: Sandbox, received: Received, streaming: bool
) -> None:
    action = json.dumps({"city": "Oslo"})
    sandbox.claude.reply_with(f"Thought: I need a tool.\nAction: get_weather\nAction Input: {action}")
    sandbox.claude.reply_with("Thought: I can answer without using any more tools.\nAnswer: It rains in Oslo.")
    output = await ReActAgent(llm=llm, tools=[get_weather], streaming=streaming).run(
        "What is the weather in Oslo?", memory=memory
    )
    assert str(output) == "It rains in Oslo."
    assert "Observation: rain in Oslo" in json.dumps(received.latest["messages"])
    assert "tools" not in received.latest


async def test_an_agent_that_is_given_up_stops(llm: Portkey, memory: ChatMemoryBuffer, received: Received) -> None:
    handler = FunctionAgent(llm=llm, tools=[get_weather]).run("Tell a story about a dog", memory=memory)
    async for event in handler.stream_events():
        if isinstance(event, AgentStream):
            break
    await handler.cancel_run()
    assert len(received.bodies) == 1


async def test_history_of_an_agent_is_plain_messages(llm: Portkey, memory: ChatMemoryBuffer) -> None:
    history = [ChatMessage("My favourite city is Oslo."), ChatMessage(role="assistant", content="Noted.")]
    output = await FunctionAgent(llm=llm, tools=[]).run(
        "What is my favourite city?", memory=memory, chat_history=history
    )
    assert "Oslo" in str(output)
