"""What Portkey's documentation shows for LangChain: ``ChatOpenAI`` with the headers of ``portkey_ai``."""

from __future__ import annotations

from langchain_openai import ChatOpenAI
from portkey_ai import createHeaders

from benchmarks.contenders.langchain_calls import LangChainCalls


def make(base_url: str, answer_tokens: int) -> LangChainCalls:
    """Return the contender."""
    headers = createHeaders(provider="anthropic", strict_open_ai_compliance=False)  # type: ignore[no-untyped-call]
    model = ChatOpenAI(
        model="claude-sonnet-4-5",
        api_key="sk-ant-not-a-secret",
        base_url=base_url,
        default_headers=headers,
        max_tokens=answer_tokens,
    )
    return LangChainCalls(model)
