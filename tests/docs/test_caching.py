"""``docs/caching.md``: its code runs as it stands."""

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.docs.blocks import BLOCK, ROOT, run_blocks

PAGE = "docs/caching.md"


def test_every_block_runs(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PORTKEY_API_KEY", raising=False)
    run_blocks(PAGE)
    printed = capsys.readouterr().out
    assert "read of what could be" in printed
    assert "'currency': 'USD'" in printed
    blocks = BLOCK.findall((ROOT / PAGE).read_text(encoding="utf-8"))
    assert [bool(not_run) for not_run, _ in blocks].count(False) >= 6
