"""One conversation with every kind of block: what the user wrote is, field by field, what Claude received."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from langchain_core.tools import tool

from portkey_gateway import PortkeyWarning
from portkey_gateway.sandbox.claude.signatures import seal, sign
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.langchain.media import MARK, PDF64, PDF_SOURCE, PDF_URL, PNG64, PNG_SOURCE, PNG_URL, TEXT

Received = Callable[[], dict[str, Any]]

IMAGE_LINK = "https://example.org/a.png"
PDF_LINK = "https://example.org/a.pdf"
THOUGHT = {"type": "thinking", "thinking": "Two places.", "signature": sign("Two places.")}
REDACTED = {"type": "redacted_thinking", "data": seal("Nothing to see.")}
LINKED_IMAGE = {"type": "image", "source": {"type": "url", "url": IMAGE_LINK}}
LINKED_PDF = {"type": "document", "source": {"type": "url", "url": PDF_LINK}}
TEXT_SOURCE = {"type": "text", "media_type": "text/plain", "data": TEXT}
CALL_A = {"type": "tool_use", "id": "toolu_a", "name": "look", "input": {"at": "the Grüße 👋", "times": 2}}
CALL_B = {"type": "tool_use", "id": "toolu_b", "name": "look", "input": {"at": '{"nested": [1, 2]}'}}


@tool
def look(at: str, times: int = 1) -> None:
    """Look at something."""


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def image(**more: Any) -> dict[str, Any]:
    return {"type": "image", "source": PNG_SOURCE, **more}


def pdf(**more: Any) -> dict[str, Any]:
    return {"type": "document", "source": PDF_SOURCE, **more}


def called(call: dict[str, Any]) -> Any:
    return {"name": call["name"], "args": call["input"], "id": call["id"], "type": "tool_call"}


def result(call: dict[str, Any], content: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call["id"], "content": content}


# By the form of its blocks, what a user shows and what Claude has to see of it.
SHOWN: dict[str, tuple[list[Any], list[dict[str, Any]]]] = {
    "LangChain's standard blocks": (
        [
            "What is in these?",
            text("Look closely.", extras={"cache_control": MARK}),
            {"type": "image", "base64": PNG64, "mime_type": "image/png"},
            {"type": "image", "url": IMAGE_LINK},
            {"type": "file", "base64": PDF64, "mime_type": "application/pdf", "extras": {"cache_control": MARK}},
            {"type": "file", "url": PDF_LINK, "mime_type": "application/pdf"},
            {"type": "text-plain", "text": TEXT, "mime_type": "text/plain"},
        ],
        [
            text("What is in these?"),
            text("Look closely.", cache_control=MARK),
            image(),
            LINKED_IMAGE,
            pdf(cache_control=MARK),
            LINKED_PDF,
            {"type": "document", "source": TEXT_SOURCE},
        ],
    ),
    "LangChain's older blocks": (
        [
            {"type": "image", "source_type": "base64", "data": PNG64, "mime_type": "image/png", "cache_control": MARK},
            {"type": "image", "source_type": "url", "url": IMAGE_LINK},
            {"type": "file", "source_type": "base64", "data": PDF64, "mime_type": "application/pdf"},
            {"type": "file", "source_type": "url", "url": PDF_LINK, "mime_type": "application/pdf"},
        ],
        [image(cache_control=MARK), LINKED_IMAGE, pdf(), LINKED_PDF],
    ),
    "OpenAI's blocks": (
        [
            text("What is in these?", cache_control=MARK),
            {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "high"}, "cache_control": MARK},
            {"type": "image_url", "image_url": {"url": IMAGE_LINK}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF_URL}},
        ],
        [text("What is in these?", cache_control=MARK), image(cache_control=MARK), LINKED_IMAGE, pdf()],
    ),
    "Anthropic's blocks": (
        [
            text("What is in these?"),
            image(cache_control=MARK),
            LINKED_IMAGE,
            pdf(cache_control=MARK),
            LINKED_PDF,
            {"type": "document", "source": TEXT_SOURCE},
        ],
        [
            text("What is in these?"),
            image(cache_control=MARK),
            LINKED_IMAGE,
            pdf(cache_control=MARK),
            LINKED_PDF,
            {"type": "document", "source": TEXT_SOURCE},
        ],
    ),
}

ANSWERS = {
    "Anthropic's blocks": AIMessage([THOUGHT, REDACTED, text("I look twice."), CALL_A, CALL_B]),
    "Anthropic's blocks and tool_calls": AIMessage(
        [THOUGHT, REDACTED, text("I look twice."), CALL_A, CALL_B], tool_calls=[called(CALL_A), called(CALL_B)]
    ),
    "LangChain's standard blocks": AIMessage(
        [
            {"type": "reasoning", "reasoning": THOUGHT["thinking"], "extras": {"signature": THOUGHT["signature"]}},
            {"type": "non_standard", "value": REDACTED},
            text("I look twice."),
            called(CALL_A),
            called(CALL_B),
        ],
        response_metadata={"output_version": "v1"},
        tool_calls=[called(CALL_A), called(CALL_B)],
    ),
    "blocks, and calls beside them": AIMessage(
        [THOUGHT, REDACTED, text("I look twice.")], tool_calls=[called(CALL_A), called(CALL_B)]
    ),
}

RESULTS: dict[str, list[Any]] = {
    "LangChain's standard blocks": [
        text("This is it:"),
        {"type": "image", "base64": PNG64, "mime_type": "image/png"},
        {"type": "file", "base64": PDF64, "mime_type": "application/pdf", "cache_control": MARK},
    ],
    "OpenAI's blocks": [
        text("This is it:"),
        {"type": "image_url", "image_url": {"url": PNG_URL}},
        {"type": "file", "file": {"file_data": PDF_URL}, "cache_control": MARK},
    ],
    "Anthropic's blocks": [text("This is it:"), image(), pdf(cache_control=MARK)],
}


def conversation(shown: list[Any], answer: AIMessage, shown_by_tool: list[Any]) -> list[BaseMessage]:
    return [
        SystemMessage([text("You look at things."), text("And you are brief.", cache_control=MARK)]),
        HumanMessage(shown),
        answer,
        ToolMessage(shown_by_tool, tool_call_id=CALL_A["id"]),
        ToolMessage("No light.", tool_call_id=CALL_B["id"], status="error"),
        ChatMessage(content="It is dark.", role="user"),
        AIMessage("It is."),
        SystemMessage("Be kind, too."),
        HumanMessage("So, what did you see?"),
    ]


def expected(arrives: list[dict[str, Any]], api_format: str) -> dict[str, Any]:
    """The whole body that Claude receives, but for what the user showed first."""
    over_messages = api_format == "messages"
    look_result = result(CALL_A, [text("This is it:"), image(), pdf(cache_control=MARK)])
    if over_messages:
        # A mark stands on the result itself, as Anthropic documents it.
        look_result = {**result(CALL_A, [text("This is it:"), image(), pdf()]), "cache_control": MARK}
    user = {"role": "user", "content": arrives}
    assistant = {"role": "assistant", "content": [THOUGHT, REDACTED, text("I look twice."), CALL_A, CALL_B]}
    it_is = {"role": "assistant", "content": "It is." if over_messages else [text("It is.")]}
    if over_messages:
        failed = {**result(CALL_B, "No light."), "is_error": True}
        went_on = [
            {"role": "user", "content": [look_result, failed, text("It is dark.")]},
            it_is,
            {"role": "user", "content": "So, what did you see?"},
        ]
    else:
        went_on = [
            {"role": "user", "content": [look_result]},
            # The gateway has no place for is_error there: that the tool failed is said in words.
            {"role": "user", "content": [result(CALL_B, "Error: No light.")]},
            {"role": "user", "content": "It is dark."},
            it_is,
            {"role": "user", "content": "So, what did you see?"},
        ]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"at": {"type": "string"}, "times": {"default": 1, "type": "integer"}},
        "required": ["at"],
    }
    if not over_messages:
        schema["$defs"] = {}
    return {
        "model": "claude-sonnet-4-6",
        "max_tokens": 128_000,
        "system": [
            text("You look at things."),
            text("And you are brief.", cache_control=MARK),
            text("Be kind, too."),
        ],
        "messages": [user, assistant, *went_on],
        "tools": [{"name": "look", "description": "Look at something.", "input_schema": schema}],
    }


def with_name(arrives: list[dict[str, Any]], shown: str, api_format: str) -> list[dict[str, Any]]:
    """OpenAI's form of a document names the file, which only one of the formats carries."""
    if shown == "OpenAI's blocks" and api_format == "messages":
        return [{**block, "title": "a.pdf"} if block["type"] == "document" else block for block in arrives]
    return arrives


