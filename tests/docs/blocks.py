"""The Python of a page, as a reader runs it."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(<!-- not run: .*? -->\n)?```python\n(.*?)```", re.DOTALL)


def run_blocks(page: str) -> dict[str, Any]:
    """Run every block of a page, one after the other, but for those that are marked; returns the names they leave."""
    namespace: dict[str, Any] = {}
    for not_run, code in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        if not not_run:
            exec(compile(code, page, "exec"), namespace)  # noqa: S102 they are our own pages
    return namespace
