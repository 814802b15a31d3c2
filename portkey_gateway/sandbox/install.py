"""Installs the pinned open-source gateway, once, into the user's cache directory."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portkey_gateway.sandbox.error import SandboxError
from portkey_gateway.sandbox.node import find_node, find_npm
from portkey_gateway.sandbox.output import output_tail
from portkey_gateway.sandbox.progress import Progress, to_stderr

CACHE_VARIABLE = "PORTKEY_SANDBOX_CACHE"
"""Environment variable that names the directory to install into."""

NPM_FOLDER = Path(__file__).with_name("npm")
"""`package.json`, its lock file, and what is loaded into the gateway's process before it starts."""

START_SCRIPT = Path("node_modules", "@portkey-ai", "gateway", "build", "start-server.js")

# Scripts stay off: the one that would run is the gateway's own `patch-package`, and its npm package holds no patches.
_NPM_CI = ("ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--no-progress", "--no-update-notifier")
_NPM_LIMIT_S = 600.0
_TICK_S = 5.0


def cache_directory() -> Path:
    """Return where installations are kept: `PORTKEY_SANDBOX_CACHE`, or else the platform's cache directory."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser().absolute()
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "portkey-frameworks"
    home_cache = Path("Library", "Caches") if sys.platform == "darwin" else Path(".cache")
    return Path.home() / home_cache / "portkey-frameworks"


def gateway_version() -> str:
    """Return the version of the gateway that the lock file pins."""
    lock = json.loads((NPM_FOLDER / "package-lock.json").read_bytes())
    return str(lock["packages"]["node_modules/@portkey-ai/gateway"]["version"])


def install_gateway(progress: Progress = to_stderr) -> Path:
    """Install the gateway unless it is there already, and return its start script.

    The folder carries the lock file's hash in its name and appears in one step, so that what exists is whole. Several
    processes may call this at once: one installs, the others wait for it.

    Raises:
        SandboxError: Node.js or npm is missing, npm failed, or the cache directory cannot be written.
    """
    lock_hash = hashlib.sha256((NPM_FOLDER / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = cache_directory() / f"gateway-{gateway_version()}-{lock_hash}"
    script = folder / START_SCRIPT
    if not script.exists():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with _only_one_process(folder.with_name(f"{folder.name}.lock"), progress):
                if not script.exists():
                    _install(folder, progress)
        except OSError as error:
            raise SandboxError(
                f"Cannot install the gateway into {folder.parent}: {error}. Name another directory in {CACHE_VARIABLE}."
            ) from error
    return script


@contextmanager
def _only_one_process(lock_file: Path, progress: Progress) -> Iterator[None]:
    """Hold a lock that the system gives back even when its holder is killed."""
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Another process is installing the Portkey gateway; waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(folder: Path, progress: Progress) -> None:
    npm, environment = find_npm(find_node())
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed: we hold the lock
    partial.mkdir()
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(NPM_FOLDER / name, partial / name)
        progress(f"Installing the Portkey gateway {gateway_version()} (25 MB, once) …")
        elapsed_s = _run([str(npm), *_NPM_CI], partial, environment, progress)
        if not (partial / START_SCRIPT).exists():
            raise SandboxError(f"npm ended well but left no {START_SCRIPT}.")
        partial.rename(folder)
        progress(f"Installed in {elapsed_s:.0f} s: {folder}")
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _run(command: list[str], folder: Path, environment: dict[str, str], progress: Progress) -> float:
    """Run npm to its end and return how many seconds it took."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - the user's own npm
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while _still_running(process):
                elapsed_s = time.monotonic() - started
                if elapsed_s > _NPM_LIMIT_S:
                    raise SandboxError(
                        f"npm did not finish within {_NPM_LIMIT_S:.0f} s:\n{output_tail(output.fileno())}"
                    )
                progress(f"… still installing ({elapsed_s:.0f} s)")
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            outcome = f"npm ended with exit code {process.returncode}"
            raise SandboxError(f"The gateway was not installed: {outcome}.\n{output_tail(output.fileno())}")
    return time.monotonic() - started


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_TICK_S)
    except subprocess.TimeoutExpired:
        return True
    return False
