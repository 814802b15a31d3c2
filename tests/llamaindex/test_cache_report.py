"""``CacheReport`` among LlamaIndex's callbacks, and the cost of answers: the same however they are asked for."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.callbacks import CallbackManager
from llama_index.core.memory import ChatMemoryBuffer

from portkey_gateway import CacheReport as GatewayCacheReport
from portkey_gateway import PortkeyError, PortkeyWarning, trace_cost
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_llamaindex import CacheReport, Portkey
from tests.llamaindex.received import Received
from tests.llamaindex.tree import agents_warn
from tests.llamaindex.ways import ask, chat_way, every_way

LONG = "You answer questions about the harbour of a small town by the sea. " * 120


def reporting(llm: Portkey, report: CacheReport, **options: Any) -> Portkey:
    return llm.with_options(callback_manager=CallbackManager([report]), **options)


@chat_way
def test_it_hears_of_every_call_of_its_model(llm: Portkey, way: str) -> None:
    report, fed = CacheReport(), GatewayCacheReport()
    auto = reporting(llm, report, prompt_caching="auto")
    told = [ChatMessage(role=MessageRole.SYSTEM, content=LONG)]
    for turn in range(3):
        told.append(ChatMessage(f"And question number {turn}?"))
        response = ask(auto, way, told)
        fed.add(response)
        told.append(response.message)
    assert [turn.figures for turn in report.turns] == [turn.figures for turn in fed.turns]
    assert report.total.share_read == 1.0
    assert report.total.saved is not None
    assert report.total.saved > 0


@every_way
def test_every_way_to_ask_is_counted_once(llm: Portkey, way: str) -> None:
    report = CacheReport()
    response = ask(reporting(llm, report), way, "Hi")
    assert report.total.calls == 1
    assert report.total.cost == response.raw["cost"]["total"]
    assert not report._requests
    sum_ = trace_cost(response)
    assert sum_ is not None
    assert sum_.total == response.raw["cost"]["total"]


@agents_warn
async def test_it_hears_of_the_rounds_of_an_agent(
    llm: Portkey, memory: ChatMemoryBuffer, sandbox: Sandbox, received: Received
) -> None:
    report = CacheReport()
    sandbox.claude.reply_with("I look.", {"type": "tool_use", "name": "get_depth", "input": {"place": "the pier"}})
    sandbox.claude.reply_with("Done.")

    def get_depth(place: str) -> str:
        """Get the depth of the water at a place."""
        return f"{len(place)} metres at {place}"

    agent = FunctionAgent(llm=reporting(llm, report, prompt_caching="auto"), tools=[get_depth], system_prompt=LONG)
    output: Any = await agent.run("How deep is the water at the pier?", memory=memory)
    assert report.total.calls == len(received.bodies) > 1
    assert report.total.share_read == 1.0
    sum_ = trace_cost(output)
    assert sum_ is not None
    assert sum_.total == pytest.approx(report.total.cost)


def test_it_sees_where_a_beginning_changed(llm: Portkey) -> None:
    auto = reporting(llm, CacheReport(), prompt_caching="auto")

    def say(word: str) -> None:
        auto.chat([ChatMessage(role=MessageRole.SYSTEM, content=f"{word} {LONG}"), ChatMessage("Hi")])

    say("one")
    say("two")
    with pytest.warns(PortkeyWarning, match=r"the beginning of the request has changed at messages\[0\]"):
        say("three")


def test_calls_that_fail_leave_nothing_behind(llm: Portkey, sandbox: Sandbox) -> None:
    report = CacheReport()
    sandbox.claude.inject(Fault("status", status=529))
    with pytest.raises(PortkeyError):
        reporting(llm, report).chat([ChatMessage("Hi")])
    assert report.turns == []


def test_a_model_with_a_report_is_copied_and_pickled(llm: Portkey) -> None:
    report = CacheReport()
    copy.deepcopy(reporting(llm, report)).complete("Hi")
    assert report.total.calls == 1
    pickle.loads(pickle.dumps(reporting(llm, report))).complete("Hi")


@every_way
def test_an_answer_costs_the_same_however_it_is_asked_for(llm: Portkey, way: str) -> None:
    raw = ask(llm, way, "Count to five.").raw
    # Sonnet 4.6 costs 3 dollars a million tokens of input and 15 of output (Anthropic, "Pricing").
    given, said = raw["usage"]["input_tokens"] * 3 / 1e6, raw["usage"]["output_tokens"] * 15 / 1e6
    assert raw["cost"] == {
        "total": pytest.approx(given + said),
        "input": pytest.approx(given),
        "output": pytest.approx(said),
        "currency": "USD",
    }
