"""LangChain: a streamed chain, an image, a cached prompt and a tool loop, all through ``ChatPortkey``."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool

from demo import material
from demo.screen import note, said, said_in_pieces, step, table, title
from portkey_gateway import BadRequestError
from portkey_langchain import ChatPortkey


def run(arguments: dict[str, Any]) -> None:
    """Show ``ChatPortkey(**arguments)`` at work."""
    title("LangChain: portkey_langchain.ChatPortkey")
    model = ChatPortkey(**arguments, metadata={"app": "portkey-demo"})
    show_stream(model)
    show_image(model)
    show_cached_prompt(model)
    show_tools(model)
    show_citations(model)
    show_search(model)
    show_object(model)


def show_stream(model: ChatPortkey) -> None:
    """A prompt template and the model, streamed."""
    step("A streamed answer under a system message")
    chain = ChatPromptTemplate.from_messages([("system", "{manner}"), ("human", "{question}")]) | model
    question = {"manner": "You tell stories for children.", "question": "Tell me a short story about a lighthouse."}
    said("system", question["manner"])
    said("human", question["question"])
    chunks: list[AIMessage] = []

    def texts() -> Iterator[str]:
        for chunk in chain.stream(question):
            chunks.append(chunk)
            yield chunk.text

    said_in_pieces("claude", texts())
    last = chunks[-1]
    usage = last.usage_metadata
    counted = f"{usage['input_tokens']} in, {usage['output_tokens']} out" if usage else "unknown"
    note(f"\n            finish_reason {last.response_metadata['finish_reason']}, usage {counted}")


def show_image(model: ChatPortkey) -> None:
    """An image block in LangChain's standard form."""
    step("An image")
    said("human", material.PICTURE_SAYS)
    image = {"type": "image", "base64": base64.b64encode(material.picture()).decode(), "mime_type": "image/png"}
    message = HumanMessage([{"type": "text", "text": material.PICTURE_QUESTION}, image])
    said("claude", model.invoke([message]).text)


def show_cached_prompt(model: ChatPortkey) -> None:
    """The same long system prompt twice: written to Anthropic's prompt cache, then read from it."""
    step("A long prompt, cached on the first call and read on the second")
    system = SystemMessage([{"type": "text", "text": material.house_rules(), "cache_control": {"type": "ephemeral"}}])
    rows: list[tuple[str, ...]] = [material.CACHE_HEADS]
    for number, question in enumerate(material.RULE_QUESTIONS, start=1):
        answer = model.invoke([system, HumanMessage(question)])
        said("human", question)
        said("claude", answer.text)
        rows.append(_cache_row(number, answer))
    note("")
    table(rows)
    note(material.CACHE_NOTE)


def _cache_row(number: int, message: AIMessage) -> tuple[str, ...]:
    usage = message.usage_metadata
    assert usage is not None  # noqa: S101 for the type checker: every answer of the gateway has its usage
    details = usage.get("input_token_details", {})
    written, read = details.get("cache_creation") or 0, details.get("cache_read") or 0
    return material.cache_row(number, usage["input_tokens"], written, read, usage["output_tokens"])


def show_tools(model: ChatPortkey) -> None:
    """Offer two tools, run what the model calls, and hand the results back until it answers in words."""
    step("A tool loop")
    tools = {offered.name: offered for offered in (tool(material.get_weather), tool(material.get_population))}
    bound = model.bind_tools(list(tools.values()))
    said("human", material.TOOL_QUESTION)
    conversation: list[BaseMessage] = [HumanMessage(material.TOOL_QUESTION)]
    answer = bound.invoke(conversation)
    while answer.tool_calls:
        conversation.append(answer)
        for call in answer.tool_calls:
            result = tools[call["name"]].invoke(call)
            said("tool", f"{call['name']}({', '.join(f'{k}={v!r}' for k, v in call['args'].items())}) -> {result.text}")
            conversation.append(result)
        answer = bound.invoke(conversation)
    said("claude", answer.text)


def show_citations(model: ChatPortkey) -> None:
    """A document that Claude may cite, in Anthropic's form, and the citations in LangChain's."""
    step("Citations")
    said("human", f"({material.TIMETABLE}) {material.TIMETABLE_QUESTION}")
    source = {"type": "text", "media_type": "text/plain", "data": material.TIMETABLE}
    document = {"type": "document", "source": source, "title": "Timetable", "citations": {"enabled": True}}
    answer = model.invoke([HumanMessage([{"type": "text", "text": material.TIMETABLE_QUESTION}, document])])
    said("claude", answer.text)
    for block in answer.content_blocks:
        citations: Any = block.get("annotations") or ()
        for citation in citations:
            said("cited", f"{citation.get('title')}: {citation.get('cited_text')}")


def show_search(model: ChatPortkey) -> None:
    """A tool that Anthropic runs by itself."""
    step("A search of the web, run by Anthropic")
    said("human", material.SEARCH_QUESTION)
    try:
        answer = model.bind_tools([material.WEB_SEARCH]).invoke(material.SEARCH_QUESTION)
    except BadRequestError as error:
        note(f"            (not with this account: {error.message})")
        return
    said("claude", " ".join(answer.text.split()))
    note(f"            content: {', '.join(block['type'] for block in answer.content_blocks)}")


def show_object(model: ChatPortkey) -> None:
    """An answer that is bound to a schema, without a tool in between."""
    step("An answer bound to a schema")
    said("human", material.TRIP_QUESTION)
    said(
        "claude", repr(model.with_structured_output(material.Trip, method="json_schema").invoke(material.TRIP_QUESTION))
    )
