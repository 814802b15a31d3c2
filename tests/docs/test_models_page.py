"""``docs/models.md``: its code runs, and its patch fits the installed LangChain and does what it promises."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import langchain
import pytest

from portkey_langchain import ChatPortkey, PortkeyEmbeddings
from tests.docs.blocks import ROOT, run_blocks

PATCH = ROOT / "docs" / "langchain-init.patch"
IN_THEIR_REPOSITORY = Path("libs/langchain_v1/langchain")


def test_every_block_runs_and_says_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    run_blocks("docs/models.md")
    assert capsys.readouterr().out.splitlines() == [
        "claude 200000 64000",
        "claude-opus-5-5 anthropic",
        "@openai-prod/text-embedding-3-small",
    ]


@pytest.fixture
def patched(tmp_path: Path) -> Any:
    """LangChain's two modules as they are with the patch."""
    git = shutil.which("git")
    assert git
    installed = Path(langchain.__file__).parent
    for module in ("chat_models", "embeddings"):
        place = tmp_path / IN_THEIR_REPOSITORY / module
        place.mkdir(parents=True)
        shutil.copy(installed / module / "base.py", place)
    subprocess.run([git, "apply", str(PATCH)], cwd=tmp_path, check=True)  # noqa: S603 our own file

    def load(module: str) -> ModuleType:
        path = tmp_path / IN_THEIR_REPOSITORY / module / "base.py"
        spec = importlib.util.spec_from_file_location(f"patched_{module}", path)
        assert spec
        assert spec.loader
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = loaded
        spec.loader.exec_module(loaded)
        return loaded

    yield load
    for module in ("chat_models", "embeddings"):
        sys.modules.pop(f"patched_{module}", None)


def test_with_the_patch_langchain_knows_us_by_name(patched: Any) -> None:
    model = patched("chat_models").init_chat_model("portkey:@anthropic-prod/claude-opus-5-5", api_key="pk")
    assert isinstance(model, ChatPortkey)
    assert model.model == "@anthropic-prod/claude-opus-5-5"
    embeddings = patched("embeddings").init_embeddings("portkey:@openai-prod/text-embedding-3-small", api_key="pk")
    assert isinstance(embeddings, PortkeyEmbeddings)


def test_llamahub_is_told_where_the_classes_are() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["llamahub"]
    home = import_module(told["import_path"])
    assert all(hasattr(home, name) for name in told["class_authors"])
