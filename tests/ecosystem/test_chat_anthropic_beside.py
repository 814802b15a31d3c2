"""The README's table of alternatives: what it says of ChatAnthropic, which asks the emulated Claude itself."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import pytest
from langchain_core.language_models import BaseChatModel

from portkey_gateway.sandbox import Sandbox
from tests.support import langchain_alternatives
from tests.support.alternatives import LINES, read_table

ChatAnthropic: Final[Any] = import_module("langchain_anthropic").ChatAnthropic
TABLE = read_table()


@pytest.mark.parametrize("proof", LINES)
def test_chat_anthropic(proof: str, both: Sandbox) -> None:
    def make(*, config: Any = None, base_url: str = both.claude.url, **options: Any) -> BaseChatModel:
        del config  # it asks no gateway
        defaults = {"model": both.model, "max_tokens": 1024, "max_retries": 0}
        key: Any = both.provider_api_key
        made: BaseChatModel = ChatAnthropic(
            **{**defaults, **options}, api_key=key, base_url=base_url.removesuffix("/v1")
        )
        return made

    side = langchain_alternatives.Side(make, both, has_gateway=False)
    assert getattr(langchain_alternatives, proof)(side) == TABLE[LINES[proof]]["ChatAnthropic"]
