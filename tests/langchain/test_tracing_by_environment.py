"""``PORTKEY_TRACING``: every run, and every call in none, is exported; with tracers that are passed, too, and once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tools import tool

from portkey_gateway.sandbox import CallLog, Sandbox, SpanReceiver
from portkey_langchain import ChatPortkey, PortkeyEmbeddings, PortkeyTracer
from portkey_langchain.tracer import _tracing_by_environment
from tests.support.receiver import TAKEN, roots_of, spans_of
from tests.support.recording import RecordingServer
from tests.support.viewer import KIND, calls_in, headers, log, places_of, places_told, receiver, tokens_in

__all__ = ["headers", "log", "receiver"]

Seen = Callable[[], list[Any]]
KEY = "pk-of-the-test"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """What the variables of the test say."""
    _tracing_by_environment.cache_clear()
    yield
    _tracing_by_environment().close()
    _tracing_by_environment.cache_clear()


@pytest.fixture
def seen(receiver: SpanReceiver, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Returns the spans that the receiver of the environment has got by now."""
    monkeypatch.setenv("PORTKEY_TRACING", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint.removesuffix("/v1/traces"))

    def spans() -> list[Any]:
        tracing = _tracing_by_environment()
        tracing.flush()
        assert (tracing.lost, len(tracing.open), len(tracing.folded)) == (0, 0, 0)
        return receiver.spans

    return spans


@pytest.fixture
def model(sandbox: Sandbox) -> ChatPortkey:
    options: Any = sandbox.options()
    return ChatPortkey(model=sandbox.model, max_retries=0, max_tokens=500, **options)


@pytest.fixture
def embeddings(portkey_sandbox_with_openai: Sandbox) -> PortkeyEmbeddings:
    options: Any = portkey_sandbox_with_openai.options("openai")
    return PortkeyEmbeddings(model="text-embedding-3-small", dimensions=8, metadata={"team": "search"}, **options)


def test_embeddings_outside_of_any_run_are_spans(embeddings: PortkeyEmbeddings, seen: Seen, log: CallLog) -> None:
    embeddings.embed_documents(["a", "b", "c"], chunk_size=1)
    spans = seen()
    assert places_of(spans) == places_told(log)
    assert len(spans) == 3
    assert {(span.attributes[KIND], "search" in span.attributes["metadata"]) for span in spans} == {("EMBEDDING", True)}


def test_embeddings_in_threads_of_a_tool_are_spans(embeddings: PortkeyEmbeddings, seen: Seen, log: CallLog) -> None:
    @tool
    def look(question: str) -> str:
        """Look it up."""
        with ThreadPoolExecutor() as pool:
            return str(len(list(pool.map(embeddings.embed_query, [question, "b"]))))

    look.invoke({"question": "a"})
    spans = seen()
    calls = [span for span in spans if span.attributes[KIND] == "EMBEDDING"]
    assert (len(spans), len(calls)) == (3, 2)
    assert places_of(calls) == places_told(log)


def test_a_tracer_that_is_passed_is_told_too(model: ChatPortkey, seen: Seen) -> None:
    chain = (RunnableLambda(str) | model).with_config(run_name="root")
    with SpanReceiver() as other, closing(PortkeyTracer(endpoint=other.endpoint)) as tracer:
        chain.invoke("Hi", {"callbacks": [tracer]})
        tracer.flush()
        assert places_of(seen()) == places_of(other.spans)
        assert tokens_in(seen()) == tokens_in(other.spans)
        assert all(tokens_in(other.spans))


@pytest.mark.parametrize("place", ["run", "model"])
def test_a_receiver_is_told_once_whoever_tells_it(
    model: ChatPortkey, receiver: SpanReceiver, seen: Seen, log: CallLog, place: str
) -> None:
    with closing(PortkeyTracer(endpoint=receiver.endpoint, detail="all")) as tracer:
        asked = model.model_copy(update={"callbacks": [tracer]}) if place == "model" else model
        chain = (RunnableLambda(str).with_config(run_name="step") | asked).with_config(run_name="root")
        chain.invoke("Hi", {"callbacks": [tracer]} if place == "run" else None)
        tracer.flush()
        spans = seen()
    assert len({span.span_id for span in spans}) == len(spans) == 3
    assert len(roots_of(spans)) == 1
    assert places_of(calls_in(spans)) == places_told(log)


def test_portkeys_receiver_is_told_of_runs_and_not_of_calls(
    model: ChatPortkey, embeddings: PortkeyEmbeddings, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply(TAKEN)
    monkeypatch.setenv("PORTKEY_TRACING", "true")
    monkeypatch.setenv("PORTKEY_API_KEY", KEY)
    monkeypatch.setenv("PORTKEY_BASE_URL", server.base_url)
    embeddings.embed_query("a")
    chain: Any = RunnablePassthrough() | model
    chain.with_config(run_name="root").invoke("Hi")
    _tracing_by_environment().flush()
    assert [span.name for span in spans_of(server)] == ["root"]
