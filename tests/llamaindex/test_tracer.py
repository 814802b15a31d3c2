"""What LlamaIndex does arrives as spans at a real receiver, and forms one tree with the calls at the gateway."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.chat_engine.types import ChatMode
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.response_synthesizers import ResponseMode
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import instrument_tags
from opentelemetry.sdk.trace import TracerProvider

from portkey_gateway.errors import AuthenticationError
from portkey_llamaindex import Portkey, instrument
from portkey_llamaindex.tracer import Instrumentation
from tests.llamaindex.tracing import Sent, Theirs, one
from tests.llamaindex.tree import agents_warn
from tests.llamaindex.ways import ask, every_way
from tests.support.receiver import node_of, roots_of, spans_of
from tests.support.recording import RecordingServer, answer, calling, deltas, events, whole

pytestmark = agents_warn

KEY = "pk-portkey-secret"
dispatcher = get_dispatcher(__name__)


@every_way
def test_a_function_and_its_calls_form_one_tree(
    server: RecordingServer, recorded: Portkey, sent: Sent, way: str
) -> None:
    server.reply(events(*deltas("Hel", "lo.")) if "stream" in way else whole(answer()))

    @dispatcher.span
    def research() -> str:
        ask(recorded, way, "Hi")
        return "done"

    research()
    [span] = sent()
    [root] = roots_of([span], server.requests)
    assert root.span_id == span.span_id
    assert node_of(server.requests[0]).parent_id == span.span_id
    assert span.name.endswith("research")


@every_way
def test_a_call_alone_has_no_span_but_the_gateways(
    server: RecordingServer, recorded: Portkey, sent: Sent, way: str
) -> None:
    server.reply(events(*deltas("Hel", "lo.")) if "stream" in way else whole(answer()))
    ask(recorded, way, "Hi")
    assert sent() == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("in_async", [False, True])
def test_a_query_and_its_calls_form_one_tree(
    *,
    server: RecordingServer,
    recorded: Portkey,
    index: VectorStoreIndex,
    sent: Sent,
    streaming: bool,
    in_async: bool,
) -> None:
    """A streamed query calls the model after its own span has ended."""
    server.reply(events(*deltas("Hel", "lo.")) if streaming else whole(answer()))
    engine = index.as_query_engine(
        llm=recorded, response_mode=ResponseMode.REFINE, streaming=streaming, use_async=in_async
    )

    async def aquery() -> str:
        response: Any = await engine.aquery("How deep?")
        return "".join([token async for token in response.response_gen]) if streaming else str(response)

    def query() -> str:
        response: Any = engine.query("How deep?")
        return "".join(response.response_gen) if streaming else str(response)

    assert (asyncio.run(aquery()) if in_async else query()).endswith("Hello.")
    spans = sent()
    [root] = roots_of(spans, server.requests)
    assert len(server.requests) == 2
    query_span = one(spans, "RetrieverQueryEngine.aquery" if in_async else "RetrieverQueryEngine.query")
    assert root.span_id == query_span.span_id
    assert {"retrieval VectorIndexRetriever", "embeddings unknown"} <= {span.name for span in spans}
    assert not any(name.startswith("gen_ai.usage") for span in spans for name in span.attributes)


@pytest.mark.parametrize("way", ["chat", "achat", "stream_chat", "astream_chat"])
def test_a_chat_engine_and_its_calls_form_one_tree(
    *,
    server: RecordingServer,
    recorded: Portkey,
    index: VectorStoreIndex,
    sent: Sent,
    memory: ChatMemoryBuffer,
    way: str,
) -> None:
    engine: Any = index.as_chat_engine(llm=recorded, chat_mode=ChatMode.CONTEXT, memory=memory)
    server.reply(events(*deltas("Hel", "lo.")) if "stream" in way else whole(answer()))

    async def achat() -> str:
        response = await getattr(engine, way)("How deep?")
        return "".join([token async for token in response.async_response_gen()]) if "stream" in way else str(response)

    def chat() -> str:
        response = getattr(engine, way)("How deep?")
        return "".join(response.response_gen) if "stream" in way else str(response)

    assert (asyncio.run(achat()) if way.startswith("a") else chat()) == "Hello."
    spans = sent()
    [root] = roots_of(spans, server.requests)
    assert root.span_id == one(spans, f"ContextChatEngine.{way}").span_id


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_agent_and_its_calls_form_one_tree(
    server: RecordingServer, recorded: Portkey, sent: Sent, memory: ChatMemoryBuffer, streaming: bool
) -> None:
    def get_weather() -> str:
        """Tell the weather."""
        return str(recorded.complete("in a thread"))

    last = events(*deltas("Hel", "lo.")) if streaming else whole(answer())
    server.reply(calling("get_weather", streamed=streaming), whole(answer()), last)
    agent = FunctionAgent(name="clerk", llm=recorded, tools=[get_weather], streaming=streaming)
    assert str(await agent.run("The weather?", memory=memory)) == "Hello."
    spans = sent()
    [root] = roots_of(spans, server.requests)
    assert root.span_id == one(spans, "invoke_agent clerk").span_id
    asked, in_tool, answered = map(node_of, server.requests)
    assert [asked.parent_id, answered.parent_id] == [root.span_id] * 2
    assert in_tool.parent_id == one(spans, "execute_tool get_weather").span_id


@pytest.mark.parametrize("streaming", [False, True])
async def test_two_hundred_interleaved_agents_form_two_hundred_trees(
    *, server: RecordingServer, recorded: Portkey, receiver: RecordingServer, streaming: bool
) -> None:
    def rest() -> str:
        """Rest."""
        return "rested"

    last = events(*deltas("Hel", "lo.")) if streaming else whole(answer())
    server.reply(*[calling("rest", streamed=streaming)] * 200, last)
    agent = FunctionAgent(llm=recorded, tools=[rest], streaming=streaming)

    async def run(number: int) -> None:
        with instrument_tags({"number": number}):
            await agent.run(str(number), memory=ChatMemoryBuffer.from_defaults(tokenizer_fn=str.split))

    with instrument(endpoint=f"{receiver.base_url}/otel/v1/traces") as started:
        await asyncio.gather(*map(run, range(200)))
        started.flush()
        assert started.lost == 0
    spans = spans_of(receiver)
    roots = roots_of(spans, server.requests)
    assert (len(roots), len(server.requests)) == (200, 400)
    assert len({root.trace_id for root in roots}) == 200
    numbers = {span.trace_id: json.loads(span.attributes["portkey.metadata"])["number"] for span in spans}
    for span in spans:
        assert json.loads(span.attributes["portkey.metadata"]) == {"number": numbers[span.trace_id]}
    for request in server.requests:
        assert request.json["messages"][0]["content"] == str(numbers[node_of(request).trace_id])


def test_an_active_opentelemetry_span_is_the_root(server: RecordingServer, recorded: Portkey, sent: Sent) -> None:
    @dispatcher.span
    def research() -> None:
        recorded.complete("Hi")

    with TracerProvider().get_tracer("test").start_as_current_span("web request") as active:
        research()
    context = active.get_span_context()
    [span] = sent()
    assert (span.trace_id, span.parent_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert node_of(server.requests[0]).parent_id == span.span_id


def test_a_trace_that_the_user_chose_is_told(server: RecordingServer, recorded: Portkey, sent: Sent) -> None:
    @dispatcher.span
    def inner() -> None:
        recorded.complete("Hi")

    @dispatcher.span
    def outer() -> None:
        inner()

    with instrument_tags({"trace_id": "order 7", "team": "b"}):
        outer()
    spans = sent()
    assert {span.attributes["portkey.trace_id"] for span in spans} == {"order 7"}
    assert {span.attributes["portkey.metadata"] for span in spans} == {'{"team": "b"}'}
    assert len(roots_of(spans)) == 1
    call = node_of(server.requests[0])
    assert (call.trace_id, call.parent_id) == ("order 7", spans[0].span_id)


def test_the_places_are_told_whichever_handler_hears_first(
    server: RecordingServer, recorded: Portkey, sent: Sent
) -> None:
    @dispatcher.span
    def research() -> None:
        recorded.complete("Hi")

    handlers = get_dispatcher().span_handlers
    handlers.reverse()
    try:
        research()
    finally:
        handlers.reverse()
    assert len(roots_of(sent(), server.requests)) == 1


def test_no_key_is_in_any_span(
    server: RecordingServer, recorded: Portkey, instrumentation: Instrumentation, receiver: RecordingServer
) -> None:
    server.reply(whole({"error": {"message": f"bad key {KEY}"}}, status=401))

    @dispatcher.span
    def research(city: str, **_: Any) -> None:
        Theirs(default_headers={"authorization": f"Bearer {KEY}"}).chat([])
        recorded.predict_and_call([], city, provider_api_key=KEY)

    given: Any = {"model": recorded, "headers": {"x-portkey-api-key": KEY}, "api_key": KEY}
    with instrument_tags({"api_key": KEY}), pytest.raises(AuthenticationError):
        research("Paris", **given, api_base=recorded.with_options(api_key=KEY))
    instrumentation.flush()
    assert b"Paris" in receiver.requests[0].body
    for request in receiver.requests:
        assert KEY.encode() not in request.body
        assert b"sk-ant-of-the-test" not in request.body
    assert KEY not in repr(instrumentation)
    assert KEY not in repr(get_dispatcher().span_handlers)


# --- starting and stopping --------------------------------------------------------------------------------------------


def test_instrumenting_again_exports_no_span_twice(receiver: RecordingServer) -> None:
    root = get_dispatcher()
    before = (len(root.span_handlers), len(root.event_handlers))
    endpoint = f"{receiver.base_url}/otel/v1/traces"
    instrument(endpoint=endpoint)
    with instrument(endpoint=endpoint):
        assert (len(root.span_handlers), len(root.event_handlers)) == (before[0] + 1, before[1] + 1)
        Theirs().chat([])
    Theirs().chat([])
    assert [span.name for span in spans_of(receiver)] == ["chat nova"]
    assert (len(root.span_handlers), len(root.event_handlers)) == before


def test_it_stops_where_llamaindex_shuts_down(receiver: RecordingServer) -> None:
    with instrument(endpoint=f"{receiver.base_url}/otel/v1/traces") as started:
        Theirs().chat([])
        get_dispatcher().shutdown()
        assert [span.name for span in spans_of(receiver)] == ["chat nova"]
        Theirs().chat([])
        assert started.lost == 1


def test_the_gateway_is_the_default_receiver(receiver: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", KEY)
    monkeypatch.setenv("PORTKEY_BASE_URL", receiver.base_url)
    with instrument():
        Theirs().chat([])
    [request] = receiver.requests
    assert request.path == "/v1/otel/v1/traces"
    assert request.header("x-portkey-api-key") == KEY


def test_the_hosted_gateway_wants_a_key() -> None:
    before = list(get_dispatcher().span_handlers)
    with pytest.raises(ValueError, match="PORTKEY_API_KEY"):
        instrument()
    assert get_dispatcher().span_handlers == before


def test_without_opentelemetry_only_instrument_is_missing_and_says_so() -> None:
    program = """
        import sys
        sys.modules["opentelemetry"] = None
        from portkey_llamaindex import instrument
        try:
            instrument(endpoint="http://127.0.0.1:9/v1/traces")
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(  # noqa: S603 our own program
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, text=True, timeout=100
    )
    assert 'pip install "portkey-frameworks[otel]"' in done.stdout
