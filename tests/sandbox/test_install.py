"""Finding Node.js and installing the gateway, with the real npm and with programs that misbehave."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from portkey_gateway.sandbox import install
from portkey_gateway.sandbox.error import SandboxError
from portkey_gateway.sandbox.install import NPM_FOLDER, cache_directory, gateway_version, install_gateway
from portkey_gateway.sandbox.node import find_node, find_npm

Fake = Callable[[str, str], Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("PORTKEY_SANDBOX_CACHE", str(folder))
    return folder


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Write shell scripts into a folder that is the whole PATH but for the system's own tools."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("PORTKEY_SANDBOX_NODE", raising=False)

    def write(name: str, script: str) -> Path:
        program = programs / name
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        program.chmod(0o755)
        return program

    return write


def run_beside_us(code: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-c", code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our code


def test_installs_once_with_real_npm_and_then_at_once(cache: Path) -> None:
    lines: list[str] = []
    script = install_gateway(lines.append)

    assert script.is_file()
    assert lines[0] == f"Installing the Portkey gateway {gateway_version()} (25 MB, once) …"
    assert lines[-1].startswith("Installed in ")
    assert sorted(path.suffix for path in cache.iterdir() if path.suffix in {".lock", ".partial"}) == [".lock"]

    again: list[str] = []
    assert install_gateway(again.append) == script
    assert again == []


def test_two_processes_at_once_install_once(cache: Path) -> None:
    code = "from portkey_gateway.sandbox.install import install_gateway; print(install_gateway())"
    both = [run_beside_us(code) for _ in range(2)]
    outcomes = [process.communicate(timeout=100) for process in both]

    assert [process.returncode for process in both] == [0, 0], outcomes
    scripts = {Path(out.strip()) for out, _ in outcomes}
    assert len(scripts) == 1
    assert scripts.pop().is_relative_to(cache)
    said = "".join(err for _, err in outcomes)
    assert said.count("Installing the Portkey gateway") == 1
    assert said.count("Another process is installing") <= 1


def test_waits_for_another_installer_and_says_so(cache: Path, fake: Fake) -> None:
    fake("node", "echo v20.0.0")
    fake("npm", f"sleep 1; mkdir -p {install.START_SCRIPT.parent}; touch {install.START_SCRIPT}")
    code = "from portkey_gateway.sandbox.install import install_gateway; install_gateway(print)"
    with run_beside_us(code) as other:
        assert other.stdout is not None
        assert other.stdout.readline().startswith("Installing")
        lines: list[str] = []
        script = install_gateway(lines.append)
        other.communicate(timeout=30)

    assert script.is_relative_to(cache)
    assert lines == ["Another process is installing the Portkey gateway; waiting for it …"]
    assert other.returncode == 0


def test_starts_over_after_an_installer_was_killed(cache: Path, fake: Fake) -> None:
    fake("node", "echo v20.0.0")
    fake("npm", f"test ! -e leftover && mkdir -p {install.START_SCRIPT.parent} && touch {install.START_SCRIPT}")
    script = install_gateway(lambda _: None)
    folder = script.parents[len(install.START_SCRIPT.parts) - 1]
    folder.rename(folder.with_name(f"{folder.name}.partial"))
    (folder.with_name(f"{folder.name}.partial") / "leftover").touch()

    assert install_gateway(lambda _: None) == script
    assert not (folder / "leftover").exists()
    assert list(cache.glob("*.partial")) == []


def test_npm_that_fails_is_quoted_and_leaves_nothing(cache: Path, fake: Fake) -> None:
    fake("node", "echo v22.1.0")
    fake("npm", "echo 'npm error network unreachable' >&2; exit 7")

    with pytest.raises(SandboxError, match=r"(?s)exit code 7.*npm error network unreachable"):
        install_gateway(lambda _: None)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_npm_that_installs_nothing_is_an_error(cache: Path, fake: Fake) -> None:
    fake("node", "echo v22.1.0")
    fake("npm", "exit 0")

    with pytest.raises(SandboxError, match=r"left no .*start-server\.js"):
        install_gateway(lambda _: None)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_slow_npm_is_reported_and_bounded(cache: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_TICK_S", 0.1)
    monkeypatch.setattr(install, "_NPM_LIMIT_S", 0.25)
    fake("node", "echo v20.0.0")
    fake("npm", "echo fetching; exec sleep 60")
    lines: list[str] = []

    with pytest.raises(SandboxError, match=r"(?s)did not finish .*fetching"):
        install_gateway(lines.append)
    assert "… still installing (0 s)" in lines
    assert list(cache.glob("*.partial")) == []


def test_cache_that_cannot_be_written_names_the_variable(cache: Path) -> None:
    cache.write_text("a file, not a folder")
    with pytest.raises(SandboxError, match="PORTKEY_SANDBOX_CACHE"):
        install_gateway(lambda _: None)


@pytest.mark.parametrize(
    ("variables", "platform", "expected"),
    [
        ({"PORTKEY_SANDBOX_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "linux", "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "linux", "/b/portkey-frameworks"),
        ({}, "linux", "/home/me/.cache/portkey-frameworks"),
        ({}, "darwin", "/home/me/Library/Caches/portkey-frameworks"),
    ],
)
def test_cache_directory(
    variables: dict[str, str], platform: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PORTKEY_SANDBOX_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"HOME": "/home/me"} | variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_directory() == Path(expected)


def test_missing_node_says_what_to_install(fake: Fake) -> None:
    fake("npm", "exit 0")
    with pytest.raises(SandboxError, match=r"No `node` program on PATH.*Node\.js 20 or newer.*nodejs\.org"):
        find_node()


@pytest.mark.parametrize("version", ["v18.20.4", "v12.22.9", "v8.0.0"])
def test_old_node_says_what_was_found(fake: Fake, version: str) -> None:
    program = fake("node", f"echo {version}")
    with pytest.raises(SandboxError, match=rf"{program} is Node\.js {version}, which is too old.*20 or newer"):
        find_node()


@pytest.mark.parametrize("version", ["v20.0.0", "v22.11.0", "v100.1.0"])
def test_new_enough_node_is_found(fake: Fake, version: str) -> None:
    program = fake("node", f"echo {version}")
    assert find_node() == program


def test_program_that_is_no_node(fake: Fake) -> None:
    fake("node", "echo 'n-install: choose a version' >&2; exit 1")
    with pytest.raises(SandboxError, match=r"does not tell its version \(it said 'n-install: choose a version'\)"):
        find_node()


def test_program_that_does_not_run(fake: Fake) -> None:
    fake("node", "").write_bytes(b"\x7fELF not really")
    with pytest.raises(SandboxError, match="does not run"):
        find_node()


def test_node_named_by_the_environment_comes_first(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake("node", "echo v18.0.0")
    named = fake("node-20", "echo v20.1.0").rename(tmp_path / "node")
    monkeypatch.setenv("PORTKEY_SANDBOX_NODE", str(named))
    assert find_node() == named

    monkeypatch.setenv("PORTKEY_SANDBOX_NODE", "/no/such/node")
    with pytest.raises(SandboxError, match="PORTKEY_SANDBOX_NODE names '/no/such/node', which is not a program"):
        find_node()


def test_npm_runs_with_the_node_that_was_found(fake: Fake) -> None:
    node = fake("node", "echo v20.0.0")
    with pytest.raises(SandboxError, match="No `npm` program beside"):
        find_npm(node)

    npm = fake("npm", "exit 0")
    assert find_npm(node)[0] == npm
    assert find_npm(node)[1]["PATH"].split(os.pathsep)[0] == str(node.parent)


def test_lock_pins_the_versions_and_no_download_address() -> None:
    lock = json.loads((NPM_FOLDER / "package-lock.json").read_bytes())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert gateway_version() == "1.15.2"
    # With a newer one every streaming request fails with "TypeError: immutable".
    assert packages["node_modules/@hono/node-server"]["version"] == "1.13.5"
    assert all("resolved" not in entry and entry["integrity"].startswith("sha512-") for entry in packages.values())
