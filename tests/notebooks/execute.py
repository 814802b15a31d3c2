"""Executes the notebooks: ``python -m tests.notebooks.execute`` keeps what they put out on the sandbox."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from portkey_gateway.sandbox.install import install_gateway

FOLDER = Path(__file__).parents[2] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""What Jupyter needs to open and colour a notebook; the rest of what it writes there tells of one machine."""

_CELL_LIMIT_S = 100


def list_notebooks() -> list[Path]:
    """List the notebooks in reading order."""
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """Read a notebook with its outputs."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # theirs
    return notebook


def execute(path: Path, variables: Mapping[str, str] | None = None) -> NotebookNode:
    """Run a notebook in a kernel of this interpreter and return it with fresh outputs.

    Args:
        path: where the notebook is.
        variables: what to set in the kernel's environment; without a ``PORTKEY_API_KEY`` among them the notebook runs
            on a sandbox of its own.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell raises.
    """
    install_gateway()  # now, so that its lines about that stay out of the notebook
    notebook = read(path)
    client = NotebookClient(
        notebook,
        timeout=_CELL_LIMIT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
    )
    with TemporaryDirectory() as profile:
        client.execute(env={**_environment(), "IPYTHONDIR": profile, **(variables or {})}, transport_encryption="auto")
    notebook["metadata"] = METADATA
    return notebook


def _environment() -> dict[str, str]:
    """Our own environment, without the gateway that it may point at."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PORTKEY_") or name.startswith("PORTKEY_SANDBOX_")
    }


def main() -> None:
    """Execute every notebook and keep its outputs."""
    for path in list_notebooks():
        sys.stderr.write(f"Executing {path.name} ...\n")
        nbformat.write(execute(path), path)  # type: ignore[no-untyped-call]  # theirs


if __name__ == "__main__":
    main()
