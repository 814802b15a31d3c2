"""One run of an agent in each framework, with all that a trace may hold, and what its answers say it used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from langchain.agents import create_agent
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import StructuredTool, ToolException
from llama_index.core.agent.workflow import AgentStream, FunctionAgent, ToolCallResult
from llama_index.core.llms import ChatMessage
from llama_index_instrumentation.dispatcher import instrument_tags

from portkey_gateway import PortkeyError
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey, PortkeyTracer
from portkey_llamaindex import Portkey, instrument

QUESTION: Final = "What is the weather in Paris and in Oslo?"
MORE_THAN_CLAUDE_TAKES: Final = 10**8


@dataclass
class Used:
    """What a run's answers say, told by the frameworks and not by any span."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    trace_ids: set[str] = field(default_factory=set)

    def add(self, input_tokens: int, output_tokens: int, calls: int = 1) -> None:
        """Count an answer."""
        self.calls += calls
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens


def run_langchain(sandbox: Sandbox, receivers: list[dict[str, Any]], session: str) -> Used:
    """An agent with two calls of a tool at once, beside it a stream and a call that fails, and a fallback in a tool."""
    sandbox.openai.inject(Fault("status", status=500, times=9))
    model = ChatPortkey(model=sandbox.model, max_retries=0, **sandbox.options())
    refused = model.with_options(max_tokens=MORE_THAN_CLAUDE_TAKES)
    falling = ChatPortkey(**_falling(sandbox))
    meter = UsageMetadataCallbackHandler()
    used = Used()

    def get_weather(city: str) -> str:
        """Get today's weather in a city."""
        if city == "Oslo":
            raise ToolException("no weather in Oslo")
        answer = falling.invoke(f"Say exactly: sunny in {city}")
        used.trace_ids.add(answer.response_metadata["trace_id"])
        return answer.text

    tool = StructuredTool.from_function(get_weather, handle_tool_error=True)
    agent: Any = create_agent(model, [tool], name="clerk")
    ask: Any = RunnableLambda(lambda question: {"messages": [("user", question)]}).with_config(run_name="ask")
    guess: Any = RunnableLambda(lambda _: "no idea").with_config(run_name="guess")
    trip = RunnableParallel(weather=ask | agent, story=model, odd=refused.with_fallbacks([guess]))
    with ExitStack() as stack:
        tracers = [stack.enter_context(closing(PortkeyTracer(**receiver))) for receiver in receivers]
        config: Any = {
            "callbacks": [*tracers, meter],
            "run_name": "trip",
            "metadata": {"thread_id": session},
            "max_concurrency": 4,
        }
        assert list(trip.stream(QUESTION, config))
        for tracer in tracers:
            tracer.flush()
            assert tracer.lost == 0
    for told in meter.usage_metadata.values():
        used.add(told["input_tokens"], told["output_tokens"], calls=0)
    return used


async def run_llamaindex(sandbox: Sandbox, receivers: list[dict[str, Any]], session: str) -> Used:
    """The same, as far as LlamaIndex has it: what stands beside the agent there stands in the tool here."""
    sandbox.openai.inject(Fault("status", status=500, times=9))
    options: Any = {"model": sandbox.model, "max_retries": 0, **sandbox.options()}
    llm, falling = Portkey(**options), Portkey(**_falling(sandbox))
    refused = Portkey(max_tokens=MORE_THAN_CLAUDE_TAKES, **options)
    used = Used()

    async def get_weather(city: str) -> str:
        """Get today's weather in a city."""
        if city == "Oslo":
            raise ValueError("no weather in Oslo")
        answer = await falling.achat([ChatMessage(f"Say exactly: sunny in {city}")])
        _count(used, answer.raw)
        told = [response.raw async for response in await llm.astream_chat([ChatMessage("Tell a story.")])]
        _count(used, told[-1])
        try:
            await refused.achat([ChatMessage("Hello")])
        except PortkeyError:
            return answer.message.content or ""
        raise AssertionError("a limit that Claude does not have was taken")

    agent = FunctionAgent(name="clerk", llm=llm, tools=[get_weather])
    with _instrumented(receivers), instrument_tags({"session_id": session}):
        handler = agent.run(QUESTION)
        results = 0
        async for event in handler.stream_events():
            results += isinstance(event, ToolCallResult)
            if isinstance(event, AgentStream) and event.raw and event.raw.get("usage"):
                _count(used, event.raw)
        await handler
        assert results == 2
    return used


@contextmanager
def _instrumented(receivers: list[dict[str, Any]]) -> Iterator[None]:
    with ExitStack() as stack:
        started = [stack.enter_context(instrument(**receiver)) for receiver in receivers]
        yield
        for instrumentation in started:
            instrumentation.flush()
            assert instrumentation.lost == 0


def _falling(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "model": sandbox.openai_model,
        "base_url": sandbox.base_url,
        "config": sandbox.config("openai", "anthropic"),
        "max_retries": 0,
    }


def _count(used: Used, raw: Any) -> None:
    used.add(raw["usage"]["input_tokens"], raw["usage"]["output_tokens"])
    used.trace_ids.add(raw["trace_id"])
