"""Query engines fill the window that the model has, and leave room for the answer."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core import Document, SummaryIndex

from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey

PAGES = [f"Page {number}. " + "The harbour of Kiel is twelve metres deep. " * 120 for number in range(12)]
"""Of some 1,200 tokens each, all together four times what LlamaIndex allows a model that it does not know."""


def asked(llm: Portkey, both: Sandbox) -> list[Any]:
    """The bodies of all requests for the answer to a question about all pages."""
    provider = both.openai if llm.provider == "openai" else both.claude
    index = SummaryIndex.from_documents([Document(text=page) for page in PAGES])
    assert str(index.as_query_engine(llm=llm).query("How deep is the harbour?"))
    return [request.body for request in provider.requests]


@pytest.mark.parametrize(("model", "provider"), [("gpt-5", "openai"), ("claude-opus-5-5", "anthropic")])
@pytest.mark.parametrize("limit", [None, 4_000])
def test_a_query_engine_asks_once_where_all_fits(model: str, provider: Any, limit: int | None, both: Sandbox) -> None:
    llm = Portkey(model=model, max_tokens=limit, max_retries=0, **both.options(provider))

    [body] = asked(llm, both)
    assert all(f"Page {number}." in str(body["messages"]) for number in range(len(PAGES)))


def test_it_asks_as_often_as_a_small_window_needs(both: Sandbox) -> None:
    llm = Portkey(model="gpt-4", max_tokens=1_000, max_retries=0, **both.options("openai"))

    assert len(asked(llm, both)) > 1


@pytest.mark.parametrize(
    ("model", "options", "window", "output"),
    [
        ("gpt-5", {}, 272_000, 4_096),
        ("@anthropic-prod/claude-opus-5-5", {}, 1_000_000, 4_096),
        ("claude-sonnet-4-5", {"max_tokens": 64_000}, 200_000, 64_000),
        ("gemini-2.5-pro", {}, 1_048_576, 4_096),
        ("claude-3-haiku-20240307", {}, 200_000, 4_096),
        # Nothing is left for a question where the answer may take the whole window.
        ("gpt-4", {"max_tokens": 8_192}, 8_192, 4_096),
        ("prod-7", {}, 32_768, 4_096),
        ("prod-7", {"provider": "azure-openai"}, 128_000, 4_096),
        ("llama3:8b", {"provider": "ollama"}, 8_192, 4_096),
        ("gpt-5.4", {}, 922_000, 4_096),
        ("prod-7", {"family": "claude"}, 200_000, 4_096),
        ("prod-7", {"context_window": 1_000}, 1_000, 500),
        ("gpt-5", {"config": {"targets": [{}, {"override_params": {"model": "claude-haiku-4-5"}}]}}, 200_000, 4_096),
    ],
)
def test_the_metadata_tell_what_the_model_takes(model: str, options: Any, window: int, output: int) -> None:
    metadata = Portkey(model=model, api_key="pk", **options).metadata
    assert (metadata.context_window, metadata.num_output) == (window, output)


@pytest.mark.parametrize(
    ("model", "options", "calls"),
    [
        ("gpt-5", {}, True),
        ("prod-7", {}, True),
        ("gemini-2.5-flash-image", {}, False),
        ("gemini-2.5-flash-image", {"is_function_calling_model": True}, True),
        ("gpt-5", {"is_function_calling_model": False}, False),
    ],
)
def test_the_metadata_tell_whether_it_calls_tools(model: str, options: Any, calls: bool) -> None:
    assert Portkey(model=model, api_key="pk", **options).metadata.is_function_calling_model is calls
