"""Keys that functions are asked for: by every way to call, anew before each try, and shown by none."""

from __future__ import annotations

import asyncio
import copy
import functools
import itertools
import pickle
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.load import dumps
from pydantic import SecretStr

from portkey_gateway import EncodingError, GatewayClient, GatewayOptions
from portkey_gateway.errors import AuthenticationError
from portkey_langchain import ChatPortkey, PortkeyEmbeddings, PortkeyTracer
from portkey_llamaindex import Portkey, PortkeyEmbedding, instrument
from tests.langchain.ask import ainvoke, astream, invoke, stream
from tests.llamaindex.ways import CHAT
from tests.llamaindex.ways import ask as ask_llamaindex
from tests.support.recording import RecordingServer, answer, deltas, events, whole

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

Ways = dict[str, tuple[type, Callable[..., Any]]]


def _llamaindex(way: str) -> Callable[..., Any]:
    return lambda llm, prompt: ask_llamaindex(llm, way, prompt)


WAYS: Ways = {ask.__name__: (ChatPortkey, ask) for ask in (invoke, ainvoke, stream, astream)} | {
    way: (Portkey, _llamaindex(way)) for way in CHAT
}
SYNC = ["invoke", "stream", "chat", "stream_chat"]
every_way = pytest.mark.parametrize("way", WAYS)
sync_way = pytest.mark.parametrize("way", SYNC)
async_way = pytest.mark.parametrize("way", [way for way in WAYS if way not in SYNC])
each_option = pytest.mark.parametrize(
    ("option", "header", "before"),
    [
        ("api_key", "x-portkey-api-key", ""),
        ("provider_api_key", "authorization", "Bearer "),
        ("virtual_key", "x-portkey-virtual-key", ""),
    ],
)
KEY = "sk-asked-0123456789-Zx9Qw8"


def give(*keys: str) -> Callable[[], str]:
    """A function that returns one key after the other."""
    return functools.partial(next, itertools.chain(keys, itertools.repeat(keys[-1])))


def module_key() -> str:
    return KEY


async def async_key() -> str:
    await asyncio.sleep(0)
    return KEY


def make(server: RecordingServer, kind: type, **options: Any) -> Any:
    provider = {} if "virtual_key" in options else {"provider": "anthropic"}
    given = {"model": "claude-sonnet-4-5", "base_url": server.base_url, "api_format": "chat_completions"}
    server.reply(lambda request: events(*deltas("Hello.")) if b'"stream":true' in request.body else whole(answer()))
    return kind(**{**given, **provider, "max_retries": 0, **options})


@every_way
@each_option
def test_a_function_is_asked_before_each_call(
    server: RecordingServer, way: str, option: str, header: str, before: str
) -> None:
    kind, ask = WAYS[way]
    model = make(server, kind, **{option: give("first-key", "second-key")})
    for _ in range(2):
        ask(model, "Hi")
    told = [request.header(header) for request in server.requests]
    assert told == [f"{before}first-key", f"{before}second-key"]


@every_way
def test_it_is_asked_anew_before_each_try(server: RecordingServer, way: str) -> None:
    kind, ask = WAYS[way]
    model = make(server, kind, provider_api_key=give("first-key", "second-key"), max_retries=1)
    broken = whole({"error": {"message": "later"}}, status=429, headers={"retry-after": "0"})
    server.reply(
        broken, lambda request: events(*deltas("Hello.")) if b'"stream":true' in request.body else whole(answer())
    )
    ask(model, "Hi")
    assert [request.header("authorization") for request in server.requests] == ["Bearer first-key", "Bearer second-key"]


@async_way
def test_an_async_function_is_waited_for(server: RecordingServer, way: str) -> None:
    kind, ask = WAYS[way]
    ask(make(server, kind, provider_api_key=async_key), "Hi")
    assert server.requests[-1].header("authorization") == f"Bearer {KEY}"


@sync_way
def test_a_call_without_await_cannot_wait_for_it(server: RecordingServer, way: str) -> None:
    kind, ask = WAYS[way]
    with pytest.raises(EncodingError, match=r"provider_api_key is an async function.*ainvoke, achat"):
        ask(make(server, kind, provider_api_key=async_key), "Hi")
    assert server.requests == []


@every_way
def test_it_may_be_given_for_one_call_and_to_a_copy(server: RecordingServer, way: str) -> None:
    kind, ask = WAYS[way]
    model = make(server, kind, provider_api_key="sk-of-the-model")
    ask(model.with_options(provider_api_key=module_key), "Hi")
    given = {"provider_api_key": module_key}
    asked = ask(model, "Hi", **given) if kind is ChatPortkey else ask_llamaindex(model, way, "Hi", **given)
    assert asked is not None
    assert [request.header("authorization") for request in server.requests] == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize("lent", [False, True])
