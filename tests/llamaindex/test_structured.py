"""Objects of a schema, where LlamaIndex leaves gaps: streams that force no tool, models that think, other programs."""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from portkey_llamaindex.program import ObjectProgram
from tests.llamaindex.received import Received, choice
from tests.llamaindex.ways import CHAT, call, each_of

PROMPT = PromptTemplate("Who wrote about {topic}? The author is Ada.")
THINKING = {"type": "enabled", "budget_tokens": 1024}

streaming = pytest.mark.parametrize("way", ["stream_structured_predict", "astream_structured_predict"])
every_prediction = pytest.mark.parametrize(
    "way",
    ["structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict"],
)


ContentT = TypeVar("ContentT")


class Book(BaseModel):
    """A book."""

    title: str
    author: str


class Draft(BaseModel):
    """A book that nobody needs to know anything of."""

    title: str = ""
    author: str = ""


class Tree(BaseModel):
    """Something that holds others of its kind."""

    name: str
    parts: list[Tree]


class Box(BaseModel, Generic[ContentT]):
    """A box."""

    content: ContentT


def is_bound(received: Received) -> bool:
    return "format" in (received.latest.get("output_config") or {})


def is_told_in_words(received: Received) -> bool:
    return any("JSON schema" in block["text"] for block in received.latest.get("system") or ())


def grows_to_an_error(llm: Portkey, way: str, output_cls: type[BaseModel], *, match: str, **asked: Any) -> list[Any]:
    """Ask for an object that comes to no end, and return what was shown of it before the error."""
    grown: list[Any] = []
    options = {"max_tokens": 2000, **asked}
    with pytest.raises(ValueError, match=match):
        each_of(grown.append, getattr(llm, way), output_cls, PROMPT, topic="engines", llm_kwargs=options)
    return grown


@every_prediction
def test_the_tool_is_forced(llm: Portkey, received: Received, api_format: str, way: str) -> None:
    *_, book = call(getattr(llm, way), Book, PROMPT, topic="engines")
    assert isinstance(book, Book)
    assert book.author == "Ada"
    assert received.latest["tool_choice"] == choice("any", api_format)
    # Chat completions cannot ask for it.
    assert received.latest["tools"][0].get("strict") == (True if api_format == "messages" else None)


@every_prediction
@pytest.mark.parametrize("per_call", [True, False])
def test_a_model_that_thinks_is_bound_to_the_schema_or_asked_in_words(
    llm: Portkey, received: Received, *, api_format: str, way: str, per_call: bool
) -> None:
    options: dict[str, Any] = {"thinking": THINKING, "max_tokens": 2000}
    model = llm if per_call else llm.with_options(**options)
    kwargs = {"llm_kwargs": options} if per_call else {}
    *_, book = call(getattr(model, way), Book, PROMPT, topic="engines", **kwargs)
    assert isinstance(book, Book)
    assert book.author == "Ada"
    assert received.latest["thinking"] == THINKING
    assert "tools" not in received.latest
    # Chat completions of the open-source gateway carry no schema.
    assert is_bound(received) == (api_format == "messages")
    assert is_told_in_words(received) == (api_format == "chat_completions")


@every_prediction
@pytest.mark.parametrize("name", ["claude-opus-5-5", "claude-sonnet-5-5"])
def test_the_newest_take_no_forced_tool(
    llm: Portkey, received: Received, *, api_format: str, way: str, name: str
) -> None:
    *_, book = call(getattr(llm.with_options(model=name), way), Book, PROMPT, topic="engines")
    assert book.author == "Ada"
    assert is_bound(received) == (api_format == "messages")


@every_prediction
def test_a_schema_that_does_not_bind_is_told_in_words(
    llm: Portkey, sandbox: Sandbox, received: Received, way: str
) -> None:
    sandbox.claude.reply_with('{"name": "root", "parts": [{"name": "leaf", "parts": []}]}')
    *_, tree = call(
        getattr(llm, way), Tree, PROMPT, topic="trees", llm_kwargs={"thinking": THINKING, "max_tokens": 2000}
    )
    assert tree == Tree(name="root", parts=[Tree(name="leaf", parts=[])])
    assert not is_bound(received)
    assert is_told_in_words(received)


@every_prediction
def test_the_wish_stands_behind_the_system_messages(
    llm: Portkey, sandbox: Sandbox, received: Received, way: str
) -> None:
    sandbox.claude.reply_with('Here it is:\n```json\n{"title": "Notes", "author": "Ada"}\n```')
    worded = llm.with_options(pydantic_program_mode=PydanticProgramMode.LLM, system_prompt="Be brief.")
    asked = ChatPromptTemplate([ChatMessage("Be kind.", role="developer"), ChatMessage("A book about {topic}")])
    *_, book = call(getattr(worded, way), Book, asked, topic="engines")
    assert book == Book(title="Notes", author="Ada")
    first, second, wish = (block["text"] for block in received.latest["system"])
    assert (first, second) == ("Be brief.", "Be kind.")
    assert '"author"' in wish


