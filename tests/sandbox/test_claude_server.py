"""The server's life: ports, restarts, clients that go away, and a quick end."""

import logging
import socket
import threading
import time

import httpx
import pytest
import uvicorn

from portkey_gateway.sandbox.claude.server import ClaudeServer
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_gateway.sandbox.serving.log import LoggedRequest, RequestLog

HEADERS = {"x-api-key": "sk-ant-test", "anthropic-version": "2023-06-01"}
EARLY_END = (
    b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: sk-ant-x\r\nanthropic-version: 2023-06-01\r\n"
    b"content-length: 100\r\n\r\n{"
)
BODY = {"model": "claude-sonnet-4-6", "max_tokens": 99, "messages": [{"role": "user", "content": "Hello"}]}


def test_it_starts_twice_and_stops_twice() -> None:
    server = ClaudeServer()
    assert repr(server) == "ClaudeServer(stopped)"
    assert server.start() is server.start()
    assert server.url == f"http://127.0.0.1:{server.port}"
    server.stop()
    server.stop()
    with pytest.raises(RuntimeError, match=r"call start\(\)"):
        _ = server.port


def test_it_can_be_started_again_on_its_port() -> None:
    with ClaudeServer() as server:
        port = server.port
    again = ClaudeServer(port)
    with again:
        assert httpx.post(f"{again.url}/v1/messages", headers=HEADERS, json=BODY).status_code == 200


def test_a_taken_port_is_an_error() -> None:
    with ClaudeServer() as server, pytest.raises(OSError, match=r"(?i)address already in use"):
        ClaudeServer(server.port).start()


def test_a_server_that_cannot_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_server: uvicorn.Server, sockets: object) -> None:
        raise SystemExit(sockets is None)

    monkeypatch.setattr(uvicorn.Server, "run", fail)
    with pytest.raises(RuntimeError, match="did not start"):
        ClaudeServer().start()


def test_it_stops_long_before_a_stalled_stream_would_end() -> None:
    others = set(threading.enumerate())
    server = ClaudeServer().start()
    server.inject(Fault("stall", seconds=30))
    with httpx.stream("POST", f"{server.url}/v1/messages", headers=HEADERS, json={**BODY, "stream": True}) as response:
        assert next(response.iter_raw()).startswith(b"event: message_start")
        start = time.monotonic()
        server.stop()
        assert time.monotonic() - start < 10
    assert not [thread for thread in set(threading.enumerate()) - others if thread.name == "emulated-claude"]


def test_a_client_that_goes_away_disturbs_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with ClaudeServer() as server:
        server.inject(Fault("stall", seconds=30, match="leave"))
        body = {**BODY, "stream": True, "system": "leave"}
        with httpx.stream("POST", f"{server.url}/v1/messages", headers=HEADERS, json=body) as response:
            assert response.status_code == 200
        with socket.create_connection(("127.0.0.1", server.port)) as early:
            early.sendall(EARLY_END)
        assert httpx.post(f"{server.url}/v1/messages", headers=HEADERS, json=BODY).status_code == 200
        start = time.monotonic()
    assert time.monotonic() - start < 10, "the abandoned stream was still being sent"
    assert capfd.readouterr() == ("", "")


def test_uvicorn_is_quiet_in_our_thread_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "uvicorn.error")
    with ClaudeServer() as server:
        server.inject(Fault("cut"))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{server.url}/v1/messages", headers=HEADERS, json=BODY)
    logging.getLogger("uvicorn.error").warning("another server's words")
    assert [record.message for record in caplog.records if "uvicorn" in record.name] == ["another server's words"]


def test_the_log_is_bounded() -> None:
    log = RequestLog(limit=3)
    for number in range(5):
        log.add(LoggedRequest("POST", "/", {}, number, 200, "req", 0.0))
    assert [entry.body for entry in log.entries()] == [2, 3, 4]
    assert [entry.body for entry in log.entries(limit=0)] == []
