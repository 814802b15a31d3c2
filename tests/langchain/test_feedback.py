"""``model.feedback(answer, 1)``: from a message, what an agent gave, a run or a trace id."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.messages import AIMessage, HumanMessage, messages_from_dict, messages_to_dict
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_core.tracers.schemas import Run

from portkey_gateway import EncodingError
from portkey_langchain import ChatPortkey
from tests.support.messages_format import message
from tests.support.recording import RecordingServer, whole

Rate = Callable[..., Any]

RECEIPT = {"status": "success", "feedback_ids": ["f-1"]}


def feedback(model: ChatPortkey, *given: Any, **more: Any) -> None:
    model.feedback(*given, **more)


def afeedback(model: ChatPortkey, *given: Any, **more: Any) -> None:
    asyncio.run(model.afeedback(*given, **more))


any_feedback = pytest.mark.parametrize("rate", [feedback, afeedback])


@pytest.fixture
def recorded(server: RecordingServer) -> ChatPortkey:
    options: dict[str, Any] = {"provider": "anthropic", "provider_api_key": "sk-ant-of-the-test", "api_key": "pk-test"}
    return ChatPortkey(model="claude-sonnet-4-5", base_url=server.base_url, max_retries=0, **options)


def answer_of(model: ChatPortkey, server: RecordingServer, **config: Any) -> AIMessage:
    server.reply(whole(message()))
    return model.invoke("Hi", config=config)  # type: ignore[arg-type]


@any_feedback
def test_a_message_is_rated(recorded: ChatPortkey, server: RecordingServer, rate: Rate) -> None:
    answer = answer_of(recorded, server)
    server.reply(whole(RECEIPT))
    rate(recorded, answer, 1)
    asked, rated = server.requests
    assert rated.path == "/v1/feedback"
    assert rated.header("x-portkey-api-key") == "pk-test"
    assert rated.json == {"trace_id": asked.header("x-portkey-trace-id"), "value": 1, "weight": 1.0}


@any_feedback
def test_weight_and_labels_go_along(recorded: ChatPortkey, server: RecordingServer, rate: Rate) -> None:
    server.reply(whole(RECEIPT))
    rate(recorded, "order-4711", -10, weight=0.5, metadata={"why": "too long"})
    rated = {"trace_id": "order-4711", "value": -10, "weight": 0.5, "metadata": {"why": "too long"}}
    assert server.requests[-1].json == rated


def of_a_stream(model: ChatPortkey, server: RecordingServer) -> Any:
    server.reply(whole(message()))
    chunks = list(model.stream("Hi"))
    return chunks[-1]


def of_a_stored_message(model: ChatPortkey, server: RecordingServer) -> Any:
    return messages_from_dict(messages_to_dict([answer_of(model, server)]))[0]


def of_a_pickled_message(model: ChatPortkey, server: RecordingServer) -> Any:
    return pickle.loads(pickle.dumps(answer_of(model, server)))


def of_an_agent(model: ChatPortkey, server: RecordingServer) -> Any:
    return {"messages": [HumanMessage("Hi"), answer_of(model, server)]}


def of_a_run_s_id(model: ChatPortkey, server: RecordingServer) -> Any:
    run_id = uuid4()
    answer_of(model, server, run_id=run_id)
    return run_id


def of_a_run(model: ChatPortkey, server: RecordingServer) -> Any:
    collector = RunCollectorCallbackHandler()
    answer_of(model, server, callbacks=[collector])
    [run] = collector.traced_runs
    assert isinstance(run, Run)
    return run


@pytest.mark.parametrize(
    "of", [of_a_stream, of_a_stored_message, of_a_pickled_message, of_an_agent, of_a_run_s_id, of_a_run]
)
def test_whatever_tells_its_trace_is_rated(recorded: ChatPortkey, server: RecordingServer, of: Rate) -> None:
    rated = of(recorded, server)
    server.reply(whole(RECEIPT))
    recorded.feedback(rated, 1)
    assert server.requests[-1].json["trace_id"] == server.requests[0].header("x-portkey-trace-id")


@any_feedback
def test_what_tells_no_trace_sends_nothing(recorded: ChatPortkey, server: RecordingServer, rate: Rate) -> None:
    with pytest.raises(EncodingError, match="a HumanMessage tells no trace"):
        rate(recorded, HumanMessage("Hi"), 1)
    with pytest.raises(EncodingError, match="feedback value must be from -10 to 10"):
        rate(recorded, "order-4711", 11)
    assert not server.requests
