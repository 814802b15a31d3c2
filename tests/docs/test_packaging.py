"""What a release says of itself: one version, types, forms for issues, and who owns what in LlamaHub."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest

from tests.docs.blocks import ROOT

YAML: Final[Any] = import_module("yaml")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def test_the_changelog_tells_of_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    latest = re.findall(r"^## \[([^]]+)\]", changelog, re.MULTILINE)[0]
    assert latest == PROJECT["project"]["version"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_typed_and_states_no_version_of_its_own(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
    sources = [file.read_text(encoding="utf-8") for file in Path(ROOT / package).rglob("*.py")]
    assert not [source for source in sources if re.search(r"^__version__\s*=", source, re.MULTILINE)]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_is_one_that_github_takes(form: Path) -> None:
    told = YAML.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= told.keys()
    for part in told["body"]:
        assert part["type"] in {"markdown", "textarea", "input", "dropdown"}
        assert part["attributes"].get("label") or part["type"] == "markdown"
    assert len({part["id"] for part in told["body"] if "id" in part}) == len(
        [part for part in told["body"] if part["type"] != "markdown"]
    )
