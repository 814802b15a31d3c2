"""``CacheReport`` among LangChain's callbacks, and the cost of answers: the same however they are asked for."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from portkey_gateway import CacheReport as GatewayCacheReport
from portkey_gateway import PortkeyError, PortkeyWarning, trace_cost
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import CacheReport, ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.langchain.graphs import TOOLS

LONG = "This sentence stands in front of every question of the day. " * 120


def converse(model: ChatPortkey, ask: Ask, turns: int = 3) -> list[AIMessage]:
    told: list[BaseMessage] = [SystemMessage(LONG)]
    answers = []
    for turn in range(turns):
        told.append(HumanMessage(f"And question number {turn}?"))
        answers.append(ask(model, told))
        told.append(answers[-1])
    return answers


@any_call
def test_it_hears_of_every_call_of_its_model(model: ChatPortkey, ask: Ask) -> None:
    report = CacheReport()
    answers = converse(model.with_options(prompt_caching="auto", callbacks=[report]), ask)
    fed = GatewayCacheReport()
    for answer in answers:
        fed.add(answer)
    assert [turn.figures for turn in report.turns] == [turn.figures for turn in fed.turns]
    assert report.total.share_read == 1.0
    costs = [answer.response_metadata["cost"]["total"] for answer in answers]
    assert report.total.cost == pytest.approx(sum(costs))
    assert report.total.saved is not None
    assert report.total.saved > 0


def test_it_hears_of_every_call_of_a_run(model: ChatPortkey) -> None:
    report = CacheReport()
    agent: Any = create_agent(model.with_options(prompt_caching="auto"), TOOLS, system_prompt=LONG)
    result = agent.invoke(
        {"messages": [HumanMessage("What is the weather in Paris, then in Rome?")]}, {"callbacks": [report]}
    )
    answers = [message for message in result["messages"] if isinstance(message, AIMessage)]
    assert [turn.figures.input_tokens for turn in report.turns] == [
        answer.usage_metadata["input_tokens"] for answer in answers if answer.usage_metadata
    ]
    assert report.total.share_read == 1.0
    fed = GatewayCacheReport()
    fed.add(result)
    assert fed.total == report.total


def test_it_sees_where_a_beginning_changed(model: ChatPortkey) -> None:
    report = CacheReport()
    marked = model.with_options(prompt_caching="auto", callbacks=[report])
    for word in ("one", "two"):
        marked.invoke([SystemMessage(f"{word} {LONG}"), HumanMessage("Hi")])
    with pytest.warns(PortkeyWarning, match=r"the beginning of the request has changed at messages\[0\]"):
        marked.invoke([SystemMessage(f"three {LONG}"), HumanMessage("Hi")])


def test_what_langchain_s_own_cache_answers_is_not_counted(model: ChatPortkey) -> None:
    report = CacheReport()
    cached = model.with_options(cache=InMemoryCache(), callbacks=[report])
    for _ in range(2):
        cached.invoke("Hi")
    assert (report.total.calls, report.not_counted) == (1, 1)


def test_calls_that_fail_and_other_models_leave_nothing_behind(model: ChatPortkey, sandbox: Sandbox) -> None:
    report = CacheReport()
    sandbox.claude.inject(Fault("status", status=529))
    with pytest.raises(PortkeyError):
        model.invoke("Hi", config={"callbacks": [report]})
    FakeListChatModel(responses=["Hello."]).invoke("Hi", config={"callbacks": [report]})
    assert report.turns == []
    assert not report._requests


def test_a_model_with_a_report_is_copied_and_pickled(model: ChatPortkey) -> None:
    report = CacheReport()
    reporting = model.with_options(callbacks=[report])
    copy.deepcopy(reporting).invoke("Hi")
    assert report.total.calls == 1
    pickle.loads(pickle.dumps(reporting)).invoke("Hi")


# --- cost -------------------------------------------------------------------------------------------------------------


@any_call
def test_an_answer_costs_the_same_however_it_is_asked_for(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model, "Count to five.")
    usage: Any = answer.usage_metadata
    # Sonnet 4.6 costs 3 dollars a million tokens of input and 15 of output (Anthropic, "Pricing").
    given, said = usage["input_tokens"] * 3 / 1e6, usage["output_tokens"] * 15 / 1e6
    assert answer.response_metadata["cost"] == {
        "total": pytest.approx(given + said),
        "input": pytest.approx(given),
        "output": pytest.approx(said),
        "currency": "USD",
    }


def test_searches_cost_too(model: ChatPortkey, api_format: str) -> None:
    searching = model.bind_tools([{"type": "web_search_20250305", "name": "web_search", "max_uses": 1}])
    cost = searching.invoke("Search the web for the weather in Kiel.").response_metadata["cost"]
    # A cent each (Anthropic, "Pricing"); chat completions do not tell of them.
    searched = 0.01 if api_format == "messages" else 0.0
    assert cost["total"] == pytest.approx(cost["input"] + cost["output"] + searched)


def test_a_trace_costs_what_its_answers_do(model: ChatPortkey) -> None:
    agent: Any = create_agent(model, TOOLS)
    result = agent.invoke({"messages": [HumanMessage("What is the weather in Paris, then in Rome?")]})
    costs = [message.response_metadata["cost"]["total"] for message in result["messages"] if message.type == "ai"]
    sum_ = trace_cost(result)
    assert sum_ is not None
    assert len(costs) > 1
    assert (sum_.answers, sum_.unpriced) == (len(costs), 0)
    assert sum_.total == pytest.approx(sum(costs))


@any_call
def test_every_way_to_ask_is_summed_up(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model, "Hi")
    sum_ = trace_cost(answer)
    assert sum_ is not None
    assert sum_.total == answer.response_metadata["cost"]["total"]


def test_calls_at_once_are_all_counted(model: ChatPortkey) -> None:
    report = CacheReport()

    async def ask_at_once() -> None:
        await model.with_options(callbacks=[report]).abatch(["Hi"] * 12)

    asyncio.run(ask_at_once())
    assert report.total.calls == 12
