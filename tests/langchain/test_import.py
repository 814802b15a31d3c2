"""Without its framework the plugin says what to install."""

from __future__ import annotations

import importlib
import sys
from typing import get_type_hints

import pytest

import portkey_langchain
from portkey_langchain import ChatPortkey


def test_a_missing_langchain_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_core", None)
    monkeypatch.delitem(sys.modules, "portkey_langchain")
    with pytest.raises(ImportError, match=r'pip install "portkey-frameworks\[langchain\]"'):
        importlib.import_module("portkey_langchain")


def test_the_public_names_are_there() -> None:
    assert all(hasattr(portkey_langchain, name) for name in portkey_langchain.__all__)


def test_what_the_methods_take_can_be_resolved() -> None:
    # As LangChain does with those of a model that has fallbacks.
    for method in (ChatPortkey.bind_tools, ChatPortkey.with_structured_output, ChatPortkey.with_options):
        assert "return" in get_type_hints(method)
