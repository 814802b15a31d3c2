"""LlamaIndex's class for gateways, ``OpenAILike``, with the headers of ``portkey_ai``."""

from __future__ import annotations

from llama_index.llms.openai_like import OpenAILike
from portkey_ai import createHeaders

from benchmarks.contenders.llamaindex_calls import LlamaIndexCalls


def make(base_url: str, answer_tokens: int) -> LlamaIndexCalls:
    """Return the contender."""
    headers = createHeaders(provider="anthropic", strict_open_ai_compliance=False)  # type: ignore[no-untyped-call]
    return LlamaIndexCalls(
        OpenAILike(
            model="claude-sonnet-4-5",
            api_key="sk-ant-not-a-secret",
            api_base=base_url,
            default_headers=headers,
            is_chat_model=True,
            max_tokens=answer_tokens,
        )
    )