async def test_the_other_classes_ask_it_too(server: RecordingServer, *, lent: bool) -> None:
    vectors = {"object": "list", "model": "m", "data": [{"index": 0, "embedding": [0.5]}], "usage": {"total_tokens": 1}}
    async with httpx.AsyncClient(trust_env=False) as async_client:
        with httpx.Client(trust_env=False) as client:
            clients: Any = {"http_client": client, "http_async_client": async_client} if lent else {}
            options: Any = {"base_url": server.base_url, "provider": "openai", "provider_api_key": module_key}
            server.reply(whole(vectors))
            embeddings: Any = {"model": "text-embedding-3-small", **options, **clients}
            PortkeyEmbeddings(**embeddings).embed_query("Hi")
            await PortkeyEmbedding(**embeddings).aget_text_embedding("Hi")
            server.reply(whole({"data": []}))
            asked = GatewayClient(GatewayOptions(**options), **clients)
            asked.models()
            await asked.amodels()
    assert [request.header("authorization") for request in server.requests] == [f"Bearer {KEY}"] * 4


@pytest.mark.parametrize("kind", [ChatPortkey, Portkey])
def test_the_real_gateway_takes_it(sandbox: Sandbox, kind: type) -> None:
    options: dict[str, Any] = {**sandbox.options()}
    key = options.pop("provider_api_key")
    model = kind(model=sandbox.model, provider_api_key=lambda: key, **options)
    answered = model.invoke("Hi").text if isinstance(model, ChatPortkey) else model.complete("Hi").text
    assert answered
    assert len(sandbox.claude.requests) == 1


@every_way
@pytest.mark.parametrize("said", [None, 7, "", "two\nlines", "sch\u00fcssel"])
def test_what_is_no_key_is_an_error_that_does_not_show_it(server: RecordingServer, way: str, said: Any) -> None:
    kind, ask = WAYS[way]
    with pytest.raises(EncodingError, match=r"provider_api_key") as caught:
        ask(make(server, kind, provider_api_key=lambda: said), "Hi")
    assert server.requests == []
    assert not said or str(said) not in str(caught.value)


@every_way
def test_what_it_raises_is_raised_as_it_is_and_not_tried_again(server: RecordingServer, way: str) -> None:
    asked: list[int] = []

    def fail() -> str:
        asked.append(1)
        raise OSError("the vault is shut")

    kind, ask = WAYS[way]
    with pytest.raises(OSError, match="the vault is shut"):
        ask(make(server, kind, provider_api_key=fail, max_retries=3), "Hi")
    assert (asked, server.requests) == ([1], [])


@every_way
def test_no_error_shows_what_it_said(server: RecordingServer, way: str) -> None:
    kind, ask = WAYS[way]
    model = make(server, kind, provider_api_key=lambda: SecretStr(KEY))
    server.reply(whole({"error": {"message": f"bad key {KEY}, or {KEY[:20]}..."}}, status=401))
    with pytest.raises(AuthenticationError) as caught:
        ask(model, "Hi")
    assert "bad key" in caught.value.message
    shown = f"{caught.value!r} {caught.value.body} {caught.value.__dict__}"
    assert KEY[:16] not in shown
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    ours = [frame for frame in frames if "/tests/" not in frame.filename]
    assert {frame.name for frame in ours if KEY[:16] in str(frame.locals)} == set()


@pytest.mark.parametrize("kind", [ChatPortkey, Portkey, PortkeyEmbeddings, PortkeyEmbedding])
@pytest.mark.parametrize("option", ["api_key", "provider_api_key", "virtual_key"])
def test_the_function_shows_nowhere(kind: Any, option: str) -> None:
    bound = functools.partial(str, KEY)  # its repr holds the key
    provider = {} if option == "virtual_key" else {"provider": "openai"}
    model = kind(model="gpt-5", base_url="http://127.0.0.1:1/v1", **provider, **{option: bound})
    stored = dumps(model) if isinstance(model, ChatPortkey | PortkeyEmbeddings) else model.to_json()
    for shown in (repr(model), str(model.model_dump()), model.model_dump_json(), stored):
        assert KEY not in shown
    assert getattr(model, option)() == KEY


@pytest.mark.parametrize("kind", [ChatPortkey, Portkey])
def test_copies_and_pickles_ask_the_same_function(kind: Any) -> None:
    model = kind(model="gpt-5", base_url="http://127.0.0.1:1/v1", provider="openai", provider_api_key=module_key)
    for copied in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model.with_options()):
        assert copied.provider_api_key == model.provider_api_key
        assert copied.provider_api_key() == KEY
    other = model.with_options(provider_api_key=lambda: "sk-another")
    assert other.provider_api_key != model.provider_api_key


def test_a_cache_tells_models_with_functions_apart_by_where_they_go() -> None:
    options: Any = {"model": "gpt-5", "base_url": "http://127.0.0.1:1/v1", "provider": "openai"}
    keys = (module_key, module_key, give("other"))
    first, again, other = (ChatPortkey(**options, provider_api_key=key)._get_llm_string() for key in keys)
    assert first == again != other


@pytest.mark.parametrize("export", [PortkeyTracer, instrument])
def test_what_exports_spans_takes_no_function(export: Any) -> None:
    with pytest.raises(ValueError, match="api_key of what exports spans must be text"):
        export(api_key=module_key)
