"""Our LlamaIndex LLM."""

from __future__ import annotations

from benchmarks.contenders.llamaindex_calls import LlamaIndexCalls
from portkey_llamaindex import Portkey


def make(base_url: str, answer_tokens: int) -> LlamaIndexCalls:
    """Return the contender."""
    return LlamaIndexCalls(
        Portkey(
            model="claude-sonnet-4-5",
            provider="anthropic",
            provider_api_key="sk-ant-not-a-secret",
            base_url=base_url,
            api_format="chat_completions",
            max_tokens=answer_tokens,
        )
    )
