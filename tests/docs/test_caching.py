"""``docs/caching.md``: its code runs as it stands."""

import re

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.docs.blocks import python_of, run_blocks

PAGE = "docs/caching.md"


def test_every_block_runs(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    run_blocks(PAGE)
    printed = capsys.readouterr().out
    [written, read] = re.findall(r"^written (\d+) read (\d+)$", printed, re.MULTILINE)
    assert int(written[0]) > 1024
    assert written == read[::-1]
    assert f"\nread {written[0]}\n" in printed
    assert "read of what could be" in printed
    assert "'currency': 'USD'" in printed
    assert len(python_of(PAGE)) >= 8
