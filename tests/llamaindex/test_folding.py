"""What a viewer shows of LlamaIndex: what a person would name, and with ``detail="all"`` everything."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts import PromptTemplate
from llama_index.core.response_synthesizers import ResponseMode
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import instrument_tags
from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from portkey_gateway.sandbox import CallLog, Fault, Sandbox, SpanReceiver, draw_trace
from portkey_llamaindex import Portkey, PortkeyEmbedding, instrument
from tests.llamaindex.tree import agents_warn
from tests.llamaindex.viewed import Seen, instrumentation, seen
from tests.support.viewer import (
    KIND,
    calls_in,
    draw_with_calls,
    headers,
    log,
    places_of,
    places_told,
    receiver,
    shape_of,
)

__all__ = ["headers", "instrumentation", "log", "receiver", "seen"]

pytestmark = agents_warn
dispatcher = get_dispatcher(__name__)


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


class Asked(Event):
    """One of several questions."""

    question: str


class Answered(Event):
    """Its answer."""

    text: str


class Briefing(Workflow):
    """Two branches at the same time: an agent with a tool, and a model that fails with another to fall back on."""

    llm: Any = None
    streaming: bool = False

    @step
    async def ask(self, context: Context, event: StartEvent) -> Asked | None:  # noqa: ARG002 LlamaIndex's signature
        for question in ("weather", "facts"):
            context.send_event(Asked(question=question))
        return None

    @step
    async def answer(self, event: Asked) -> Answered:
        if event.question == "weather":
            agent = FunctionAgent(name="clerk", llm=self.llm, tools=[get_weather], streaming=self.streaming)
            return Answered(text=str(await agent.run("What is the weather in Paris?")))
        try:
            return Answered(text=await self.llm.apredict(PromptTemplate("RISKY")))
        except Exception:  # noqa: BLE001 whatever it is, there is another
            return Answered(text=await self.llm.apredict(PromptTemplate("Hello.")))

    @step
    async def collect(self, context: Context, event: Answered) -> StopEvent | None:
        found = context.collect_events(event, [Answered] * 2)
        return StopEvent(result=[each.text for each in found]) if found else None


TREE = """\
Briefing.run
├─ Briefing.ask
├─ Briefing.answer
│  └─ invoke_agent clerk
│     ├─ chat MODEL
│     ├─ execute_tool get_weather
│     └─ chat MODEL
├─ Briefing.answer
│  ├─ chat MODEL  [portkey_gateway.errors.OverloadedError]
│  └─ chat MODEL
├─ Briefing.collect
└─ Briefing.collect"""


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_agent_beside_a_fallback(
    *, sandbox: Sandbox, llm: Portkey, seen: Seen, log: CallLog, streaming: bool
) -> None:
    sandbox.claude.inject(Fault("status", status=529, match="RISKY"))
    workflow = Briefing()
    workflow.llm, workflow.streaming = llm, streaming
    assert len(await workflow.run()) == 2
    spans = seen()
    assert shape_of(draw_trace(spans)) == shape_of(TREE.replace("MODEL", llm.model))
    seen_by_viewer, told = draw_with_calls(spans, log)
    assert seen_by_viewer == told
    assert places_of(calls_in(spans)) == places_told(log)
    assert len(log.calls) == 4
    of_agent = [span for span in spans if span.attributes.get("gen_ai.agent.name") == "clerk"]
    assert sorted(span.attributes[KIND] for span in of_agent) == ["AGENT", "LLM", "LLM", "TOOL"]


@pytest.fixture
def embedded(portkey_sandbox_with_openai: Sandbox) -> VectorStoreIndex:
    """An index whose vectors come through the gateway."""
    options: Any = portkey_sandbox_with_openai.options("openai")
    embed_model = PortkeyEmbedding(model="text-embedding-3-small", **options)
    return VectorStoreIndex([TextNode(text="The harbour is 12 m deep.")], embed_model=embed_model)


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("in_async", [False, True])
def test_a_query(
    *, llm: Portkey, embedded: VectorStoreIndex, seen: Seen, log: CallLog, streaming: bool, in_async: bool
) -> None:
    engine = embedded.as_query_engine(llm=llm, streaming=streaming, response_mode=ResponseMode.REFINE)
    before = len(seen())
    log.calls.clear()

    async def aquery() -> str:
        response: Any = await engine.aquery("How deep?")
        return "".join([text async for text in response.response_gen]) if streaming else str(response)

    def query() -> str:
        response: Any = engine.query("How deep?")
        return "".join(response.response_gen) if streaming else str(response)

    assert asyncio.run(aquery()) if in_async else query()
    spans = seen()[before:]
    way = "a" if in_async else ""
    assert shape_of(draw_trace(spans)) == shape_of(f"""\
