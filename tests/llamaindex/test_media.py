"""Images and documents are taken from wherever LlamaIndex lets them lie."""

from __future__ import annotations

import base64
import io
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from llama_index.core.base.llms.types import AudioBlock, ChatMessage, DocumentBlock, ImageBlock, TextBlock, VideoBlock
from llama_index.core.schema import ImageDocument

from portkey_gateway import ContentError
from portkey_llamaindex import Portkey
from portkey_llamaindex.media import load_media
from tests.llamaindex.media import PDF, PDF_SOURCE, PNG, PNG_SOURCE, PNG_URL, TEXT, draw_image
from tests.llamaindex.received import Received


class Pipe(io.RawIOBase):
    """A stream that is read once and cannot go back."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        assert size == -1
        return self._data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "image.png").write_bytes(PNG)
    (tmp_path / "report.pdf").write_bytes(PDF)
    (tmp_path / "notes.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("given", [
    {"image": PNG},
    {"image": base64.b64encode(PNG)},
    {"image": BytesIO(PNG)},
    {"image": Pipe(PNG)},
    {"url": PNG_URL},
    {"image": PNG, "image_mimetype": "image/jpeg"},
], ids=["bytes", "base64", "stream", "pipe", "data-url", "wrong-type"])  # fmt: skip
def test_an_image_is_loaded_from_anywhere(given: dict[str, Any]) -> None:
    media = load_media(ImageBlock(**given))
    assert (media.kind, media.media_type, media.data) == ("image", "image/png", PNG_SOURCE["data"])


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "GIF", "WEBP"])
def test_every_image_format_that_claude_reads_is_told_apart(image_format: str) -> None:
    assert load_media(ImageBlock(image=draw_image(image_format))).media_type == f"image/{image_format.lower()}"


def test_files_are_loaded_by_their_path(folder: Path) -> None:
    allowed = [str(folder)]
    assert load_media(ImageBlock(path=folder / "image.png"), allowed).data == PNG_SOURCE["data"]
    assert load_media(DocumentBlock(path=folder / "report.pdf"), allowed).data == PDF_SOURCE["data"]
    assert load_media(DocumentBlock(path=str(folder / "notes.txt")), allowed).data == TEXT


@pytest.mark.parametrize("allowed", [[], ["inner"], ["image.png/.."], ["imag"]])
def test_a_file_that_nobody_allows_is_not_read(
    folder: Path, allowed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "link.png").symlink_to(folder / "image.png")
    monkeypatch.chdir(inner)
    for path in (folder / "image.png", inner / ".." / "image.png", inner / "link.png"):
        with pytest.raises(ContentError, match=r"is not read.*files_from="):
            load_media(ImageBlock(path=path), allowed)


def test_a_message_that_was_loaded_names_no_file_of_ours(recorded: Portkey, folder: Path) -> None:
    block = {"block_type": "image", "path": str(folder / "image.png")}
    message = ChatMessage.model_validate({"role": "user", "blocks": [block]})
    with pytest.raises(ContentError, match=r"messages\[0\]\.blocks\[0\]: the file .* is not read"):
        recorded.chat([message])
    assert recorded.with_options(files_from=[str(folder)]).chat([message]).message.content


def test_an_image_elsewhere_is_referred_to() -> None:
    media = load_media(ImageBlock(url="https://example.org/a.png"))
    assert (media.url, media.media_type, media.data) == ("https://example.org/a.png", "image/png", "")
    assert load_media(DocumentBlock(url="https://example.org/a")).media_type == "application/pdf"


@pytest.mark.parametrize("data", [PDF, BytesIO(PDF)], ids=["bytes", "stream"])
def test_a_pdf_is_told_by_its_bytes(data: Any) -> None:
    media = load_media(DocumentBlock(data=data, title="Report"))
    assert (media.kind, media.media_type, media.name) == ("document", "application/pdf", "Report")
    assert media.data == PDF_SOURCE["data"]


@pytest.mark.parametrize("data", [TEXT.encode(), BytesIO(TEXT.encode())], ids=["bytes", "stream"])
@pytest.mark.parametrize("mimetype", [None, "text/plain", "text/markdown"])
def test_a_text_needs_no_type(data: Any, mimetype: str | None) -> None:
    media = load_media(DocumentBlock(data=data, document_mimetype=mimetype))
    assert (media.media_type, media.data, media.name) == ("text/plain", TEXT, "")


def test_a_stream_is_read_anew_every_time() -> None:
    block = ImageBlock(image=BytesIO(PNG))
    assert load_media(block) == load_media(block)


def test_base64_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    block = ImageBlock(image=PNG + b"\0" * 1_000_000)
    monkeypatch.setattr(base64, "b64encode", lambda data: pytest.fail(f"encoded {len(data)} bytes again"))
    assert load_media(block).data == cast("bytes", block.image).decode()


@pytest.mark.parametrize(("block", "complaint"), [
    (ImageBlock(image=b"neither this nor that"), "is no image"),
    (ImageBlock(image=b"neither this nor that", image_mimetype="image/png"), "declared as image/png"),
    (ImageBlock(), "the image block is empty: give data, a path or a url"),
    (ImageBlock(url="ftp://example.org/a.png"), "is neither a data: URL nor an http"),
    (ImageBlock(image=cast("Any", StringIO("text"))), "open the file in binary mode"),
    (AudioBlock(audio=b"neither this nor that"), "is no image"),
    (AudioBlock(), "the audio block is empty"),
    (VideoBlock(), "the video block is empty"),
])  # fmt: skip
def test_what_is_no_image_sound_or_video_is_an_error(block: Any, complaint: str) -> None:
    with pytest.raises(ContentError, match=complaint):
        load_media(block)


@pytest.mark.parametrize(("block", "complaint"), [
    (DocumentBlock(data=b"\xff\xfe\0broken"), "not UTF-8"),
    (DocumentBlock(), "the document block is empty"),
    (DocumentBlock(path="/nowhere/report.pdf"), "cannot be read: No such file"),
])  # fmt: skip
def test_what_is_no_document_is_an_error(block: DocumentBlock, complaint: str) -> None:
    with pytest.raises(ContentError, match=complaint):
        load_media(block, ["/"])


def test_the_error_of_a_call_names_the_block(recorded: Portkey) -> None:
    message = ChatMessage([TextBlock(text="look"), ImageBlock(image=b"neither this nor that")])
    with pytest.raises(ContentError, match=r"messages\[0\]\.blocks\[1\]: the data of"):
        recorded.chat([message])


def test_texts_and_older_image_documents_reach_claude(llm: Portkey, received: Received) -> None:
    document = ImageDocument(image=PNG_SOURCE["data"])
    message = ChatMessage([DocumentBlock(data=TEXT.encode())], additional_kwargs={"images": [document]})
    said = llm.chat([message]).message.content or ""
    assert "I see a text document. It begins: “Grüße aus Köln”." in said
    assert "PNG image, 8 x 6 pixels, mostly red" in said
    assert received.content[0]["source"] == {"type": "text", "media_type": "text/plain", "data": TEXT}
