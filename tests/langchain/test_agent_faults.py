"""Agents and chains in trouble: what may pass is tried again or given to another model, what lasts is told at once."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ModelRetryMiddleware
from langchain_core.exceptions import ModelError, OutputParserException
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import Runnable
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import RetryPolicy
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.brain import REFUSAL_MAGIC
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, astream, stream
from tests.langchain.graphs import Run, ainvoke, amessages, get_weather, invoke, messages

QUESTION: Final = "What is the weather in Paris?"
OVERLOADED: Final = Fault("status", status=529)
LIMITED: Final = Fault("status", status=429, message="Slow down.")
REFUSED: Final = Fault("status", status=400, message="No.")
MIDWAY: Final = Fault("error_mid_stream", after=4)
CUT: Final = Fault("cut", after=4)

any_run = pytest.mark.parametrize("run", [invoke, ainvoke, messages, amessages])
streamed_run = pytest.mark.parametrize("run", [messages, amessages])


def retrying(model: ChatPortkey) -> Any:
    again = ModelRetryMiddleware(max_retries=1, initial_delay=0, jitter=False, on_failure="error")
    return create_agent(model, [get_weather], middleware=[again])


@any_run
@pytest.mark.parametrize("fault", [OVERLOADED, LIMITED], ids=["529", "429"])
@pytest.mark.parametrize("match", [None, "tool_result"], ids=["first round", "second round"])
def test_retry_middleware_gets_an_agent_past_what_may_pass(
    model: ChatPortkey, sandbox: Sandbox, run: Run, fault: Fault, match: str | None
) -> None:
    sandbox.claude.inject(Fault("status", status=fault.status, match=match))
    told = run(retrying(model), QUESTION)
    assert "sunny in Paris" in told[-1].text
    assert len([message for message in told if isinstance(message, ToolMessage)]) == 1
    assert len(sandbox.claude.requests) == 3


@streamed_run
@pytest.mark.parametrize("fault", [MIDWAY, CUT], ids=["error", "cut"])
def test_retry_middleware_begins_an_answer_again_that_broke_off(
    model: ChatPortkey, sandbox: Sandbox, run: Run, fault: Fault
) -> None:
    sandbox.claude.inject(fault)
    run(retrying(model), QUESTION)
    assert len(sandbox.claude.requests) == 3
    *_, last = sandbox.claude.requests
    assert [message["role"] for message in last.body["messages"]] == ["user", "assistant", "user"]


def test_an_agent_s_state_holds_nothing_of_an_answer_that_broke_off(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.inject(MIDWAY)
    agent = retrying(model)
    *_, (_, state) = agent.stream({"messages": [HumanMessage(QUESTION)]}, stream_mode=["messages", "values"])
    assert [type(message) for message in state["messages"]] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert "sunny in Paris" in state["messages"][-1].text


@any_run
def test_what_lasts_is_not_tried_again(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.inject(REFUSED)
    with pytest.raises(ModelError, match=r"No\."):
        run(retrying(model), QUESTION)
    assert len(sandbox.claude.requests) == 1


@any_run
def test_fallback_middleware_asks_another_model(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.inject(Fault("status", status=529, match="sonnet", times=9))
    fallback = ModelFallbackMiddleware(model.with_options(model="claude-haiku-4-5"))
    agent = create_agent(model, [get_weather], middleware=[fallback])
    assert "sunny in Paris" in run(agent, QUESTION)[-1].text


def test_a_node_s_retry_policy_gets_a_graph_past_what_may_pass(model: ChatPortkey, sandbox: Sandbox) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    policy = RetryPolicy(initial_interval=0, jitter=False, retry_on=_may_pass)
    built = StateGraph(MessagesState)
    built.add_node("model", ask, retry_policy=policy)
    built.add_edge(START, "model")
    sandbox.claude.inject(OVERLOADED)
    assert invoke(built.compile(), "Say exactly: a")[-1].text == "a"
    sandbox.claude.inject(REFUSED)
    with pytest.raises(ModelError):
        invoke(built.compile(), "Say exactly: a")
    assert len(sandbox.claude.requests) == 3


def _may_pass(error: Exception) -> bool:
    return isinstance(error, ModelError) and error.is_retryable


@any_call
@pytest.mark.parametrize(
    ("fault", "is_retryable"),
    [
        (OVERLOADED, True),
        (LIMITED, True),
        (Fault("status", status=500), True),
        (REFUSED, False),
        (Fault("status", status=401), False),
        (Fault("status", status=413), False),
    ],
    ids=["529", "429", "500", "400", "401", "413"],
)
def test_an_error_tells_whether_it_may_pass(
    model: ChatPortkey, sandbox: Sandbox, ask: Ask, fault: Fault, is_retryable: bool
) -> None:
    sandbox.claude.inject(fault)
    with pytest.raises(ModelError) as caught:
        ask(model, "Count to 12.")
    assert caught.value.is_retryable is is_retryable


@pytest.mark.parametrize("ask", [stream, astream])
@pytest.mark.parametrize(
    ("fault", "is_retryable"),
    [
        (MIDWAY, True),
        (Fault("error_mid_stream", after=4, status=429), True),
        (Fault("error_mid_stream", after=4, status=400), False),
        (CUT, True),
        (Fault("truncate", after=4), True),
        (Fault("garbage_event", after=4), True),
    ],
    ids=["overloaded", "limited", "refused", "cut", "truncated", "garbage"],
)
def test_an_error_in_the_middle_tells_whether_it_may_pass(
    model: ChatPortkey, sandbox: Sandbox, ask: Ask, fault: Fault, is_retryable: bool
) -> None:
    sandbox.claude.inject(fault)
    with pytest.raises(ModelError) as caught:
        ask(model, "Count to 12.")
    assert caught.value.is_retryable is is_retryable


@any_call
@pytest.mark.parametrize("fault", [OVERLOADED, LIMITED], ids=["529", "429"])
def test_with_retry_and_with_fallbacks_take_it_up(model: ChatPortkey, sandbox: Sandbox, ask: Ask, fault: Fault) -> None:
    other = model.with_options(model="claude-haiku-4-5")
    patient: Runnable[Any, AIMessage] = model.with_retry(stop_after_attempt=2, wait_exponential_jitter=False)
    sandbox.claude.inject(fault)
    answer = ask(model.with_fallbacks([other]), "Say exactly: a")
    assert (answer.text, answer.response_metadata["model_name"]) == ("a", "claude-haiku-4-5")
    if ask not in {stream, astream}:  # LangChain's with_retry leaves streams alone
        sandbox.claude.inject(fault)
        assert ask(patient, "Say exactly: a").text == "a"


class Weather(BaseModel):
    """The weather of a city."""

    city: str


@any_call
def test_a_refusal_is_an_answer_that_says_so(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model, f"Say something. {REFUSAL_MAGIC}")
    assert answer.text == ""
    assert answer.response_metadata["finish_reason"] == "content_filter"
    assert answer.response_metadata["stop_reason"] == "refusal"


@any_call
def test_a_refusal_in_the_middle_keeps_what_was_said(model: ChatPortkey, sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.reply_with("Well, I", stop_reason="refusal")
    answer = ask(model, "Hi")
    assert (answer.text, answer.response_metadata["stop_reason"]) == ("Well, I", "refusal")


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_a_refusal_is_no_object(model: ChatPortkey, method: Any) -> None:
    question = f"Where? {REFUSAL_MAGIC}"
    chain = model.with_structured_output(Weather, method=method)
    with pytest.raises(OutputParserException):
        chain.invoke(question)
    with pytest.raises(OutputParserException):
        asyncio.run(chain.ainvoke(question))
    raw = model.with_structured_output(Weather, method=method, include_raw=True).invoke(question)
    assert raw["raw"].response_metadata["stop_reason"] == "refusal"
    assert raw["parsed"] is None
    assert isinstance(raw["parsing_error"], OutputParserException)


@any_run
def test_an_agent_that_is_refused_ends(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    told = run(create_agent(model, [get_weather]), f"{QUESTION} {REFUSAL_MAGIC}")
    assert len(sandbox.claude.requests) == 1
    assert [message.response_metadata["stop_reason"] for message in told if isinstance(message, AIMessage)] == [
        "refusal"
    ]
