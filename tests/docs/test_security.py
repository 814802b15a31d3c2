"""Every test that the page on security names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/security.md").read_text())))


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_is_there(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert name in {function.name for function in functions}


@pytest.mark.parametrize("line", [line for line in (ROOT / "docs/security.md").read_text().splitlines() if "|" in line])
def test_every_promise_has_a_test(line: str) -> None:
    if not line.startswith(("| promise", "|---")):
        assert "::test_" in line
