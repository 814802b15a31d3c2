"""``docs/labels.md``: its code runs as it stands, with Portkey's feedback before the gateway."""

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.docs.blocks import assert_told, run_blocks

PAGE = "docs/labels.md"


def test_every_block_runs(
    library: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in library.env().items():
        monkeypatch.setenv(name, value)
    run_blocks(PAGE)
    assert_told(PAGE, capsys.readouterr().out)
    assert [rated["value"] for rated in library.control_plane.feedback] == [1, -1]
