"""LlamaIndex: a streamed chat, an image, a cached prompt, an agent with tools and a query, all through ``Portkey``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from llama_index.core import Document, SummaryIndex
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    ChatResponse,
    CitableBlock,
    CitationBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
)

from demo import material
from demo.screen import note, said, said_in_pieces, step, table, title
from portkey_gateway import BadRequestError
from portkey_llamaindex import Portkey


def run(arguments: dict[str, Any]) -> None:
    """Show ``Portkey(**arguments)`` at work."""
    title("LlamaIndex: portkey_llamaindex.Portkey")
    llm = Portkey(**arguments, request_metadata={"app": "portkey-demo"})
    show_stream(llm)
    show_image(llm)
    show_cached_prompt(llm)
    asyncio.run(show_agent(llm))
    show_query(llm)
    show_citations(llm)
    show_search(llm)
    show_object(llm)


def show_stream(llm: Portkey) -> None:
    """A chat, streamed."""
    step("A streamed answer under a system message")
    manner, question = "You tell stories for children.", "Tell me a short story about a bridge."
    said("system", manner)
    said("user", question)
    responses: list[ChatResponse] = []

    def texts() -> Iterator[str]:
        for response in llm.stream_chat([ChatMessage(manner, role=MessageRole.SYSTEM), ChatMessage(question)]):
            responses.append(response)
            yield response.delta or ""

    said_in_pieces("claude", texts())
    usage = (responses[-1].raw or {})["usage"]
    note(f"\n            usage {usage['input_tokens']} in, {usage['output_tokens']} out")


def show_image(llm: Portkey) -> None:
    """An image block."""
    step("An image")
    said("user", material.PICTURE_SAYS)
    blocks = [TextBlock(text=material.PICTURE_QUESTION), ImageBlock(image=material.picture())]
    said("claude", llm.chat([ChatMessage(blocks=blocks)]).message.content or "")


def show_cached_prompt(llm: Portkey) -> None:
    """A ``CachePoint`` after a long system prompt: written on the first call, read on the second."""
    step("A long prompt, cached on the first call and read on the second")
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    system = ChatMessage(role=MessageRole.SYSTEM, blocks=[TextBlock(text=material.house_rules()), point])
    rows: list[tuple[str, ...]] = [material.CACHE_HEADS]
    for number, question in enumerate(material.RULE_QUESTIONS, start=1):
        response = llm.chat([system, ChatMessage(question)])
        said("user", question)
        said("claude", response.message.content or "")
        usage = (response.raw or {})["usage"]
        written, read = usage["cache_write_tokens"], usage["cache_read_tokens"]
        rows.append(material.cache_row(number, usage["input_tokens"], written, read, usage["output_tokens"]))
    note("")
    table(rows)
    note(material.CACHE_NOTE)


async def show_agent(llm: Portkey) -> None:
    """LlamaIndex's own agent, which calls the tools by itself."""
    step("An agent with tools")
    agent = FunctionAgent(llm=llm, tools=[material.get_weather, material.get_population])
    said("user", material.TOOL_QUESTION)
    handler = agent.run(material.TOOL_QUESTION)
    async for event in handler.stream_events():
        if isinstance(event, ToolCallResult):
            arguments = ", ".join(f"{name}={value!r}" for name, value in event.tool_kwargs.items())
            said("tool", f"{event.tool_name}({arguments}) -> {event.tool_output.content}")
    said("claude", str(await handler))


def show_query(llm: Portkey) -> None:
    """A query engine over a small index."""
    step("A query over a small index")
    documents = [
        Document(text="The lighthouse of Hook Head was built in the 13th century."),
        Document(text="The lighthouse of Alexandria stood more than 100 metres tall."),
    ]
    engine = SummaryIndex.from_documents(documents).as_query_engine(llm=llm)
    question = "How tall was the lighthouse of Alexandria?"
    said("user", question)
    said("claude", str(engine.query(question)))


def show_citations(llm: Portkey) -> None:
    """What Claude may cite is a ``CitableBlock``, what it cites a ``CitationBlock``."""
    step("Citations")
    said("user", f"({material.TIMETABLE}) {material.TIMETABLE_QUESTION}")
    found = CitableBlock(
        title="Timetable",
        source="timetable.txt",
        content=[TextBlock(text=line) for line in material.TIMETABLE.splitlines()],
    )
    answer = llm.chat([ChatMessage(blocks=[TextBlock(text=material.TIMETABLE_QUESTION), found])]).message
    said("claude", answer.content or "")
    for block in answer.blocks:
        if isinstance(block, CitationBlock) and isinstance(block.cited_content, TextBlock):
            said("cited", f"{block.title}: {block.cited_content.text}")


def show_search(llm: Portkey) -> None:
    """A tool that Anthropic runs by itself."""
    step("A search of the web, run by Anthropic")
    said("user", material.SEARCH_QUESTION)
    try:
        answer = llm.chat([ChatMessage(material.SEARCH_QUESTION)], tools=[material.WEB_SEARCH])
    except BadRequestError as error:
        note(f"            (not with this account: {error.message})")
        return
    said("claude", " ".join((answer.message.content or "").split()))
    note(f"            other blocks: {', '.join(block['type'] for block in (answer.raw or {})['other_blocks'])}")


def show_object(llm: Portkey) -> None:
    """An answer that is bound to a schema, without a tool in between."""
    step("An answer bound to a schema")
    said("user", material.TRIP_QUESTION)
    said("claude", llm.with_options(response_format=material.Trip).complete(material.TRIP_QUESTION).text)
