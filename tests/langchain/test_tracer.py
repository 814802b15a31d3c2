"""The runs around the calls arrive as spans at a real receiver, and form one tree with the calls at the gateway."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from opentelemetry.sdk.trace import TracerProvider

from portkey_langchain import ChatPortkey, PortkeyTracer
from portkey_langchain.tracer import _tracing_by_environment
from tests.langchain.ask import Ask, any_call
from tests.langchain.graphs import Run, get_weather
from tests.langchain.graphs import ainvoke as arun
from tests.langchain.graphs import invoke as run
from tests.langchain.graphs import messages as stream_messages
from tests.langchain.tracing import Sent
from tests.support.receiver import node_of, roots_of, spans_of
from tests.support.recording import RecordingServer, answer, deltas, events, whole

KEY = "pk-portkey-secret"


@pytest.fixture
def local(server: RecordingServer) -> ChatPortkey:
    options: dict[str, Any] = {"provider": "anthropic", "provider_api_key": "sk-provider-secret", "api_key": KEY}
    return ChatPortkey(
        model="claude-x", base_url=server.base_url, max_retries=0, api_format="chat_completions", **options
    )


@tool
def look_up(city: str) -> str:
    """Look a city up."""
    return f"{city} is large"


def researching(model: ChatPortkey) -> Any:
    """A chain whose first step calls a tool."""
    return RunnableLambda(lambda city: look_up.invoke({"city": city})) | model


def tool_call() -> dict[str, Any]:
    function = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    message = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "t1", "type": "function", "function": function}],
    }
    return answer(choices=[{"index": 0, "message": message, "finish_reason": "tool_use"}])


@any_call
def test_a_chain_and_its_calls_form_one_tree(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent, ask: Ask
) -> None:
    server.reply(events(*deltas("Hel", "lo.")) if "stream" in ask.__name__ else whole(answer()))
    ask(researching(local).with_config({"callbacks": [tracer], "run_name": "research"}), "Paris")
    spans = sent()
    assert [span.name for span in spans] == ["execute_tool look_up", "research"]
    [root] = roots_of(spans, server.requests)
    assert root.span_id == spans[-1].span_id
    assert node_of(server.requests[0]).parent_id == root.span_id


@pytest.mark.parametrize("run_agent", [run, arun])
def test_an_agent_and_its_calls_form_one_tree(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent, run_agent: Run
) -> None:
    server.reply(whole(tool_call()), whole(answer()))
    agent = create_agent(local, [get_weather], name="clerk").with_config({"callbacks": [tracer]})
    assert run_agent(agent, "The weather in Paris?")[-1].text == "Hello."
    spans = sent()
    assert len(server.requests) == 2
    [root] = roots_of(spans, server.requests)
    by_name = {span.name: span for span in spans}
    assert by_name.keys() == {"invoke_agent clerk", "execute_tool get_weather"}
    assert by_name["invoke_agent clerk"].span_id == root.span_id
    assert by_name["execute_tool get_weather"].parent_id == root.span_id
    assert all(span.attributes["gen_ai.agent.name"] == "clerk" for span in spans)
    assert not any(name.startswith("gen_ai.usage") for span in spans for name in span.attributes)


def test_a_streamed_agent_forms_one_tree(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent
) -> None:
    server.reply(events(*deltas("Hel", "lo.")))
    agent = create_agent(local, [get_weather]).with_config({"callbacks": [tracer]})
    assert stream_messages(agent, "Hi")[-1].text == "Hello."
    spans = sent()
    assert [span.name for span in spans] == ["invoke_agent LangGraph"]
    assert len(roots_of(spans, server.requests)) == 1


def test_parallel_branches_and_fallbacks_hang_in_the_tree(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent
) -> None:
    server.reply(whole(b"{}", status=500), whole(answer()))
    prompt = ChatPromptTemplate.from_messages([("human", "{text}")])
    fallback = (prompt | local).with_fallbacks([prompt | local])
    chain = fallback | StrOutputParser() | RunnableParallel(a=local, b=researching(local))
    chain.invoke({"text": "Hi"}, {"callbacks": [tracer]})
    spans = sent()
    assert len(server.requests) == 4
    assert len(roots_of(spans, server.requests)) == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_two_hundred_interleaved_runs_form_two_hundred_trees(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent, streamed: bool
) -> None:
    first, *rest = deltas("Hel", "lo.")
    server.reply(events(first, 0.01, *rest) if streamed else whole(answer(), wait_s=0.01))
    agent: Any = create_agent(local, [get_weather], name="clerk")

    async def one(number: int) -> None:
        config: Any = {"callbacks": [tracer], "metadata": {"number": number}}
        question: Any = {"messages": [("human", str(number))]}
        if number % 2 == 0:
            chunks = agent.astream(question, config, stream_mode="messages")
        else:
            chunks = researching(local).astream(str(number), config)
        if streamed:
            async for _ in chunks:
                await asyncio.sleep(0)
        elif number % 2 == 0:
            await agent.ainvoke(question, config)
        else:
            await researching(local).ainvoke(str(number), config)

    await asyncio.gather(*map(one, range(200)))
    spans = sent()
    roots = roots_of(spans, server.requests)
    assert len(roots) == 200
    assert len(server.requests) == 200
    assert len({root.trace_id for root in roots}) == 200
    numbers = {span.trace_id: json.loads(span.attributes["portkey.metadata"])["number"] for span in spans}
    for span in spans:
        assert json.loads(span.attributes["portkey.metadata"])["number"] == numbers[span.trace_id]
    for request in server.requests:
        said = request.json["messages"][0]["content"]
        assert said.split()[0] == str(numbers[node_of(request).trace_id])


def test_a_call_alone_has_no_span_but_the_gateways(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent
) -> None:
    local.invoke("Hi", {"callbacks": [tracer]})
    assert sent() == []
    assert len(server.requests) == 1


def test_an_active_opentelemetry_span_is_the_root(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent
) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("web request") as active:
        researching(local).invoke("Paris", {"callbacks": [tracer]})
    context = active.get_span_context()
    [root] = [span for span in sent() if span.name == "RunnableSequence"]
    assert (root.trace_id, root.parent_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert node_of(server.requests[0]).parent_id == root.span_id


def test_a_trace_that_the_user_chose_is_told(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent
) -> None:
    researching(local).invoke("Paris", {"callbacks": [tracer], "metadata": {"trace_id": "order 7"}})
    spans = sent()
    assert {span.attributes["portkey.trace_id"] for span in spans} == {"order 7"}
    assert len(roots_of(spans)) == 1
    call = node_of(server.requests[0])
    assert (call.trace_id, call.parent_id) == ("order 7", spans[-1].span_id)


def test_no_key_is_in_any_span(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, receiver: RecordingServer
) -> None:
    server.reply(whole({"error": {"message": f"bad key {KEY}"}}, status=401))
    given = {"model": local, "headers": {"x-portkey-api-key": KEY}, "api_key": KEY, "city": "Paris"}
    chain: Any = RunnableLambda(lambda _: "Hi") | local
    with pytest.raises(Exception, match="bad key"):
        chain.invoke(given, {"callbacks": [tracer], "metadata": {"api_key": KEY}})
    tracer.flush()
    assert b"Paris" in receiver.requests[0].body
    for request in receiver.requests:
        assert KEY.encode() not in request.body
        assert b"sk-provider-secret" not in request.body
    assert KEY not in repr(tracer)


# --- switched on by the environment ---------------------------------------------------------------------------------


@pytest.fixture
def _fresh_environment() -> Iterator[None]:
    _tracing_by_environment.cache_clear()
    yield
    if export := _tracing_by_environment().export:
        export.close()
    _tracing_by_environment.cache_clear()


@pytest.mark.usefixtures("_fresh_environment")
def test_a_variable_switches_it_on_for_every_run(
    server: RecordingServer, receiver: RecordingServer, local: ChatPortkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    researching(local).invoke("Paris")
    monkeypatch.setenv("PORTKEY_TRACING", "true")
    monkeypatch.setenv("PORTKEY_API_KEY", KEY)
    monkeypatch.setenv("PORTKEY_BASE_URL", receiver.base_url)
    for _ in range(2):
        researching(local).invoke("Paris")
    export = _tracing_by_environment().export
    assert export is not None
    export.flush()
    assert len(roots_of(spans_of(receiver), server.requests[1:])) == 2
    assert receiver.requests[0].path == "/v1/otel/v1/traces"
    assert receiver.requests[0].header("x-portkey-api-key") == KEY


@pytest.mark.usefixtures("_fresh_environment")
def test_what_the_variable_lacks_is_logged_once_and_breaks_nothing(
    local: ChatPortkey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PORTKEY_TRACING", "true")
    for _ in range(2):
        assert researching(local).invoke("Paris").text == "Hello."
    [record] = caplog.records
    assert "PORTKEY_TRACING is set, but no spans are exported" in record.getMessage()
    assert "PORTKEY_API_KEY" in record.getMessage()


def test_without_opentelemetry_only_the_tracer_is_missing_and_says_so() -> None:
    program = """
        import sys
        sys.modules["opentelemetry"] = None
        from portkey_langchain import PortkeyTracer
        try:
            PortkeyTracer(endpoint="http://127.0.0.1:9/v1/traces")
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(  # noqa: S603 our own program
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, text=True, timeout=100
    )
    assert 'pip install "portkey-frameworks[otel]"' in done.stdout
