"""The README's table of alternatives: what it says of LlamaIndex's `OpenAILike` and `Anthropic`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from llama_index.core.llms.function_calling import FunctionCallingLLM

from tests.support import llamaindex_alternatives
from tests.support.alternatives import LINES, read_table
from tests.support.created_headers import created_headers
from tests.support.llamaindex_alternatives import Make, Side
from tests.support.place import Place

TABLE = read_table()


def openai_like(place: Place) -> Make:
    """`OpenAILike` as Portkey documents `ChatOpenAI` for LangChain."""

    def make(*, thinking: Any = None, config: Any = None, base_url: str = "", **options: Any) -> FunctionCallingLLM:
        # Claude thinks at no other temperature; theirs is 0.1.
        more = {"temperature": 1, "additional_kwargs": {"extra_body": {"thinking": thinking}}} if thinking else {}
        made: FunctionCallingLLM = import_module("llama_index.llms.openai_like").OpenAILike(
            model=place.model,
            api_key=place.provider_api_key,
            api_base=base_url or place.gateway_url,
            default_headers=created_headers(f"{place.claude_url}/v1", config),
            is_chat_model=True,
            is_function_calling_model=True,
            max_retries=0,
            **{"max_tokens": 1024, **more, **options},
        )
        return made

    return make


def anthropic(place: Place) -> Make:
    def make(*, thinking: Any = None, config: Any = None, base_url: str = "", **options: Any) -> FunctionCallingLLM:
        del config  # it asks no gateway
        made: FunctionCallingLLM = import_module("llama_index.llms.anthropic").Anthropic(
            model=place.model,
            api_key=place.provider_api_key,
            base_url=base_url.removesuffix("/v1") or place.claude_url,
            max_retries=0,
            thinking_dict=thinking,
            **{"max_tokens": 1024, **options},
        )
        return made

    return make


@pytest.mark.parametrize("proof", LINES)
def test_openai_like(proof: str, place: Place) -> None:
    side = Side(openai_like(place), place)
    assert getattr(llamaindex_alternatives, proof)(side) == TABLE[LINES[proof]]["OpenAILike"]


@pytest.mark.parametrize("proof", LINES)
def test_anthropic(proof: str, place: Place) -> None:
    side = Side(anthropic(place), place, has_gateway=False)
    assert getattr(llamaindex_alternatives, proof)(side) == TABLE[LINES[proof]]["Anthropic"]
