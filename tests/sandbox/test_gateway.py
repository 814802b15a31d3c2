"""The gateway's process: from its port to its end, with the real gateway and with scripts that misbehave."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portkey_gateway.sandbox import gateway as gateway_module
from portkey_gateway.sandbox.error import PortInUseError, SandboxError
from portkey_gateway.sandbox.gateway import GatewayProcess, free_port

Pretend = Callable[[str], GatewayProcess]


def answers(port: int, host: str = "127.0.0.1") -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/")
        return b"AI Gateway" in connection.getresponse().read()
    except ConnectionError:
        return False
    finally:
        connection.close()


def becomes_silent(port: int) -> bool:
    deadline = time.monotonic() + 10
    while answers(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def gateway() -> Iterator[GatewayProcess]:
    process = GatewayProcess()
    process.start()
    yield process
    process.stop()


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pretend]:
    """Put a script of the test's own in the gateway's place."""
    started: list[GatewayProcess] = []

    def write(script: str) -> GatewayProcess:
        path = tmp_path / "start-server.mjs"
        path.write_text(f"import http from 'node:http';\nconst port = process.argv[2].split('=')[1];\n{script}")
        monkeypatch.setattr(gateway_module, "install_gateway", lambda _: path)
        started.append(GatewayProcess())
        return started[-1]

    yield write
    for process in started:
        process.stop()


def test_runs_from_start_to_stop(gateway: GatewayProcess) -> None:
    assert gateway.running
    assert gateway.url == f"http://127.0.0.1:{gateway.port}"
    assert answers(gateway.port)
    assert "AI Gateway" in gateway.log_tail()

    gateway.stop()
    assert not gateway.running
    assert not answers(gateway.port)
    assert gateway.log_tail() == ""
    gateway.wait()  # nothing to wait for
    gateway.stop()  # nothing to stop


def test_second_start_keeps_the_process_and_a_stopped_one_starts_again(gateway: GatewayProcess) -> None:
    port = gateway.port
    gateway.start()
    assert gateway.port == port

    gateway.stop()
    gateway.start()
    assert answers(gateway.port)


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
def test_listens_on_one_loopback_address_only(gateway: GatewayProcess) -> None:
    assert answers(gateway.port)
    assert not answers(gateway.port, host="127.0.0.2")


def test_taken_port_is_named(gateway: GatewayProcess) -> None:
    with pytest.raises(PortInUseError, match=f"Port {gateway.port} is already in use") as caught:
        GatewayProcess(gateway.port).start()
    assert caught.value.port == gateway.port


def test_free_port_lost_to_another_process_is_replaced(
    gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = free_port()
    ports = iter([gateway.port, gateway.port, good])
    monkeypatch.setattr(gateway_module, "free_port", lambda: next(ports))
    second = GatewayProcess()
    second.start()
    assert second.port == good
    second.stop()


def test_no_free_port_gives_up_in_the_end(gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "free_port", lambda: gateway.port)
    with pytest.raises(PortInUseError):
        GatewayProcess().start()


def test_gateway_that_ends_at_once_is_quoted(pretend: Pretend) -> None:
    broken = pretend("console.error('\\x1b[31mCannot read the configuration\\x1b[0m'); process.exit(3);")
    with pytest.raises(SandboxError, match="Cannot read the configuration") as caught:
        broken.start()
    assert "\x1b" not in str(caught.value)
    assert not broken.running


def test_gateway_that_never_answers_is_ended(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "_READY_LIMIT_S", 0.5)
    silent = pretend("console.log('Starting AI Gateway...'); setInterval(() => {}, 1000);")
    with pytest.raises(SandboxError, match=r"(?s)did not answer within .*Starting AI Gateway"):
        silent.start()
    assert not silent.running


LISTEN = (
    "http.createServer((_, reply) => reply.end('AI Gateway')).listen(port, undefined, () => console.log('AI Gateway'));"
)


def test_much_output_never_blocks_the_gateway(pretend: Pretend) -> None:
    talkative = pretend("for (let i = 0; i < 30000; i++) console.log('x'.repeat(100));\n" + LISTEN)
    talkative.start()
    assert answers(talkative.port)
    assert len(talkative.log_tail()) <= 4096


def test_gateway_that_ignores_the_request_to_end_is_killed(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "_STOP_LIMIT_S", 0.2)
    stubborn = pretend("process.on('SIGTERM', () => {});\n" + LISTEN)
    stubborn.start()
    stubborn.stop()
    assert not answers(stubborn.port)


def test_wait_tells_that_the_gateway_ended_by_itself(pretend: Pretend) -> None:
    short_lived = pretend(LISTEN + "\nsetTimeout(() => { console.error('out of memory'); process.exit(9); }, 500);")
    short_lived.start()
    with pytest.raises(SandboxError, match=r"(?s)exit code 9.*out of memory"):
        short_lived.wait()
    assert not short_lived.running


def test_wait_ends_quietly_when_the_gateway_is_stopped(gateway: GatewayProcess) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(gateway.wait)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        gateway.stop()
        waiting.result(timeout=10)


def test_gateway_sees_nothing_of_the_user_s_environment(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-the-child")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    curious = pretend("console.log(Object.keys(process.env).sort().join(' '));\n" + LISTEN)
    curious.start()
    assert set(curious.log_tail().splitlines()[0].split()) <= {"HOME", "LANG", "PATH", "TMPDIR"}


@pytest.mark.parametrize("ending", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_gateway_ends_with_its_parent(ending: str) -> None:
    code = f"""
import os, signal
from portkey_gateway.sandbox.gateway import GatewayProcess
gateway = GatewayProcess()
gateway.start()
print(gateway.port, flush=True)
{ending}
"""
    command = [sys.executable, "-c", code]
    parent = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our code
    assert parent.returncode == (0 if ending == "pass" else -signal.SIGKILL), parent.stderr
    assert becomes_silent(int(parent.stdout))


def test_interrupt_of_the_terminal_does_not_reach_the_gateway(gateway: GatewayProcess) -> None:
    process = gateway._process
    assert process is not None
    assert os.getpgid(process.pid) != os.getpgid(0)


def test_free_port_is_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))
        assert probe.getsockname()[1] > 0
