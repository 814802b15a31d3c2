"""OpenAI's images and files as the conversation's own blocks."""

import base64
import copy
from typing import Any

import pytest

from portkey_gateway.conversation.media import as_media, check_for_claude, check_for_result, with_data
from portkey_gateway.errors import ContentError

PDF = base64.b64encode(b"%PDF-1.7\n" + b"\x00" * 20).decode()
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\x00" * 20).decode()
MARK = {"type": "ephemeral", "ttl": "1h"}


def source(kind: str, media_type: str, data: str) -> dict[str, Any]:
    return {"type": kind, "media_type": media_type, "data": data}


@pytest.mark.parametrize(
    ("url", "block"),
    [
        ("https://a.org/a.png", {"type": "image", "source": {"type": "url", "url": "https://a.org/a.png"}}),
        (f"data:image/png;base64,{PNG}", {"type": "image", "source": source("base64", "image/png", PNG)}),
        (
            f"data:application/pdf;base64,{PDF}",
            {"type": "document", "source": source("base64", "application/pdf", PDF)},
        ),
    ],
)
@pytest.mark.parametrize("extras", [{}, {"cache_control": MARK}])
def test_an_image(url: str, block: dict[str, Any], extras: dict[str, Any]) -> None:
    given: dict[str, Any] = {"type": "image_url", "image_url": {"url": url, "detail": "low"}, **extras}
    before = copy.deepcopy(given)
    assert as_media(given, "here") == {**block, **extras}
    assert given == before


@pytest.mark.parametrize(
    ("file", "block"),
    [
        ({"file_data": PDF}, {"source": source("base64", "application/pdf", PDF)}),
        ({"file_data": PDF, "mime_type": "application/pdf"}, {"source": source("base64", "application/pdf", PDF)}),
        ({"file_data": "A text.", "mime_type": "text/plain"}, {"source": source("text", "text/plain", "A text.")}),
        ({"file_data": f"data:application/pdf;base64,{PDF}"}, {"source": source("base64", "application/pdf", PDF)}),
        ({"file_data": "data:text/plain;base64,SGk="}, {"source": source("text", "text/plain", "Hi")}),
        (
            {"file_data": f"data:image/png;base64,{PNG}"},
            {"type": "image", "source": source("base64", "image/png", PNG)},
        ),
        ({"file_url": "https://a.org/a.pdf"}, {"source": {"type": "url", "url": "https://a.org/a.pdf"}}),
        ({"file_id": "file_1"}, {"source": {"type": "file", "file_id": "file_1"}}),
        (
            {"file_data": PDF, "filename": "a.pdf"},
            {"source": source("base64", "application/pdf", PDF), "title": "a.pdf"},
        ),
        (
            {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"},
            {"source": source("base64", "application/pdf", PDF), "title": "a.pdf"},
        ),
    ],
)
@pytest.mark.parametrize("extras", [{}, {"cache_control": MARK}])
def test_a_file(file: dict[str, Any], block: dict[str, Any], extras: dict[str, Any]) -> None:
    assert as_media({"type": "file", "file": file, **extras}, "here") == {"type": "document", **block, **extras}


def test_a_file_of_nothing_is_an_error_that_names_its_place() -> None:
    with pytest.raises(ContentError, match=r"messages\[0\]\.content\[1\]\.file needs file_data, file_url or file_id"):
        as_media({"type": "file", "file": {"filename": "a.pdf"}}, "messages[0].content[1]")


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "audio"}, "is a block of type 'audio', which Claude does not take"),
        ({"type": "video"}, "is a block of type 'video', which Claude does not take"),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": "Qk0="}},
            "is an image of type image/bmp, which does not reach Claude: convert it to PNG, JPEG, GIF or WebP",
        ),
        (
            {"type": "image", "source": {"type": "base64", "data": "Qk0="}},
            "is an image of type None, which does not reach Claude: convert it to PNG, JPEG, GIF or WebP",
        ),
    ],
)
def test_what_claude_does_not_take_is_named_with_its_place(block: dict[str, Any], text: str) -> None:
    with pytest.raises(ContentError) as caught:
        check_for_claude(block, "messages[1].content[0]")
    assert caught.value.message == f"messages[1].content[0] {text}"
    with pytest.raises(ContentError) as caught:
        check_for_result(block, "messages[1].content[0]")
    assert caught.value.message == f"messages[1].content[0] (of a tool's result) {text}"


@pytest.mark.parametrize(
    "block",
    [
        *(
            {"type": "image", "source": source("base64", f"image/{kind}", PNG)}
            for kind in ("png", "jpeg", "gif", "webp")
        ),
        {"type": "image", "source": {"type": "url", "url": "https://a.org/a.bmp"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "image"},
        {"type": "document", "source": source("base64", "application/pdf", PDF)},
        {"type": "text", "text": "a"},
    ],
)
def test_what_claude_takes_is_none_of_these(block: dict[str, Any]) -> None:
    check_for_claude(block, "here")
    check_for_result(block, "here")


@pytest.mark.parametrize("file", [{}, {"filename": "a.pdf"}, {"file_data": None, "file_id": "", "file_url": ""}])
def test_a_file_of_nothing_is_an_error_that_says_what_it_needs(file: dict[str, Any]) -> None:
    with pytest.raises(ContentError) as caught:
        as_media({"type": "file", "file": file}, "messages[1].content[0]")
    assert caught.value.message == "messages[1].content[0].file needs file_data, file_url or file_id"


def test_a_data_url_that_was_given_becomes_its_data() -> None:
    url = f"data:image/png;base64,{PNG}"
    given = {"type": "image", "source": {"type": "data_url", "media_type": "image/png", "url": url}, "detail": "low"}
    assert with_data(given) == {"type": "image", "source": source("base64", "image/png", PNG), "detail": "low"}
    assert given["source"] == {"type": "data_url", "media_type": "image/png", "url": url}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": source("base64", "image/png", PNG)},
        {"type": "image", "source": {"type": "url", "url": "https://a.org/a.png"}},
        {"type": "search_result", "source": "https://a.org"},
        {"type": "text", "text": "Hi"},
    ],
)
def test_any_other_block_stays_as_it_is(block: dict[str, Any]) -> None:
    assert with_data(block) is block
