"""``docs/embeddings.md``: its code runs as it stands."""

import pytest

from tests.docs.blocks import run_blocks
from tests.llamaindex.facts import BREAD, HARBOUR


def test_every_block_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)
    run_blocks("docs/embeddings.md")
    found, read, failed, count, told = capsys.readouterr().out.splitlines()
    assert (found, read) == (HARBOUR, BREAD)
    assert failed.startswith("400 after ")
    assert count == "100"
    assert told.startswith("790 tokens")
    assert "text-embedding-3-small ['openai'" in told