@every_prediction
@pytest.mark.parametrize("asked", [{}, {"thinking": THINKING}], ids=["tool", "schema or words"])
def test_an_answer_that_max_tokens_cut_is_an_error(
    llm: Portkey, sandbox: Sandbox, *, way: str, asked: dict[str, Any]
) -> None:
    thinks = bool(asked)
    said: Any = '{"title": "No' if thinks else {"type": "tool_use", "name": "Draft", "input": {"title": "No"}}
    sandbox.claude.reply_with(said, stop_reason="max_tokens")
    grown = grows_to_an_error(llm, way, Draft, match="no whole Draft: it was cut off", **asked)
    assert [each.title for each in grown][-1:] == (["No"] if "stream" in way else [])


@every_prediction
@pytest.mark.parametrize("asked", [{}, {"thinking": THINKING}], ids=["tool", "schema or words"])
def test_a_refusal_is_an_error(llm: Portkey, sandbox: Sandbox, way: str, asked: dict[str, Any]) -> None:
    sandbox.claude.reply_with(stop_reason="refusal")
    assert grows_to_an_error(llm, way, Draft, match="no whole Draft: it was broken off by a refusal", **asked) == []


@every_prediction
@pytest.mark.parametrize(("asked", "why"), [
    ({}, "called no tool; it said: 'I would rather not"),
    ({"thinking": THINKING}, "the answer is no Draft: Could not extract json"),
], ids=["tool", "schema or words"])  # fmt: skip
def test_an_answer_in_words_is_an_error(
    llm: Portkey, sandbox: Sandbox, *, way: str, asked: dict[str, Any], why: str
) -> None:
    sandbox.claude.reply_with("I would rather not.")
    assert grows_to_an_error(llm, way, Draft, match=why, **asked) == []


@every_prediction
def test_an_object_that_lacks_something_is_an_error(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    sandbox.claude.reply_with({"type": "tool_use", "name": "Book", "input": {"title": "Notes"}})
    grown = grows_to_an_error(llm, way, Book, match="the answer is no Book: 1 validation error")
    assert all(each.author is None for each in grown)


@every_prediction
def test_a_generic_has_a_name_that_no_provider_takes(llm: Portkey, received: Received, way: str) -> None:
    *_, box = call(getattr(llm, way), Box[int], PromptTemplate("Put {number} into the box"), number=7)
    assert box == Box[int](content=7)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", received.latest["tools"][0]["name"])


@every_prediction
def test_the_tool_is_chosen_by_name_where_the_model_has_others(llm: Portkey, received: Received, way: str) -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    searching = llm.with_options(additional_kwargs={"tools": [search]})
    *_, book = call(getattr(searching, way), Book, PROMPT, topic="engines")
    assert book.author == "Ada"
    assert received.latest["tool_choice"]["name"] == "Book"


def test_another_program_is_llamaindex_s_own(llm: Portkey) -> None:
    # It asks for a package of its own, which is not installed here.
    with pytest.raises(ImportError, match="lmformatenforcer"):
        llm.with_options(pydantic_program_mode=PydanticProgramMode.LM_FORMAT_ENFORCER).structured_predict(Book, PROMPT)


def test_a_program_knows_its_class(llm: Portkey) -> None:
    assert ObjectProgram(llm, Book, PROMPT, "words").output_cls is Book


def test_an_unread_stream_is_closed(llm: Portkey, sandbox: Sandbox) -> None:
    title = "Notes on the engine, and on much else that came to mind while writing"
    sandbox.claude.reply_with({"type": "tool_use", "name": "Book", "input": {"title": title, "author": "Ada"}})
    books = llm.stream_structured_predict(Book, PROMPT, topic="engines")
    assert next(books)
    books.close()


@pytest.mark.filterwarnings("ignore:The `json` method is deprecated")
@pytest.mark.parametrize("way", CHAT)
def test_a_structured_llm_that_thinks(llm: Portkey, received: Received, api_format: str, way: str) -> None:
    thinking = llm.with_options(thinking=THINKING, max_tokens=2000)
    *_, response = call(getattr(thinking.as_structured_llm(Book), way), [ChatMessage("A book? The author is Ada.")])
    assert response.raw.author == "Ada"
    assert is_bound(received) == (api_format == "messages")


@pytest.mark.filterwarnings("ignore:The `json` method is deprecated")
@pytest.mark.parametrize("way", CHAT)
def test_a_structured_llm_never_passes_half_an_object_for_a_whole(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    sandbox.claude.reply_with({"type": "tool_use", "name": "Draft", "input": {"title": "No"}}, stop_reason="max_tokens")
    with pytest.raises(ValueError, match="no whole Draft"):
        call(getattr(llm.as_structured_llm(Draft), way), [ChatMessage("A book?")])


@streaming
def test_a_program_of_llamaindex_s_own_streams(llm: Portkey, way: str) -> None:
    program = FunctionCallingProgram.from_defaults(Book, prompt=PROMPT, llm=llm)
    stream = {"stream_structured_predict": program.stream_call, "astream_structured_predict": program.astream_call}[way]
    *_, book = call(stream, topic="engines", llm_kwargs={"tool_choice": "required"})
    assert book


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
