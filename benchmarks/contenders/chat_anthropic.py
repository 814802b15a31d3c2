"""``ChatAnthropic``, told to speak to the gateway's Messages API."""

from __future__ import annotations

from langchain_anthropic import ChatAnthropic

from benchmarks.contenders.langchain_calls import LangChainCalls


def make(base_url: str, answer_tokens: int) -> LangChainCalls:
    """Return the contender."""
    return LangChainCalls(
        ChatAnthropic(
            model="claude-sonnet-4-5",
            api_key="sk-ant-not-a-secret",
            base_url=base_url.removesuffix("/v1"),
            default_headers={"x-portkey-provider": "anthropic"},
            max_tokens=answer_tokens,
        )
    )
