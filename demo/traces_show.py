"""One agent run of each framework, drawn as the tree of its trace, as an OTLP receiver got it; or shown by Portkey."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from llama_index.core.agent.workflow import FunctionAgent

from demo import material
from demo.screen import INDENT, note, said, step, title
from portkey_gateway.sandbox import CallLog, SpanReceiver, draw_trace
from portkey_langchain import ChatPortkey, PortkeyTracer
from portkey_llamaindex import Portkey, instrument


def run(arguments: dict[str, Any]) -> None:
    """Show the traces of both frameworks."""
    title("Traces: PortkeyTracer and instrument()")
    note(
        "The calls say by themselves where they stand; the spans around them are exported, by default to Portkey, into"
    )
    note("the same trace as the gateway's log of the calls. Without an account: with the calls, to a receiver here.")
    show_langchain(arguments)
    asyncio.run(show_llamaindex(arguments))


def show_langchain(arguments: dict[str, Any]) -> None:
    """A chain with an agent in it."""
    step("An agent in a chain of LangChain, as a tree")
    with _shown() as (endpoint, log), httpx.Client(event_hooks={"request": [log.note]}) as client:
        model = ChatPortkey(**arguments, http_client=client)
        agent: Any = create_agent(model, [tool(material.get_weather)], name="clerk")
        chain = RunnableLambda(_ask).with_config(run_name="ask") | agent
        with closing(PortkeyTracer(endpoint=endpoint)) as tracer:
            answer = chain.invoke(material.TOOL_QUESTION, {"callbacks": [tracer], "run_name": "umbrella"})
        said("claude", answer["messages"][-1].text)
        _tell_loss(tracer.lost)


async def show_llamaindex(arguments: dict[str, Any]) -> None:
    """LlamaIndex's own agent."""
    step("An agent of LlamaIndex, as a tree")
    with _shown() as (endpoint, log):
        with instrument(endpoint=endpoint) as instrumentation:
            async with httpx.AsyncClient(event_hooks={"request": [log.anote]}) as client:
                llm = Portkey(**arguments, http_async_client=client)
                agent = FunctionAgent(name="clerk", llm=llm, tools=[material.get_weather])
                said("claude", str(await agent.run(material.TOOL_QUESTION)))
        _tell_loss(instrumentation.lost)


@contextmanager
def _shown() -> Iterator[tuple[str | None, CallLog]]:
    """Where spans go, Portkey if nowhere else, and a log of calls; at the end the tree, or where Portkey shows it."""
    log = CallLog()
    if os.environ.get("PORTKEY_API_KEY"):
        yield None, log
        note(f"\n            Portkey shows it on its Logs page, view Traces: {log.calls[0].trace_id}")
        return
    with SpanReceiver() as receiver:
        yield receiver.endpoint, log
        note("")
        for line in draw_trace(receiver.spans, durations=True).splitlines():
            note(" " * INDENT + line)


def _tell_loss(lost: int) -> None:
    if lost:
        note(f"            {lost} spans were lost on the way")


def _ask(question: str) -> dict[str, Any]:
    return {"messages": [("human", question)]}
