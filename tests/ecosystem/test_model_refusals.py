"""A refusal of ChatPortkey's models is one to LangChain's ``ModelRefusalMiddleware`` and ``ModelRefusalError``."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, Final

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.graphs import TOOLS, Run, ainvoke, amessages, invoke, messages

REFUSING: Final[Any] = import_module("langchain.agents.middleware").ModelRefusalMiddleware
REFUSED: Final[Any] = import_module("langchain_core.exceptions").ModelRefusalError
NO: Final = "I will not."

pytestmark = pytest.mark.filterwarnings("ignore:The v3 streaming protocol on Pregel is experimental")


def events(graph: Any, question: str) -> list[Any]:
    """Run a graph as LangGraph's newest streams do."""
    said: list[Any] = graph.stream_events({"messages": [HumanMessage(question)]}, version="v3").output["messages"]
    return said


def aevents(graph: Any, question: str) -> list[Any]:
    async def run() -> list[Any]:
        stream = await graph.astream_events({"messages": [HumanMessage(question)]}, version="v3")
        said: list[Any] = (await stream.output())["messages"]
        return said

    return asyncio.run(run())


any_run = pytest.mark.parametrize("run", [invoke, ainvoke, messages, amessages, events, aevents])


class City(BaseModel):
    """A city."""

    name: str


@any_run
def test_claude_refuses(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.reply_with("Well, I", stop_reason="refusal", refusal={"category": "cyber", "explanation": NO})
    agent = create_agent(model, TOOLS, middleware=[REFUSING()])
    with pytest.raises(REFUSED) as caught:
        run(agent, "Hi")
    why = r"(category='cyber'): I will not." if model.api_format == "messages" else "requested output"
    assert str(caught.value).endswith(why)


@any_run
def test_openai_refuses(portkey_sandbox_with_openai: Sandbox, run: Run) -> None:
    sandbox = portkey_sandbox_with_openai
    sandbox.openai.clear()
    sandbox.openai.reply_with(refusal=NO)
    model = ChatPortkey(model="gpt-4o", max_retries=0, **sandbox.options("openai"))
    with pytest.raises(REFUSED, match=NO):
        run(create_agent(model, TOOLS, middleware=[REFUSING()]), "Hi")


@any_run
def test_another_model_answers_for_it(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.reply_with(stop_reason="refusal", match="claude-haiku-4-5")
    first = model.with_options(model="claude-haiku-4-5")
    agent = create_agent(first, TOOLS, middleware=[ModelFallbackMiddleware(model), REFUSING()])
    assert run(agent, "Say exactly: a")[-1].text == "a"


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_an_object_that_is_refused_raises_both(model: ChatPortkey, sandbox: Sandbox, method: Any) -> None:
    chain = model.with_structured_output(City, method=method)
    for kind in (REFUSED, OutputParserException):
        sandbox.claude.reply_with('{"name": "Ki', stop_reason="refusal")
        with pytest.raises(kind, match="no object of the schema") as caught:
            chain.invoke("Which city?")
        assert vars(caught.value)["raw_message"].response_metadata["stop_reason"] == "refusal"


@any_run
def test_an_object_of_an_agent_that_is_refused(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.reply_with('{"name": "Ki', stop_reason="refusal")
    agent: Any = create_agent(model, response_format=City, middleware=[REFUSING()])
    with pytest.raises(REFUSED):
        run(agent, "Which city?")