@pytest.mark.parametrize("shown_by_tool", RESULTS)
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("shown", SHOWN)
def test_claude_receives_what_was_written(
    model: ChatPortkey, received: Received, api_format: str, *, shown: str, answer: str, shown_by_tool: str
) -> None:
    written, arrives = SHOWN[shown]
    loses_a_name = shown == "OpenAI's blocks" and api_format == "chat_completions"
    lost = pytest.warns(PortkeyWarning, match=r"title of messages\[1\].content\[3\]")
    with lost if loses_a_name else contextlib.nullcontext():
        model.bind_tools([look]).invoke(conversation(written, ANSWERS[answer], RESULTS[shown_by_tool]))
    assert received() == expected(with_name(arrives, shown, api_format), api_format)


@any_call
def test_every_way_to_ask_sends_the_same_and_changes_nothing(
    model: ChatPortkey, received: Received, ask: Ask, api_format: str
) -> None:
    written, arrives = SHOWN["Anthropic's blocks"]
    messages = conversation(written, ANSWERS["Anthropic's blocks"], RESULTS["Anthropic's blocks"])
    before = copy.deepcopy(messages)
    ask(model.bind_tools([look]), messages)
    body = received()
    assert {name: value for name, value in body.items() if name != "stream"} == expected(arrives, api_format)
    assert messages == before


def test_a_stored_conversation_is_the_same_one(model: ChatPortkey, received: Received, api_format: str) -> None:
    written, arrives = SHOWN["LangChain's standard blocks"]
    messages = conversation(written, ANSWERS["LangChain's standard blocks"], RESULTS["LangChain's standard blocks"])
    stored = json.dumps(messages_to_dict(messages))
    model.bind_tools([look]).invoke(messages_from_dict(json.loads(stored)))
    assert received() == expected(arrives, api_format)
