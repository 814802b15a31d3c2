"""A receiver that is not Portkey's gets a span of every call, in the places that the gateway is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_core.vectorstores import InMemoryVectorStore

from portkey_gateway.errors import PortkeyError
from portkey_gateway.sandbox import CallLog, Fault, Sandbox, SpanReceiver
from portkey_langchain import ChatPortkey, PortkeyEmbeddings, PortkeyTracer
from tests.langchain.ask import Ask, any_call, whole_or_streamed
from tests.langchain.graphs import Run, ainvoke, get_weather, invoke, messages
from tests.support.receiver import TAKEN, roots_of, spans_of
from tests.support.recording import RecordingServer
from tests.support.viewer import KIND, calls_in, headers, log, places_of, places_told, receiver, said_in, tokens_in

__all__ = ["headers", "log", "receiver"]

Seen = Callable[[], list[Any]]
QUESTION = "What is the weather in Paris?"
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def tracer(receiver: SpanReceiver) -> Iterator[PortkeyTracer]:
    with closing(PortkeyTracer(endpoint=receiver.endpoint)) as tracing:
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
def noted(sandbox: Sandbox, api_format: str) -> ChatPortkey:
    """A model whose calls go through the real gateway to the emulated Claude."""
    options: dict[str, Any] = {**sandbox.options(), "api_format": api_format}
    return ChatPortkey(model=sandbox.model, max_retries=0, max_tokens=500, temperature=0.5, **options)


@any_call
def test_a_call_is_a_span(noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen, log: CallLog, ask: Ask) -> None:
    labels = {"team": "search", "session_id": "s-1", "user_id": "u-1"}
    answer = ask(noted, "Say hello.", config={"callbacks": [tracer], "metadata": labels})
    [span] = seen()
    told = span.attributes
    assert places_of([span]) == places_told(log)
    assert (span.name, span.kind, told[KIND]) == (f"chat {noted.model}", 3, "LLM")
    assert (told["gen_ai.operation.name"], told["gen_ai.provider.name"]) == ("chat", "anthropic")
    assert (told["gen_ai.request.model"], told["gen_ai.response.model"]) == (noted.model, noted.model)
    assert (told["gen_ai.request.max_tokens"], told["gen_ai.request.temperature"]) == (500, 0.5)
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    usage = answer.usage_metadata
    assert usage
    assert tokens_in([span]) == (usage["input_tokens"], usage["output_tokens"])
    assert told["llm.token_count.total"] == usage["total_tokens"]
    assert said_in(span, "input") == [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
    said = [{"type": "text", "content": answer.text}]
    assert said_in(span, "output") == [{"role": "assistant", "parts": said, "finish_reason": "stop"}]
    assert (told["input.value"], told["output.value"]) == ("Say hello.", answer.text)
    assert (told["portkey.cache_status"], told["portkey.retry_count"]) == ("DISABLED", 0)
    is_stream = "stream" in ask.__name__
    assert told.get("gen_ai.request.stream", False) is is_stream
    assert (0 < told.get("gen_ai.response.time_to_first_chunk", 0) < 10) is is_stream
    assert "team" in told["metadata"]


@pytest.mark.parametrize("run", [invoke, ainvoke, messages])
def test_an_agents_calls_stand_in_its_tree(
    noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen, log: CallLog, run: Run
) -> None:
    said = run(create_agent(noted, [get_weather], name="clerk").with_config({"callbacks": [tracer]}), QUESTION)
    spans = seen()
    calls = calls_in(spans)
    assert places_of(calls) == places_told(log)
    assert len(calls) == 2
    assert len(roots_of(spans)) == 1
    assert said_in(calls[0], "output")[0]["parts"][-1]["name"] == "get_weather"
    assert calls[0].attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]
    usages = [message.usage_metadata for message in said if isinstance(message, AIMessage)]
    told = [(usage["input_tokens"], usage["output_tokens"]) for usage in usages if usage]
    assert tokens_in(spans) == (sum(read for read, _ in told), sum(answered for _, answered in told))
    assert {span.attributes[KIND] for span in spans} == {"AGENT", "LLM", "TOOL"}


@pytest.mark.parametrize("run", [invoke, messages])
def test_secrets_that_a_tool_is_called_with_stand_nowhere(
    sandbox: Sandbox, noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen, run: Run
) -> None:
    @tool
    def log_in(user: str, password: str) -> list[dict[str, str]]:
        """Log in, and see the page."""
        said = {"type": "text", "text": f"{user} is in" if password else "no"}
        return [said, {"type": "image", "base64": IMAGE, "mime_type": "image/png"}]

    asked = {"user": "ann", "password": "hunter2"}
    sandbox.claude.reply_with({"type": "tool_use", "id": "toolu_1", "name": "log_in", "input": asked})
    sandbox.claude.reply_with("Done.")
    run(create_agent(noted, [log_in]).with_config({"callbacks": [tracer]}), "Log me in.")
    spans = seen()
    first, second = calls_in(spans)
    masked = {"user": "ann", "password": "**********"}
    assert json.loads(first.attributes["output.value"]) == [{"name": "log_in", "arguments": masked}]
    assert said_in(first, "output")[0]["parts"][-1]["arguments"] == masked
    assert said_in(second, "input")[1]["parts"][-1]["arguments"] == masked
    told = str([span.attributes for span in spans])
    assert "hunter2" not in told
    assert IMAGE not in told


@whole_or_streamed
def test_a_call_that_fails_says_why(
    sandbox: Sandbox, noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen, ask: Ask
) -> None:
    sandbox.claude.inject(Fault("status", status=529))
    with pytest.raises(PortkeyError):
        ask(noted, "Hi", config={"callbacks": [tracer]})
    [span] = seen()
    assert span.is_error
    assert span.attributes["error.type"].endswith("OverloadedError")
    assert span.attributes["http.response.status_code"] == 529
    assert span.attributes["gen_ai.provider.name"] == "anthropic"
    assert "gen_ai.usage.input_tokens" not in span.attributes


def test_a_call_that_cannot_be_built_is_a_failed_span(
    noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen, log: CallLog
) -> None:
    with pytest.raises(ValueError, match="hologram"):
        noted.invoke([("user", [{"type": "hologram"}])], {"callbacks": [tracer]})
    [span] = seen()
    assert (span.is_error, span.attributes[KIND], log.calls) == (True, "LLM", [])


def test_a_stream_that_is_left_is_no_error(noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen) -> None:
    stream: Any = noted.stream("Tell me a long story.", {"callbacks": [tracer]})
    next(stream)
    stream.close()
    [span] = seen()
    assert (span.is_error, span.attributes["portkey.outcome"]) == (False, "cancelled")
    # Chat completions tell what an answer used at its end alone.
    assert bool(tokens_in([span])[0]) is (noted.api_format == "messages")


def test_a_stream_that_breaks_off_tells_what_was_told_of_its_usage(
    sandbox: Sandbox, noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen
) -> None:
    sandbox.claude.inject(Fault("cut", after=6))
    with pytest.raises(PortkeyError):
        list(noted.stream("Tell me a long story.", {"callbacks": [tracer]}))
    whole = noted.invoke("Tell me a long story.", {"callbacks": [tracer]}).usage_metadata
    broken, _ = seen()
    assert whole
    assert broken.is_error
    assert tokens_in([broken])[0] == (whole["input_tokens"] if noted.api_format == "messages" else 0)


def test_what_langchains_own_cache_answers_is_no_call(
    noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen, log: CallLog
) -> None:
    noted.cache = InMemoryCache()
    for _ in range(2):
        noted.invoke("Hi", {"callbacks": [tracer]})
    assert (len(seen()), len(log.calls)) == (1, 1)


@whole_or_streamed
def test_portkey_has_the_calls_in_its_own_log(
    noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen, log: CallLog, ask: Ask
) -> None:
    """Two receivers at once; Portkey's has everything but the calls, and their usage never."""
    with RecordingServer() as portkeys, RecordingServer() as insisting:
        to_portkey = []
        for server, calls in ((portkeys, "auto"), (insisting, True)):
            server.reply(TAKEN)
            wanted: Any = calls
            to_portkey.append(PortkeyTracer(endpoint=f"{server.base_url}/otel/v1/traces", calls=wanted))
        chain = RunnableLambda(lambda text: text) | noted
        ask(chain.with_config(run_name="greeting"), "Hi", config={"callbacks": [tracer, *to_portkey]})
        for each in to_portkey:
            each.close()
    told, doubled = spans_of(portkeys), spans_of(insisting)
    names = [sorted(span.name for span in spans) for spans in (seen(), doubled, told)]
    assert names[0] == names[1] == sorted([*names[2], f"chat {noted.model}"])
    assert places_of(calls_in(seen())) == places_told(log)
    for span in told + doubled:
        assert not any(name.startswith(("gen_ai.usage", "llm.")) for name in span.attributes)


