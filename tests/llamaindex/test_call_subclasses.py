"""A subclass's own ``chat``, ``complete`` … that asks ``super()``: each request is one span, and stands in the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import MockLLM
from llama_index_instrumentation import get_dispatcher

from portkey_gateway.errors import PortkeyError
from portkey_gateway.sandbox import CallLog, Fault, Sandbox, SpanReceiver
from portkey_llamaindex import Portkey, PortkeyEmbedding, instrument
from portkey_llamaindex.tracer import Instrumentation
from tests.llamaindex.tree import agents_warn
from tests.llamaindex.viewed import Seen, seen
from tests.llamaindex.ways import ask, every_way
from tests.support.receiver import TAKEN, roots_of, spans_of
from tests.support.recording import RecordingServer
from tests.support.viewer import calls_in, headers, log, places_of, places_told, receiver, tokens_in

__all__ = ["headers", "log", "receiver", "seen"]

pytestmark = agents_warn


class Own(Portkey):
    """Asks as it is asked, as a subclass that counts or logs does."""

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        return super().chat(messages, **kwargs)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        return await super().achat(messages, **kwargs)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        return super().stream_chat(messages, **kwargs)

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        return await super().astream_chat(messages, **kwargs)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        return super().complete(prompt, formatted, **kwargs)

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        return await super().acomplete(prompt, formatted, **kwargs)

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        return super().stream_complete(prompt, formatted, **kwargs)

    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        return await super().astream_complete(prompt, formatted, **kwargs)


@pytest.fixture
def own(llm: Portkey, sandbox: Sandbox, api_format: Any) -> Own:
    return Own(model=llm.model, max_retries=0, api_format=api_format, **sandbox.options())


@pytest.fixture(params=["named", "all"])
def instrumentation(request: pytest.FixtureRequest, receiver: SpanReceiver) -> Iterator[Instrumentation]:
    with instrument(endpoint=receiver.endpoint, detail=request.param) as started:
        yield started
        started.flush()
        assert (started.lost, len(started._tracing.open), len(started._tracing.folded)) == (0, 0, 0)


def in_a_function(function: Callable[[], Any]) -> Any:
    """Call within a span of the user's own."""

    def surroundings() -> Any:
        return function()

    return get_dispatcher("test").span(surroundings)()


@every_way
def test_a_bare_call_is_the_root(own: Own, seen: Seen, log: CallLog, way: str) -> None:
    ask(own, way, "Hi")
    [span] = seen()
    assert places_of([span]) == places_told(log)
    assert span.parent_id is None
    assert all(tokens_in([span]))


@every_way
def test_a_call_stands_below_what_is_around_both(own: Own, seen: Seen, log: CallLog, way: str) -> None:
    in_a_function(lambda: ask(own, way, "Hi", max_tokens=100))
    call, around = sorted(seen(), key=lambda span: span.parent_id is None)
    assert places_of([call]) == places_told(log)
    assert (call.parent_id, around.parent_id) == (around.span_id, None)
    assert all(tokens_in([call]))


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_agents_calls_stand_in_its_tree(own: Own, seen: Seen, log: CallLog, *, streaming: bool) -> None:
    await FunctionAgent(name="clerk", llm=own, tools=[], streaming=streaming).run("Hi")
    spans = seen()
    [call] = calls_in(spans)
    assert places_of([call]) == places_told(log)
    assert len(roots_of(spans)) == 1
    assert call.attributes["gen_ai.agent.name"] == "clerk"


@every_way
def test_a_failed_call_is_told_once(sandbox: Sandbox, own: Own, seen: Seen, way: str) -> None:
    sandbox.claude.inject(Fault("status", status=529))
    with pytest.raises(PortkeyError):
        in_a_function(lambda: ask(own, way, "Hi"))
    spans = seen()
    [call] = calls_in(spans)
    assert call.is_error
    assert len(roots_of(spans)) == 1
    assert len(spans) == 2


@every_way
def test_portkey_is_told_parents_that_it_has(own: Own, log: CallLog, server: RecordingServer, way: str) -> None:
    server.reply(TAKEN)
    with instrument(base_url=server.base_url, api_key="pk-of-the-test") as started:
        ask(own, way, "Hi")
        in_a_function(lambda: ask(own, way, "Hi"))
        started.flush()
        [around] = spans_of(server)
    assert [call.parent_id for call in log.calls] == [None, around.span_id]


@pytest.mark.parametrize("is_root", [False, True])
def test_what_else_it_does_is_told(
    portkey_sandbox_with_openai: Sandbox, own: Own, seen: Seen, log: CallLog, *, is_root: bool
) -> None:
    """It embeds, asks another model, and asks ``super()`` twice."""
    options: Any = portkey_sandbox_with_openai.options("openai")
    embedding, other = PortkeyEmbedding(model="text-embedding-3-small", **options), MockLLM()

    class Busy(Own):
        def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
            embedding.get_query_embedding("Hi")
            other.complete("Hi")
            super().chat(messages, **kwargs)
            return super().chat(messages, **kwargs)

    busy = Busy(**{name: getattr(own, name) for name in own.model_fields_set})
    ask(busy, "chat", "Hi") if is_root else in_a_function(lambda: ask(busy, "chat", "Hi"))
    spans = seen()
    # Of a call that is the root itself, all that it does are roots of its trace.
    assert len(roots_of(spans)) == (4 if is_root else 1)
    assert len({span.trace_id for span in spans}) == 1
    assert places_told(log) <= places_of(spans)
    assert len(log.calls) == 3
