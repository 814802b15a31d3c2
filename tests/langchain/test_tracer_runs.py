"""What the span of each kind of run says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableGenerator, RunnableLambda
from langchain_core.tools import tool

from portkey_gateway.sandbox import SpanReceiver
from portkey_langchain import PortkeyTracer
from tests.langchain.tracing import Sent
from tests.langchain.tracing_runs import Shelf, Theirs, failing, one, told, weather
from tests.support.receiver import roots_of, spans_of
from tests.support.recording import RecordingServer
from tests.support.viewer import tokens_in


def greet(given: dict[str, str]) -> dict[str, str]:
    return {"said": given["name"]}


def test_a_chain_says_what_went_in_and_out(tracer: PortkeyTracer, sent: Sent) -> None:
    config: Any = {
        "callbacks": [tracer], "run_name": "greet", "tags": ["nightly"],
        "metadata": {"team": "a", "thread_id": 7, "ls_x": "no"},
    }  # fmt: skip
    chain: Any = RunnableLambda(greet)
    chain.invoke({"name": "Ada"}, config)
    [span] = sent()
    assert (span.name, span.kind, span.parent_id) == ("greet", 1, None)
    labels = {"team": "a", "thread_id": 7, "tags": ["nightly"]}
    assert span.attributes == {
        "portkey.metadata": json.dumps(labels),
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "greet",
        "gen_ai.conversation.id": "7",
        "session.id": "7",
        "input.value": '{"name": "Ada"}',
        "output.value": '{"said": "Ada"}',
    }
    assert 0 < span.started_ns < span.ended_ns


def test_a_model_that_is_not_ours_says_what_it_used(tracer: PortkeyTracer, sent: Sent) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    question = HumanMessage([{"type": "text", "text": "What is it?"}, image])
    Theirs(responses=[told()]).invoke([question], {"callbacks": [tracer]})
    [span] = sent()
    assert (span.name, span.kind) == ("chat nova", 3)
    asked = [{"role": "user", "parts": [{"type": "text", "content": "What is it?"}, {"type": "image_url"}]}]
    text = [{"type": "text", "content": "Hello."}]
    said = [{"role": "assistant", "parts": text, "finish_reason": "end_turn"}]
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": "nova",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.model": "nova-1",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_creation.input_tokens": 1,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(said),
    }


def test_what_was_cached_for_a_time_that_is_told_was_cached_too(tracer: PortkeyTracer, sent: Sent) -> None:
    message = told()
    assert message.usage_metadata
    # As langchain-anthropic tells it, and so that the details add up.
    details: Any = {"cache_creation": 0, "ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2}
    message.usage_metadata["input_token_details"] = details
    Theirs(responses=[message]).invoke("Hi", {"callbacks": [tracer]})
    assert sent()[0].attributes["gen_ai.usage.cache_creation.input_tokens"] == 3


def test_another_model_that_calls_through_the_gateway_is_not_priced_twice(tracer: PortkeyTracer, sent: Sent) -> None:
    model = Theirs(responses=[told()], headers={"x-portkey-api-key": "pk-secret"})
    model.invoke("Hi", {"callbacks": [tracer]})
    [span] = sent()
    assert span.attributes["portkey.through_gateway"] is True
    assert not any("usage" in name for name in span.attributes)
    assert "pk-secret" not in repr(span)


def test_a_viewer_is_told_what_another_model_used_that_calls_through_the_gateway() -> None:
    model = Theirs(responses=[told()], headers={"x-portkey-api-key": "pk-secret"})
    with SpanReceiver() as viewer, closing(PortkeyTracer(endpoint=viewer.endpoint)) as tracer:
        model.invoke("Hi", {"callbacks": [tracer]})
        tracer.flush()
        [span] = viewer.spans
    assert span.attributes["portkey.through_gateway"] is True
    assert tokens_in([span]) == (7, 3)


def test_thoughts_tool_calls_and_their_results_are_parts(tracer: PortkeyTracer, sent: Sent) -> None:
    thinking: Any = [{"type": "thinking", "thinking": "Hm."}, {"type": "tool_use", "id": "t1"}, "So."]
    call: Any = {"name": "now", "args": {"zone": "UTC"}, "id": "t1"}
    Theirs(responses=[AIMessage(content=thinking, tool_calls=[call])]).invoke("Hi", {"callbacks": [tracer]})
    [said] = json.loads(sent()[0].attributes["gen_ai.output.messages"])
    assert said["parts"] == [
        {"type": "reasoning", "content": "Hm."},
        {"type": "text", "content": "So."},
        {"type": "tool_call", "id": "t1", "name": "now", "arguments": {"zone": "UTC"}},
    ]


def test_a_model_of_plain_text(tracer: PortkeyTracer, sent: Sent) -> None:
    FakeListLLM(responses=["noon"]).invoke("When?", {"callbacks": [tracer]})
    [span] = sent()
    assert span.name == "text_completion FakeListLLM"
    [asked], [answered] = (json.loads(span.attributes[f"gen_ai.{way}.messages"]) for way in ("input", "output"))
    assert asked == {"role": "user", "parts": [{"type": "text", "content": "When?"}]}
    assert answered == {
        "role": "assistant", "parts": [{"type": "text", "content": "noon"}], "finish_reason": "stop"
    }  # fmt: skip


def test_a_retriever_says_what_it_found(tracer: PortkeyTracer, sent: Sent) -> None:
    Shelf().invoke("owls", {"callbacks": [tracer]})
    [span] = sent()
    assert span.name == "retrieval Shelf"
    assert span.attributes["gen_ai.operation.name"] == "retrieval"
    assert span.attributes["gen_ai.retrieval.query.text"] == "owls"
    found = json.loads(span.attributes["gen_ai.retrieval.documents"])
    assert found == [{"id": "d1", "content": "about owls", "metadata": {"page": 3}}]


def calls(name: str, **arguments: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "t1"}])


def test_an_agent_with_another_agent_as_its_tool(tracer: PortkeyTracer, sent: Sent) -> None:
    expert: Any = create_agent(Theirs(responses=[calls("weather", city="Rome"), told()]), [weather], name="expert")

    @tool
    def ask_expert(question: str) -> str:
        """Ask the expert."""
        messages = expert.invoke({"messages": [("human", question)]})["messages"]
        return str(messages[-1].text)

    clerk = create_agent(Theirs(responses=[calls("ask_expert", question="Rain?"), told()]), [ask_expert], name="clerk")
    asked: Any = {"messages": [{"role": "user", "content": "Umbrella?"}]}
    clerk.invoke(asked, {"callbacks": [tracer]})
    spans = sent()
    [root] = roots_of(spans)
    outer, inner = one(spans, "invoke_agent clerk"), one(spans, "invoke_agent expert")
    assert root.span_id == outer.span_id
    assert inner.parent_id == one(spans, "execute_tool ask_expert").span_id
    assert one(spans, "execute_tool weather").attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "Tell the weather.",
        "gen_ai.tool.call.id": "t1",
        "gen_ai.agent.name": "expert",
        "gen_ai.tool.call.arguments": '{"city": "Rome"}',
        "gen_ai.tool.call.result": "sunny in Rome",
    }
    text = [{"type": "text", "content": "Hello."}]
    said = [{"role": "assistant", "parts": text, "finish_reason": "stop"}]
    assert json.loads(outer.attributes["gen_ai.output.messages"]) == said
    assert json.loads(outer.attributes["gen_ai.input.messages"])[0]["role"] == "user"


def test_a_chain_that_streams_its_input_tells_it_at_the_end(tracer: PortkeyTracer, sent: Sent) -> None:
    def shout(texts: Iterator[str]) -> Iterator[str]:
        for text in texts:
            yield text.upper()

    list(RunnableGenerator(shout).transform(iter(["a", "b"]), {"callbacks": [tracer]}))
    [span] = sent()
    assert (span.attributes["input.value"], span.attributes["output.value"]) == ("ab", "AB")


def test_content_is_left_out_where_it_is_not_wanted(receiver: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    where: Any = {"endpoint": f"{receiver.base_url}/otel/v1/traces"}
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "False")
    by_variable = PortkeyTracer(**where)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    by_argument = PortkeyTracer(**where, capture_content=False)
    chain = RunnableLambda(str) | Theirs(responses=[told()])
    for tracing in (by_variable, by_argument):
        chain.invoke("the text of the user", {"callbacks": [tracing]})
        with pytest.raises(ValueError, match="the text"):
            RunnableLambda(failing).invoke("the text of the user", {"callbacks": [tracing]})
        tracing.close()
    spans = spans_of(receiver)
    assert len(spans) == 8
    for request in receiver.requests:
        assert b"the text" not in request.body
        assert b"Hello." not in request.body
    assert [span.exception for span in spans if span.is_error] == [{"exception.type": "ValueError"}] * 2
    assert spans[1].attributes["gen_ai.usage.input_tokens"] == 7


def test_only_the_metadata_that_is_allowed(receiver: RecordingServer) -> None:
    with closing(PortkeyTracer(endpoint=f"{receiver.base_url}/otel/v1/traces", metadata_keys=["team"])) as tracing:
        config: Any = {"callbacks": [tracing], "metadata": {"team": "a", "name": "Ada"}, "tags": ["t"]}
        RunnableLambda(str).invoke("Hi", config)
    assert spans_of(receiver)[0].attributes["portkey.metadata"] == '{"team": "a"}'
