"""What LlamaIndex knows of a call reaches the gateway, with nothing set up: ids that form one tree, and labels."""

from __future__ import annotations

import asyncio
import gc
import inspect
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from uuid import uuid4

import pytest
from llama_index.core.callbacks import CallbackManager
from llama_index.core.types import Thread
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import instrument_tags
from llama_index_instrumentation.span import active_span_id
from opentelemetry.sdk.trace import TracerProvider

from portkey_gateway import ServerError
from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from portkey_llamaindex.instrumentation import MAX_DEPTH, Place, call_labels
from tests.llamaindex.tree import Tree, metadata, portkey, traces
from tests.llamaindex.ways import ask, every_way
from tests.support.recording import RecordingServer, answer, deltas, events, whole

dispatcher = get_dispatcher(__name__)


def replying(server: RecordingServer, *, streamed: bool) -> None:
    server.reply(events(*deltas("Hel", "lo.")) if streamed else whole(answer()))


@every_way
def test_a_call_by_itself_is_its_own_trace(server: RecordingServer, recorded: Portkey, tree: Tree, way: str) -> None:
    replying(server, streamed="stream" in way)
    response = ask(recorded, way, "Hi")
    [request] = server.requests
    assert tree.place(request) == f"Portkey.{way}"
    assert "x-portkey-parent-span-id" not in request.headers
    assert response.raw["trace_id"] == portkey(request, "trace-id")


@every_way
def test_a_call_belongs_to_the_spans_around_it(
    server: RecordingServer, recorded: Portkey, tree: Tree, way: str
) -> None:
    replying(server, streamed="stream" in way)

    @dispatcher.span
    def outer() -> None:
        inner()

    @dispatcher.span
    def inner() -> None:
        ask(recorded, way, "Hi")
        ask(recorded, way, "Hi")

    outer()
    assert {tree.place(request).rpartition(".")[2] for request in server.requests} == {"outer"}
    assert len(traces(server)) == 1
    assert len({portkey(request, "parent-span-id") for request in server.requests}) == 1
    assert len({portkey(request, "span-id") for request in server.requests}) == 2


@every_way
def test_tags_and_traces_are_labels(server: RecordingServer, recorded: Portkey, way: str) -> None:
    replying(server, streamed="stream" in way)
    labelled = recorded.with_options(request_metadata={"app": "shop", "team": "a"})
    tags: Any = {"team": "b", "user_id": 7, "n": {"a": [1]}, "llamaindex.run_id": "no", 5: "five"}
    with CallbackManager([]).as_trace("nightly"), instrument_tags(tags):
        ask(labelled, way, "Hi", request_metadata={"call": 1})
    assert metadata(server.requests[-1]) == {
        "traces": '["nightly"]', "app": "shop", "team": "a", "call": "1", "user_id": "7", "_user": "7",
        "n": '{"a":[1]}', "5": "five",
    }  # fmt: skip


def test_only_the_keys_that_are_allowed(server: RecordingServer, recorded: Portkey) -> None:
    with instrument_tags({"team": "b", "secret": "s"}):
        recorded.with_options(metadata_keys=("team",)).complete("Hi")
    assert metadata(server.requests[-1]) == {"team": "b"}


def test_no_label_no_header(server: RecordingServer, recorded: Portkey) -> None:
    recorded.complete("Hi")
    assert "x-portkey-metadata" not in server.requests[-1].headers


@every_way
def test_a_trace_that_the_user_chose_wins(server: RecordingServer, recorded: Portkey, way: str) -> None:
    replying(server, streamed="stream" in way)
    chosen = recorded.with_options(trace_id="mine", span_name="named")

    @dispatcher.span
    def outer() -> None:
        ask(recorded, way, "Hi")

    with instrument_tags({"trace_id": "of-the-tags", "team": "b"}):
        ask(chosen, way, "Hi")
        ask(chosen, way, "Hi", trace_id="of-the-call")
        outer()
    by_options, by_call, by_tags = server.requests
    assert (portkey(by_options, "trace-id"), portkey(by_options, "span-name")) == ("mine", "named")
    assert portkey(by_call, "trace-id") == "of-the-call"
    assert portkey(by_tags, "trace-id") == "of-the-tags"
    assert portkey(by_tags, "parent-span-id")
    assert metadata(by_tags) == {"team": "b"}
    assert "traceparent" not in by_tags.headers


def test_an_active_opentelemetry_span_is_the_parent_of_the_root(server: RecordingServer, recorded: Portkey) -> None:
    @dispatcher.span
    def outer() -> None:
        recorded.complete("Hi")

    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("web request") as span:
        recorded.complete("Hi")
        outer()
    recorded.complete("Hi")
    context = span.get_span_context()
    alone, inside, after = server.requests
    assert portkey(alone, "trace-id") == portkey(inside, "trace-id") == f"{context.trace_id:032x}"
    assert portkey(alone, "parent-span-id") == f"{context.span_id:016x}"
    assert portkey(inside, "parent-span-id") not in {portkey(alone, "parent-span-id"), portkey(alone, "span-id")}
    assert portkey(after, "trace-id") != portkey(alone, "trace-id")


def test_a_call_that_fails_leaves_its_place_to_nobody(server: RecordingServer, recorded: Portkey, tree: Tree) -> None:
    server.reply(whole(b"{}", status=500), whole(answer()))

    @dispatcher.span
    def outer() -> None:
        with pytest.raises(ServerError):
            recorded.complete("Hi")
        recorded.complete("Hi")

    outer()
    recorded.complete("Hi")
    roots = [tree.place(request).rpartition(".")[2] for request in server.requests]
    assert roots == ["outer", "outer", "complete"]


