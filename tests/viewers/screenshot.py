"""``python -m tests.viewers.screenshot FILE``: the run of an agent as Arize Phoenix shows it, by headless Chromium."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx

from portkey_gateway.sandbox import Sandbox
from tests.viewers.phoenix import Phoenix, running_phoenix
from tests.viewers.runs import run_langchain

_SIZE: Final = "1500,900"
_PAGE_MS: Final = 20_000
_LIMIT_S: Final = 120
# Chromium asks its makers' servers nothing.
_QUIET: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def main(file: Path) -> None:
    """Show Phoenix a run, and keep the picture of its page."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("Chromium is needed: install the package chromium.")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_phoenix(Path(folder)) as phoenix,
        Sandbox(openai=True) as sandbox,
    ):
        [trace_id] = run_langchain(sandbox, [phoenix.receiver], "order-4711").trace_ids
        page = _page_of(phoenix, trace_id)
        command = [
            browser, *_QUIET, f"--user-data-dir={folder}/browser", f"--window-size={_SIZE}",
            f"--virtual-time-budget={_PAGE_MS}", f"--screenshot={file.resolve()}", page,
        ]  # fmt: skip
        subprocess.run(command, check=True, timeout=_LIMIT_S, capture_output=True)  # noqa: S603 our own arguments


def _page_of(phoenix: Phoenix, trace_id: str) -> str:
    while not phoenix.spans(trace_id):
        time.sleep(0.2)
    projects = httpx.get(f"{phoenix.url}/v1/projects").raise_for_status().json()["data"]
    [project] = [project["id"] for project in projects if project["name"] == "default"]
    return f"{phoenix.url}/projects/{project}/traces/{trace_id}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
