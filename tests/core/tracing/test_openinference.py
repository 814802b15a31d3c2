"""What viewers of OpenInference read is made of what a span says in OpenTelemetry's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portkey_gateway.tracing.openinference import KIND, MAX_DOCUMENTS, openinference


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("chat", "LLM"),
        ("text_completion", "LLM"),
        ("embeddings", "EMBEDDING"),
        ("execute_tool", "TOOL"),
        ("invoke_agent", "AGENT"),
        ("retrieval", "RETRIEVER"),
        ("rerank", "RERANKER"),
        ("invoke_workflow", "CHAIN"),
        (None, "CHAIN"),
    ],
)
def test_every_span_has_a_kind(operation: str | None, kind: str) -> None:
    assert openinference({"gen_ai.operation.name": operation} if operation else {})[KIND] == kind


def test_tokens_and_the_models_bare_name() -> None:
    told = openinference(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "@anthropic-prod/claude-sonnet-4-6",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 4,
            "gen_ai.usage.cache_read.input_tokens": 7,
            "gen_ai.usage.cache_creation.input_tokens": 2,
            "gen_ai.usage.reasoning.output_tokens": 3,
        }
    )
    assert told == {
        KIND: "LLM",
        "llm.model_name": "claude-sonnet-4-6",
        "llm.token_count.prompt": 10,
        "llm.token_count.completion": 4,
        "llm.token_count.total": 14,
        "llm.token_count.prompt_details.cache_read": 7,
        "llm.token_count.prompt_details.cache_write": 2,
        "llm.token_count.completion_details.reasoning": 3,
    }


def test_inputs_and_outputs_have_a_type() -> None:
    told = openinference(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.arguments": "{}",
            "gen_ai.tool.call.result": "sunny",
        }
    )
    assert (told["input.value"], told["input.mime_type"]) == ("{}", "application/json")
    assert (told["output.value"], told["output.mime_type"]) == ("sunny", "text/plain")


def test_an_agent_shows_what_was_said_last() -> None:
    def said(*texts: str) -> str:
        return json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]} for text in texts])

    told = openinference(
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.input.messages": said("Hi", "The weather?"),
            "gen_ai.output.messages": said("Sunny."),
        }
    )
    assert (told["input.value"], told["output.value"]) == ("The weather?", "Sunny.")


def test_documents_are_told_one_by_one_as_far_as_they_are_whole() -> None:
    documents = [{"id": "d1", "content": "owls", "score": 0.5, "metadata": {"page": 3}}, "...", {"content": "cats"}]
    attributes: Any = {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.documents": json.dumps(documents)}
    told = {name: value for name, value in openinference(attributes).items() if name != KIND}
    assert told == {
        "retrieval.documents.0.document.id": "d1",
        "retrieval.documents.0.document.content": "owls",
        "retrieval.documents.0.document.score": 0.5,
        "retrieval.documents.0.document.metadata": '{"page": 3}',
        "retrieval.documents.2.document.content": "cats",
    }
    attributes["gen_ai.retrieval.documents"] = json.dumps([{"id": "d"}] * (MAX_DOCUMENTS + 1))
    assert len(openinference(attributes)) == 1 + MAX_DOCUMENTS
    attributes["gen_ai.retrieval.documents"] = "no JSON"
    assert openinference(attributes) == {KIND: "RETRIEVER"}


def test_what_a_span_says_already_stays() -> None:
    assert "input.value" not in openinference({"input.value": "Hi", "gen_ai.retrieval.query.text": "Ho"})
