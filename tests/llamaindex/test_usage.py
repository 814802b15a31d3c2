"""LlamaIndex's token counter counts what Anthropic counted, cached tokens included."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import CacheControl, CachePoint, ChatMessage, MessageRole, TextBlock
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler

from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from tests.llamaindex.ways import CHAT, ask, every_way

FIGURES = {
    "input_tokens": 7,
    "output_tokens": 11,
    "cache_read_input_tokens": 2000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens_details": {"thinking_tokens": 4},
}


@pytest.fixture
def counter() -> TokenCountingHandler:
    return TokenCountingHandler(tokenizer=str.split)


@every_way
def test_the_counter_counts_cached_input_too(
    llm: Portkey, sandbox: Sandbox, counter: TokenCountingHandler, api_format: str, way: str
) -> None:
    sandbox.claude.reply_with("Hello.", usage=FIGURES, times=2)
    counted = llm.with_options(callback_manager=CallbackManager([counter]))
    response = ask(counted, way, "Hi")
    ask(counted, way, "Hi", trace_id="another")
    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (2 * 2307, 2 * 11)
    assert response.raw["usage"] == {
        "input_tokens": 2307,
        "output_tokens": 11,
        "total_tokens": 2318,
        "cache_read_tokens": 2000,
        "cache_write_tokens": 300,
        # Chat completions of the open-source gateway tell neither.
        "cache_write_1h_tokens": 200 if api_format == "messages" else 0,
        "reasoning_tokens": 4 if api_format == "messages" else 0,
    }
    assert response.additional_kwargs["prompt_tokens"] == 2307
    assert response.additional_kwargs["completion_tokens"] == 11


@pytest.mark.parametrize("way", CHAT)
def test_whole_and_streamed_usage_are_the_same(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    prompt = TextBlock(text="You answer questions about the harbour of a small town by the sea. " * 120)
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    messages = [ChatMessage(role=MessageRole.SYSTEM, blocks=[prompt, point]), ChatMessage("How deep is it?")]
    first = ask(llm, way, messages).raw["usage"]
    sandbox.claude.clear()
    assert first == ask(llm, "chat", messages).raw["usage"]
    assert first["cache_write_tokens"] > 1024
