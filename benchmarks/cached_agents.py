"""Agents of many turns whose requests begin alike: what prompt caching is for. Their Claude answers by script.

Each turn is a question, tools called, and an answer: two calls of the model. The system prompt weighs some 6,000
tokens, and there are twelve tools.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from portkey_gateway.sandbox import Sandbox

SYSTEM: Final = "You keep the log of the harbour at Kiel. " + "Note the tide, the wind and who moors where. " * 545
"""Some 6,000 tokens."""
MATCH: Final = "You keep the log of the harbour at Kiel."
"""By this the scripted answers are told from those to whoever sums the conversation up."""
TOOLS: Final = 12
PARALLEL: Final = 6
THINKING: Final[Mapping[str, Any]] = {"type": "enabled", "budget_tokens": 1024}

_NAMES: Final = (
    "tide", "wind", "depth", "berth", "pilot", "crane", "tug", "buoy", "light", "ferry", "draught", "visibility",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scenario:
    """What an agent does.

    Attributes:
        name: as the table says it.
        parallel: how many tools each turn calls at once.
        thinks: whether Claude thinks first.
        sums_up: whether the conversation is summed up whenever it grows long.
        comes_and_goes: whether the last tools are offered in some turns only.
    """

    name: str
    parallel: int = 1
    thinks: bool = False
    sums_up: bool = False
    comes_and_goes: bool = False

    def tools(self, turn: int) -> int:
        """How many tools a turn offers."""
        return TOOLS - 4 if self.comes_and_goes and turn // 3 % 2 else TOOLS

    def prepare(self, sandbox: Sandbox, turns: int) -> None:
        """Have Claude answer all turns by script."""
        for turn in range(turns):
            thought = [{"type": "thinking", "thinking": f"In turn {turn} I look."}] if self.thinks else []
            calls = [
                {
                    "type": "tool_use",
                    "id": f"toolu_{turn}_{place}",
                    "name": f"get_{_NAMES[place]}",
                    "input": {"place": f"pier {turn}"},
                }
                for place in range(self.parallel)
            ]
            sandbox.claude.reply_with(*thought, "I look.", *calls, match=MATCH)
            sandbox.claude.reply_with(f"All is well at pier {turn}, as the log says. " * 5, match=MATCH)


SCENARIOS: Final = (
    Scenario("one tool a turn"),
    Scenario("parallel tools", parallel=PARALLEL),
    Scenario("more results than a breakpoint looks back", parallel=TOOLS),
    Scenario("thinking", thinks=True),
    Scenario("summing up", sums_up=True),
    Scenario("tools that come and go", comes_and_goes=True),
    Scenario("parallel tools that come and go", parallel=PARALLEL, comes_and_goes=True),
    Scenario("all of it", parallel=PARALLEL, thinks=True, sums_up=True, comes_and_goes=True),
)


def question(turn: int) -> str:
    """What is asked in a turn."""
    return f"How is it at pier {turn}? Look before you answer."


def functions() -> list[Callable[[str], str]]:
    """The twelve tools, as functions."""
    return [_function(name) for name in _NAMES]


def _function(name: str) -> Callable[[str], str]:
    def look(place: str) -> str:
        return f"The {name} at {place} is as the log of yesterday has it: nothing to note. " * 3

    look.__name__ = f"get_{name}"
    look.__doc__ = (
        f"Get the {name} at a place of the harbour. " + "The instruments there tell it, with its trend. " * 15
    )
    return look


def run_langchain(scenario: Scenario, turns: int, model: Any, *, middleware: Sequence[Any] = ()) -> None:
    """Run an agent of LangChain's.

    Args:
        scenario: what it does.
        turns: how many.
        model: the agent's.
        middleware: what caches, where the model does not.
    """
    from langchain.agents import create_agent  # noqa: PLC0415 LlamaIndex's agents run without it
    from langchain.agents.middleware import SummarizationMiddleware, wrap_model_call  # noqa: PLC0415 as above
    from langchain_core.tools import tool  # noqa: PLC0415 as above
    from langgraph.checkpoint.memory import InMemorySaver  # noqa: PLC0415 as above

    turn_now = 0

    @wrap_model_call
    def offer(request: Any, handler: Any) -> Any:
        return handler(request.override(tools=request.tools[: scenario.tools(turn_now)]))

    summing = [SummarizationMiddleware(model, trigger=("messages", 24), keep=("messages", 8))]
    agent: Any = create_agent(
        model,
        [tool(function) for function in functions()],
        system_prompt=SYSTEM,
        middleware=[*(summing if scenario.sums_up else ()), offer, *middleware],
        checkpointer=InMemorySaver(),
    )
    for turn in range(turns):
        turn_now = turn
        agent.invoke(
            {"messages": [{"role": "user", "content": question(turn)}]}, {"configurable": {"thread_id": "log"}}
        )


def run_llamaindex(scenario: Scenario, turns: int, llm: Any) -> None:
    """Run an agent of LlamaIndex's.

    Args:
        scenario: what it does.
        turns: how many.
        llm: the agent's.
    """
    asyncio.run(_run_llamaindex(scenario, turns, llm))


async def _run_llamaindex(scenario: Scenario, turns: int, llm: Any) -> None:
    from llama_index.core.agent.workflow import FunctionAgent  # noqa: PLC0415 LangChain's agents run without it
    from llama_index.core.memory import ChatMemoryBuffer, ChatSummaryMemoryBuffer  # noqa: PLC0415 as above

    memory: Any = ChatMemoryBuffer.from_defaults(token_limit=1_000_000, tokenizer_fn=str.split)
    if scenario.sums_up:
        memory = ChatSummaryMemoryBuffer.from_defaults(llm=llm, token_limit=1200, tokenizer_fn=str.split)
    for turn in range(turns):
        agent = FunctionAgent(
            llm=llm,
            tools=functions()[: scenario.tools(turn)],
            system_prompt=SYSTEM,
            streaming=False,
        )
        await agent.run(question(turn), memory=memory)
