"""What LangChain knows of a call reaches the gateway, with nothing set up: ids that form one tree, and labels."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseCallbackHandler,
    CallbackManagerForChainRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import HumanMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from opentelemetry.sdk.trace import TracerProvider

from portkey_gateway import PortkeyError
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.tracing.context import TraceContext
from portkey_langchain import ChatPortkey, callbacks
from portkey_langchain.callbacks import RUNS
from tests.langchain.ask import Ask, any_call
from tests.support.recording import RecordingServer, Request, answer, deltas, events, whole


class Runs(BaseCallbackHandler):
    """Notes every run as LangChain tells it to any handler."""

    def __init__(self) -> None:
        self.parents: dict[UUID, UUID | None] = {}
        self.models: list[UUID] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:  # noqa: ARG002 LangChain's signature
        self.parents[kwargs["run_id"]] = kwargs.get("parent_run_id")

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.on_chain_start(serialized, messages, **kwargs)
        self.models.append(kwargs["run_id"])

    def root(self, run_id: UUID) -> UUID:
        parent = self.parents[run_id]
        return run_id if parent is None else self.root(parent)


@pytest.fixture
def local(server: RecordingServer) -> Iterator[ChatPortkey]:
    """A model in front of a server that answers every call, whole or streamed, as it is asked to."""
    server.reply(whole(answer()))
    before = set(RUNS._tree._runs)
    yield ChatPortkey(
        model="claude-x", base_url=server.base_url, provider="anthropic", api_format="chat_completions", max_retries=0
    )
    assert set(RUNS._tree._runs) <= before, "a run was started and never ended"


def streams(server: RecordingServer) -> None:
    server.reply(events(*deltas("Hel", "lo.")))


def portkey(request: Request, name: str) -> str:
    return request.header(f"x-portkey-{name}")


def metadata(request: Request) -> dict[str, str]:
    decoded = json.loads(portkey(request, "metadata"))
    assert isinstance(decoded, dict)
    return decoded


@any_call
def test_a_call_by_itself_is_its_own_trace(server: RecordingServer, local: ChatPortkey, ask: Ask) -> None:
    if "stream" in ask.__name__:
        streams(server)
    runs = Runs()
    ask(local.with_config({"callbacks": [runs], "run_name": "greeting"}), "Hi")
    [run_id] = runs.models
    [request] = server.requests
    assert portkey(request, "trace-id") == run_id.hex
    assert portkey(request, "span-id") == run_id.hex[16:]
    assert "x-portkey-parent-span-id" not in request.headers
    assert portkey(request, "span-name") == "greeting"
    assert request.header("traceparent") == f"00-{run_id.hex}-{run_id.hex[16:]}-01"


@any_call
def test_a_call_in_a_chain_belongs_to_it(server: RecordingServer, local: ChatPortkey, ask: Ask) -> None:
    if "stream" in ask.__name__:
        streams(server)
    runs = Runs()
    chain = ChatPromptTemplate.from_messages([("human", "{text}")]) | local
    ask(chain.with_config({"callbacks": [runs]}), {"text": "Hi"})
    [run_id] = runs.models
    [request] = server.requests
    parent = runs.parents[run_id]
    assert parent is not None
    assert portkey(request, "trace-id") == runs.root(run_id).hex
    assert portkey(request, "parent-span-id") == parent.hex[16:]
    assert portkey(request, "span-id") == run_id.hex[16:]


@any_call
def test_tags_and_metadata_of_the_run_are_labels(server: RecordingServer, local: ChatPortkey, ask: Ask) -> None:
    if "stream" in ask.__name__:
        streams(server)
    # Of a key in both, LangChain itself lets the model's own value win.
    labelled = local.with_options(metadata={"app": "shop", "team": "a"})
    config: Any = {"tags": ["nightly"], "metadata": {"team": "b", "user_id": 7, "ls_x": "no", "n": {"a": [1]}}}
    ask((RunnableLambda(lambda text: text) | labelled).with_config(config), "Hi")
    [request] = server.requests
    expected = {"app": "shop", "team": "a", "user_id": "7", "_user": "7", "n": '{"a":[1]}', "tags": '["nightly"]'}
    assert metadata(request) == expected


def test_only_the_keys_that_are_allowed(server: RecordingServer, local: ChatPortkey) -> None:
    local.with_options(metadata_keys=("team",)).invoke("Hi", {"metadata": {"team": "b", "secret": "s"}, "tags": ["t"]})
    assert metadata(server.requests[-1]) == {"team": "b"}


def test_a_trace_that_the_user_chose_wins(server: RecordingServer, local: ChatPortkey) -> None:
    chain = RunnableLambda(lambda text: text) | local
    local.with_options(trace_id="mine", span_name="named").invoke("Hi")
    local.invoke("Hi", trace_id="per-call")
    chain.invoke("Hi", {"metadata": {"trace_id": "of-the-run", "team": "b"}})
    by_options, by_call, by_metadata = server.requests
    assert (portkey(by_options, "trace-id"), portkey(by_options, "span-name")) == ("mine", "named")
    assert portkey(by_call, "trace-id") == "per-call"
    assert portkey(by_metadata, "trace-id") == "of-the-run"
    assert metadata(by_metadata) == {"team": "b"}
    assert portkey(by_metadata, "parent-span-id")
    assert "traceparent" not in by_metadata.headers


def test_an_active_opentelemetry_span_is_the_parent(server: RecordingServer, local: ChatPortkey) -> None:
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("web request") as span:
        local.invoke("Hi")
        (RunnableLambda(lambda text: text) | local).invoke("Hi")
    context = span.get_span_context()
    alone, chained = server.requests
    assert portkey(alone, "trace-id") == portkey(chained, "trace-id") == f"{context.trace_id:032x}"
    assert portkey(alone, "parent-span-id") == f"{context.span_id:016x}"
    assert portkey(chained, "parent-span-id") != portkey(alone, "parent-span-id")


def test_parallel_branches_share_their_root(server: RecordingServer, local: ChatPortkey) -> None:
    runs = Runs()
    RunnableParallel(a=local, b=local, c=RunnableLambda(local.invoke)).invoke("Hi", {"callbacks": [runs]})
    assert {portkey(request, "trace-id") for request in server.requests} == {runs.root(runs.models[0]).hex}
    assert {portkey(request, "span-id") for request in server.requests} == {run.hex[16:] for run in runs.models}
    assert len(server.requests) == 3


def test_a_batch_and_many_prompts_at_once_keep_their_own_spans(server: RecordingServer, local: ChatPortkey) -> None:
    runs = Runs()
    local.batch(["one", "two", "three"], {"callbacks": [runs]})
    local.generate([[HumanMessage("four")], [HumanMessage("five")]], callbacks=[runs])
    said = {portkey(request, "span-id"): request.json["messages"][0]["content"] for request in server.requests}
    assert said.keys() == {run.hex[16:] for run in runs.models}
    assert [said[run.hex[16:]] for run in runs.models[3:]] == ["four", "five"]


@pytest.mark.parametrize("streamed", [False, True])
async def test_two_hundred_interleaved_runs_do_not_mix(
    server: RecordingServer, local: ChatPortkey, streamed: bool
) -> None:
    first, *rest = deltas("Hel", "lo.")
    server.reply(events(first, 0.01, *rest) if streamed else whole(answer(), wait_s=0.01))

    async def one(number: int) -> tuple[int, Runs]:
        runs = Runs()
        chain = RunnableLambda(lambda text: text) | local
        config: Any = {"callbacks": [runs], "metadata": {"number": number}}
        if streamed:
            async for _ in chain.astream(str(number), config):
                await asyncio.sleep(0)
        else:
            await chain.ainvoke(str(number), config)
        return number, runs

    asked = dict(await asyncio.gather(*map(one, range(200))))
    assert len(server.requests) == 200
    for request in server.requests:
        number = int(request.json["messages"][0]["content"])
        [run_id] = asked[number].models
        assert metadata(request)["number"] == str(number)
        assert portkey(request, "span-id") == run_id.hex[16:]
        assert portkey(request, "trace-id") == asked[number].root(run_id).hex


def test_threads_do_not_mix(server: RecordingServer, local: ChatPortkey) -> None:
    def one(number: int) -> None:
        local.invoke(str(number), {"metadata": {"number": number}})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(40)))
    for request in server.requests:
        assert metadata(request)["number"] == request.json["messages"][0]["content"]


async def test_calls_of_one_coroutine_do_not_inherit_each_others_labels(
    server: RecordingServer, local: ChatPortkey
) -> None:
    stream = events(*deltas("Hel", "lo."))
    server.reply(whole(answer()), stream, stream, whole(b"{}", status=500), stream)
    await local.ainvoke("Hi", {"metadata": {"user_id": "alice"}})
    [chunk async for chunk in local.astream("Hi", {"metadata": {"user_id": "bob"}})]
    list(local.stream("Hi"))
    with pytest.raises(PortkeyError):
        await local.ainvoke("Hi", {"metadata": {"user_id": "carl"}})
    [chunk async for chunk in local.astream("Hi", {"run_name": "last"})]
    alice, bob, nobody, carl, last = server.requests
    assert [metadata(request)["_user"] for request in (alice, bob, carl)] == ["alice", "bob", "carl"]
    assert "x-portkey-metadata" not in {**nobody.headers, **last.headers}
    assert portkey(last, "span-name") == "last"
    assert len({portkey(request, "span-id") for request in server.requests}) == 5


async def test_a_cancelled_call_leaves_its_labels_to_nobody(server: RecordingServer) -> None:
    # Not the fixture's model, which minds runs that never end: LangChain tells nobody of this one's end.
    local = ChatPortkey(
        model="claude-x", base_url=server.base_url, provider="anthropic", api_format="chat_completions", max_retries=0
    )
    server.reply(whole(answer(), wait_s=5.0), events(*deltas("Hel", "lo.")))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await local.ainvoke("Hi", {"metadata": {"user_id": "alice"}})
    [chunk async for chunk in local.astream("Hi", {"metadata": {"user_id": "bob"}})]
    assert metadata(server.requests[-1])["_user"] == "bob"


async def test_nothing_is_kept_of_calls_that_ended(server: RecordingServer, local: ChatPortkey) -> None:
    theirs = FakeListChatModel(responses=["Hello."])
    before = len(RUNS._calls)
    for _ in range(20):
        await local.ainvoke("Hi")
        await theirs.ainvoke("Hi")
        theirs.invoke("Hi")
    assert len(RUNS._calls) == before
    server.reply(events(*deltas("Hel", "lo.")))
    [chunk async for chunk in local.astream("Hi", {"run_name": "mine"})]
    assert portkey(server.requests[-1], "span-name") == "mine"


async def test_of_calls_that_ended_nothing_is_remembered_and_of_chains_where_they_stood(
    server: RecordingServer, local: ChatPortkey
) -> None:
    theirs, runs, before = FakeListChatModel(responses=["Hello."]), Runs(), set(RUNS._tree._ended)
    server.reply(whole(b"{}", status=500))
    with pytest.raises(PortkeyError):
        local.invoke("Hi", {"callbacks": [runs]})
    server.reply(whole(answer()))
    await local.ainvoke("Hi", {"callbacks": [runs]})
    theirs.invoke("Hi", {"callbacks": [runs]})
    [chunk async for chunk in theirs.astream("Hi", {"callbacks": [runs]})]
    (RunnableLambda(str) | local).invoke("Hi", {"callbacks": [runs]})
    chains = runs.parents.keys() - runs.models
    assert (len(chains), len(runs.models)) == (2, 5)
    assert set(RUNS._tree._ended) - before == {run_id.int for run_id in chains}


@pytest.mark.parametrize("manager", [CallbackManagerForLLMRun, AsyncCallbackManagerForLLMRun])
def test_langchain_lets_no_run_begin_in_that_of_a_model(manager: type[Any]) -> None:
    assert hasattr(CallbackManagerForChainRun, "get_child")
    assert not hasattr(manager, "get_child"), "remember where a model's run stood, too (RunHandler._end_call)"


def test_whoever_begins_something_in_a_models_run_by_hand_stays_in_its_trace() -> None:
    handler = callbacks.RunHandler()
    root, model, inner = uuid4(), uuid4(), uuid4()
    handler.on_chain_start({}, "Hi", run_id=root, name="root")
    handler.on_chat_model_start({}, [], run_id=model, parent_run_id=root, name="model")
    place = handler.start({}, {"run_id": inner, "parent_run_id": model, "name": "inner"}, "chain")
    assert place == TraceContext(root.hex, inner.hex[16:], model.hex[16:], "inner")


def test_whoever_hears_of_a_call_first_says_where_it_stands() -> None:
    handler = callbacks.RunHandler()
    told: dict[str, Any] = {"run_id": uuid4(), "name": "model"}
    with TracerProvider().get_tracer("test").start_as_current_span("web request"):
        place = handler.start({}, told, "chat")
    handler.on_chat_model_start({}, [], **told)
    call = handler.take(told["run_id"])
    assert call is not None
    assert call.trace == place
    assert place.parent_span_id is not None


def test_labels_that_nobody_takes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "MAX_RUNS", 100)
    handler = callbacks.RunHandler()
    for _ in range(1000):
        handler.on_chat_model_start({}, [], run_id=uuid4())
    assert len(handler._calls) == 100


def test_a_call_answered_from_langchains_cache_leaves_its_place_to_nobody(
    server: RecordingServer, local: ChatPortkey
) -> None:
    cached = local.model_copy(update={"cache": InMemoryCache()})
    cached.invoke("Hi")
    cached.invoke("Hi", {"run_name": "cached"})
    streams(server)
    list(local.stream("Hi", {"run_name": "streamed"}))
    assert [portkey(request, "span-name") for request in server.requests] == ["ChatPortkey", "streamed"]


def test_a_call_that_fails_ends_its_run(server: RecordingServer, local: ChatPortkey) -> None:
    server.reply(whole(b"{}", status=500), whole(answer()))
    good = local.with_options(model="claude-y")
    assert (RunnableLambda(lambda text: text) | local).with_fallbacks([good]).invoke("Hi").text == "Hello."
    first, second = server.requests
    assert portkey(first, "trace-id") == portkey(second, "trace-id")
    assert portkey(first, "span-id") != portkey(second, "span-id")


def test_metadata_of_a_run_picks_the_target_of_a_conditional_config(sandbox: Sandbox) -> None:
    """As Portkey's page on LangChain promises; ``strategy.mode = "conditional"`` of the open-source gateway."""

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
    model = ChatPortkey(model="claude-sonnet-4-6", base_url=sandbox.base_url, config=config)
    simple = model.invoke("Hi")
    hard = model.invoke("Hi", config={"metadata": {"complexity": "complex"}})
    streamed = list(model.stream("Hi", config={"metadata": {"complexity": "complex"}}))[-1]
    assert simple.response_metadata["model_name"] == "claude-haiku-4-5"
    assert hard.response_metadata["model_name"] == "claude-opus-4-5"
    assert streamed.response_metadata["model_name"] == "claude-opus-4-5"
