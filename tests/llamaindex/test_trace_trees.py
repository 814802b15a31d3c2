"""All calls of one query, chat, agent or workflow stand in one trace, where LlamaIndex put them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.response.schema import StreamingResponse
from llama_index.core.chat_engine.types import ChatMode
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.response_synthesizers import CompactAndRefine, ResponseMode
from llama_index_instrumentation.dispatcher import instrument_tags
from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from portkey_llamaindex import Portkey
from tests.llamaindex.tree import Tree, agents_warn, metadata, portkey, traces
from tests.support.recording import RecordingServer, Reply, answer, calling, deltas, events, whole

pytestmark = agents_warn


@pytest.mark.parametrize("mode", [ResponseMode.COMPACT, ResponseMode.REFINE, ResponseMode.ACCUMULATE])
@pytest.mark.parametrize("in_async", [False, True])
def test_all_calls_of_a_query_are_one_tree(
    *,
    server: RecordingServer,
    recorded: Portkey,
    tree: Tree,
    index: VectorStoreIndex,
    mode: ResponseMode,
    in_async: bool,
) -> None:
    engine = index.as_query_engine(llm=recorded, response_mode=mode, use_async=True)
    with instrument_tags({"team": "b"}):
        asyncio.run(engine.aquery("How deep?")) if in_async else engine.query("How deep?")
    roots = {tree.place(request) for request in server.requests}
    assert roots == {"RetrieverQueryEngine.aquery" if in_async else "RetrieverQueryEngine.query"}
    assert len(traces(server)) == 1
    assert len(server.requests) == (1 if mode is ResponseMode.COMPACT else 2)
    assert [metadata(request) for request in server.requests] == [
        {"traces": '["query"]', "team": "b"} for _ in server.requests
    ]


@pytest.mark.parametrize("mode", [ResponseMode.COMPACT, ResponseMode.REFINE])
@pytest.mark.parametrize("in_async", [False, True])
def test_a_streamed_query_keeps_its_place_when_it_is_read(
    *,
    server: RecordingServer,
    recorded: Portkey,
    tree: Tree,
    index: VectorStoreIndex,
    mode: ResponseMode,
    in_async: bool,
) -> None:
    """LlamaIndex calls the model only then, and outside of all spans."""
    server.reply(events(*deltas("Hel", "lo.")))
    engine = index.as_query_engine(llm=recorded, response_mode=mode, streaming=True)

    def query() -> str:
        with instrument_tags({"team": "b"}):
            response: Any = engine.query("How deep?")
        return "".join(response.response_gen)

    async def aquery() -> str:
        with instrument_tags({"team": "b"}):
            response: Any = await engine.aquery("How deep?")
        return "".join([token async for token in response.response_gen])

    assert (asyncio.run(aquery()) if in_async else query()).endswith("Hello.")
    roots = {tree.place(request) for request in server.requests}
    assert roots == {"RetrieverQueryEngine.aquery" if in_async else "RetrieverQueryEngine.query"}
    assert len(traces(server)) == 1
    assert len(server.requests) == (1 if mode is ResponseMode.COMPACT else 2)
    assert [metadata(request) for request in server.requests] == [
        {"traces": '["query"]', "team": "b"} for _ in server.requests
    ]


def test_a_stream_that_is_no_generator_is_left_as_it_is() -> None:
    class Own(CompactAndRefine):
        """Streams from a list."""

        def synthesize(self, *_: Any, **__: Any) -> StreamingResponse:
            tokens: Any = iter(["Hel", "lo."])
            return StreamingResponse(response_gen=tokens)

    response = Own(llm=MockLLM()).synthesize("How deep?", [])
    assert "".join(response.response_gen) == "Hello."


@pytest.mark.parametrize("mode", [ChatMode.SIMPLE, ChatMode.CONTEXT, ChatMode.CONDENSE_PLUS_CONTEXT])
@pytest.mark.parametrize("way", ["chat", "achat", "stream_chat", "astream_chat"])
def test_all_calls_of_a_chat_engine_are_one_tree(
    *,
    server: RecordingServer,
    recorded: Portkey,
    tree: Tree,
    index: VectorStoreIndex,
    memory: ChatMemoryBuffer,
    mode: ChatMode,
    way: str,
) -> None:
    """A streamed chat calls the model in a thread or task of its own, mostly after its span has ended."""
    engine: Any = index.as_chat_engine(llm=recorded, chat_mode=mode, memory=memory)
    memory.put(ChatMessage("It is about Kiel."))
    last: Reply = events(*deltas("Hel", "lo.")) if "stream" in way else whole(answer())
    condensed = [whole(answer())] if mode is ChatMode.CONDENSE_PLUS_CONTEXT else []
    server.reply(*condensed, last)

    async def achat() -> str:
        response = await getattr(engine, way)("How deep?")
        return "".join([token async for token in response.async_response_gen()]) if "stream" in way else str(response)

    def chat() -> str:
        response = getattr(engine, way)("How deep?")
        return "".join(response.response_gen) if "stream" in way else str(response)

    assert (asyncio.run(achat()) if way.startswith("a") else chat()) == "Hello."
    assert len(server.requests) == 1 + len(condensed)
    assert {tree.place(request) for request in server.requests} == {f"{type(engine).__name__}.{way}"}
    assert len(traces(server)) == 1


# --- agents and workflows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
async def test_all_calls_of_an_agent_are_one_tree(
    server: RecordingServer, recorded: Portkey, tree: Tree, memory: ChatMemoryBuffer, streaming: bool
) -> None:
    """The calls of its tools too, in a thread (a tool that is not async) and in a task."""

    def in_a_thread() -> str:
        """Ask in a thread."""
        return str(recorded.complete("in a thread"))

    async def in_a_task() -> str:
        """Ask in a task."""
        return str(await asyncio.create_task(recorded.acomplete("in a task")))

    last = events(*deltas("Hel", "lo.")) if streaming else whole(answer())
    steps = (calling("in_a_thread", streamed=streaming), whole(answer()), calling("in_a_task", streamed=streaming))
    server.reply(*steps, whole(answer()), last)
    agent = FunctionAgent(llm=recorded, tools=[in_a_thread, in_a_task], streaming=streaming)
    with instrument_tags({"team": "b"}):
        assert str(await agent.run("Hi", memory=memory)) == "Hello."
    assert len(server.requests) == 5
    assert {tree.place(request) for request in server.requests} == {"FunctionAgent.run"}
    assert len(traces(server)) == 1
    assert {metadata(request)["team"] for request in server.requests} == {"b"}
    assert not any(name.startswith("llamaindex") for request in server.requests for name in metadata(request))


async def test_agents_that_hand_over_are_one_tree(
    server: RecordingServer, recorded: Portkey, tree: Tree, memory: ChatMemoryBuffer
) -> None:
    def rest() -> str:
        """Rest."""
        return "rested"

    first = FunctionAgent(name="first", description="1", llm=recorded, tools=[rest], streaming=False)
    second = FunctionAgent(name="second", description="2", llm=recorded, tools=[rest], streaming=False)
    handover = calling("handoff", to_agent="second", reason="tired")
    server.reply(handover, calling("rest"), whole(answer()))
    output: Any = await AgentWorkflow(agents=[first, second], root_agent="first").run("Hi", memory=memory)
    assert output.current_agent_name == "second"
    # Each agent has a place of its own, of which LlamaIndex tells nothing.
    places = [portkey(request, "parent-span-id") for request in server.requests]
    assert places == [places[0], places[1], places[1]]
    assert not {*places} & {digits[16:] for digits in tree.parents}
    assert places[0] != places[1]
    assert len(traces(server)) == 1


class Asked(Event):
    """A question to one of the workers."""

    number: int


class Answered(Event):
    """A worker's answer."""


