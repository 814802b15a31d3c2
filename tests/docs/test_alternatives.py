"""The README's table of alternatives: what it says of ChatOpenAI and of ChatPortkey is what comes out.

What it says of ChatAnthropic is found out by ``make ecosystem``, which installs it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI

from portkey_gateway.sandbox import Sandbox
from tests.docs.blocks import ROOT
from tests.support.alternatives import PROOFS, Make, Side, portkey, table_of

TABLE = table_of((ROOT / "README.md").read_text(encoding="utf-8"))


def chat_openai(sandbox: Sandbox) -> Make:
    """`ChatOpenAI` with the headers that `portkey_ai.createHeaders` returns, as Portkey documents it for LangChain."""

    def make(
        *, thinking: Any = None, config: Any = None, base_url: str = sandbox.base_url, **options: Any
    ) -> BaseChatModel:
        headers = {
            "x-portkey-provider": "anthropic",
            "x-portkey-custom-host": sandbox.custom_host,
            "x-portkey-strict-open-ai-compliance": "false",
        }
        if config:
            headers = {"x-portkey-config": json.dumps(config)}
        more = {"extra_body": {"thinking": thinking}} if thinking else {}
        defaults = {"model": sandbox.model, "max_tokens": 1024, "max_retries": 0, "stream_usage": True}
        key: Any = sandbox.provider_api_key
        return ChatOpenAI(**{**defaults, **more, **options}, api_key=key, base_url=base_url, default_headers=headers)

    return make


def test_the_table_has_a_line_for_each_proof() -> None:
    lines = [line for line in TABLE if line.strip() and not line.startswith("-")]
    assert lines[1:] == [*PROOFS]


@pytest.mark.parametrize("line", PROOFS)
def test_chat_openai(line: str, both: Sandbox) -> None:
    assert PROOFS[line](Side(chat_openai(both), both)) == TABLE[line][0]


@pytest.mark.parametrize("line", PROOFS)
def test_chat_portkey(line: str, both: Sandbox) -> None:
    assert PROOFS[line](Side(portkey(both), both)) == TABLE[line][2]
