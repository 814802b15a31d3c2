"""The README's Python runs as it stands, one block after the other, against the sandbox."""

import re
from collections.abc import Callable

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.docs.blocks import BLOCK, ROOT, run_blocks

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_python_block_of_the_readme_runs(
    sandbox: Sandbox,
    portkey_sandbox_with_openai: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PORTKEY_API_KEY", raising=False)
    namespace = run_blocks("README.md")

    shown_test: Callable[[Sandbox], None] = namespace["test_my_chain_survives_an_overload"]
    shown_test(sandbox)
    shown_fallback: Callable[[Sandbox], None] = namespace["test_claude_answers_when_openai_fails"]
    shown_fallback(portkey_sandbox_with_openai)

    printed = capsys.readouterr().out
    assert "order-4711" in printed
    assert "'cache_creation': 0" in printed  # the second call wrote nothing …
    assert "'cache_read': 0" in printed  # … and the first read nothing
    assert "404 anthropic" in printed
    assert len(BLOCK.findall(README)) - README.count("<!-- not run: ") >= 7


def test_the_readme_names_only_targets_that_make_knows() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
