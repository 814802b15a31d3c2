"""The README's Python runs as it stands, one block after the other, against the sandbox."""

import re

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.docs.account import standing_for_the_hosted_gateway
from tests.docs.blocks import ROOT, python_of, run_blocks, run_tests

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_python_block_of_the_readme_runs(
    sandbox: Sandbox,
    both: Sandbox,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PORTKEY_API_KEY", raising=False)
    with standing_for_the_hosted_gateway(both) as account:
        namespace = run_blocks("README.md", account=account)
    assert run_tests(namespace, request.getfixturevalue) == 2

    printed = capsys.readouterr().out
    assert "order-4711" in printed
    assert "'cache_creation': 0" in printed  # the second call wrote nothing …
    assert "'cache_read': 0" in printed  # … and the first read nothing
    assert "404 anthropic" in printed
    assert len(python_of("README.md")) >= 7


def test_the_readme_names_only_targets_that_make_knows() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
