"""Our LangChain chat model over the Messages API."""

from __future__ import annotations

from benchmarks.contenders.langchain_calls import LangChainCalls
from portkey_langchain import ChatPortkey


def make(base_url: str, answer_tokens: int) -> LangChainCalls:
    """Return the contender."""
    return LangChainCalls(
        ChatPortkey(
            model="claude-sonnet-4-5",
            provider="anthropic",
            provider_api_key="sk-ant-not-a-secret",
            base_url=base_url,
            api_format="messages",
            max_tokens=answer_tokens,
        )
    )
