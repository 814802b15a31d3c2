"""``PortkeyPromptTemplate``: a prompt of the library in LlamaIndex, through the real gateway."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from llama_index.core import Document, SummaryIndex
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from portkey_gateway import ContentError, MissingVariablesError, NotFoundError, PortkeyError, PortkeyWarning
from portkey_gateway.errors import InvalidResponseError
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_llamaindex import PortkeyPromptTemplate
from portkey_llamaindex.plain import plain
from portkey_llamaindex.prompt_messages import decode_messages

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

VALUES: dict[str, Any] = {"company": "ACME", "mood": "kind", "question": "Where is it?"}
NAMES = {"query_str": "question", "context_str": "context"}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"


class City(BaseModel):
    name: str
    population: int


def make(library: Sandbox, prompt_id: str = "pp-support", **more: Any) -> PortkeyPromptTemplate:
    return PortkeyPromptTemplate(prompt_id, max_retries=0, **library.account(), **more)


def asked(library: Sandbox) -> int:
    return len(library.control_plane.requests)


Fill = Callable[..., list[ChatMessage]]


def fill(template: PortkeyPromptTemplate, **values: Any) -> list[ChatMessage]:
    return template.format_messages(**values)


def afill(template: PortkeyPromptTemplate, **values: Any) -> list[ChatMessage]:
    return asyncio.run(template.aformat_messages(**values))


twins = pytest.mark.parametrize("fill", [fill, afill], ids=["sync", "async"])


@twins
def test_a_template_fills_in_messages(library: Sandbox, fill: Fill) -> None:
    system, question = fill(make(library), **VALUES)

    assert (system.role, system.content) == (MessageRole.SYSTEM, "You answer for ACME. Be kind.")
    assert (question.role, question.content) == (MessageRole.USER, "Where is it?")


@twins
def test_missing_variables_are_named(library: Sandbox, fill: Fill) -> None:
    with pytest.raises(MissingVariablesError, match="needs 'mood', 'question' too"):
        fill(make(library), company="ACME")
    with pytest.raises(MissingVariablesError, match="needs 'draft' too"):
        fill(make(library, "pp-support@staging", template_vars=["draft"]))
    with pytest.raises(NotFoundError, match="Prompt pp-none not found"):
        fill(make(library, "pp-none"))


def test_the_library_is_asked_only_when_something_is_needed_of_it(library: Sandbox) -> None:
    template = make(library, cache_seconds=60)
    for each in (copy.copy(template), copy.deepcopy(template), pickle.loads(pickle.dumps(template))):
        repr(each)
        each.model_dump()
        each.partial_format(mood="kind")
    assert asked(library) == 0

    assert template.template_vars == ["company", "mood", "question"]
    assert "You answer for {{company}}" in template.get_template()
    assert asked(library) == 1
    template.format_messages(**VALUES)
    assert "You answer for ACME. Be kind." in template.partial_format(company="ACME", mood="kind").format(
        question="Where is it?"
    )
    assert asked(library) == 2


@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
@pytest.mark.parametrize("streaming", [False, True])
def test_a_query_engine_asks_by_a_stored_prompt(library: Sandbox, api_format: str, streaming: bool) -> None:
    template = make(library, "pp-answer", template_var_mappings=NAMES, cache_seconds=60, api_format=api_format)
    index = SummaryIndex.from_documents([Document(text="The parcel is in Kiel.")])
    engine = index.as_query_engine(llm=template.llm(), text_qa_template=template, streaming=streaming)

    text = str(engine.query("Where is the parcel?"))

    assert "The parcel is in Kiel." in text
    [received] = library.claude.requests
    assert received.body["messages"][-1]["content"] == "---\nThe parcel is in Kiel.\n---\nWhere is the parcel?"
    assert received.body["max_tokens"] == 256


async def test_an_async_query_engine_asks_by_a_stored_prompt(library: Sandbox) -> None:
    template = make(library, "pp-answer", template_var_mappings=NAMES)
    index = SummaryIndex.from_documents([Document(text="The parcel is in Kiel.")])

    answer = await index.as_query_engine(llm=await template.allm(), text_qa_template=template).aquery("Where is it?")

    assert "The parcel is in Kiel." in str(answer)


def test_objects_are_predicted_by_a_stored_prompt(library: Sandbox) -> None:
    template = make(library, "pp-answer")
    values: dict[str, Any] = {"context": "", "question": "Which city is in the text? name: Lisbon, population: 545000"}

    assert template.llm().structured_predict(City, template, **values) == City(name="Lisbon", population=545000)
    with pytest.raises(MissingVariablesError):
        template.llm().structured_predict(City, template, context="")


@pytest.mark.parametrize("mode", [PydanticProgramMode.LLM, PydanticProgramMode.DEFAULT])
def test_the_prompts_own_tools_are_not_called_in_the_place_of_an_object(
    library: Sandbox, mode: PydanticProgramMode
) -> None:
    template = make(library, "pp-forecast")
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    llm = template.llm(pydantic_program_mode=mode, thinking=thinking, max_tokens=2000)
    assert isinstance(llm.structured_predict(City, template, city="Oslo"), City)
    assert library.claude.requests[-1].body["tool_choice"] == {"type": "none"}


def test_the_prompts_own_model_and_parameters(library: Sandbox) -> None:
    llm = make(library, overrides={"max_tokens": 77}, trace_id="order-4711").llm(temperature=0.9)

    assert (llm.model, llm.max_tokens, llm.temperature) == ("claude-sonnet-4-6", 77, 0.9)
    assert (llm.provider, llm.base_url, llm.trace_id) == ("@anthropic", library.base_url, "order-4711")


@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
def test_tools_earlier_turns_images_and_cache_marks_in_a_prompt(library: Sandbox, api_format: str) -> None:
    forecast = make(library, "pp-forecast", api_format=api_format)
    picture = make(library, "pp-picture", api_format=api_format)

    forecast.llm().chat(forecast.format_messages(city="Oslo"))
    picture.llm().predict(picture, rules="Be brief.", picture=f"data:image/png;base64,{PIXEL}")

    with_tools, with_image = (request.body for request in library.claude.requests)
    assert [tool["name"] for tool in with_tools["tools"]] == ["get_weather"]
    assert with_tools["messages"][1]["content"][0]["input"] == {"city": "Kiel"}
    assert with_tools["messages"][2]["content"][0]["tool_use_id"] == "call_1"
    assert with_image["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert with_image["messages"][0]["content"][1]["source"]["data"] == PIXEL


@twins
def test_a_library_that_is_down(library: Sandbox, fill: Fill) -> None:
    sure, unsure = make(library, stale_if_down=True), make(library)
    filled = fill(sure, **VALUES)
    library.control_plane.inject(Fault("status", status=503, message="Out of order", times=99))

    with pytest.warns(PortkeyWarning, match="library is down"):
        assert fill(sure, **VALUES) == filled
    with pytest.raises(PortkeyError, match="Out of order"):
        fill(unsure, **VALUES)


def test_keys_are_in_nothing_that_is_written() -> None:
    headers = {"x-header-key": "header-secret"}
    template = PortkeyPromptTemplate(
        "pp-1",
        base_url="http://127.0.0.1:1/v1",
        api_key="pk-secret",
        default_headers=headers,
        config={"api_key": "c-secret"},
    )

    for shown in (repr(template), str(template.model_dump()), template.model_dump_json(), str(plain(template))):
        assert "secret" not in shown
    assert plain(template) == "pp-1"


def test_every_block_has_its_own() -> None:
    decoded: Any = decode_messages(
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                    {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
                    {"type": "file", "file": {"file_data": "JVBERi0xLjQK", "filename": "a.pdf"}},
                    {"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm", "signature": "s"},
                    {"type": "tool_use", "id": "a", "name": "look", "input": {"at": "it"}},
                ],
                "tool_calls": [{"id": "b", "type": "function", "function": {"name": "go", "arguments": '{"to": 1}'}}],
            },
            {"role": "tool", "tool_call_id": "b", "content": "Gone."},
        ]
    )
    user, assistant, tool = decoded

    kinds = [block.block_type for block in user.blocks]
    assert kinds == ["text", "cache", "image", "image", "document", "document"]
    assert user.blocks[1].cache_control.ttl == "1h"
    assert (str(user.blocks[2].url), user.blocks[2].detail) == ("https://a.example/b.png", "low")
    assert user.blocks[4].title == "a.pdf"
    assert [block.block_type for block in assistant.blocks] == ["thinking", "tool_call", "tool_call"]
    assert [block.tool_kwargs for block in assistant.blocks[1:]] == [{"at": "it"}, {"to": 1}]
    assert tool.additional_kwargs == {"tool_call_id": "b"}


@pytest.mark.parametrize(
    ("message", "error", "text"),
    [
        ({"role": "oracle", "content": "Hm"}, InvalidResponseError, r"messages\[0\] has the role 'oracle'"),
        (
            {"role": "user", "content": [{"type": "poem"}]},
            ContentError,
            r"messages\[0\].content\[0\] is of type 'poem'",
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]},
            ContentError,
            "is an uploaded file",
        ),
    ],
)
def test_what_llamaindex_has_nothing_for(message: dict[str, Any], error: type[PortkeyError], text: str) -> None:
    with pytest.raises(error, match=text):
        decode_messages([message])