def test_nothing_that_is_said_is_told_where_content_is_left_out(noted: ChatPortkey, receiver: SpanReceiver) -> None:
    with closing(PortkeyTracer(endpoint=receiver.endpoint, capture_content=False)) as tracer:
        noted.bind_tools([get_weather]).invoke("It is a secret.", {"callbacks": [tracer]})
    [span] = receiver.spans
    assert "secret" not in str(span.attributes)
    assert not any(name.endswith((".value", ".messages", ".definitions")) for name in span.attributes)
    assert tokens_in([span]) != (0, 0)


def test_an_agent_that_asks_one_of_the_same_name_is_told_as_two(
    sandbox: Sandbox, noted: ChatPortkey, tracer: PortkeyTracer, seen: Seen
) -> None:
    inner: Any = create_agent(noted, [], name="clerk")

    @tool
    def ask_another(question: str) -> str:
        """Ask another clerk."""
        return str(inner.invoke({"messages": [("user", question)]})["messages"][-1].text)

    sandbox.claude.reply_with(
        {"type": "tool_use", "id": "toolu_1", "name": "ask_another", "input": {"question": "Why?"}}
    )
    invoke(create_agent(noted, [ask_another], name="clerk").with_config({"callbacks": [tracer]}), QUESTION)
    kinds = sorted(span.attributes[KIND] for span in seen())
    assert kinds == ["AGENT", "AGENT", "LLM", "LLM", "LLM", "TOOL"]


