"""A receiver that is not Portkey's gets a span of every call, in the places that the gateway is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import TextNode
from llama_index_instrumentation.dispatcher import instrument_tags

from portkey_gateway.errors import PortkeyError
from portkey_gateway.sandbox import CallLog, Fault, Sandbox
from portkey_llamaindex import Portkey, PortkeyEmbedding, instrument
from tests.llamaindex.tree import agents_warn
from tests.llamaindex.viewed import Seen, instrumentation, seen
from tests.llamaindex.ways import ask, every_way, streamed_way
from tests.support.receiver import TAKEN, roots_of, spans_of
from tests.support.recording import RecordingServer
from tests.support.viewer import KIND, calls_in, headers, log, places_of, places_told, receiver, said_in, tokens_in

__all__ = ["headers", "instrumentation", "log", "receiver", "seen"]

pytestmark = agents_warn


@every_way
def test_a_call_is_a_span(llm: Portkey, seen: Seen, log: CallLog, way: str) -> None:
    with instrument_tags({"team": "search"}):
        response = ask(llm.with_options(max_tokens=500), way, "Say hello.")
    [span] = seen()
    told = span.attributes
    assert places_of([span]) == places_told(log)
    assert (span.name, span.kind, told[KIND]) == (f"chat {llm.model}", 3, "LLM")
    assert (told["gen_ai.provider.name"], told["gen_ai.request.max_tokens"]) == ("anthropic", 500)
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    usage = response.raw["usage"]
    assert tokens_in([span]) == (usage["input_tokens"], usage["output_tokens"])
    text = response.message.content if "chat" in way else response.text
    assert said_in(span, "input") == [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
    said = [{"type": "text", "content": text}]
    assert said_in(span, "output") == [{"role": "assistant", "parts": said, "finish_reason": "stop"}]
    assert ("gen_ai.response.time_to_first_chunk" in told) is ("stream" in way)
    assert "team" in told["metadata"]


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_agents_calls_stand_in_its_tree(llm: Portkey, seen: Seen, log: CallLog, *, streaming: bool) -> None:
    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return f"sunny in {city}"

    agent = FunctionAgent(name="clerk", llm=llm, tools=[get_weather], streaming=streaming)
    await agent.run("What is the weather in Paris?")
    spans = seen()
    calls = calls_in(spans)
    assert places_of(calls) == places_told(log)
    assert len(calls) == 2
    assert len(roots_of(spans)) == 1
    assert said_in(calls[0], "output")[0]["parts"][-1]["name"] == "get_weather"
    assert all(read > 0 and said > 0 for read, said in map(tokens_in, ([call] for call in calls)))


@pytest.mark.parametrize("streaming", [False, True])
async def test_secrets_that_a_tool_is_called_with_stand_nowhere(
    sandbox: Sandbox, llm: Portkey, seen: Seen, *, streaming: bool
) -> None:
    def log_in(user: str, password: str) -> str:
        """Log in."""
        return f"{user} is in" if password else "no"

    asked = {"user": "ann", "password": "hunter2"}
    sandbox.claude.reply_with({"type": "tool_use", "id": "toolu_1", "name": "log_in", "input": asked})
    sandbox.claude.reply_with("Done.")
    await FunctionAgent(name="clerk", llm=llm, tools=[log_in], streaming=streaming).run("Log me in.")
    spans = seen()
    first, second = calls_in(spans)
    masked = {"user": "ann", "password": "**********"}
    assert json.loads(first.attributes["output.value"]) == [{"name": "log_in", "arguments": masked}]
    assert said_in(first, "output")[0]["parts"][-1]["arguments"] == masked
    assert said_in(second, "input")[1]["parts"][-1]["arguments"] == masked
    assert "hunter2" not in str([span.attributes for span in spans])


@pytest.mark.parametrize("streaming", [False, True])
def test_a_query_and_its_calls_form_one_tree(
    llm: Portkey, portkey_sandbox_with_openai: Sandbox, seen: Seen, log: CallLog, *, streaming: bool
) -> None:
    """Whatever it asks for vectors and for the answer, a streamed one after its own span has ended."""
    options: Any = portkey_sandbox_with_openai.options("openai")
    embed_model = PortkeyEmbedding(model="text-embedding-3-small", **options)
    index = VectorStoreIndex([TextNode(text="The harbour is 12 m deep.")], embed_model=embed_model)
    before = len(seen())
    log.calls.clear()
    response: Any = index.as_query_engine(llm=llm, streaming=streaming).query("How deep?")
    assert "".join(response.response_gen) if streaming else str(response)
    spans = seen()[before:]
    assert len(roots_of(spans)) == 1
    assert places_of(calls_in(spans)) < places_told(log) <= places_of(spans)
    [embedding] = [span for span in spans if span.attributes[KIND] == "EMBEDDING" and tokens_in([span]) != (0, 0)]
    assert embedding.attributes["embedding.model_name"] == "text-embedding-3-small"
    assert len(log.calls) == 2


@every_way
def test_a_call_that_fails_says_why(sandbox: Sandbox, llm: Portkey, seen: Seen, way: str) -> None:
    sandbox.claude.inject(Fault("status", status=529))
    with pytest.raises(PortkeyError):
        ask(llm, way, "Hi")
    [span] = seen()
    assert span.is_error
    assert span.attributes["error.type"].endswith("OverloadedError")
    assert span.attributes["http.response.status_code"] == 529


def test_a_call_that_cannot_be_built_is_a_failed_span(llm: Portkey, seen: Seen, log: CallLog) -> None:
    with pytest.raises(PortkeyError, match="must be a mapping"):
        llm.chat([ChatMessage("Hi")], tools="none")
    [span] = seen()
    assert (span.is_error, span.attributes[KIND], log.calls) == (True, "LLM", [])


@streamed_way
def test_a_stream_that_is_left_is_no_error(llm: Portkey, seen: Seen, way: str) -> None:
    given: Any = [ChatMessage("Tell me a long story.")] if "chat" in way else "Tell me a long story."

    async def leave() -> None:
        stream: Any = await getattr(llm, way)(given)
        await anext(stream)
        await stream.aclose()

    if way.startswith("a"):
        asyncio.run(leave())
    else:
        stream: Any = getattr(llm, way)(given)
        next(stream)
        stream.close()
    [span] = seen()
    assert (span.is_error, span.attributes["portkey.outcome"]) == (False, "cancelled")
    # Chat completions tell what an answer used at its end alone.
    assert bool(tokens_in([span])[0]) is (llm.api_format == "messages")


def test_two_receivers_at_once(llm: Portkey, seen: Seen, log: CallLog) -> None:
    """Portkey's has everything but the calls, which are in its own log, and their usage never."""
    told: list[list[Any]] = []
    for calls in ("auto", True):
        with RecordingServer() as portkeys:
            portkeys.reply(TAKEN)
            wanted: Any = calls
            with instrument(endpoint=f"{portkeys.base_url}/otel/v1/traces", calls=wanted):
                llm.predict(PromptTemplate("Hi"))
            told.append(spans_of(portkeys))
    assert [sorted(span.name for span in spans) for spans in told] == [
        ["Portkey.predict"], ["Portkey.predict", f"chat {llm.model}"]
    ]  # fmt: skip
    for span in told[0] + told[1]:
        assert not any(name.startswith(("gen_ai.usage", "llm.")) for name in span.attributes)
    assert places_of(calls_in(seen())) == places_told(log)


@every_way
def test_a_fallback_of_the_gateways_is_one_call_that_says_who_answered(
    portkey_sandbox_with_openai: Sandbox, seen: Seen, log: CallLog, way: str
) -> None:
    sandbox = portkey_sandbox_with_openai
    sandbox.openai.inject(Fault("status", status=500))
    options: Any = {"base_url": sandbox.base_url, "config": sandbox.config("openai", "anthropic"), "max_retries": 0}
    ask(Portkey(model="gpt-5.4-mini", **options), way, "Hi")
    [span] = seen()
    told = span.attributes
    assert places_of([span]) == places_told(log)
    assert (told["gen_ai.request.model"], told["gen_ai.provider.name"]) == ("gpt-5.4-mini", "anthropic")
    assert told["portkey.target_index"] == "config.targets[1]"
