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
PDF_URL = "http://example.com/b.pdf"
FILE = {"type": "file", "file": {"file_url": PDF_URL}}
OWN_IMAGE = {"type": "image", "source": {"type": "url", "url": URL}}
OWN_DOCUMENT = {"type": "document", "source": {"type": "url", "url": PDF_URL}}
PNG_BLOCK = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
MARK = {"type": "ephemeral"}
PICTURE = Media("image", "image/png", data="iVBO")
LETTER = Media("document", "text/plain", data="Dear all")
DATA_URL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}


def request(*messages: dict[str, Any]) -> ChatRequest:
    body: Any = {"model": "claude-x", "messages": list(messages)}
    return body  # type: ignore[no-any-return]  # also what no type allows


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def inlined(body: ChatRequest, fetched: dict[str, Media]) -> Any:
    before = copy.deepcopy(body)
    messages = inline_media(body, fetched)["messages"]
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
    assert media_urls(body) == [PDF_URL, URL, "https://example.com/c"]


def test_inlining_replaces_the_block_and_keeps_its_breakpoint() -> None:
    body = request(user({**IMAGE, "cache_control": MARK}, FILE, {"type": "text", "text": "?"}))
    assert inlined(body, {URL: PICTURE}) == [
        user({**PNG_BLOCK, "cache_control": MARK}, FILE, {"type": "text", "text": "?"})
    ]


@pytest.mark.parametrize("block", [IMAGE, OWN_IMAGE])
@pytest.mark.parametrize("role", ["user", "tool"])
def test_an_image_is_found_in_every_message_and_form(role: str, block: dict[str, Any]) -> None:
    body = request({"role": role, "tool_call_id": "c", "content": [block]})
    assert inlined(body, {URL: PICTURE})[0]["content"] == [PNG_BLOCK]


@pytest.mark.parametrize("block", [FILE, OWN_DOCUMENT])
def test_a_pdf_becomes_a_document(block: dict[str, Any]) -> None:
    pdf = Media("document", "application/pdf", data="JVBERi0=", name="b.pdf")
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    assert inlined(request(user(block)), {PDF_URL: pdf})[0]["content"] == [
        {"type": "document", "source": source, "title": "b.pdf"}
    ]


def test_a_pdf_behind_an_image_s_url_becomes_a_document() -> None:
    pdf = Media("document", "application/pdf", data="JVBERi0=")
    assert inlined(request(user(IMAGE)), {URL: pdf})[0]["content"][0]["type"] == "document"


def test_what_is_said_of_a_document_stays_said() -> None:
    said = {"title": "Plan", "context": "Of last year.", "citations": {"enabled": True}, "cache_control": MARK}
    letter = Media("document", "text/plain", data="Dear all", name="a.txt")
    source = {"type": "text", "media_type": "text/plain", "data": "Dear all"}
    assert inlined(request(user({**OWN_DOCUMENT, **said})), {PDF_URL: letter})[0]["content"] == [
        {"type": "document", "source": source, **said}
    ]


@pytest.mark.parametrize(
    "block", [{**OWN_IMAGE, "detail": "low"}, {"type": "image_url", "image_url": {"url": URL, "detail": "low"}}]
)
def test_how_closely_an_image_is_looked_at_stays_said(block: dict[str, Any]) -> None:
    body = request(user(block))
    assert inlined(body, {URL: PICTURE})[0]["content"] == [{**PNG_BLOCK, "detail": "low"}]


def test_nothing_fetched_changes_nothing() -> None:
    body = request(user(IMAGE), {"role": "user", "content": "Hello"})
    assert inlined(body, {}) == body["messages"]


@pytest.mark.parametrize("block", [IMAGE, OWN_IMAGE])
def test_a_text_is_no_image(block: dict[str, Any]) -> None:
    with pytest.raises(ContentError) as caught:
        inlined(request(user(block)), {URL: LETTER})
    assert caught.value.message == "'https://example.com/a.png' is no image but a text; give it as a document"


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


@pytest.mark.parametrize(("content_type", "said"), [("text/html; charset=utf-8", "text/html; charset=utf-8"),
                                                    ("", "nothing")])  # fmt: skip
def test_a_login_page_is_neither_image_nor_document(content_type: str, said: str) -> None:
    with pytest.raises(ContentError) as caught:
        decode_fetched(f"{URL}?sig=secret", b"<html>please log in", content_type)
    assert caught.value.message.startswith(f"'https://example.com/a.png?...' gave {said!r}: ")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("kind", ["audio", "video", "document", "image"])
def test_every_kind_of_media_is_found_by_its_url(kind: str) -> None:
    block = {"type": kind, "source": {"type": "url", "url": "http://example.com/x"}}
    assert media_urls(request(user(block))) == ["http://example.com/x"]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": URL},
        {"type": "image", "source": {"type": "base64", "url": None}},
        {"type": "file", "file": {"file_url": "gs://bucket/a.pdf"}},
        {"type": "image_url", "image_url": {"url": "ftp://example.com/a.png"}},
        {"type": "search_result", "source": URL},
    ],
)
def test_what_is_no_url_of_media_is_left_as_it_is(block: dict[str, Any]) -> None:
    body = request(user(block))
    assert media_urls(body) == []
    assert inlined(body, {URL: PICTURE}) == body["messages"]


def test_all_but_the_messages_stays_as_it_is() -> None:
    body: Any = {**request(user(IMAGE)), "max_tokens": 9, "tools": []}
    assert inline_media(body, {URL: PICTURE}) == {**body, "messages": [user(PNG_BLOCK)]}


@pytest.mark.parametrize("said", ["video/mp4", "audio/mpeg"])
def test_a_sound_or_a_video_is_what_its_server_says(said: str) -> None:
    assert decode_fetched(URL, b"\x00\x01", f"{said.upper()}; a=b").media_type == said
