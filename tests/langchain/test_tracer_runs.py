"""What the span of each kind of run says, how it ends, and that nothing of this ever breaks a run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from pydantic import Field
from typing_extensions import override

from portkey_langchain import PortkeyTracer, run_spans
from portkey_langchain.callbacks import RUNS
from tests.langchain.tracing import Sent, no_opentelemetry_in_the_environment, receiver, sent, tracer
from tests.support.receiver import Received, roots_of, spans_of
from tests.support.recording import RecordingServer, whole

__all__ = ["no_opentelemetry_in_the_environment", "receiver", "sent", "tracer"]


class Theirs(FakeMessagesListChatModel):
    """A model that is not ours, and tells of itself what models tell."""

    headers: dict[str, str] = Field(default_factory=dict)

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return {
            "ls_provider": "amazon_bedrock", "ls_model_name": "nova", "ls_temperature": 0.5, "ls_max_tokens": 9,
            "ls_stop": ["END"],
        }  # fmt: skip

    @override
    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self


def told(**more: Any) -> AIMessage:
    usage: Any = {
        "input_tokens": 7, "output_tokens": 3, "total_tokens": 10,
        "input_token_details": {"cache_read": 4, "cache_creation": 1}, "output_token_details": {"reasoning": 2},
    }  # fmt: skip
    facts = {"model_name": "nova-1", "stop_reason": "end_turn", "id": "msg_1"}
    return AIMessage("Hello.", usage_metadata=usage, response_metadata=facts, **more)


class Shelf(BaseRetriever):
    @override
    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        if query == "burn":
            raise OSError("on fire")
        return [Document(f"about {query}", id="d1", metadata={"page": 3})]


def one(spans: list[Received], name: str) -> Received:
    [span] = [span for span in spans if span.name == name]
    return span


def greet(given: dict[str, str]) -> dict[str, str]:
    return {"said": given["name"]}


def failing(_: Any) -> str:
    raise ValueError("the text of the user")


# --- what a span says -----------------------------------------------------------------------------------------------


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
    said = [{"role": "assistant", "parts": [{"type": "text", "content": "Hello."}]}]
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


def test_another_model_that_calls_through_the_gateway_is_not_priced_twice(tracer: PortkeyTracer, sent: Sent) -> None:
    model = Theirs(responses=[told()], headers={"x-portkey-api-key": "pk-secret"})
    model.invoke("Hi", {"callbacks": [tracer]})
    [span] = sent()
    assert span.attributes["portkey.through_gateway"] is True
    assert not any("usage" in name for name in span.attributes)
    assert "pk-secret" not in span.all_text


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
    assert span.attributes["gen_ai.input.messages"] == '["When?"]'
    assert span.attributes["gen_ai.output.messages"] == '["noon"]'


def test_a_retriever_says_what_it_found(tracer: PortkeyTracer, sent: Sent) -> None:
    Shelf().invoke("owls", {"callbacks": [tracer]})
    [span] = sent()
    assert span.name == "retrieval Shelf"
    assert span.attributes["gen_ai.operation.name"] == "retrieval"
    assert span.attributes["gen_ai.retrieval.query.text"] == "owls"
    found = json.loads(span.attributes["gen_ai.retrieval.documents"])
    assert found == [{"id": "d1", "content": "about owls", "metadata": {"page": 3}}]


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    if city == "Atlantis":
        raise ValueError(city)
    return f"sunny in {city}"


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
    said = [{"role": "assistant", "parts": [{"type": "text", "content": "Hello."}]}]
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
    where: Any = {"endpoint": f"{receiver.base_url}/traces"}
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "False")
    with (
        closing(PortkeyTracer(**where)) as by_variable,
        closing(PortkeyTracer(**where, capture_content=False)) as given,
    ):
        chain = RunnableLambda(lambda text: text) | Theirs(responses=[told()])
        for tracing in (by_variable, given):
            chain.invoke("the text of the user", {"callbacks": [tracing]})
            with pytest.raises(ValueError, match="the text"):
                RunnableLambda(failing).invoke("the text of the user", {"callbacks": [tracing]})
    spans = spans_of(receiver)
    assert len(spans) == 8
    for request in receiver.requests:
        assert b"the text" not in request.body
        assert b"Hello." not in request.body
    assert [span.exception for span in spans if span.is_error] == [{"exception.type": "ValueError"}] * 2
    assert spans[1].attributes["gen_ai.usage.input_tokens"] == 7


def test_only_the_metadata_that_is_allowed(receiver: RecordingServer) -> None:
    with closing(PortkeyTracer(endpoint=f"{receiver.base_url}/traces", metadata_keys=["team"])) as tracing:
        config: Any = {"callbacks": [tracing], "metadata": {"team": "a", "name": "Ada"}, "tags": ["t"]}
        RunnableLambda(str).invoke("Hi", config)
    assert spans_of(receiver)[0].attributes["portkey.metadata"] == '{"team": "a"}'


# --- how a span ends ------------------------------------------------------------------------------------------------


def test_what_fails_tells_its_error(tracer: PortkeyTracer, sent: Sent) -> None:
    chain = RunnableLambda(str) | RunnableLambda(failing)
    config: Any = {"callbacks": [tracer]}
    with pytest.raises(ValueError, match="the text"):
        chain.invoke("Hi", config)
    with pytest.raises(ValueError, match="Atlantis"):
        weather.invoke({"city": "Atlantis"}, config)
    with pytest.raises(OSError, match="fire"):
        Shelf().invoke("burn", config)
    with pytest.raises(IndexError):
        Theirs(responses=[]).invoke("Hi", config)
    failed = [span for span in sent() if span.is_error]
    assert [span.attributes["error.type"] for span in failed] == [
        "ValueError", "ValueError", "ValueError", "OSError", "IndexError",
    ]  # fmt: skip
    assert failed[0].exception["exception.message"] == "the text of the user"
    assert "in failing" in failed[0].exception["exception.stacktrace"]


def test_an_interrupt_is_no_error(tracer: PortkeyTracer, sent: Sent) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:  # noqa: ARG001 LangGraph's signature
        return {"messages": [("human", interrupt("May I?"))]}

    built = StateGraph(MessagesState)
    built.add_node("ask", ask)
    built.add_edge(START, "ask")
    graph: Any = built.compile(checkpointer=InMemorySaver())
    graph.invoke({"messages": []}, {"callbacks": [tracer], "configurable": {"thread_id": "1"}})
    spans = sent()
    assert not any(span.is_error for span in spans)
    assert one(spans, "ask").attributes["portkey.outcome"] == "interrupted"
    assert one(spans, "LangGraph").attributes["gen_ai.conversation.id"] == "1"


async def test_a_cancelled_run_is_ended(tracer: PortkeyTracer, sent: Sent) -> None:
    begun = asyncio.Event()

    async def wait(_: str) -> None:
        begun.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(RunnableLambda(wait).ainvoke("Hi", {"callbacks": [tracer]}))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [span] = sent()
    assert (span.is_error, span.attributes["portkey.outcome"]) == (False, "cancelled")


async def test_a_stream_that_is_left_is_ended(tracer: PortkeyTracer, sent: Sent) -> None:
    def count(_: Iterator[str]) -> Iterator[int]:
        yield from range(100)

    async def acount(_: AsyncIterator[str]) -> AsyncIterator[int]:
        for number in range(100):
            yield number

    counting = RunnableGenerator(count, acount)
    config: Any = {"callbacks": [tracer]}
    stream: Any = counting.stream("go", config)
    assert next(stream) == 0
    stream.close()
    astream: Any = counting.astream("go", config)
    assert await anext(astream) == 0
    await astream.aclose()
    # LangChain itself ends the run of a stream that is closed, with what it had given so far.
    assert [span.is_error for span in sent()] == [False, False]


def test_runs_that_never_end_are_given_up(receiver: RecordingServer) -> None:
    with closing(PortkeyTracer(endpoint=f"{receiver.base_url}/traces")) as tracing:
        runs = [uuid4() for _ in range(12_000)]
        for run_id in runs:
            tracing.on_chain_start(None, {"text": "stuck"}, run_id=run_id, name="stuck")
        assert tracing.lost == 2_000
        for run_id in runs:
            RUNS.on_chain_end(None, run_id=run_id)


# --- nothing of this breaks a run -----------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [whole(b"", status=500), whole(b"", wait_s=1.0), None])
async def test_a_receiver_that_fails_changes_nothing(
    receiver: RecordingServer, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    endpoint = f"{receiver.base_url}/traces"
    if reply:
        receiver.reply(reply)
    else:
        endpoint = "http://127.0.0.1:9/v1/traces"
    tracing = PortkeyTracer(endpoint=endpoint)
    chain = RunnableLambda(str) | Theirs(responses=[told()])
    assert chain.invoke("Hi", {"callbacks": [tracing]}).text == "Hello."
    assert (await chain.ainvoke("Hi", {"callbacks": [tracing]})).text == "Hello."
    tracing.flush()
    assert tracing.lost == 6
    tracing.close()


class Raising(BaseCallbackHandler):
    run_inline = True

    @override
    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        raise RuntimeError

    @override
    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        raise RuntimeError


def test_another_handler_that_raises_takes_no_span_away(tracer: PortkeyTracer, sent: Sent) -> None:
    chain = RunnableLambda(str) | RunnableLambda(str)
    assert chain.invoke("Hi", {"callbacks": [Raising(), tracer, Raising()]}) == "Hi"
    assert len(roots_of(sent())) == 1


def test_a_failure_of_ours_costs_words_not_the_tree(
    tracer: PortkeyTracer, sent: Sent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError

    for name in ("describe_chain", "conclude_chain", "describe_tool"):
        monkeypatch.setattr(run_spans, name, broken)
    chain = RunnableLambda(str) | weather
    assert chain.invoke("Rome", {"callbacks": [tracer]}) == "sunny in Rome"
    spans = sent()
    assert [span.name for span in spans] == ["str", "weather", "RunnableSequence"]
    assert len(roots_of(spans)) == 1
    assert [record.name for record in caplog.records] == ["portkey_langchain.tracer"]
