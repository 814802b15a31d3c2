"""Every link that stays in the repository leads somewhere, and every file that a page names is there."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from docs.staging import FENCED, LINK, PAGES
from tests.docs.blocks import ROOT

HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NAMED = re.compile(
    r"`((?:\.github|benchmarks|demo|docs|examples|notebooks|portkey_\w+|requirements|scripts|tests)/[\w./-]+)(?:::\w+)?`"
)
SOURCES = [*PAGES, *(f"docs/{file.name}" for file in sorted((ROOT / "docs").glob("*.md")))]
NOTEBOOKS = [f"notebooks/{file.name}" for file in sorted((ROOT / "notebooks").glob("*.ipynb"))]


@cache
def text_of(path: str) -> str:
    """A page without its code; of a notebook what stands between the code."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".ipynb"):
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return "".join(part for part in FENCED.split(text) if not part.startswith("```"))


def anchors_of(path: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    plain = (re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in HEADING.findall(text_of(path)))
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", [*SOURCES, *NOTEBOOKS])
def test_links_lead_somewhere(path: str) -> None:
    for found in LINK.finditer(text_of(path)):
        link, anchor = found[1], found[2]
        if ":" in link:
            assert link.startswith(("https://", "http://")), link
            continue
        target = (ROOT / path).parent / link if link else ROOT / path
        assert target.exists(), f"{path} links to {link}"
        assert ROOT in target.resolve().parents
        if anchor:
            there = target.resolve().relative_to(ROOT).as_posix()
            assert anchor[1:] in anchors_of(there), f"{path} links to {link}{anchor}"


@pytest.mark.parametrize("path", [*SOURCES, *NOTEBOOKS])
def test_files_that_are_named_are_there(path: str) -> None:
    missing = [name for name in NAMED.findall(text_of(path)) if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize("path", SOURCES)
def test_a_page_has_one_title(path: str) -> None:
    assert len(re.findall(r"^# .+$", text_of(path), re.MULTILINE)) == 1


def test_the_pages_link_to_each_other() -> None:
    linked = {
        Path((ROOT / path).parent / found[1]).resolve() for path in SOURCES for found in LINK.finditer(text_of(path))
    }
    assert {ROOT / path for path in SOURCES if path.startswith("docs/")} <= linked
