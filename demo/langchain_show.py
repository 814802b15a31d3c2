"""LangChain: a streamed chain, an image, a cached prompt and a tool loop, all through ``ChatPortkey``."""

from __future__ import annotations

import base64
import io
import uuid
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from PIL import Image

from demo.screen import begin, grow, note, said, step, table, title
from portkey_langchain import ChatPortkey

# Anthropic's price of input tokens, by what the prompt cache did with them (docs, "Prompt caching": 5-minute cache).
CACHE_WRITE_PRICE = 1.25
CACHE_READ_PRICE = 0.1


def run(arguments: dict[str, Any]) -> None:
    """Show ``ChatPortkey(**arguments)`` at work."""
    title("LangChain: portkey_langchain.ChatPortkey")
    model = ChatPortkey(**arguments, metadata={"app": "portkey-demo"})
    show_stream(model)
    show_image(model)
    show_cached_prompt(model)
    show_tools(model)


def show_stream(model: ChatPortkey) -> None:
    """A prompt template and the model, streamed."""
    step("A streamed answer under a system message")
    chain = ChatPromptTemplate.from_messages([("system", "{manner}"), ("human", "{question}")]) | model
    question = {"manner": "You tell stories for children.", "question": "Tell me a short story about a lighthouse."}
    said("system", question["manner"])
    said("human", question["question"])
    begin("claude")
    whole: AIMessageChunk | None = None
    for chunk in chain.stream(question):
        assert isinstance(chunk, AIMessageChunk)  # noqa: S101 for the type checker: a model streams chunks
        grow(chunk.text)
        whole = chunk if whole is None else whole + chunk
    assert whole is not None  # noqa: S101 as above: a stream that ends well has a last chunk
    note("")
    note(f"\n            finish_reason {whole.response_metadata['finish_reason']}, usage {_usage(whole)}")


def show_image(model: ChatPortkey) -> None:
    """A picture made on the spot, so that what the model sees can be checked."""
    step("An image")
    size, colour = (320, 180), (220, 20, 60)
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    picture = {"type": "image", "base64": base64.b64encode(file.getvalue()).decode(), "mime_type": "image/png"}
    said("human", f"(a {size[0]} x {size[1]} PNG, filled with crimson #dc143c) What do you see?")
    message = HumanMessage([{"type": "text", "text": "What do you see? Give its size and colour."}, picture])
    said("claude", model.invoke([message]).text)


def show_cached_prompt(model: ChatPortkey) -> None:
    """The same long system prompt twice: written to Anthropic's prompt cache, then read from it."""
    step("A long prompt, cached on the first call and read on the second")
    # A number of its own, so that no earlier run has it in the cache.
    rules = "\n".join(f"Rule {number} of the house: keep answer {number} short." for number in range(1, 401))
    system = SystemMessage(
        [{"type": "text", "text": f"House {uuid.uuid4()}.\n{rules}", "cache_control": {"type": "ephemeral"}}]
    )
    rows: list[tuple[str, ...]] = [("call", "input", "written", "read", "output", "price of the input")]
    for number, question in enumerate(("What is rule 7?", "What is rule 12?"), start=1):
        answer = model.invoke([system, HumanMessage(question)])
        said("human", question)
        said("claude", answer.text)
        rows.append((f"{number}.", *_cache_figures(answer)))
    note("")
    table(rows)
    note("\n            (tokens from usage_metadata; the price is relative to the same prompt without a cache)")


def show_tools(model: ChatPortkey) -> None:
    """Offer two tools, run what the model calls, and hand the results back until it answers in words."""
    step("A tool loop")

    @tool
    def get_weather(city: str) -> str:
        """Get today's weather in a city."""
        return {"Paris": "18 degrees, sunny", "Oslo": "4 degrees, snow"}.get(city, "unknown")

    @tool
    def get_population(city: str) -> str:
        """Get the number of people who live in a city."""
        return {"Paris": "2.1 million", "Oslo": "0.7 million"}.get(city, "unknown")

    tools = {offered.name: offered for offered in (get_weather, get_population)}
    bound = model.bind_tools(list(tools.values()))
    question = "What is the weather in Paris and in Oslo?"
    said("human", question)
    conversation: list[BaseMessage] = [HumanMessage(question)]
    answer = bound.invoke(conversation)
    while answer.tool_calls:
        conversation.append(answer)
        for call in answer.tool_calls:
            result = tools[call["name"]].invoke(call)
            said("tool", f"{call['name']}({', '.join(f'{k}={v!r}' for k, v in call['args'].items())}) -> {result.text}")
            conversation.append(result)
        answer = bound.invoke(conversation)
    said("claude", answer.text)


def _usage(message: AIMessage) -> str:
    usage = message.usage_metadata
    return f"{usage['input_tokens']} in, {usage['output_tokens']} out" if usage else "unknown"


def _cache_figures(message: AIMessage) -> tuple[str, ...]:
    usage = message.usage_metadata
    if usage is None:
        return ("unknown",) * 5
    details = usage.get("input_token_details", {})
    written, read = details.get("cache_creation") or 0, details.get("cache_read") or 0
    plain = usage["input_tokens"] - written - read
    price = (plain + written * CACHE_WRITE_PRICE + read * CACHE_READ_PRICE) / usage["input_tokens"]
    return (*map(str, (usage["input_tokens"], written, read, usage["output_tokens"])), f"{price:.0%}")
