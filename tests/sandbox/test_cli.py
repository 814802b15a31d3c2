"""`python -m portkey_gateway.sandbox`, as a terminal runs it."""

import ast
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from openai import OpenAI

from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.gateway import free_port

Terminal = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """Start the command with arguments of the test's own; it is ended with the test."""
    with ExitStack() as ended:

        def run(*arguments: str, before: str = "pass") -> subprocess.Popen[str]:
            code = f"import sys, runpy; {before}; runpy.run_module('portkey_gateway.sandbox', run_name='__main__')"
            process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-c", code, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "COLUMNS": "200"},
            )
            ended.enter_context(process)
            ended.callback(process.kill)
            return process

        yield run


def exported(process: subprocess.Popen[str], count: int = 4) -> dict[str, str]:
    """Read the `export NAME=value` lines as a shell would."""
    assert process.stdout is not None
    words = [shlex.split(process.stdout.readline()) for _ in range(count)]
    assert [word[0] for word in words] == ["export"] * count
    return dict(word[1].split("=", 1) for word in words)


def rest(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Read what is left; `communicate` would miss the lines that `readline` has already buffered."""
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.read(), process.stderr.read()


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_runs_until_it_is_told_to_stop(terminal: Terminal, stop_signal: signal.Signals) -> None:
    port, claude_port = free_port(), free_port()
    process = terminal(f"--port={port}", f"--claude-port={claude_port}")
    variables = exported(process)

    assert variables["PORTKEY_BASE_URL"] == f"http://127.0.0.1:{port}/v1"
    assert variables["PORTKEY_CUSTOM_HOST"] == f"http://127.0.0.1:{claude_port}/v1"
    assert variables["PORTKEY_PROVIDER"] == "anthropic"
    reply = httpx.post(
        f"{variables['PORTKEY_BASE_URL']}/chat/completions",
        headers={
            "x-portkey-provider": variables["PORTKEY_PROVIDER"],
            "x-portkey-custom-host": variables["PORTKEY_CUSTOM_HOST"],
            "Authorization": f"Bearer {variables['PORTKEY_PROVIDER_API_KEY']}",
        },
        json={"model": Sandbox.model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hello!"}]},
        trust_env=False,
    )
    assert reply.status_code == httpx.codes.OK

    process.send_signal(stop_signal)
    out, err = rest(process)
    assert process.wait() == 0, err
    assert f'ChatPortkey(model="{Sandbox.model}")' in out
    assert err.splitlines()[-2:] == ["The sandbox is running. Ctrl-C stops it.", "The sandbox has stopped."]
    for stopped in (port, claude_port):
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{stopped}/", trust_env=False)


def test_quiet_prints_what_a_shell_can_evaluate_and_nothing_else(terminal: Terminal) -> None:
    process = terminal("--port=0", "--claude-port=0", "--quiet")
    assert len(exported(process)) == 4
    process.send_signal(signal.SIGTERM)
    assert rest(process) == ("", "")
    assert process.wait() == 0


def test_an_openai_stands_beside_the_claude(terminal: Terminal) -> None:
    process = terminal("--port=0", "--claude-port=0", "--openai", "--openai-port=0")
    variables = exported(process, 6)
    with OpenAI(base_url=variables["OPENAI_BASE_URL"], api_key=variables["OPENAI_API_KEY"], max_retries=0) as client:
        assert client.embeddings.create(model="text-embedding-3-small", input="Hello").data
    process.send_signal(signal.SIGTERM)
    out, _ = rest(process)
    assert process.wait() == 0
    [line] = [line for line in out.splitlines() if line.startswith("#   config = ")]
    config = ast.literal_eval(line.removeprefix("#   config = "))
    assert [target["provider"] for target in config["targets"]] == ["openai", "anthropic"]
    assert config["targets"][0]["custom_host"] == variables["OPENAI_BASE_URL"]


def test_port_in_use_is_a_clear_message(terminal: Terminal, sandbox: Sandbox) -> None:
    taken = str(httpx.URL(sandbox.base_url).port)
    process = terminal("--port", taken, "--claude-port=0")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == ""
    assert err.startswith(f"Port {taken} is already in use")
    assert "--claude-port" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("module", ["openai", "starlette", "uvicorn", "pypdf", "PIL"])
def test_missing_extra_is_named(terminal: Terminal, module: str) -> None:
    process = terminal("--port=0", "--claude-port=0", "--openai", before=f"sys.modules[{module!r}] = None")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == ""
    assert err == f'The sandbox needs {module!r}. Install the extra: pip install "portkey-frameworks[sandbox]"\n'


def test_help_names_the_options(terminal: Terminal) -> None:
    process = terminal("--help")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert re.findall(r"^  (--[a-z-]+)", out, re.MULTILINE) == [
        "--port",
        "--claude-port",
        "--openai",
        "--openai-port",
        "--prompts",
        "--quiet",
    ]