class Fan(Workflow):
    """Asks three times side by side, and once more."""

    def __init__(self, llm: Portkey) -> None:
        super().__init__(timeout=60)
        self.llm = llm

    @step
    async def start(self, context: Context, _event: StartEvent) -> Asked | None:
        for number in range(3):
            context.send_event(Asked(number=number))
        return None

    @step(num_workers=3)
    async def ask(self, event: Asked) -> Answered:
        await self.llm.acomplete(str(event.number))
        return Answered()

    @step
    async def end(self, context: Context, event: Answered) -> StopEvent | None:
        if context.collect_events(event, [Answered] * 3) is None:
            return None
        return StopEvent(result=str(await self.llm.acomplete("last")))


async def test_parallel_steps_of_a_workflow_are_one_tree(
    server: RecordingServer, recorded: Portkey, tree: Tree
) -> None:
    assert await Fan(recorded).run() == "Hello."
    assert len(server.requests) == 4
    assert {tree.place(request) for request in server.requests} == {"Fan.run"}
    assert len({portkey(request, "parent-span-id") for request in server.requests}) == 4


@pytest.mark.parametrize("streaming", [False, True])
async def test_two_hundred_interleaved_agents_do_not_mix(
    server: RecordingServer, recorded: Portkey, tree: Tree, streaming: bool
) -> None:
    def rest() -> str:
        """Rest."""
        return "rested"

    last = events(*deltas("Hel", "lo.")) if streaming else whole(answer())
    server.reply(*[calling("rest", streamed=streaming)] * 200, last)
    agent = FunctionAgent(llm=recorded, tools=[rest], streaming=streaming)

    async def one(number: int) -> None:
        with instrument_tags({"number": number}):
            await agent.run(str(number), memory=ChatMemoryBuffer.from_defaults(tokenizer_fn=str.split))

    await asyncio.gather(*map(one, range(200)))
    assert len(server.requests) == 400
    by_number: dict[str, set[str]] = {}
    for request in server.requests:
        assert tree.place(request) == "FunctionAgent.run"
        number = request.json["messages"][0]["content"]
        assert metadata(request)["number"] == number
        by_number.setdefault(number, set()).add(portkey(request, "trace-id"))
    assert len(by_number) == len(traces(server)) == 200
