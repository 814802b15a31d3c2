"""What the page of compatibility shows of the record of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

RECORD: Final = Path(__file__).parent / "compatibility.json"
"""Written by ``scripts.compatibility``."""
SHOWN: Final = (
    "langchain-core", "langchain", "langgraph", "llama-index-core", "httpx", "pydantic", "opentelemetry-sdk",
)  # fmt: skip
"""The packages whose versions the page shows."""


def render_runs() -> str:
    """Render the record as a table, a line for each run."""
    runs = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else []
    if not runs:
        return "No run has been noted yet.\n"
    head = ["run", "Python", "with", "passed", "failed", "skipped", "on"]
    rows = [
        [
            f"`{run['command']}`",
            run["python"],
            ", ".join(f"{package} {run['versions'][package]}" for package in SHOWN if package in run["versions"]),
            *(f"{run[name]:,}" for name in ("passed", "failed", "skipped")),
            f"{run['date']}, {run['system']}",
        ]
        for run in runs
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *rows])
