"""OpenAI's images and files as the conversation's own blocks."""

import base64
import copy
from typing import Any

import pytest

from portkey_gateway.conversation.media import as_media
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
