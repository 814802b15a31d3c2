"""Calls whose place LangChain does not tell, or not right: each is a span, in one tree with what is around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.runnables.config import ContextThreadPoolExecutor
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_core.tools import tool

from portkey_gateway.sandbox import CallLog, Sandbox, SpanReceiver
from portkey_langchain import ChatPortkey, PortkeyEmbeddings, PortkeyTracer
from tests.langchain.ask import Ask, any_call
from tests.support.viewer import KIND, calls_in, headers, log, places_of, places_told, receiver, tokens_in, whole_tree

__all__ = ["headers", "log", "receiver"]

Seen = Callable[[], list[Any]]
PROMPTS: list[list[BaseMessage]] = [[HumanMessage("Say one.")], [HumanMessage("Say two, please.")]]
CALLED = "order-Größe-17"


@pytest.fixture(params=["named", "all"])
def tracer(request: pytest.FixtureRequest, receiver: SpanReceiver) -> Iterator[PortkeyTracer]:
    with closing(PortkeyTracer(endpoint=receiver.endpoint, detail=request.param)) as tracing:
        yield tracing
        tracing.flush()
        assert (tracing.lost, len(tracing._tracing.open), len(tracing._tracing.folded)) == (0, 0, 0)


@pytest.fixture
def seen(tracer: PortkeyTracer, receiver: SpanReceiver) -> Seen:
    """Returns the spans that the receiver has got by now."""

    def spans() -> list[Any]:
        tracer.flush()
        return receiver.spans

    return spans


@pytest.fixture
def options(sandbox: Sandbox, api_format: str) -> dict[str, Any]:
    return {**sandbox.options(), "api_format": api_format, "model": sandbox.model, "max_retries": 0, "max_tokens": 500}


@pytest.fixture
def embeddings(portkey_sandbox_with_openai: Sandbox) -> PortkeyEmbeddings:
    more: Any = portkey_sandbox_with_openai.options("openai")
    return PortkeyEmbeddings(model="text-embedding-3-small", dimensions=8, **more)


# --- several prompts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_each_of_several_prompts_is_a_span(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen, log: CallLog, *, streaming: bool, is_async: bool
) -> None:
    model = ChatPortkey(**options, streaming=streaming)
    if is_async:
        result = asyncio.run(model.agenerate(PROMPTS, callbacks=[tracer]))
    else:
        result = model.generate(PROMPTS, callbacks=[tracer])
    spans = seen()
    assert len(spans) == 2
    assert places_of(spans) == places_told(log)
    usages: list[Any] = [generations[0].message.usage_metadata for generations in result.generations]  # type: ignore[union-attr]  # of a chat model
    assert tokens_in(spans) == tuple(sum(usage[name] for usage in usages) for name in ("input_tokens", "output_tokens"))


# --- a model that asks another ---------------------------------------------------------------------------------------


class Asking(ChatPortkey):
    """Asks another model, and itself as often as it is told to."""

    other: Any
    own_requests: int = 1

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.other.invoke(messages)
        results = [super(Asking, self)._generate(messages, *args, **kwargs) for _ in range(self.own_requests)]
        return results[-1] if results else ChatResult(generations=[ChatGeneration(message=AIMessage("No."))])

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.other.invoke(messages)
        for _ in range(self.own_requests):
            yield from super()._stream(messages, *args, **kwargs)


@pytest.mark.parametrize("own_requests", [0, 1, 2])
def test_a_subclass_that_asks_another_model_has_a_span_for_each_request(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen, log: CallLog, own_requests: int
) -> None:
    chain = RunnableLambda(lambda text: text).with_config(run_name="ask") | ChatPortkey(**options)
    model: Any = Asking(**options, other=chain, own_requests=own_requests)
    (RunnableLambda(str) | model).with_config(run_name="root").invoke("Hi", {"callbacks": [tracer]})
    spans = seen()
    calls = calls_in(spans)
    assert len(calls) == len(log.calls) == own_requests + 1
    assert all(all(tokens_in([call])) for call in calls)
    assert whole_tree(spans)
    assert {(call.trace_id, call.span_id) for call in log.calls} == {(call.trace_id, call.span_id) for call in calls}


def test_a_subclass_that_asks_twice_has_two_spans_where_it_is_the_root(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen, log: CallLog
) -> None:
    # What it asks besides is a run of its own, of which this tracer is not told.
    model: Any = Asking(**options, other=RunnableLambda(str), own_requests=2)
    model.invoke("Hi", {"callbacks": [tracer]})
    assert places_of(seen()) == places_told(log)
    assert len(log.calls) == 2


def test_a_subclass_that_streams_after_it_asked_another_is_in_its_place(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen, log: CallLog
) -> None:
    model: Any = Asking(**options, other=ChatPortkey(**options))
    list((RunnableLambda(str) | model).with_config(run_name="root").stream("Hi", {"callbacks": [tracer]}))
    spans = seen()
    assert len(calls_in(spans)) == len(log.calls) == 2
    assert whole_tree(spans)


# --- what outlives its run -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("embeds", [False, True])
async def test_what_a_task_asks_after_its_run_is_over_is_in_the_trace(
    options: dict[str, Any],
    embeddings: PortkeyEmbeddings,
    tracer: PortkeyTracer,
    seen: Seen,
    log: CallLog,
    *,
    embeds: bool,
) -> None:
    model, over, tasks = ChatPortkey(**options), asyncio.Event(), list[asyncio.Task[Any]]()

    async def inner(text: str) -> str:
        async def later() -> None:
            await over.wait()
            await (embeddings.aembed_query(text) if embeds else model.ainvoke(text))

        tasks.append(asyncio.create_task(later()))
        return text

    chain = RunnableLambda(str).with_config(run_name="outer") | RunnableLambda(inner).with_config(run_name="inner")
    config: Any = {"callbacks": [tracer], "metadata": {"session_id": "s-1"}}
    await chain.with_config(run_name="root").ainvoke("Hi", config)
    over.set()
    await asyncio.gather(*tasks)
    spans = seen()
    assert whole_tree(spans)
    by_name = {span.name: span for span in spans}
    [call] = [span for span in spans if span.attributes[KIND] in {"LLM", "EMBEDDING"}]
    assert call.parent_id == by_name["inner"].span_id
    assert places_of([call]) == places_told(log)
    assert call.attributes["session.id"] == "s-1"


# --- a trace that the user chose -------------------------------------------------------------------------------------


@any_call
def test_a_call_of_another_trace_stays_in_its_tree(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen, log: CallLog, ask: Ask
) -> None:
    chain = (RunnableLambda(str) | ChatPortkey(**options, trace_id="order-17")).with_config(run_name="root")
    ask(chain, "Hi", config={"callbacks": [tracer]})
    spans = seen()
    [call] = calls_in(spans)
    assert whole_tree(spans)
    assert call.attributes["portkey.trace_id"] == "order-17"
    assert [(told.trace_id, told.span_id) for told in log.calls] == [("order-17", call.span_id)]


@any_call
def test_a_call_by_itself_is_in_the_trace_that_it_names(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen, log: CallLog, ask: Ask
) -> None:
    ask(ChatPortkey(**options, trace_id="0" * 31 + "7"), "Hi", config={"callbacks": [tracer]})
    assert places_of(seen()) == places_told(log)


def test_a_chain_of_another_trace_stays_in_its_tree(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen, log: CallLog
) -> None:
    inner = (RunnableLambda(str) | ChatPortkey(**options)).with_config(run_name="in", metadata={"trace_id": "order-17"})
    RunnableLambda(inner.invoke).with_config(run_name="root").invoke("Hi", {"callbacks": [tracer]})
    spans = seen()
    assert whole_tree(spans)
    named = {span.name for span in spans if span.attributes.get("portkey.trace_id") == "order-17"}
    assert {"in", calls_in(spans)[0].name} <= named
    assert [call.trace_id for call in log.calls] == ["order-17"]


def test_embeddings_are_in_a_trace_whatever_its_name(
    options: dict[str, Any], embeddings: PortkeyEmbeddings, tracer: PortkeyTracer, seen: Seen
) -> None:
    model = ChatPortkey(**options)

    def both(text: str) -> str:
        embeddings.embed_documents([text, text], chunk_size=1)
        return model.invoke(text).text

    config: Any = {"callbacks": [tracer], "metadata": {"trace_id": CALLED}}
    RunnableLambda(both).with_config(run_name="root").invoke("Hi", config)
    spans = seen()
    assert whole_tree(spans)
    assert len(spans) == 4
    assert {span.attributes["portkey.trace_id"] for span in spans} == {CALLED}


# --- calls of nobody's run -------------------------------------------------------------------------------------------


def test_a_tool_that_embeds_in_threads_of_its_own_has_spans_if_the_context_goes_along(
    embeddings: PortkeyEmbeddings, tracer: PortkeyTracer, seen: Seen, log: CallLog
) -> None:
    @tool
    def look(question: str) -> str:
        """Look it up."""
        with ContextThreadPoolExecutor() as pool:
            return str(len(list(pool.map(embeddings.embed_query, [question, "b"]))))

    look.invoke({"question": "a"}, {"callbacks": [tracer]})
    spans = seen()
    assert whole_tree(spans)
    calls = [span for span in spans if span.attributes[KIND] == "EMBEDDING"]
    assert len(calls) == 2
    assert places_of(calls) == places_told(log)


# --- the conversation ------------------------------------------------------------------------------------------------


@any_call
def test_the_conversation_of_the_configuration_is_everybodys(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen, headers: list[Any], ask: Ask
) -> None:
    chain = (RunnableLambda(str).with_config(run_name="step") | ChatPortkey(**options)).with_config(run_name="root")
    for asked in (chain, ChatPortkey(**options)):
        ask(asked, "Hi", config={"callbacks": [tracer], "configurable": {"session_id": "s-9"}})
    spans = seen()
    assert len(spans) == 4
    assert {(span.attributes["gen_ai.conversation.id"], span.attributes["session.id"]) for span in spans} == {
        ("s-9", "s-9")
    }
    assert all(json.loads(told["x-portkey-metadata"])["session_id"] == "s-9" for told in headers)


# LangChain's own advice, which many have not taken yet.
@pytest.mark.filterwarnings("ignore:RunnableWithMessageHistory is deprecated", "ignore:The class `InMemoryChat")
def test_a_history_says_whose_conversation_it_is(options: dict[str, Any], tracer: PortkeyTracer, seen: Seen) -> None:
    histories: dict[str, InMemoryChatMessageHistory] = {}

    def history(session_id: str) -> InMemoryChatMessageHistory:
        return histories.setdefault(session_id, InMemoryChatMessageHistory())

    model = RunnableWithMessageHistory(ChatPortkey(**options), history)
    config: Any = {"callbacks": [tracer], "configurable": {"session_id": "s-7"}}
    model.invoke([HumanMessage("Hi")], config)
    assert {span.attributes.get("session.id") for span in seen()} == {"s-7"}


def test_the_conversation_of_a_step_is_not_that_of_the_chain(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen
) -> None:
    step = (RunnableLambda(str) | ChatPortkey(**options)).with_config(
        run_name="step", configurable={"session_id": "s-2"}
    )
    (RunnableLambda(str) | step).with_config(run_name="root").invoke("Hi", {"callbacks": [tracer]})
    told = {span.name.split()[0]: span.attributes.get("session.id") for span in seen()}
    assert (told["root"], told["step"], told["chat"]) == (None, "s-2", "s-2")


def test_the_conversations_that_a_job_asks_for_are_not_its_own(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen
) -> None:
    model = ChatPortkey(**options)
    glue: Any = RunnableLambda(str) | RunnableLambda(str) | model
    users = ["ann", "bob"]

    def one_by_one(_: Any) -> str:
        for user in users:
            glue.invoke(user, {"configurable": {"session_id": user}})
        model.invoke("sum up")
        return "done"

    def all_at_once(_: Any) -> str:
        glue.batch(users, [{"configurable": {"thread_id": user}} for user in users])
        return "done"

    def in_another(_: Any, config: RunnableConfig) -> str:
        def ask(text: str) -> str:
            # Of the job's run, though a conversation is around it.
            return model.invoke(text, {"callbacks": config.get("callbacks")}).text

        inner = RunnableLambda(ask).with_config(run_name="inner", configurable={"session_id": "ann"})
        return inner.invoke("ann", {"callbacks": []})

    for job in (one_by_one, all_at_once, in_another):
        RunnableLambda(job).with_config(run_name="job").invoke("x", {"callbacks": [tracer]})
    told = [(span.name, span.attributes.get("session.id")) for span in seen()]
    assert [session for name, session in told if name == "job"] == [None] * 3
    asked = sorted(str(session) for name, session in told if name.startswith("chat "))
    assert asked == ["None", "ann", "ann", "ann", "bob", "bob"]


def test_a_trace_that_others_name_too_tells_nobody_of_their_calls(
    options: dict[str, Any], tracer: PortkeyTracer, seen: Seen
) -> None:
    model = ChatPortkey(**options, trace_id="conv-1")
    with SpanReceiver() as elsewhere, closing(PortkeyTracer(endpoint=elsewhere.endpoint)) as other:
        model.invoke("Say one.", {"callbacks": [tracer]})
        model.invoke("Say two, please.")
        (RunnableLambda(str.strip) | model).invoke("Say three.", {"callbacks": [other]})
        other.flush()
        assert "Say one." in str([span.attributes for span in seen()])
        assert len(calls_in(seen())) == len(calls_in(elsewhere.spans)) == 1
