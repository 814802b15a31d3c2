"""``docs/prompts.md``: its code runs as it stands, and what stands beside it is what comes out."""

from pathlib import Path

import pytest

from tests.docs.blocks import assert_told, run_blocks

PAGE = "docs/prompts.md"


def test_every_block_runs_and_says_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)
    run_blocks(PAGE)
    assert assert_told(PAGE, capsys.readouterr().out) >= 12
