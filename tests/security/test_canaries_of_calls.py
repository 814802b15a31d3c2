"""No key in what a call leaves behind: callbacks, spans, logs at their loudest, errors with their chains and locals."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.schemas import Run

from portkey_gateway import PortkeyError
from portkey_gateway.http.call import Call as WireCall
from portkey_gateway.http.retry import RetryPolicy
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.langchain.ask import ainvoke, astream, invoke, stream
from tests.llamaindex.ways import ask as ask_llamaindex
from tests.security.canaries import call_options, canary, found
from tests.support.recording import RecordingServer, Reply, answer, deltas, events, whole

Call = Callable[[str], Any]


def _langchain(ask: Callable[..., Any]) -> Call:
    return lambda url: ask(ChatPortkey(**call_options(url)), "Hi")


def _llamaindex(way: str) -> Call:
    return lambda url: ask_llamaindex(Portkey(**call_options(url)), way, "Hi")


CALLS = {ask.__name__: _langchain(ask) for ask in (invoke, ainvoke, stream, astream)} | {
    way: _llamaindex(way) for way in ("chat", "achat", "stream_chat", "astream_chat")
}
any_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
ECHO = {
    "error": {"message": " ".join(map(canary, ("api_key", "provider_api_key", "target", "header"))), "type": "auth"}
}


class Tracer(BaseTracer):
    """Keeps what a tracer is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told = ""

    def _persist_run(self, run: Run) -> None:
        self.told += f"{run.model_dump() if hasattr(run, 'model_dump') else run.dict()}"


def _ask_the_given(given: dict[str, Any]) -> Any:
    return given["model"].invoke("Hi")


@pytest.mark.parametrize("is_streamed", [False, True])
def test_callbacks_and_tracers_are_told_no_key(server: RecordingServer, is_streamed: bool) -> None:
    server.reply(events(*deltas("Hello.")) if is_streamed else whole(answer()))
    model, tracer = ChatPortkey(**call_options(server.base_url)), Tracer()
    chain: Any = model if is_streamed else RunnableLambda(_ask_the_given)
    given: Any = "Hi" if is_streamed else {"model": model}
    list(chain.stream(given, config={"callbacks": [tracer]}))
    assert "claude-sonnet-4-5" in tracer.told
    assert found(tracer.told) == []


@any_call
def test_logs_at_their_loudest_hold_no_key(
    server: RecordingServer, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(lambda request: events(*deltas("Hello.")) if b'"stream":true' in request.body else whole(answer()))
    with caplog.at_level(logging.DEBUG):
        call(server.base_url)
    assert "portkey_gateway.http.transport" in {record.name for record in caplog.records}
    assert found(caplog.text + "".join(str(record.args) for record in caplog.records)) == []


async def test_nor_do_those_of_a_borrowed_client(server: RecordingServer, caplog: pytest.LogCaptureFixture) -> None:
    server.reply(whole(answer()))
    async with httpx.AsyncClient(trust_env=False) as async_client:
        with httpx.Client(trust_env=False) as client, caplog.at_level(logging.DEBUG):
            lent = {"http_client": client, "http_async_client": async_client}
            ChatPortkey(**call_options(server.base_url), **lent).invoke("Hi")
            await Portkey(**call_options(server.base_url), **lent).acomplete("Hi")
    assert {"httpx", "httpcore.http11"} <= {record.name for record in caplog.records}
    assert found(caplog.text + "".join(str(record.args) for record in caplog.records)) == []


@any_call
@pytest.mark.parametrize(
    "reply",
    [
        whole(ECHO, status=401),
        whole(ECHO),
        whole(f"<html>{ECHO}</html>".encode(), status=502),
        Reply((b"HTTP/1.1 200 " + canary("api_key").encode() + b"\r\nno header\r\n\r\n",), then="close"),
        Reply((), then="reset"),
    ],
)
def test_no_error_holds_a_key(server: RecordingServer, call: Call, reply: Reply) -> None:
    server.reply(reply)
    with pytest.raises(PortkeyError) as caught:
        call(server.base_url)
    error: Any = caught.value
    told = f"{error!r} {error} {error.args} {error.body} {error.info} {error.__dict__}"
    assert found(told) == []


@any_call
@pytest.mark.parametrize("reply", [whole({"error": "no"}, status=401), whole(b"no JSON"), Reply((), then="reset")])
def test_no_frame_of_an_error_holds_a_key_of_ours(server: RecordingServer, call: Call, reply: Reply) -> None:
    server.reply(reply)
    with pytest.raises(PortkeyError) as caught:
        call(server.base_url)
    shown: Any = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    while shown is not None:
        own = [frame for frame in shown.stack if "/tests/" not in frame.filename]
        assert {frame.name: names for frame in own if (names := found(str(frame.locals)))} == {}
        shown = shown.__cause__ or shown.__context__


AWKWARD = "sk-'quoted\"and\\slashed'/+=key-1234567890abcdef"


@pytest.mark.parametrize("make", [ChatPortkey, Portkey])
@pytest.mark.parametrize(
    "text",
    [AWKWARD, json.dumps(AWKWARD), repr(AWKWARD), json.dumps(json.dumps({"key": AWKWARD})), repr({"k": [AWKWARD]})],
)
def test_a_key_with_quotes_and_backslashes_is_blotted_out(
    server: RecordingServer, make: Callable[..., Any], text: str
) -> None:
    server.reply(whole({"error": {"message": text}}, status=401), whole(text.encode(), status=500))
    options = {**call_options(server.base_url), "provider_api_key": AWKWARD}
    for _ in range(2):
        with pytest.raises(PortkeyError) as caught:
            make(**options).invoke("Hi") if make is ChatPortkey else make(**options).complete("Hi")
        assert "1234567890abcdef" not in f"{caught.value!r} {caught.value} {caught.value.body}"


@pytest.mark.parametrize("after", ["", "...", "]", "}", "\u2026", "x y", "'"])
def test_what_a_server_cut_off_a_key_is_blotted_out(after: str) -> None:
    key = "sk-ant-api03-" + "Ab3dE" * 7
    call = transport_call(key)
    for shown in range(12, len(key) + 1):
        error = call.redacted(PortkeyError(f"bad key {key[:shown]}{after}"))
        assert key[:12] not in error.message
        assert error.message.startswith("bad key [redacted]")


def transport_call(key: str) -> WireCall:
    return WireCall("http://127.0.0.1:1", {}, b"", 1, RetryPolicy(max_retries=0), secrets=(key,))


@pytest.mark.parametrize("make", [ChatPortkey, Portkey])
def test_the_url_of_an_image_tells_no_password_and_no_signature(make: Any, server: RecordingServer) -> None:
    server.reply(whole(b"", status=404))
    address = server.base_url.replace("http://", f"http://me:{canary('header')}@")
    url = f"{address}/a.png?X-Signature={canary('target')}"
    model = make(model="claude-sonnet-4-5", inline_images=True, inline_from=["127.0.0.1"], base_url=server.base_url)
    message = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    request: Any = {"model": "m", "messages": message}
    with pytest.raises(PortkeyError, match=r"/a\.png\?\.\.\.") as caught:
        model.gateway_client().chat(request, inline_images=True)
    assert found("".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)) == []
