"""Finds a Node.js that can run the gateway."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from portkey_gateway.sandbox.error import SandboxError

NODE_VARIABLE = "PORTKEY_SANDBOX_NODE"
"""Environment variable that names the `node` program to use instead of the one on PATH."""

OLDEST_MAJOR = 20
"""What the gateway 1.15.2 asks for; its lock file holds packages with `"node": ">=20.0.0"`."""

_ADVICE = (
    f"The sandbox runs the Portkey gateway, which needs Node.js {OLDEST_MAJOR} or newer with npm: install it from "
    f"nodejs.org or with the system's package manager, or name a `node` program in {NODE_VARIABLE}."
)


def find_node() -> Path:
    """Return the `node` program named by `PORTKEY_SANDBOX_NODE`, or else the one on PATH.

    Raises:
        SandboxError: There is none, it does not run, or it is too old.
    """
    named = os.environ.get(NODE_VARIABLE)
    found = shutil.which(named or "node")
    if found is None:
        what = f"{NODE_VARIABLE} names {named!r}, which is not a program." if named else "No `node` program on PATH."
        raise SandboxError(f"{what} {_ADVICE}")
    version = _version(found)
    major = re.match(r"v(\d+)\.", version)
    if major is None:
        raise SandboxError(f"{found} does not tell its version (it said {version!r}). {_ADVICE}")
    if int(major[1]) < OLDEST_MAJOR:
        raise SandboxError(f"{found} is Node.js {version}, which is too old. {_ADVICE}")
    return Path(found).absolute()


def find_npm(node: Path) -> tuple[Path, dict[str, str]]:
    """Return `npm` and the environment to run it in, where `node` comes first on PATH.

    Raises:
        SandboxError: There is no npm beside that node, nor elsewhere on PATH.
    """
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise SandboxError(f"No `npm` program beside {node} or on PATH. {_ADVICE}")
    return Path(npm), {**os.environ, "PATH": path}


def _version(program: str) -> str:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - the user's own node
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"{program} does not run: {error}. {_ADVICE}") from error
    return (answer.stdout or answer.stderr).strip()[:200]
