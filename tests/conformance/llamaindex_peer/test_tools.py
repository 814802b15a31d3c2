"""Rows of docs/parity.md on `Anthropic` of llama-index-llms-anthropic: tools, structured output, agents."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from llama_index.core.agent import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.selectors import PydanticSingleSelector
from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from tests.conformance.llamaindex_peer.conftest import SDK, llm
from tests.support.place import Provider

THINKING = {"type": "enabled", "budget_tokens": 1024}
QUESTION = PromptTemplate("Which city is in the text? name: Kiel")


class City(BaseModel):
    """A city."""

    name: str


def look(at: str = "here") -> str:
    """Look somewhere."""
    return f"dark at {at}"


LOOK = FunctionTool.from_defaults(look)


def called(**given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": "look", "input": given}


def test_a_name_with_a_dot_is_refused(claude: Provider) -> None:
    with pytest.raises(SDK.BadRequestError, match="pattern"):
        llm(claude).chat_with_tools([FunctionTool.from_defaults(look, name="files.list")], "Hi")


@pytest.mark.parametrize(("thinking", "kind"), [(None, "any"), (THINKING, "auto")])
def test_a_tool_is_required_but_not_while_claude_thinks(claude: Provider, thinking: Any, kind: str) -> None:
    made = llm(claude, thinking_dict=thinking, max_tokens=2000)
    made.chat_with_tools([LOOK], "Hi", tool_required=True)
    assert claude.bodies()[-1]["tool_choice"] == {"type": kind, "disable_parallel_tool_use": True}


def test_one_call_alone_is_asked_for_and_several_where_allowed(claude: Provider) -> None:
    claude.reply_with(called(at="a"), called(at="b"))
    made = llm(claude)
    answer = made.chat_with_tools([LOOK], "Hi", allow_parallel_tool_calls=True)
    assert claude.bodies()[-1]["tool_choice"]["disable_parallel_tool_use"] is False
    assert len(made.get_tool_calls_from_response(answer)) == 2


def test_a_call_that_max_tokens_cut_is_run_with_defaults(claude: Provider) -> None:
    claude.reply_with(called(), stop_reason="max_tokens")
    agent = FunctionAgent(tools=[LOOK], llm=llm(claude), streaming=False)
    assert asyncio.run(_run(agent)).tool_calls[0].tool_output.content == "dark at here"


async def _run(agent: Any) -> Any:
    return await agent.run("Hi")


def test_newer_claudes_are_bound_to_the_schema_without_the_model_s_own_parameters(claude: Provider) -> None:
    claude.reply_with('{"name": "Kiel"}')
    made = llm(claude, max_tokens=99, thinking_dict=THINKING, temperature=0.5)
    assert made.structured_predict(City, QUESTION) == City(name="Kiel")
    [body] = claude.bodies()
    assert (body["max_tokens"], "thinking" in body, "temperature" in body) == (8192, False, False)
    assert "tools" not in body


def test_streamed_there_is_one_whole_object_and_a_warning(claude: Provider, caplog: pytest.LogCaptureFixture) -> None:
    claude.reply_with('{"name": "Kiel"}')
    with caplog.at_level(logging.WARNING):
        assert [*llm(claude).stream_structured_predict(City, QUESTION)] == [City(name="Kiel")]
    assert "not fully supported" in caplog.text


def test_an_object_that_was_cut_is_an_error(claude: Provider) -> None:
    claude.reply_with('{"name": "Ki', stop_reason="max_tokens")
    with pytest.raises(ValueError, match="EOF while parsing"):
        llm(claude).structured_predict(City, QUESTION)


def test_words_are_asked_for_by_their_own_structured_output(claude: Provider) -> None:
    claude.reply_with('{"name": "Kiel"}')
    made = llm(claude, pydantic_program_mode=PydanticProgramMode.LLM)
    assert made.structured_predict(City, QUESTION) == City(name="Kiel")
    assert "output_config" in claude.bodies()[-1] or "output_format" in claude.bodies()[-1]


def test_a_pydantic_selector_is_a_400(claude: Provider) -> None:
    choices = [ToolMetadata("Weather.", name="a"), ToolMetadata("News.", name="b")]
    selector = PydanticSingleSelector.from_defaults(llm=llm(claude))
    with pytest.raises(SDK.BadRequestError):
        selector.select(choices, "What is the weather?")


def test_mcp_servers_are_a_type_error(claude: Provider) -> None:
    servers = [{"type": "url", "url": "https://mcp.example.com/sse", "name": "files"}]
    with pytest.raises(TypeError, match="mcp_servers"):
        llm(claude, mcp_servers=servers).chat([ChatMessage("Hi")])


def test_the_last_tool_is_marked_by_a_beta_header(claude: Provider) -> None:
    headers = {"anthropic-beta": "prompt-caching-2024-07-31"}
    llm(claude, model="claude-sonnet-4-5").chat_with_tools([LOOK], "Hi", extra_headers=headers)
    assert claude.bodies()[-1]["tools"][-1]["cache_control"] == {"type": "ephemeral"}
