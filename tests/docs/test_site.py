"""The site is put together from the repository: every page stands in its menu, every link of it leads somewhere."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from docs.staging import API, FENCED, LINK, render_notebook, stage, target_of, turn_links
from tests.docs.blocks import ROOT

MENU = re.findall(r"^ +- (?:[\w ]+: )?([\w/.-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that MkDocs builds from."""
    place = tmp_path_factory.mktemp("site")
    stage(place)
    return place


def test_every_page_stands_in_the_menu_once(site: Path) -> None:
    pages = {file.relative_to(site).as_posix() for file in site.rglob("*.md")}
    assert set(MENU) == pages
    assert len(MENU) == len(pages)


def test_every_link_leads_to_a_page_or_a_file_of_the_site(site: Path) -> None:
    checked = 0
    for file in site.rglob("*.md"):
        text = "".join(part for part in FENCED.split(file.read_text(encoding="utf-8")) if not part.startswith("```"))
        for found in LINK.finditer(text):
            if found[1] and ":" not in found[1]:
                assert (file.parent / found[1]).exists(), f"{file.name} links to {found[1]}"
                checked += 1
    assert checked > 200


def test_what_is_staged_again_is_left_as_it_is(tmp_path: Path) -> None:
    stage(tmp_path)
    (tmp_path / "gone.md").write_text("# A page that there was")
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.md") if file.name != "gone.md"}
    stage(tmp_path)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.md")} == before


@pytest.mark.parametrize("package", API)
def test_the_reference_has_every_public_name(package: str, site: Path) -> None:
    pages = "".join(file.read_text(encoding="utf-8") for file in site.glob("api/*.md"))
    shown = re.findall(rf"^::: {re.escape(package)}\.(\w+)$", pages, re.MULTILINE)
    assert sorted(shown) == sorted(import_module(package).__all__)


def test_links_are_turned_and_code_is_not() -> None:
    copied: list[str] = []
    text = "[a](caching.md#b) [c](../tests/docs/blocks.py) [d](https://e.org)\n```python\nf = [1](g.py)\n```\n"
    assert turn_links(text, "docs/models.md", copied.append) == (
        "[a](caching.md#b) [c](source/tests/docs/blocks.py.txt) [d](https://e.org)\n```python\nf = [1](g.py)\n```\n"
    )
    assert copied == ["tests/docs/blocks.py"]
    assert target_of("notebooks/01_langchain.ipynb") == "notebooks/01_langchain.md"


def test_a_notebook_shows_its_texts_code_outputs_and_pictures() -> None:
    picture = {"output_type": "display_data", "data": {"image/png": "aGk=", "text/plain": "<Figure>"}}
    cells = [
        {"cell_type": "markdown", "source": ["# Title"]},
        {"cell_type": "code", "source": ["print(1)"], "outputs": [{"output_type": "stream", "text": ["1\n"]}, picture]},
    ]
    text, pictures = render_notebook({"cells": cells}, "01", str.upper)
    assert text.startswith("# TITLE\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n![")
    assert pictures == {"01_1.png": b"hi"}