def test_without_the_handler_a_call_is_its_own_trace(
    server: RecordingServer, recorded: Portkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Tree()
    monkeypatch.setattr(get_dispatcher(), "span_handlers", [tree])
    recorded.complete("Hi")
    assert tree.place(server.requests[-1]) == "Portkey.complete"


def test_outside_of_all_spans_there_is_no_place() -> None:
    assert call_labels(None, None, {"team": "b"}) == {"trace": None, "metadata": {"team": "b"}}


def test_tags_pick_the_target_of_a_conditional_config(sandbox: Sandbox) -> None:
    """``strategy.mode = "conditional"`` of the open-source gateway."""

    def target(model: str) -> dict[str, Any]:
        options = sandbox.options()
        key, host = options["provider_api_key"], options["custom_host"]
        return {"provider": "anthropic", "api_key": key, "custom_host": host, "override_params": {"model": model}}

    config = {
        "strategy": {
            "mode": "conditional",
            "conditions": [{"query": {"metadata.complexity": {"$eq": "complex"}}, "then": "strong"}],
            "default": "fast",
        },
        "targets": [
            {"name": "strong", **target("claude-opus-4-5")},
            {"name": "fast", **target("claude-haiku-4-5")},
        ],
    }
    llm = Portkey(model="claude-sonnet-4-6", base_url=sandbox.base_url, config=config)
    simple = ask(llm, "chat", "Hi")
    with instrument_tags({"complexity": "complex"}):
        hard, streamed = ask(llm, "chat", "Hi"), ask(llm, "stream_chat", "Hi")
    assert simple.raw["model"] == "claude-haiku-4-5"
    assert hard.raw["model"] == streamed.raw["model"] == "claude-opus-4-5"


# --- at once ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
async def test_two_hundred_interleaved_calls_do_not_mix(
    server: RecordingServer, recorded: Portkey, tree: Tree, streamed: bool
) -> None:
    first, *rest = deltas("Hel", "lo.")
    server.reply(events(first, 0.01, *rest) if streamed else whole(answer(), wait_s=0.01))

    @dispatcher.span
    async def one(number: int) -> None:
        with instrument_tags({"number": number}):
            if streamed:
                async for _ in await recorded.astream_complete(str(number)):
                    await asyncio.sleep(0)
            else:
                await recorded.acomplete(str(number))

    await asyncio.gather(*map(one, range(200)))
    for request in server.requests:
        assert tree.place(request).endswith("one")
        assert metadata(request)["number"] == request.json["messages"][0]["content"]
    assert len(traces(server)) == len(server.requests) == 200


def test_threads_do_not_mix(server: RecordingServer, recorded: Portkey, tree: Tree) -> None:
    def one(number: int) -> None:
        with instrument_tags({"number": number}):
            recorded.complete(str(number))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(40)))
    for request in server.requests:
        assert tree.place(request) == "Portkey.complete"
        assert metadata(request)["number"] == request.json["messages"][0]["content"]
    assert len(traces(server)) == 40


# --- lasting ----------------------------------------------------------------------------------------------------------


async def test_a_task_and_a_thread_outlive_the_span_that_started_them(
    server: RecordingServer, recorded: Portkey, tree: Tree
) -> None:
    ended = asyncio.Event()
    waiting: list[Thread] = []

    async def later() -> None:
        await ended.wait()
        await recorded.acomplete("Hi")

    @dispatcher.span
    async def outer() -> asyncio.Task[None]:
        await recorded.acomplete("Hi")
        waiting.append(Thread(target=recorded.complete, args=("Hi",)))
        return asyncio.create_task(later())

    task = await outer()
    ended.set()
    await task
    waiting[0].start()
    await asyncio.to_thread(waiting[0].join)
    assert {tree.place(request).rpartition(".")[2] for request in server.requests} == {"outer"}
    assert len({portkey(request, "parent-span-id") for request in server.requests}) == 1
    assert len(server.requests) == 3


def test_spans_that_never_end_are_forgotten(server: RecordingServer, recorded: Portkey) -> None:
    """Also where each is opened inside the one before, by hand."""
    bound = inspect.signature(lambda: None).bind()

    def remembered() -> int:
        gc.collect()
        return sum(isinstance(each, Place) for each in gc.get_objects())

    def opened() -> None:
        outer = None
        for _ in range(100_000):
            inner = f"never-{uuid4()}"
            dispatcher.span_enter(inner, bound, parent_id=outer)
            outer = inner
        assert remembered() - before <= MAX_DEPTH + 1
        recorded.complete("Hi")

    before = remembered()
    copy_context().run(opened)
    assert remembered() <= before
    assert server.requests


def test_a_span_may_have_any_id(server: RecordingServer, recorded: Portkey) -> None:
    def opened() -> None:
        active_span_id.set("by hand")
        dispatcher.span_enter("by hand", inspect.signature(lambda: None).bind())
        recorded.complete("Hi")
        recorded.complete("Hi")

    copy_context().run(opened)
    first, second = server.requests
    assert portkey(first, "trace-id") == portkey(second, "trace-id")
    assert portkey(first, "parent-span-id") == portkey(first, "trace-id")[16:]
