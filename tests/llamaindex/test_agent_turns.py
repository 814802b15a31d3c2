"""Each agent of an ``AgentWorkflow`` has a span while it has the floor, and what it does stands in that."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool

from portkey_gateway.errors import BadRequestError
from portkey_llamaindex import Portkey, instrument
from tests.llamaindex.tracing import Sent, one, said
from tests.llamaindex.tree import agents_warn, portkey
from tests.support.receiver import Received, roots_of, spans_of
from tests.support.recording import RecordingServer, Reply, answer, calling, whole

pytestmark = agents_warn


def hand_over(to: str) -> Reply:
    return calling("handoff", to_agent=to, reason="tired")


async def rest() -> str:
    """Rest."""
    return "rested"


def workflow(llm: Portkey) -> AgentWorkflow:
    def agent(name: str) -> FunctionAgent:
        return FunctionAgent(name=name, description=name, llm=llm, tools=[FunctionTool.from_defaults(async_fn=rest)],
                             streaming=False)  # fmt: skip

    return AgentWorkflow(agents=[agent("ann"), agent("bob")], root_agent="ann")


def names_in(spans: list[Received], span: Received) -> list[str]:
    inside = [each for each in spans if each.parent_id == span.span_id]
    return [each.name for each in sorted(inside, key=lambda each: each.started_ns)]


async def test_an_agent_has_a_span_while_it_has_the_floor(
    server: RecordingServer, recorded: Portkey, sent: Sent, memory: ChatMemoryBuffer
) -> None:
    server.reply(hand_over("bob"), calling("rest"), hand_over("ann"), whole(answer("Done.")))
    await workflow(recorded).run("Hi", memory=memory)
    spans = sent()
    assert len(roots_of(spans, server.requests)) == 1
    run = one(spans, "AgentWorkflow.run")
    assert names_in(spans, run) == ["invoke_agent ann", "invoke_agent bob", "invoke_agent ann"]
    agents = sorted((span for span in spans if span.parent_id == run.span_id), key=lambda span: span.started_ns)
    assert [names_in(spans, each) for each in agents] == [
        ["execute_tool handoff"], ["execute_tool rest", "execute_tool handoff"], [],
    ]  # fmt: skip
    # At Portkey the gateway's log is the span of a call: it stands in the agent, too.
    first, second, third = (each.span_id for each in agents)
    assert [portkey(each, "parent-span-id") for each in server.requests] == [first, second, second, third]
    assert {span.attributes["gen_ai.operation.name"] for span in agents} == {"invoke_agent"}
    assert [span.attributes["gen_ai.agent.name"] for span in agents] == ["ann", "bob", "ann"]
    assert json.loads(agents[0].attributes["gen_ai.input.messages"]) == [{**said("Hi"), "role": "user"}]
    assert json.loads(agents[2].attributes["gen_ai.output.messages"])[0]["parts"] == said("Done.")["parts"]
    assert [span.ended_ns <= after.started_ns for span, after in itertools.pairwise(agents)] == [True, True]


async def test_with_every_step_the_agent_stands_around_its_own(
    server: RecordingServer, recorded: Portkey, sent_all: Sent, memory: ChatMemoryBuffer
) -> None:
    server.reply(hand_over("bob"), whole(answer()))
    await workflow(recorded).run("Hi", memory=memory)
    spans = sent_all()
    assert len(roots_of(spans)) == 1
    steps = ["setup_agent", "run_agent_step", "parse_agent_output"]
    assert names_in(spans, one(spans, "AgentWorkflow.run"))[1:] == ["invoke_agent ann", "invoke_agent bob"]
    assert names_in(spans, one(spans, "invoke_agent bob")) == [f"AgentWorkflow.{step}" for step in steps]


async def test_two_receivers_hear_of_the_same_agents(
    server: RecordingServer, recorded: Portkey, sent: Sent, memory: ChatMemoryBuffer
) -> None:
    server.reply(hand_over("bob"), whole(answer()))
    with RecordingServer() as elsewhere:
        elsewhere.reply(whole(b"", headers={"content-type": "application/x-protobuf"}))
        with instrument(endpoint=f"{elsewhere.base_url}/v1/traces"):
            await workflow(recorded).run("Hi", memory=memory)
        others = spans_of(elsewhere)
    ids = {(span.name, span.span_id) for span in sent()}
    assert ids < {(span.name, span.span_id) for span in others}
    assert len(roots_of(others)) == 1
    assert "chat" in names_in(others, one(others, "invoke_agent bob"))[0]


async def test_an_agent_fails_with_its_workflow(
    server: RecordingServer, recorded: Portkey, sent: Sent, memory: ChatMemoryBuffer
) -> None:
    server.reply(hand_over("bob"), whole({"error": {"message": "no"}}, status=400))
    with pytest.raises(BadRequestError):
        await workflow(recorded).run("Hi", memory=memory)
    spans = sent()
    assert {span.name: span.is_error for span in spans if "handoff" not in span.name} == {
        "AgentWorkflow.run": True, "invoke_agent ann": False, "invoke_agent bob": True,
    }  # fmt: skip


@pytest.mark.parametrize("cancels", [True, False])
def test_an_agent_that_is_left_is_cancelled_with_its_workflow(
    server: RecordingServer, recorded: Portkey, sent: Sent, memory: ChatMemoryBuffer, cancels: bool
) -> None:
    server.reply(whole(answer(), wait_s=1.0))

    async def leave() -> None:
        handler = workflow(recorded).run("Hi", memory=memory)
        await asyncio.to_thread(server.wait_until_open, 1)
        if cancels:
            await handler.cancel_run()

    asyncio.run(leave())
    assert {span.name: span.attributes.get("portkey.outcome") for span in sent()} == {
        "AgentWorkflow.run": "cancelled", "invoke_agent ann": "cancelled",
    }  # fmt: skip


async def test_workflows_side_by_side_have_agents_of_their_own(
    server: RecordingServer, recorded: Portkey, sent: Sent
) -> None:
    server.reply(whole(answer()))
    asked = workflow(recorded)
    await asyncio.gather(*[asked.run("Hi", memory=ChatMemoryBuffer.from_defaults(llm=recorded)) for _ in range(5)])
    spans = sent()
    assert len(roots_of(spans, server.requests)) == 5
    runs = [span for span in spans if span.parent_id is None]
    assert [names_in(spans, run) for run in runs] == [["invoke_agent ann"]] * 5
