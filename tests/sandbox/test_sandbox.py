"""Both halves together: a request goes through the real gateway and the emulated Claude answers it."""

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import httpx
import pytest

from portkey_gateway.sandbox import ClaudeServer, Fault, PortInUseError, Sandbox, SandboxError
from portkey_gateway.sandbox.gateway import GatewayProcess, free_port


def ask(sandbox: Sandbox, **more: Any) -> httpx.Response:
    return httpx.post(
        f"{sandbox.base_url}/chat/completions",
        headers={
            "x-portkey-provider": sandbox.provider,
            "x-portkey-custom-host": sandbox.custom_host,
            "Authorization": f"Bearer {sandbox.provider_api_key}",
        },
        json={"model": sandbox.model, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello!"}], **more},
        trust_env=False,
        timeout=30,
    )


def test_answer_comes_through_the_gateway(sandbox: Sandbox) -> None:
    sandbox.claude.reply_with("Hello from behind the gateway.")
    reply = ask(sandbox)

    assert reply.status_code == httpx.codes.OK, reply.text
    assert reply.json()["choices"][0]["message"]["content"] == "Hello from behind the gateway."
    assert reply.headers["x-portkey-provider"] == "anthropic"
    [seen] = sandbox.claude.requests
    assert seen.body["messages"] == [{"role": "user", "content": "Hello!"}]


def test_streamed_answer_comes_through_the_gateway(sandbox: Sandbox) -> None:
    sandbox.claude.reply_with("One two three.")
    reply = ask(sandbox, stream=True)

    assert reply.status_code == httpx.codes.OK, reply.text
    *chunks, end = [line.removeprefix("data: ") for line in reply.text.splitlines() if line.startswith("data: ")]
    assert end == "[DONE]"
    deltas = [choice["delta"] for chunk in chunks for choice in json.loads(chunk)["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "One two three."


def test_injected_fault_comes_through_the_gateway(sandbox: Sandbox) -> None:
    sandbox.claude.inject(Fault(kind="status", status=529))
    assert ask(sandbox).status_code == 529
    assert ask(sandbox).status_code == httpx.codes.OK


def test_options_and_environment_say_the_same(sandbox: Sandbox) -> None:
    options = sandbox.options()
    assert options == {
        "base_url": sandbox.base_url,
        "provider": "anthropic",
        "provider_api_key": sandbox.provider_api_key,
        "custom_host": f"{sandbox.claude.url}/v1",
    }
    assert sandbox.env() == {
        "PORTKEY_BASE_URL": options["base_url"],
        "PORTKEY_PROVIDER": options["provider"],
        "PORTKEY_PROVIDER_API_KEY": options["provider_api_key"],
        "PORTKEY_CUSTOM_HOST": options["custom_host"],
    }
    assert sandbox.provider_api_key.startswith("sk-ant-")


def test_without_an_openai_it_says_how_to_get_one(sandbox: Sandbox) -> None:
    for ask_for in (lambda: sandbox.openai, lambda: sandbox.options("openai"), sandbox.config):
        with pytest.raises(SandboxError, match=r"Sandbox\(openai=True\)"):
            ask_for()
    assert sandbox.config("anthropic")["targets"] == [sandbox.target()]


def test_sandbox_that_is_not_running_says_how_to_start_it() -> None:
    stopped = Sandbox()
    stopped.stop()  # nothing to stop
    for ask_for in (stopped.options, stopped.env, lambda: stopped.claude, lambda: stopped.base_url):
        with pytest.raises(SandboxError, match=r"not running.*with Sandbox\(\) as sandbox"):
            ask_for()
    assert repr(stopped) == "<Sandbox>"


def test_starts_nest_and_a_stopped_sandbox_starts_again() -> None:
    sandbox = Sandbox()
    with sandbox:
        first = sandbox.base_url
        with sandbox as inner:
            assert inner is sandbox
            assert sandbox.base_url == first
        assert ask(sandbox).status_code == httpx.codes.OK
        assert repr(sandbox) == f"<Sandbox base_url={first!r}>"
    with pytest.raises(SandboxError):
        sandbox.options()

    sandbox.start()
    assert ask(sandbox).status_code == httpx.codes.OK
    sandbox.stop()


def test_many_threads_may_start_one_sandbox() -> None:
    sandbox = Sandbox()
    threads = [threading.Thread(target=sandbox.start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for _ in range(3):
        sandbox.stop()
    assert ask(sandbox).status_code == httpx.codes.OK
    sandbox.stop()
    with pytest.raises(SandboxError):
        sandbox.options()


async def test_starts_without_blocking_the_event_loop() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    async with Sandbox() as sandbox:
        assert ticks > 3
        assert (await asyncio.to_thread(ask, sandbox)).status_code == httpx.codes.OK
    ticking.cancel()
    with pytest.raises(SandboxError):
        sandbox.options()


def test_taken_claude_port_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(PortInUseError) as caught:
        Sandbox(claude_port=sandbox.claude.port).start()
    assert caught.value.port == sandbox.claude.port


def test_without_an_openai_its_sdk_is_not_imported() -> None:
    code = "import sys; from portkey_gateway.sandbox import Sandbox; Sandbox(); sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code


def test_taken_openai_port_is_named_and_the_claude_stops(sandbox: Sandbox) -> None:
    claude_port = free_port()
    with pytest.raises(PortInUseError, match="--openai-port") as caught:
        Sandbox(claude_port=claude_port, openai=True, openai_port=sandbox.claude.port).start()
    assert caught.value.port == sandbox.claude.port
    with ClaudeServer(claude_port) as free_again:
        assert free_again.port == claude_port


def test_claude_stops_when_the_gateway_does_not_start(sandbox: Sandbox) -> None:
    gateway_port, claude_port = int(httpx.URL(sandbox.base_url).port or 0), free_port()
    failing = Sandbox(port=gateway_port, claude_port=claude_port)
    with pytest.raises(PortInUseError, match=str(gateway_port)):
        failing.start()
    with Sandbox(claude_port=claude_port) as other:  # the port is free again
        assert other.claude.port == claude_port


def test_other_trouble_with_the_claude_s_port_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: ClaudeServer) -> ClaudeServer:
        raise PermissionError(errno.EACCES, "not allowed")

    monkeypatch.setattr(ClaudeServer, "start", refuse)
    with pytest.raises(PermissionError):
        Sandbox(claude_port=1).start()


def test_wait_ends_with_an_error_when_the_gateway_dies() -> None:
    with Sandbox() as sandbox:
        gateway: GatewayProcess = sandbox._gateway
        assert gateway._process is not None
        os.kill(gateway._process.pid, signal.SIGKILL)
        with pytest.raises(SandboxError, match="exit code -9"):
            sandbox.wait()
