"""Without its framework the plugin says what to install."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import portkey_langchain


def test_a_missing_langchain_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_core", None)
    monkeypatch.delitem(sys.modules, "portkey_langchain")
    with pytest.raises(ImportError, match=r'pip install "portkey-frameworks\[langchain\]"'):
        importlib.import_module("portkey_langchain")


def test_the_public_names_are_there() -> None:
    assert all(hasattr(portkey_langchain, name) for name in portkey_langchain.__all__)


def test_a_model_waits_for_nothing_else_and_spans_of_the_environment_wait_for_no_model() -> None:
    loaded = [f"portkey_langchain.{name}" for name in ("prompt", "embeddings", "cache_report", "init", "tracer")]
    program = (
        f"import sys; import portkey_langchain; print({loaded[4]!r} in sys.modules); portkey_langchain.ChatPortkey; "
        f"print([name for name in {loaded[:4]} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout  # noqa: S603 our own program
    assert told == "True\n[]\n"