RetrieverQueryEngine.{way}query
├─ retrieval VectorIndexRetriever
│  └─ embeddings text-embedding-3-small
└─ Refine.{way}synthesize
   └─ chat {llm.model}""")
    seen_by_viewer, told = draw_with_calls(spans, log)
    assert seen_by_viewer == told


async def test_everything_is_shown_where_it_is_asked_for(llm: Portkey, seen: Seen, log: CallLog) -> None:
    with SpanReceiver() as other, instrument(endpoint=other.endpoint, detail="all") as everything:
        await FunctionAgent(name="clerk", llm=llm, tools=[get_weather], streaming=False).run("The weather in Paris?")
        everything.flush()
        names = {span.name for span in other.spans}
        assert {"BaseWorkflowAgent.run_agent_step", "Portkey._prepare_chat_with_tools"} < names
        [step_around] = {span.parent_id for span in calls_in(other.spans)[:1]}
        assert next(span.name for span in other.spans if span.span_id == step_around).endswith("run_agent_step")
        assert (
            draw_trace(seen())
            == """\
invoke_agent clerk
├─ chat MODEL
├─ execute_tool get_weather
└─ chat MODEL""".replace("MODEL", llm.model)
        )
        ids = [{span.span_id for span in calls_in(spans)} for spans in (seen(), other.spans)]
        assert ids[0] == ids[1] == {call.span_id for call in log.calls}


class Shelf(BaseRetriever):
    """A retriever of the user's own, in whose steps something fails."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        raise OSError(f"no {query_bundle.query_str}")


class KeywordRerank(BaseNodePostprocessor):
    """A reranker of the user's own."""

    def _postprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,  # noqa: ARG002 LlamaIndex's signature
    ) -> list[NodeWithScore]:
        return nodes


def test_an_error_passes_through_folded_steps_and_is_told_once(seen: Seen) -> None:
    @dispatcher.span
    def look() -> str:
        try:
            Shelf().retrieve("owls")
        except OSError:
            return "nothing"
        return "something"

    assert look() == "nothing"
    [inner, outer] = seen()
    assert (inner.name, inner.is_error, inner.exception["exception.message"]) == ("retrieval Shelf", True, "no owls")
    assert (outer.is_error, inner.inner_exceptions, outer.inner_exceptions) == (False, (), ())
    assert inner.parent_id == outer.span_id


def test_an_error_of_a_folded_step_that_somebody_caught_is_not_lost(seen: Seen) -> None:
    shelf = Shelf()

    @dispatcher.span
    def look() -> str:
        try:
            shelf._retrieve(QueryBundle("owls"))
        except OSError:
            return "nothing"
        return "something"

    assert look() == "nothing"
    [outer] = seen()
    [told] = outer.inner_exceptions
    assert (told["portkey.step"], told["exception.message"]) == ("Shelf._retrieve", "no owls")


def test_a_reranker_is_named(seen: Seen, index: VectorStoreIndex, llm: Portkey) -> None:
    index.as_query_engine(llm=llm, node_postprocessors=[KeywordRerank()]).query("How deep?")
    [ranked] = [span for span in seen() if span.attributes[KIND] == "RERANKER"]
    assert ranked.name == "rerank KeywordRerank"


async def test_agents_of_a_workflow_are_told_apart(llm: Portkey, seen: Seen) -> None:
    first = FunctionAgent(name="first", description="1", llm=llm, tools=[get_weather], streaming=False)
    await AgentWorkflow(agents=[first], root_agent="first").run("What is the weather in Paris?")
    assert {span.attributes["gen_ai.agent.name"] for span in calls_in(seen())} == {"first"}


def test_a_conversation_is_a_session(llm: Portkey, seen: Seen, log: CallLog, headers: list[Any]) -> None:
    with instrument_tags({"session_id": "s-1", "user_id": "u-1"}):
        llm.predict(PromptTemplate("Hi"))
    assert len(log.calls) == 1
    for span in seen():
        assert (span.attributes["session.id"], span.attributes["gen_ai.conversation.id"]) == ("s-1", "s-1")
        assert span.attributes["user.id"] == "u-1"
    assert json.loads(headers[0]["x-portkey-metadata"])["session_id"] == "s-1"