def test_calls_can_be_left_out(noted: ChatPortkey, receiver: SpanReceiver) -> None:
    with closing(PortkeyTracer(endpoint=receiver.endpoint, calls=False)) as tracer:
        noted.invoke("Hi", {"callbacks": [tracer]})
    assert receiver.spans == []
    wrong: Any = "no"
    with pytest.raises(ValueError, match="'auto', True or False"):
        PortkeyTracer(endpoint="http://127.0.0.1:9/v1/traces", calls=wrong)


def test_embeddings_are_spans(
    portkey_sandbox_with_openai: Sandbox, tracer: PortkeyTracer, seen: Seen, log: CallLog
) -> None:
    options: Any = portkey_sandbox_with_openai.options("openai")
    embeddings = PortkeyEmbeddings(model="text-embedding-3-small", dimensions=8, **options)
    store = InMemoryVectorStore.from_texts(["a", "b"], embeddings)
    log.calls.clear()
    store.as_retriever().invoke("a", {"callbacks": [tracer], "metadata": {"team": "search"}})
    call, retrieval = seen()
    assert places_of([call]) == places_told(log)
    assert call.parent_id == retrieval.span_id
    told = call.attributes
    assert (call.name, told[KIND]) == ("embeddings text-embedding-3-small", "EMBEDDING")
    assert (told["gen_ai.provider.name"], told["gen_ai.embeddings.dimension.count"]) == ("openai", 8)
    assert told["gen_ai.usage.input_tokens"] > 0
    assert told["input.value"] == "a"
    assert "search" in told["metadata"]
    assert retrieval.attributes[KIND] == "RETRIEVER"
    assert "retrieval.documents.0.document.content" in retrieval.attributes


@whole_or_streamed
def test_a_fallback_of_the_gateways_is_one_call_that_says_who_answered(
    portkey_sandbox_with_openai: Sandbox, tracer: PortkeyTracer, seen: Seen, log: CallLog, ask: Ask
) -> None:
    sandbox = portkey_sandbox_with_openai
    sandbox.openai.inject(Fault("status", status=500))
    options: Any = {"base_url": sandbox.base_url, "config": sandbox.config("openai", "anthropic"), "max_retries": 0}
    answer = ask(ChatPortkey(model="gpt-5.4-mini", **options), "Hi", config={"callbacks": [tracer]})
    [span] = seen()
    told = span.attributes
    assert places_of([span]) == places_told(log)
    assert (told["gen_ai.request.model"], told["gen_ai.provider.name"]) == ("gpt-5.4-mini", "anthropic")
    assert told["portkey.target_index"] == "config.targets[1]"
    assert told["llm.model_name"] == told["gen_ai.response.model"] == answer.response_metadata["model_name"]
