"""``docs/routing.md``: its code runs as it stands, and what stands beside it is what comes out."""

import re

import pytest

from tests.docs.blocks import python_of, run_blocks

PAGE = "docs/routing.md"


def test_every_block_runs_and_says_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    run_blocks(PAGE)
    printed = capsys.readouterr().out.splitlines()
    code = "".join(code for _, code in python_of(PAGE))
    told = re.findall(r"^ *print\(.*?\)(?:  # (.*))?$", code, re.MULTILINE)
    assert len(printed) == len(told) > 10
    for line, comment in zip(printed, told, strict=True):
        words = [re.sub(r"[….\]]+$", "", word).strip(",") for word in comment.split() if word != "…"]
        assert all(word in line for word in words), (line, comment)
