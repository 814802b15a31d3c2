"""Images and documents in every shape users write them, and what Anthropic receives of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from portkey_gateway import PortkeyWarning
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.langchain.media import MARK, PDF, PDF64, PDF_SOURCE, PDF_URL, PNG, PNG64, PNG_SOURCE, PNG_URL, TEXT, TEXT64
from tests.support.recording import RecordingServer

Received = Callable[[], dict[str, Any]]
Shapes = dict[str, dict[str, Any]]

IMAGES: Shapes = {
    "v1 base64": {"type": "image", "base64": PNG64, "mime_type": "image/png"},
    "v1 base64 with a wrong type": {"type": "image", "base64": PNG64, "mime_type": "image/jpeg"},
    "v1 base64 in lines": {"type": "image", "base64": f"{PNG64[:40]}\n{PNG64[40:]}\n", "mime_type": "image/png"},
    "v1 data url": {"type": "image", "url": PNG_URL},
    "v0 base64": {"type": "image", "source_type": "base64", "data": PNG64, "mime_type": "image/png"},
    "v0 data url": {"type": "image", "source_type": "url", "url": PNG_URL},
    "OpenAI": {"type": "image_url", "image_url": {"url": PNG_URL}},
    "OpenAI with detail": {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "high"}},
    "OpenAI bare text": {"type": "image_url", "image_url": PNG_URL},
    "OpenAI with parameters": {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;charset=utf-8;base64,{PNG64}"},
    },
    "Anthropic": {"type": "image", "source": PNG_SOURCE},
    "Anthropic bytes": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
    "bytes as data": {"type": "image", "data": PNG},
    "bytes as base64": {"type": "image", "base64": PNG, "mime_type": "image/png"},
    "non standard": {"type": "non_standard", "value": {"type": "image", "source": PNG_SOURCE}},
    "file that is an image": {"type": "file", "base64": PNG64, "mime_type": "image/png"},
}
IMAGE_LINKS: Shapes = {
    "v1": {"type": "image", "url": "https://a.org/x.png"},
    "v1 with an id": {"type": "image", "id": "lc_1", "url": "https://a.org/x.png", "mime_type": "image/png"},
    "v0": {"type": "image", "source_type": "url", "url": "https://a.org/x.png"},
    "OpenAI": {"type": "image_url", "image_url": {"url": "https://a.org/x.png"}},
    "OpenAI bare text": {"type": "image_url", "image_url": "https://a.org/x.png"},
    "Anthropic": {"type": "image", "source": {"type": "url", "url": "https://a.org/x.png"}},
}
PDFS: Shapes = {
    "v1": {"type": "file", "base64": PDF64, "mime_type": "application/pdf"},
    "v1 with a name": {"type": "file", "base64": PDF64, "extras": {"filename": "report.pdf"}},
    "v0": {"type": "file", "source_type": "base64", "data": PDF64, "mime_type": "application/pdf", "filename": "a.pdf"},
    "v0 bytes": {"type": "file", "source_type": "base64", "data": PDF, "mime_type": "application/pdf"},
    "OpenAI": {"type": "file", "file": {"filename": "report.pdf", "file_data": PDF_URL}},
    "OpenAI raw": {"type": "file", "file": {"mime_type": "application/pdf", "file_data": PDF64}},
    "OpenAI image_url": {"type": "image_url", "image_url": {"url": PDF_URL}},
    "Anthropic": {"type": "document", "source": PDF_SOURCE},
    "Anthropic with a title": {"type": "document", "source": PDF_SOURCE, "title": "Report"},
}
PDF_LINKS: Shapes = {
    "v1": {"type": "file", "url": "https://a.org/x.pdf"},
    "v0": {"type": "file", "source_type": "url", "url": "https://a.org/x.pdf", "mime_type": "application/pdf"},
    "Anthropic": {"type": "document", "source": {"type": "url", "url": "https://a.org/x.pdf"}},
    "OpenAI": {"type": "file", "file": {"file_url": "https://a.org/x.pdf"}},
}
TEXTS: Shapes = {
    "v1 text-plain": {"type": "text-plain", "text": TEXT, "mime_type": "text/plain"},
    "v1 text-plain base64": {"type": "text-plain", "base64": TEXT64, "mime_type": "text/plain"},
    "v1 file": {"type": "file", "base64": TEXT64, "mime_type": "text/plain"},
    "markdown bytes": {"type": "file", "data": TEXT.encode(), "mime_type": "text/markdown"},
    "Anthropic": {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": TEXT}},
    "gateway": {"type": "file", "file": {"mime_type": "text/plain", "file_data": TEXT}},
}


def ask_about(block: dict[str, Any]) -> list[HumanMessage]:
    return [HumanMessage([{"type": "text", "text": "What is this?"}, block])]


def shown(received: Received) -> dict[str, Any]:
    [message] = received()["messages"]
    text, block = message["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert isinstance(block, dict)
    return block


@pytest.mark.parametrize("shape", IMAGES)
def test_an_image_reaches_claude_in_every_shape(model: ChatPortkey, received: Received, shape: str) -> None:
    answer = model.invoke(ask_about(IMAGES[shape]))
    assert shown(received) == {"type": "image", "source": PNG_SOURCE}
    assert "8 x 6 pixels" in answer.text


@any_call
def test_every_way_to_ask_shows_the_image(model: ChatPortkey, ask: Ask) -> None:
    assert "8 x 6 pixels" in ask(model, ask_about(IMAGES["v1 base64"])).text


@pytest.mark.parametrize("shape", IMAGE_LINKS)
def test_a_link_to_an_image_is_passed_on(model: ChatPortkey, received: Received, shape: str) -> None:
    model.invoke(ask_about(IMAGE_LINKS[shape]))
    assert shown(received) == {"type": "image", "source": {"type": "url", "url": "https://a.org/x.png"}}


@pytest.mark.parametrize("shape", PDFS)
def test_a_pdf_reaches_claude_in_every_shape(
    model: ChatPortkey, received: Received, api_format: str, shape: str
) -> None:
    has_name = any(name in str(PDFS[shape]) for name in ("filename", "title"))
    loses_it = has_name and api_format == "chat_completions"
    lost = pytest.warns(PortkeyWarning, match=r"drops title of messages\[0\].content\[1\]")
    with lost if loses_it else contextlib.nullcontext():
        answer = model.invoke(ask_about(PDFS[shape]))
    block = shown(received)
    assert (block["type"], block["source"]) == ("document", PDF_SOURCE)
    assert ("title" in block) == (has_name and not loses_it)
    assert "Annual report" in answer.text


@pytest.mark.parametrize("shape", PDF_LINKS)
def test_a_link_to_a_pdf_is_passed_on(model: ChatPortkey, received: Received, shape: str) -> None:
    model.invoke(ask_about(PDF_LINKS[shape]))
    assert shown(received) == {"type": "document", "source": {"type": "url", "url": "https://a.org/x.pdf"}}


@pytest.mark.parametrize("shape", TEXTS)
def test_a_text_document_reaches_claude_in_every_shape(model: ChatPortkey, received: Received, shape: str) -> None:
    model.invoke(ask_about(TEXTS[shape]))
    block = shown(received)
    assert (block["type"], block["source"]) == ("document", {"type": "text", "media_type": "text/plain", "data": TEXT})


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(IMAGES["v1 base64"], {"type": "image", "source": PNG_SOURCE}, id="image"),
        pytest.param(IMAGES["Anthropic"], {"type": "image", "source": PNG_SOURCE}, id="Anthropic image"),
        pytest.param(IMAGES["OpenAI"], {"type": "image", "source": PNG_SOURCE}, id="OpenAI image"),
        pytest.param(
            IMAGE_LINKS["v1"],
            {"type": "image", "source": {"type": "url", "url": "https://a.org/x.png"}},
            id="image link",
        ),
        pytest.param(PDFS["v1"], {"type": "document", "source": PDF_SOURCE}, id="PDF"),
        pytest.param(
            PDFS["Anthropic with a title"],
            {"type": "document", "source": PDF_SOURCE, "title": "Report"},
            id="PDF with a title",
        ),
        pytest.param(
            TEXTS["v1 text-plain"],
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": TEXT}},
            id="text document",
        ),
        pytest.param({"type": "text", "text": "It works."}, {"type": "text", "text": "It works."}, id="text"),
        pytest.param(
            {**IMAGES["v1 base64"], "cache_control": MARK},
            {"type": "image", "source": PNG_SOURCE, "cache_control": MARK},
            id="marked image",
        ),
    ],
)
def test_a_tool_result_may_hold_media(
    model: ChatPortkey, received: Received, api_format: str, block: dict[str, Any], expected: dict[str, Any]
) -> None:
    call = {"name": "look", "args": {}, "id": "call_1", "type": "tool_call"}
    history = [HumanMessage("Look."), AIMessage("", tool_calls=[call]), ToolMessage([block], tool_call_id="call_1")]
    model.invoke(history)
    [result] = received()["messages"][-1]["content"]
    told: dict[str, Any] = {"type": "tool_result", "tool_use_id": "call_1"}
    if api_format == "messages" and "cache_control" in expected:
        # There the mark is the result's own.
        expected = {name: value for name, value in expected.items() if name != "cache_control"}
        told["cache_control"] = MARK
    assert result == {**told, "content": [expected]}


def test_media_in_a_tool_message_are_shown_to_other_models_behind_it(server: RecordingServer) -> None:
    model = ChatPortkey(model="gpt-5", provider="openai", base_url=server.base_url)
    call = {"id": "call_1", "name": "look", "args": {}, "type": "tool_call"}
    answer = AIMessage("", tool_calls=[call])
    model.invoke([HumanMessage("Look."), answer, ToolMessage([IMAGES["v1 base64"]], tool_call_id="call_1")])
    *_, result, shown_below = server.requests[-1].json["messages"]
    assert (result["role"], shown_below["role"]) == ("tool", "user")
    assert shown_below["content"][1]["image_url"]["url"] == PNG_URL
