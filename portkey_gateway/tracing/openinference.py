"""The attributes of a finished span → those that viewers of OpenInference read (Arize Phoenix, Langfuse). Pure.

Names and kinds are those of openinference-semantic-conventions 0.1.42. Phoenix translates some of ``gen_ai.*`` itself
(20.26: ``phoenix/trace/gen_ai/conversion.py``), and leaves what a span says already: it knows no kind of a chain, no
reasoning tokens, no documents without a score, and shows an answer's id for its text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.spans import Attribute

KIND: Final = "openinference.span.kind"
MAX_DOCUMENTS: Final = 50
"""Documents of a retriever that are told one by one."""

_KINDS: Final = {
    "chat": "LLM",
    "text_completion": "LLM",
    "embeddings": "EMBEDDING",
    "execute_tool": "TOOL",
    "retrieval": "RETRIEVER",
    "rerank": "RERANKER",
    "invoke_agent": "AGENT",
}
_SAME: Final = {
    semconv.USAGE_INPUT_TOKENS: "llm.token_count.prompt",
    semconv.USAGE_OUTPUT_TOKENS: "llm.token_count.completion",
    semconv.USAGE_CACHE_READ_TOKENS: "llm.token_count.prompt_details.cache_read",
    semconv.USAGE_CACHE_WRITE_TOKENS: "llm.token_count.prompt_details.cache_write",
    semconv.USAGE_REASONING_TOKENS: "llm.token_count.completion_details.reasoning",
    semconv.RETRIEVAL_QUERY: semconv.INPUT_VALUE,
    semconv.TOOL_CALL_ARGUMENTS: semconv.INPUT_VALUE,
    semconv.TOOL_CALL_RESULT: semconv.OUTPUT_VALUE,
    semconv.METADATA: "metadata",
}
_MESSAGES: Final = {semconv.INPUT_VALUE: semconv.INPUT_MESSAGES, semconv.OUTPUT_VALUE: semconv.OUTPUT_MESSAGES}
_MIME_TYPES: Final = {semconv.INPUT_VALUE: "input.mime_type", semconv.OUTPUT_VALUE: "output.mime_type"}


def openinference(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """What is said beside a span's attributes; nothing that they say already."""
    if not attributes:
        return {KIND: "CHAIN"}
    kind = _KINDS.get(str(attributes.get(semconv.OPERATION)), "CHAIN")
    told: dict[str, Attribute] = {KIND: kind}
    if not _SAME.keys().isdisjoint(attributes):
        told |= {_SAME[name]: value for name, value in attributes.items() if name in _SAME}
    if kind == "LLM":
        told |= _model(attributes)
    elif kind == "EMBEDDING" and (model := _bare(attributes)):
        told["embedding.model_name"] = model
    elif kind == "RETRIEVER":
        told |= _documents(attributes.get(semconv.RETRIEVAL_DOCUMENTS))
    for name, messages in _MESSAGES.items():
        # What viewers show of a span in a list.
        if name not in attributes and (said := _last_said(attributes.get(messages))):
            told[name] = said
    for name, mime_type in _MIME_TYPES.items():
        value = attributes.get(name, told.get(name))
        if isinstance(value, str):
            told[mime_type] = "application/json" if value[:1] in {"{", "["} else "text/plain"
    return {name: value for name, value in told.items() if name not in attributes}


def _last_said(excerpt: Any) -> str:
    """The text of the last message of an agent, or of a model that is not ours."""
    if not isinstance(excerpt, str):
        return ""
    parts = json.loads(excerpt)[-1:]
    said = [part.get("content") for message in parts for part in message["parts"]]
    return "\n".join(text for text in said if isinstance(text, str))


def _model(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    told: dict[str, Attribute] = {}
    if model := _bare(attributes):
        told["llm.model_name"] = model
    read, said = attributes.get(semconv.USAGE_INPUT_TOKENS), attributes.get(semconv.USAGE_OUTPUT_TOKENS)
    if isinstance(read, int) and isinstance(said, int):
        told["llm.token_count.total"] = read + said
    return told


def _bare(attributes: Mapping[str, Attribute]) -> str:
    """The model that answered, or that was asked, without the slug of Portkey's catalog, which no price list knows."""
    asked = str(attributes.get(semconv.REQUEST_MODEL) or "")
    asked = asked.partition("/")[2] if asked.startswith("@") else asked
    return str(attributes.get(semconv.RESPONSE_MODEL) or asked)


def _documents(excerpt: Any) -> dict[str, Attribute]:
    """Documents of a retriever, which the excerpt has as JSON; of what was cut off, nothing is told."""
    try:
        documents = json.loads(excerpt) if isinstance(excerpt, str) else ()
    except ValueError:
        return {}
    told: dict[str, Attribute] = {}
    for place, document in enumerate(documents[:MAX_DOCUMENTS] if isinstance(documents, list) else ()):
        if not isinstance(document, dict):
            continue
        name = f"retrieval.documents.{place}.document."
        for key in ("id", "content", "score"):
            if isinstance(value := document.get(key), (str, int, float)):
                told[name + key] = value
        if metadata := document.get("metadata"):
            told[name + "metadata"] = json.dumps(metadata, ensure_ascii=False)
    return told
