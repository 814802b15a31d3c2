"""What the docs say of LlamaIndex's own classes, tried: ``make peers`` downloads them and runs these.

They want other SDKs of Anthropic and OpenAI than the emulated providers are made of, so the sandbox runs in a process
of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from tests.support.place import Place, Provider, running_elsewhere

_ARE_THERE = find_spec("llama_index.llms") and all(
    find_spec(f"llama_index.llms.{name}") for name in ("anthropic", "openai_like")
)
collect_ignore_glob = [] if _ARE_THERE else ["test_*.py"]

SDK: Any = import_module("anthropic")


@pytest.fixture(scope="session")
def server() -> Iterator[Place]:
    with running_elsewhere({name: value for name, value in os.environ.items() if name != "PYTHONPATH"}) as place:
        yield place


@pytest.fixture
def place(server: Place) -> Place:
    server.claude.clear()
    server.openai.clear()
    return server


@pytest.fixture
def claude(place: Place) -> Provider:
    return place.claude


def llm(claude: Provider, **more: Any) -> Any:
    """Their class, straight to the emulated Claude."""
    made = import_module("llama_index.llms.anthropic").Anthropic
    given = {"model": "claude-sonnet-4-6", "api_key": "sk-ant-test", "max_retries": 0, **more}
    return made(base_url=claude.base_url, **given)
