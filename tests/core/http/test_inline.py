"""URLs of images and documents are found, and replaced by what they gave, if that is what was promised."""

import copy
from typing import Any

import pytest

from portkey_gateway.conversation.content import Media
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.errors import ContentError
from portkey_gateway.http.inline import decode_fetched, inline_media, media_urls
from tests.langchain.media import PDF, PNG

URL = "https://example.com/a.png"
IMAGE = {"type": "image_url", "image_url": {"url": URL}}
FILE = {"type": "file", "file": {"file_url": "http://example.com/b.pdf"}}
TOOL_IMAGE = {"type": "image", "source": {"type": "url", "url": URL}}
MARK = {"type": "ephemeral"}
PICTURE = Media("image", "image/png", data="iVBO")
LETTER = Media("document", "text/plain", data="Dear all")
DATA_URL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}


def request(*messages: dict[str, Any]) -> ChatRequest:
    body: Any = {"model": "claude-x", "messages": list(messages)}
    return body  # type: ignore[no-any-return]  # also what no type allows


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def inlined(body: ChatRequest, fetched: dict[str, Media], *, for_claude: bool = True) -> Any:
    before = copy.deepcopy(body)
    messages = inline_media(body, fetched, for_claude=for_claude)["messages"]
    assert body == before
    return messages


def test_urls_are_listed_once_in_order() -> None:
    data_file = {"type": "file", "file": {"file_data": "JVBERi0="}}
    body = request(
        {"role": "user", "content": "Hello"},
        user(FILE, IMAGE, {"type": "text", "text": URL}, DATA_URL, data_file),
        user(IMAGE),
        {"role": "assistant", "content": [IMAGE]},
        {"role": "tool", "content": [{"type": "image", "source": {"type": "url", "url": "https://example.com/c"}}]},
    )
    assert media_urls(body) == ["http://example.com/b.pdf", URL, "https://example.com/c"]


def test_inlining_replaces_the_block_and_keeps_its_breakpoint() -> None:
    body = request(user({**IMAGE, "cache_control": MARK}, FILE, {"type": "text", "text": "?"}))
    assert inlined(body, {URL: PICTURE}) == [
        user({**DATA_URL, "cache_control": MARK}, FILE, {"type": "text", "text": "?"})
    ]


def test_a_tool_message_gets_anthropics_own_block() -> None:
    body = request({"role": "tool", "tool_call_id": "c", "content": [TOOL_IMAGE]})
    source = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
    assert inlined(body, {URL: PICTURE})[0]["content"] == [{"type": "image", "source": source}]


def test_a_pdf_takes_the_form_of_its_target() -> None:
    pdf = Media("document", "application/pdf", data="JVBERi0=", name="b.pdf")
    fetched = {"http://example.com/b.pdf": pdf}
    [to_claude] = inlined(request(user(FILE)), fetched)[0]["content"]
    [to_openai] = inlined(request(user(FILE)), fetched, for_claude=False)[0]["content"]
    assert to_claude == {"type": "image_url", "image_url": {"url": "data:application/pdf;base64,JVBERi0="}}
    assert to_openai["file"]["file_data"] == "data:application/pdf;base64,JVBERi0="


def test_nothing_fetched_changes_nothing() -> None:
    body = request(user(IMAGE), {"role": "user", "content": "Hello"})
    assert inlined(body, {}) == body["messages"]


def test_a_text_is_no_image() -> None:
    with pytest.raises(ContentError, match=r"example.com/a.png' is no image but a text"):
        inlined(request(user(IMAGE)), {URL: LETTER})


@pytest.mark.parametrize(
    ("content", "content_type", "media_type"),
    [
        (PNG, "image/jpeg", "image/png"),
        (PDF, "application/octet-stream", "application/pdf"),
        (b"Dear all", "text/plain; charset=utf-8", "text/plain"),
    ],
)
def test_what_was_fetched_is_what_its_bytes_say(content: bytes, content_type: str, media_type: str) -> None:
    assert decode_fetched(URL, content, content_type).media_type == media_type


def test_a_login_page_is_neither_image_nor_document() -> None:
    with pytest.raises(ContentError, match=r"https://example.com/a.png' gave 'text/html'"):
        decode_fetched(URL, b"<html>please log in", "text/html")
