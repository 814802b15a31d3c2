"""Keys show up nowhere; a model survives being dumped, loaded, pickled and copied."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.load import dumpd, dumps, loads
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.schemas import Run

from portkey_gateway.errors import PortkeyError
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.support.recording import RecordingServer, answer, events, whole

KEYS: Final = {
    "api_key": "pk-secret-aaaa",
    "provider_api_key": "sk-secret-bbbb",
    "default_headers": {"x-secret": "hdr-secret-dddd"},
    "gateway_headers": {"aws-secret-access-key": "aws-secret-eeee"},
    "config": {"targets": [{"api_key": "cfg-secret-ffff", "provider": "anthropic"}]},
}
TEXTS: Final = ["pk-secret-aaaa", "sk-secret-bbbb", "hdr-secret-dddd", "aws-secret-eeee", "cfg-secret-ffff"]
SECRETS_MAP: Final[dict[str, Any]] = {
    "PORTKEY_API_KEY": KEYS["api_key"],
    "PORTKEY_PROVIDER_API_KEY": KEYS["provider_api_key"],
    "PORTKEY_DEFAULT_HEADERS": KEYS["default_headers"],
    "PORTKEY_GATEWAY_HEADERS": KEYS["gateway_headers"],
    "PORTKEY_CONFIG": KEYS["config"],
}


def make(**options: Any) -> ChatPortkey:
    return ChatPortkey(**{"model": "claude-sonnet-4-5", "max_retries": 0, **options})


def load(dumped: str, secrets: dict[str, Any]) -> ChatPortkey:
    loaded = loads(dumped, secrets_map=secrets, valid_namespaces=["portkey_langchain"], allowed_objects=[ChatPortkey])
    assert isinstance(loaded, ChatPortkey)
    return loaded


@pytest.fixture
def secretive(server: RecordingServer) -> ChatPortkey:
    return make(base_url=server.base_url, provider="anthropic", api_format="chat_completions", **KEYS)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        dumps,
        dumpd,
        lambda model: model.model_dump(),
        lambda model: model.model_dump(mode="json"),
        lambda model: model.model_dump_json(),
        lambda model: model._get_invocation_params(),
        lambda model: model._identifying_params,
        lambda model: model._get_llm_string(),
        lambda model: model._get_ls_params(),
        lambda model: model._serialized,
        lambda model: model.lc_secrets,
        lambda model: repr(model.bind(temperature=1)),
        lambda model: dumps(model.bind(temperature=1)),
        lambda model: repr(pickle.loads(pickle.dumps(model))),
        lambda model: repr(model.with_options(trace_id="t")),
        lambda model: repr(model.with_retry()),
    ],
)
def test_no_key_is_shown(secretive: ChatPortkey, show: Callable[[ChatPortkey], Any]) -> None:
    shown = str(show(secretive))
    assert shown
    assert not [text for text in TEXTS if text in shown]


class Tracer(BaseTracer):
    """Keeps what a tracer is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told = ""

    def _persist_run(self, run: Run) -> None:
        self.told += str(run.model_dump() if hasattr(run, "model_dump") else run.dict())


