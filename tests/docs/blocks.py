"""The Python of a page, as a reader runs it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(<!-- needs an account -->\n)?```python\n(.*?)```", re.DOTALL)
TOLD = re.compile(r"^ *print\(.*\)  # (.*)$", re.MULTILINE)


def python_of(page: str) -> list[tuple[bool, str]]:
    """The Python blocks of a page, and whether each needs an account at Portkey."""
    return [(bool(needs), code) for needs, code in BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))]


def run_blocks(
    page: str,
    names: Mapping[str, Any] | None = None,
    *,
    account: Mapping[str, str] | None = None,
    instead: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run every block of a page, one after the other; returns the names they leave.

    ``names`` are there already; ``account`` is the environment of a block that needs an account; ``instead`` has, by
    an address that a page names, the one that stands for it.
    """
    namespace = dict(names or {})
    for needs_account, written in python_of(page):
        code = written
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTKEY_")}
        if needs_account:
            assert account, f"{page} has a block that needs an account"
            environment |= account
        with patch.dict(os.environ, environment if needs_account else {}, clear=needs_account):
            for address, there in (instead or {}).items():
                code = code.replace(address, there)
            exec(compile(code, page, "exec"), namespace)  # noqa: S102 they are our own pages
    return namespace


def assert_told(page: str, printed: str) -> int:
    """Check that what stands beside each ``print`` came out, in this order; returns how many do. ``…`` is anything."""
    told = TOLD.findall("".join(code for _, code in python_of(page)))
    for comment in told:
        found = re.search(".*?".join(map(re.escape, comment.split("…"))), printed, re.DOTALL)
        assert found, f"{page} says {comment!r}, and then came {printed[:300]!r}"
        printed = printed[found.end() :]
    return len(told)


def run_tests(namespace: Mapping[str, Any], fixture: Callable[[str], Any]) -> int:
    """Run the tests that a page shows, with the fixtures that they name; returns how many there were."""
    tests = [value for name, value in namespace.items() if name.startswith("test_")]
    for test in tests:
        arguments = test.__code__.co_varnames[: test.__code__.co_argcount]
        test(**{name: fixture(name) for name in arguments})
    return len(tests)
