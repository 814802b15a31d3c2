"""What was said reaches Claude over either format: in full over ``messages``, else as far as the gateway carries it."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ToolCallBlock,
    VideoBlock,
)
from pydantic import BaseModel

from portkey_gateway import ContentError, PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from tests.llamaindex.media import PDF, PDF_SOURCE, PNG, PNG_SOURCE, TEXT
from tests.llamaindex.received import Received
from tests.llamaindex.ways import ask, chat_way
from tests.support.media import MP4, WAV
from tests.support.recording import RecordingServer, whole

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))
HOUR_POINT = CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h"))
CALL = ToolCallBlock(tool_call_id="toolu_1", tool_name="get_weather", tool_kwargs={"city": "Oslo"})
WIRE_CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}
LONG = "You answer questions about the harbour of a small town by the sea. " * 120
THINKING = {"type": "enabled", "budget_tokens": 1024}
URL_IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
URL_PDF = {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}}
TEXT_DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": TEXT}}


def weather(**schema: Any) -> dict[str, Any]:
    """A tool whose schema says more than chat completions carry."""
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        **schema,
    }
    return {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def told(content: Any, **more: Any) -> ChatMessage:
    return ChatMessage(
        role=MessageRole.TOOL, content=content, additional_kwargs={"tool_call_id": CALL.tool_call_id, **more}
    )


@contextlib.contextmanager
def warned_over_chat_completions(api_format: str, match: str) -> Any:
    """A loss is told where there is one; elsewhere any warning is an error."""
    with pytest.warns(PortkeyWarning, match=match) if api_format == "chat_completions" else contextlib.nullcontext():
        yield


@chat_way
def test_all_of_it_reaches_claude(llm: Portkey, received: Received, api_format: str, way: str) -> None:
    history = [
        ChatMessage(role=MessageRole.SYSTEM, blocks=[TextBlock(text="Be brief."), POINT]),
        ChatMessage(role=MessageRole.DEVELOPER, content="Be kind."),
        ChatMessage(role=MessageRole.USER, blocks=[TextBlock(text="Look"), ImageBlock(image=PNG), POINT]),
        ChatMessage(role=MessageRole.ASSISTANT, blocks=[CALL, POINT]),
        told([TextBlock(text="2"), ImageBlock(image=PNG), POINT]),
        ChatMessage(role=MessageRole.ASSISTANT, content=""),
        ChatMessage(role=MessageRole.USER, content="And?"),
    ]
    ask(llm, way, history, tools=[weather()])
    body = received.latest
    plain = {"type": "image", "source": PNG_SOURCE}
    image = {**plain, "cache_control": MARK}
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": "toolu_1"}
    # Chat completions have no place for a mark on the result itself.
    over_messages = api_format == "messages"
    result |= (
        {"content": [text("2"), plain], "cache_control": MARK} if over_messages else {"content": [text("2"), image]}
    )
    assert body["system"] == [text("Be brief.", cache_control=MARK), text("Be kind.")]
    asked, called, *rest = (message["content"] for message in body["messages"])
    assert asked == [text("Look"), image]
    assert called == [{**WIRE_CALL, "cache_control": MARK}]
    # One side's neighbours are one message over messages, as Claude reads them in any case.
    assert rest == ([[result, text("And?")]] if over_messages else [[result], "And?"])


@pytest.mark.parametrize(("block", "arrives"), [
    (ImageBlock(url="https://example.org/a.png"), URL_IMAGE),
    (DocumentBlock(url="https://example.org/a.pdf"), URL_PDF),
    (DocumentBlock(data=TEXT.encode(), document_mimetype="text/plain"), TEXT_DOCUMENT),
], ids=["linked image", "linked document", "text"])  # fmt: skip
def test_a_mark_arrives_or_its_loss_is_told(
    llm: Portkey, received: Received, api_format: str, block: Any, arrives: dict[str, Any]
) -> None:
    with warned_over_chat_completions(api_format, r"drops cache_control on messages\[0\]\.content\[0\]"):
        llm.chat([ChatMessage([block, POINT, TextBlock(text="What is it?")])])
    marked = {**arrives, "cache_control": MARK} if api_format == "messages" else arrives
    assert received.content == [marked, text("What is it?")]


def test_a_mark_on_an_image_that_is_fetched_is_kept(llm: Portkey, server: RecordingServer, received: Received) -> None:
    server.reply(whole(PNG, headers={"content-type": "image/png"}))
    block = ImageBlock(url=f"{server.base_url}/a.png")
    asked = ChatMessage([block, POINT, TextBlock(text="What is it?")])
    llm.chat([asked], inline_images=True, inline_from=["127.0.0.1"])
    assert received.content[0] == {"type": "image", "source": PNG_SOURCE, "cache_control": MARK}


@pytest.mark.parametrize("block", [AudioBlock(audio=WAV), VideoBlock(video=MP4)])
def test_what_no_claude_takes_is_an_error_that_names_it(llm: Portkey, received: Received, block: Any) -> None:
    kind = block.block_type
    with pytest.raises(ContentError, match=rf"messages\[0\]\.content\[0\] is a block of type '{kind}'.*Claude"):
        llm.chat([ChatMessage([block, TextBlock(text="What is it?")])])
    assert received.bodies == []


def test_a_title_arrives_or_its_loss_is_told(llm: Portkey, received: Received, api_format: str) -> None:
    with warned_over_chat_completions(api_format, r"drops title of messages\[0\]\.content\[0\]"):
        llm.chat([ChatMessage([DocumentBlock(data=PDF, title="Report"), TextBlock(text="What does it say?")])])
    title = {"title": "Report"} if api_format == "messages" else {}
    assert received.content[0] == {"type": "document", "source": PDF_SOURCE, **title}


def test_a_title_in_a_tool_result_arrives(llm: Portkey, received: Received) -> None:
    shown = told([DocumentBlock(data=PDF, title="Report")])
    llm.chat([ChatMessage("Read"), ChatMessage(role=MessageRole.ASSISTANT, blocks=[CALL]), shown], tools=[weather()])
    [result] = received.content
    assert result["content"] == [{"type": "document", "source": PDF_SOURCE, "title": "Report"}]


def test_an_hour_in_the_cache_arrives_over_messages_and_is_counted(
    llm: Portkey, received: Received, api_format: str
) -> None:
    system = ChatMessage(role=MessageRole.SYSTEM, blocks=[TextBlock(text=LONG), HOUR_POINT])
    response: Any = llm.chat([system, ChatMessage("How deep is it?")])
    usage = response.raw["usage"]
    over_messages = api_format == "messages"
    assert received.latest["system"][-1]["cache_control"] == (HOUR if over_messages else MARK)
    assert usage["cache_write_tokens"] > 1024
    assert usage["cache_write_1h_tokens"] == (usage["cache_write_tokens"] if over_messages else 0)
    assert response.additional_kwargs["cache_write_1h_tokens"] == usage["cache_write_1h_tokens"]


@chat_way
def test_thinking_is_counted_over_messages(llm: Portkey, api_format: str, way: str) -> None:
    response = ask(llm, way, "Please say: ahoy", thinking=THINKING, max_tokens=2000)
    usage = response.raw["usage"]
    counted = api_format == "messages"
    assert (0 < usage["reasoning_tokens"] < usage["output_tokens"]) if counted else (usage["reasoning_tokens"] == 0)
    assert response.additional_kwargs["reasoning_tokens"] == usage["reasoning_tokens"]


def test_one_call_at_a_time_is_asked_for_over_messages(llm: Portkey, received: Received, api_format: str) -> None:
    llm.chat([ChatMessage("What is the weather in Oslo?")], tools=[weather()], parallel_tool_calls=False)
    one_call = {"type": "auto", "disable_parallel_tool_use": True}
    assert received.latest.get("tool_choice") == (one_call if api_format == "messages" else None)


def test_a_schema_arrives_as_it_is_over_messages(llm: Portkey, received: Received, api_format: str) -> None:
    city = {"type": "string", "minLength": 1}
    more = {"properties": {"city": city, "other": {"$ref": "#/$defs/Other"}}, "$defs": {"Other": {"type": "integer"}}}
    llm.chat([ChatMessage("Hi")], tools=[weather(**more, additionalProperties=False)])
    [tool] = received.latest["tools"]
    sent = {"type": "object", "required": ["city"], **more}
    assert tool["input_schema"] == (sent | {"additionalProperties": False} if api_format == "messages" else sent)


@chat_way
def test_citations_follow_the_text_that_rests_on_them(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    place = {"type": "char_location", "document_index": 0, "document_title": "Log", "start_char_index": 0}
    cited = {**place, "end_char_index": 4, "cited_text": "calm"}
    sandbox.claude.reply_with({"type": "text", "text": "It was calm.", "citations": [cited]})
    said, citation = ask(llm, way, "How was the sea?").message.blocks
    assert said == TextBlock(text="It was calm.")
    assert (citation.cited_content.text, citation.source) == ("calm", "Log")


class Town(BaseModel):
    """A town."""

    name: str
    people: int


@pytest.mark.parametrize("form", [Town, Town.model_json_schema()], ids=["class", "schema"])
@pytest.mark.parametrize("where", ["call", "constructor"])
def test_a_form_of_the_answer_binds_it(sandbox: Sandbox, form: Any, where: str) -> None:
    llm = Portkey(model=sandbox.model, max_retries=0, **sandbox.options(), api_format="messages")
    asked = "name: Lisbon, people: 545000"
    if where == "call":
        text = llm.complete(asked, response_format=form).text
    else:
        text = llm.with_options(response_format=form).complete(asked).text
    assert Town.model_validate_json(text) == Town(name="Lisbon", people=545000)