@any_call
def test_no_key_is_told_to_tracers_and_logs(
    secretive: ChatPortkey, server: RecordingServer, caplog: pytest.LogCaptureFixture, ask: Ask
) -> None:
    caplog.set_level(logging.DEBUG)
    server.reply(events({**answer(), "choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}))
    if ask.__name__ in {"invoke", "ainvoke"}:
        server.reply(whole(answer()))
    tracer = Tracer()
    ask(secretive.with_config(callbacks=[tracer]), "Hi", trace_id="t-1", provider_api_key=TEXTS[1])
    assert "claude-sonnet-4-5" in tracer.told
    assert not [text for text in TEXTS if text in tracer.told + caplog.text]


@any_call
@pytest.mark.parametrize("status", [401, 500])
def test_no_key_is_told_by_an_error_that_echoes_it(
    secretive: ChatPortkey, server: RecordingServer, status: int, ask: Ask
) -> None:
    server.reply(
        whole({"error": {"message": f"Incorrect API key provided: {KEYS['provider_api_key']}"}}, status=status)
    )
    with pytest.raises(PortkeyError) as caught:
        ask(secretive, "Hi")
    told = f"{caught.value} {caught.value!r} {caught.value.__dict__} {caught.value.args}"
    assert "Incorrect API key provided: [redacted]" in told
    assert not [text for text in TEXTS[:2] if text in told]


# LangChain itself still calls `loads` a beta.
loading = pytest.mark.filterwarnings("ignore:The function `loads` is in beta")


@loading
def test_a_dumped_model_is_loaded_with_its_secrets(secretive: ChatPortkey) -> None:
    assert load(dumps(secretive), SECRETS_MAP) == secretive


@loading
def test_a_dumped_model_is_loaded_where_only_its_key_is_known() -> None:
    model = make(api_key="pk", temperature=0.3, thinking={"type": "enabled", "budget_tokens": 1024}, config="pc-1")
    assert load(dumps(model), {"PORTKEY_API_KEY": "pk"}) == model


@loading
def test_a_dump_without_its_headers_is_loaded_without_them() -> None:
    model = make(api_key="pk", default_headers={"x-a": "1"})
    assert load(dumps(model), {"PORTKEY_API_KEY": "pk"}).default_headers == {}


COPIES = [
    copy.copy,
    copy.deepcopy,
    lambda model: pickle.loads(pickle.dumps(model)),
    lambda model: model.model_copy(deep=True),
    lambda model: model.with_options(),
]


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_calls_as_the_original_does(
    secretive: ChatPortkey, server: RecordingServer, copied: Callable[[ChatPortkey], ChatPortkey]
) -> None:
    twin = copied(secretive)
    assert twin == secretive
    assert twin is not secretive
    secretive.invoke("Hi")
    twin.invoke("Hi")
    asyncio.run(twin.ainvoke("Hi"))
    first, *others = server.requests
    for other in others:
        assert other.json == first.json
        for name in first.headers.keys() - {"traceparent", "x-portkey-trace-id", "x-portkey-span-id"}:
            assert other.headers[name] == first.headers[name]


@pytest.mark.parametrize("copied", COPIES)
def test_a_model_with_a_borrowed_client_can_be_copied(copied: Callable[[ChatPortkey], ChatPortkey]) -> None:
    with httpx.Client() as client:
        model = make(api_key="pk", http_client=client, http_async_client=httpx.AsyncClient())
        twin = copied(model)
        assert twin.model == model.model
        assert twin.http_client in {None, client}
        assert model.http_client is client


def test_a_borrowed_client_is_never_closed(server: RecordingServer) -> None:
    with httpx.Client(headers={"x-mine": "1"}) as client:
        for _ in range(2):
            make(
                base_url=server.base_url, provider="anthropic", api_format="chat_completions", http_client=client
            ).invoke("Hi")
        assert not client.is_closed
    assert server.requests[-1].header("x-mine") == "1"

    async def borrow() -> None:
        async with httpx.AsyncClient(headers={"x-mine": "2"}) as async_client:
            model = make(
                base_url=server.base_url,
                provider="anthropic",
                api_format="chat_completions",
                http_async_client=async_client,
            )
            await model.ainvoke("Hi")
            assert not async_client.is_closed

    asyncio.run(borrow())
    assert server.requests[-1].header("x-mine") == "2"


def test_two_configs_do_not_share_answers_of_a_cache(secretive: ChatPortkey, server: RecordingServer) -> None:
    cached = secretive.with_options(cache=InMemoryCache())
    cached.invoke("Hi")
    cached.with_options(config={"targets": [{"provider": "openai"}]}).invoke("Hi")
    cached.with_options(config="pc-1").invoke("Hi")
    assert len(server.requests) == 3


def test_two_routes_of_one_call_do_not_share_answers_of_a_cache(
    secretive: ChatPortkey, server: RecordingServer
) -> None:
    cached = secretive.with_options(cache=InMemoryCache())
    routes: list[dict[str, Any]] = [
        {"gateway_headers": {"aws-region": "a"}},
        {"gateway_headers": {"aws-region": "b"}},
        {"default_headers": {"x-portkey-custom-host": "http://elsewhere/v1"}},
        {"cache_namespace": "other"},
    ]
    for options in routes:
        cached.invoke("Hi", **options)
    assert len(server.requests) == 4
    cached.invoke("Hi", gateway_headers={"aws-region": "a"})
    cached.invoke("Hi", gateway_headers={"aws-region": "a"}, trace_id="another")
    assert len(server.requests) == 4
