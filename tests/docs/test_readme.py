"""The README's Python runs as it stands, one block after the other, against the sandbox; what it says is so."""

import re

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.docs.account import standing_for_the_hosted_gateway
from tests.docs.blocks import ROOT, python_of, run_blocks, run_tests

README = (ROOT / "README.md").read_text(encoding="utf-8")
SCREEN = 45
"""Lines."""


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
    assert run_tests(namespace, request.getfixturevalue) == 1

    printed = capsys.readouterr().out
    assert printed.splitlines().count("hello.") == 3
    assert printed.count("everyone slept well.") == 2
    assert len(python_of("README.md")) == 4


def test_the_first_example_stands_on_the_first_two_screens() -> None:
    assert README.partition("```python")[0].count("\n") < 2 * SCREEN


def test_the_readme_names_only_targets_that_make_knows() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([\w-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_as_many_features_are_compared_as_it_says() -> None:
    parity = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
    compared = re.findall(r"^\| (?!Feature |-|Recorded ).*\[`test_", parity, re.MULTILINE)
    [said] = re.findall(r"compares more than (\d+) features", README)
    assert int(said) <= len(compared) < int(said) + 50
