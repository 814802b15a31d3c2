"""The README's table of alternatives: what it says of ChatOpenAI and of both of our classes is what comes out.

What it says of the others is found out where they are installed: ChatAnthropic by ``make ecosystem``, LlamaIndex's
classes by ``make peers``.
"""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI

from portkey_gateway.sandbox import Sandbox
from tests.support import langchain_alternatives, llamaindex_alternatives
from tests.support.alternatives import LINES, read_table
from tests.support.created_headers import created_headers
from tests.support.place import Place

TABLE = read_table()


def chat_openai(sandbox: Sandbox) -> langchain_alternatives.Make:
    """`ChatOpenAI` as Portkey documents it for LangChain."""

    def make(
        *, thinking: Any = None, config: Any = None, base_url: str = sandbox.base_url, **options: Any
    ) -> BaseChatModel:
        headers = created_headers(sandbox.custom_host, config)
        more = {"extra_body": {"thinking": thinking}} if thinking else {}
        defaults = {"model": sandbox.model, "max_tokens": 1024, "max_retries": 0, "stream_usage": True}
        key: Any = sandbox.provider_api_key
        return ChatOpenAI(**{**defaults, **more, **options}, api_key=key, base_url=base_url, default_headers=headers)

    return make


def test_the_table_has_a_line_for_each_proof() -> None:
    assert [*TABLE] == [*LINES.values()]


@pytest.mark.parametrize("proof", LINES)
def test_chat_openai(proof: str, both: Sandbox) -> None:
    side = langchain_alternatives.Side(chat_openai(both), both)
    assert getattr(langchain_alternatives, proof)(side) == TABLE[LINES[proof]]["ChatOpenAI"]


@pytest.mark.parametrize("proof", LINES)
def test_chat_portkey(proof: str, both: Sandbox) -> None:
    side = langchain_alternatives.Side(langchain_alternatives.portkey(both), both)
    assert getattr(langchain_alternatives, proof)(side) == TABLE[LINES[proof]]["ours"]


@pytest.mark.parametrize("proof", LINES)
def test_portkey(proof: str, both: Sandbox) -> None:
    place = Place.of(both)
    side = llamaindex_alternatives.Side(llamaindex_alternatives.portkey(place), place)
    assert getattr(llamaindex_alternatives, proof)(side) == TABLE[LINES[proof]]["ours"]
