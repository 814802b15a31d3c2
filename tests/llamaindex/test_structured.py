"""Objects of a schema, where LlamaIndex leaves gaps: streams that force no tool, models that think, other programs."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from tests.llamaindex.received import Received, choice
from tests.llamaindex.ways import call

PROMPT = PromptTemplate("Who wrote about {topic}? The author is Ada.")
THINKING = {"type": "enabled", "budget_tokens": 1024}

streaming = pytest.mark.parametrize("way", ["stream_structured_predict", "astream_structured_predict"])
every_prediction = pytest.mark.parametrize(
    "way",
    ["structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict"],
)


class Book(BaseModel):
    """A book."""

    title: str
    author: str


@every_prediction
def test_the_tool_is_forced(llm: Portkey, received: Received, api_format: str, way: str) -> None:
    *_, book = call(getattr(llm, way), Book, PROMPT, topic="engines")
    assert isinstance(book, Book)
    assert book.author == "Ada"
    assert received.latest["tool_choice"] == choice("any", api_format)


@every_prediction
@pytest.mark.parametrize("per_call", [True, False])
def test_a_model_that_thinks_may_choose(
    llm: Portkey, sandbox: Sandbox, received: Received, *, api_format: str, way: str, per_call: bool
) -> None:
    sandbox.claude.reply_with(
        {"type": "thinking", "thinking": "A book."},
        {"type": "tool_use", "name": "Book", "input": {"title": "Notes", "author": "Ada"}},
    )
    options: dict[str, Any] = {"thinking": THINKING, "max_tokens": 2000}
    model = llm if per_call else llm.with_options(**options)
    kwargs = {"llm_kwargs": options} if per_call else {}
    *_, book = call(getattr(model, way), Book, PROMPT, topic="engines", **kwargs)
    assert book == Book(title="Notes", author="Ada")
    assert received.latest["tool_choice"] == choice("auto", api_format)
    assert received.latest["thinking"] == THINKING


@every_prediction
@pytest.mark.parametrize("how", [
    {"pydantic_program_mode": PydanticProgramMode.LLM},
    {"is_function_calling_model": False},
])  # fmt: skip
def test_a_model_may_be_asked_for_json_in_words(
    llm: Portkey, sandbox: Sandbox, received: Received, way: str, how: dict[str, Any]
) -> None:
    sandbox.claude.reply_with('{"title": "Notes", "author": "Ada"}')
    *_, book = call(getattr(llm.with_options(**how), way), Book, PROMPT, topic="engines")
    assert book == Book(title="Notes", author="Ada")
    assert "tools" not in received.latest


@streaming
def test_the_function_program_may_be_named(llm: Portkey, received: Received, api_format: str, way: str) -> None:
    named = llm.with_options(pydantic_program_mode=PydanticProgramMode.FUNCTION)
    *_, book = call(getattr(named, way), Book, PROMPT, topic="engines")
    assert book.author == "Ada"
    assert received.latest["tool_choice"] == choice("any", api_format)


@streaming
def test_objects_grow(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    title = "Notes on the engine, and on much else that came to mind while writing"
    sandbox.claude.reply_with({"type": "tool_use", "name": "Book", "input": {"title": title, "author": "Ada"}})
    books = call(getattr(llm, way), Book, ChatPromptTemplate([ChatMessage("A book")]))
    titles = [book.title for book in books if book.title]
    assert all(title.startswith(part) for part in titles)
    assert len(set(titles)) > 3
    assert books[-1] == Book(title=title, author="Ada")
