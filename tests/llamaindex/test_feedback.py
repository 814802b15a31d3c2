"""``llm.feedback(response, 1)``: from a response, its message, what an agent gave, or a trace id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentOutput
from llama_index.core.llms import ChatMessage

from portkey_gateway import EncodingError
from portkey_llamaindex import Portkey
from tests.llamaindex.ways import ask, every_way
from tests.support.messages_format import message
from tests.support.recording import RecordingServer, whole

Rate = Callable[..., Any]

RECEIPT = {"status": "success", "feedback_ids": ["f-1"]}


def feedback(llm: Portkey, *given: Any, **more: Any) -> None:
    llm.feedback(*given, **more)


def afeedback(llm: Portkey, *given: Any, **more: Any) -> None:
    asyncio.run(llm.afeedback(*given, **more))


any_feedback = pytest.mark.parametrize("rate", [feedback, afeedback])


@pytest.fixture
def llm_of_messages(recorded: Portkey) -> Portkey:
    return recorded.with_options(api_format="messages")


@any_feedback
def test_a_trace_is_rated(recorded: Portkey, server: RecordingServer, rate: Rate) -> None:
    server.reply(whole(RECEIPT))
    rate(recorded, "order-4711", -10, weight=0.5, metadata={"why": "too long"})
    [rated] = server.requests
    assert rated.path == "/v1/feedback"
    assert rated.json == {"trace_id": "order-4711", "value": -10, "weight": 0.5, "metadata": {"why": "too long"}}


@every_way
def test_a_response_is_rated_however_it_came(llm_of_messages: Portkey, server: RecordingServer, way: str) -> None:
    server.reply(whole(message()))
    response = ask(llm_of_messages, way, "Hi")
    server.reply(whole(RECEIPT))
    llm_of_messages.feedback(response, 1)
    asked, rated = server.requests
    assert rated.json["trace_id"] == asked.header("x-portkey-trace-id")


@any_feedback
def test_a_message_and_what_an_agent_gave_are_rated(
    llm_of_messages: Portkey, server: RecordingServer, rate: Rate
) -> None:
    server.reply(whole(message()))
    response = llm_of_messages.chat([ChatMessage("Hi")])
    stored = ChatMessage.model_validate_json(response.message.model_dump_json())
    for of in (response.message, stored, AgentOutput(response=response.message, current_agent_name="a", raw=None)):
        server.reply(whole(RECEIPT))
        rate(llm_of_messages, of, 1)
        assert server.requests[-1].json["trace_id"] == server.requests[0].header("x-portkey-trace-id")


@any_feedback
def test_what_tells_no_trace_sends_nothing(recorded: Portkey, server: RecordingServer, rate: Rate) -> None:
    with pytest.raises(EncodingError, match="a ChatMessage tells no trace"):
        rate(recorded, ChatMessage("Hi"), 1)
    assert not server.requests
