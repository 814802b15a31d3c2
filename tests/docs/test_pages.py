"""The Python of every page runs as it stands, and what a page says beside a ``print`` is what comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.docs.account import standing_for_the_hosted_gateway
from tests.docs.blocks import ROOT, assert_told, python_of, run_blocks, run_tests

OWN_TEST = {"caching", "embeddings", "labels", "models", "prompts", "routing", "tracing"}
"""Pages whose blocks another test of this folder runs."""
PAGES = [
    f"docs/{page.stem}.md"
    for page in sorted((ROOT / "docs").glob("*.md"))
    if python_of(f"docs/{page.name}") and page.stem not in OWN_TEST
]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages write files where they stand."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def sandbox_by_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader exports, who has started the sandbox in a terminal."""
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PORTKEY_API_KEY", raising=False)


@pytest.fixture
def account(both: Sandbox) -> Iterator[dict[str, str]]:
    """The environment of a reader who has an account at Portkey."""
    with standing_for_the_hosted_gateway(both) as environment:
        yield environment


# LlamaIndex's workflows read every attribute of an agent, those that pydantic has given up too.
@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")
@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_runs(
    page: str, account: dict[str, str], request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    namespace = run_blocks(page, account=account)
    assert_told(page, capsys.readouterr().out)
    shown = sum(len(re.findall(r"^def test_", code, re.MULTILINE)) for _, code in python_of(page))
    assert run_tests(namespace, request.getfixturevalue) == shown
