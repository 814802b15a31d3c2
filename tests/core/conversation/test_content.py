"""Content blocks: every loader, every kind of bad input, and the blocks that are built."""

import base64
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.conversation.content import (
    Media,
    load_base64,
    load_bytes,
    load_path,
    load_url,
    media_block,
    text_block,
)
from portkey_gateway.conversation.media_types import MediaKind, sniff_media_type
from portkey_gateway.conversation.request import CacheControl
from portkey_gateway.errors import ContentError

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 20
GIF = b"GIF89a" + b"\x00" * 20
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + b"\x00" * 20
PDF = b"%PDF-1.7\n" + b"\x00" * 20
KINDS = [
    (PNG, "image/png", "image"),
    (JPEG, "image/jpeg", "image"),
    (GIF, "image/gif", "image"),
    (b"GIF87a" + b"\x00" * 20, "image/gif", "image"),
    (WEBP, "image/webp", "image"),
    (PDF, "application/pdf", "document"),
]
FORMATS = [
    (b"BM" + b"\x00" * 20, "image/bmp", "image"),
    (b"II*\x00" + b"\x00" * 20, "image/tiff", "image"),
    (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 20, "image/heic", "image"),
    (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav", "audio"),
    (b"ID3\x04" + b"\x00" * 20, "audio/mpeg", "audio"),
    (b"\x00\x00\x00\x18ftypM4A " + b"\x00" * 20, "audio/mp4", "audio"),
    (b"RIFF\x24\x00\x00\x00AVI LIST", "video/avi", "video"),
    (b"\x00\x00\x00\x18ftypisom" + b"\x00" * 20, "video/mp4", "video"),
    (b"\x00\x00\x00\x18ftypqt  " + b"\x00" * 20, "video/quicktime", "video"),
]
"""What other models than Claude take; what is said of these is believed, since their bytes tell less surely."""
NOT_MEDIA = [b"", b"\x00" * 30, b"RIFF\x24\x00\x00\x00CDDA", b"\x89PNG", b"PK\x03\x04", b" %PDF-"]
MARK: CacheControl = {"type": "ephemeral"}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# --- what it is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "media_type", "kind"), KINDS, ids=lambda value: str(value)[:16])
def test_the_bytes_tell_what_they_are(data: bytes, media_type: str, kind: Literal["image", "document"]) -> None:
    expected = Media(kind, media_type, data=b64(data))
    assert sniff_media_type(data) == media_type
    assert load_bytes(data) == load_bytes(data, media_type="image/x-wrong") == expected
    assert load_base64(b64(data)) == load_url(f"data:image/x-wrong;base64,{b64(data)}") == expected


@pytest.mark.parametrize(("data", "media_type", "kind"), FORMATS, ids=lambda value: str(value)[:16])
def test_the_bytes_of_other_formats_tell_them_where_nothing_is_said(
    data: bytes, media_type: str, kind: MediaKind
) -> None:
    expected = Media(kind, media_type, data=b64(data))
    assert load_bytes(data) == load_bytes(data, media_type="image/png") == expected
    assert load_base64(b64(data), media_type="application/octet-stream") == expected
    assert load_base64(b64(data), media_type="audio/x-own").media_type == "audio/x-own"


def test_a_format_that_no_bytes_tell_is_what_is_said_of_it() -> None:
    drawn = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    assert load_bytes(drawn, media_type="image/svg+xml") == Media("image", "image/svg+xml", data=b64(drawn))
    assert load_base64(b64(b"BMW makes cars"), media_type="text/plain").data == "BMW makes cars"


@pytest.mark.parametrize("data", NOT_MEDIA)
def test_anything_else_is_an_error_that_shows_its_beginning(data: bytes) -> None:
    assert sniff_media_type(data) is None
    with pytest.raises(ContentError, match=r"is no image, .*; name its type, or convert it first") as caught:
        load_bytes(data, media_type="image/png", name="plan.png")
    assert f"'plan.png' (starts with {data[:12]!r}, declared as image/png)" in str(caught.value)
    with pytest.raises(ContentError, match="is no image"):
        load_base64(b64(data))


# --- bytes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", ["text/plain", "text/markdown", "text/csv; charset=utf-8"])
def test_text_travels_as_itself(media_type: str) -> None:
    expected = Media("document", "text/plain", data="Grüße", name="a.txt")
    assert load_bytes("Grüße".encode(), media_type=media_type, name="a.txt") == expected
    assert load_base64(b64("Grüße".encode()), media_type=media_type, name="a.txt") == expected


def test_text_in_another_encoding_is_an_error_that_names_the_byte() -> None:
    with pytest.raises(ContentError, match=r"'a.txt' is not UTF-8 \(byte 2\)"):
        load_bytes("Grüße".encode("latin-1"), media_type="text/plain", name="a.txt")


def test_an_empty_text_is_an_error() -> None:
    # The gateway drops a file without data, and Anthropic refuses empty text.
    with pytest.raises(ContentError, match="starts with b''"):
        load_bytes(b"", media_type="text/plain")


# --- base64 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", ["\n", "\r\n", " ", "\t", "\r"])
def test_white_space_in_base64_is_left_out(separator: str) -> None:
    text = b64(PNG)
    for width in (7, 30):
        wrapped = separator.join(text[start : start + width] for start in range(0, len(text), width)) + separator
        assert load_base64(wrapped).data == text
    assert load_base64(separator.join(b64(b"Hi there")), media_type="text/plain").data == "Hi there"


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_missing_padding_is_put_back(extra: int) -> None:
    data = PNG + b"\x01" * extra
    assert load_base64(b64(data).rstrip("=")).data == b64(data)


@pytest.mark.parametrize(
    "text", ["iVBORw0KGgo!!!!", "not base64", "ïVBORw0KGgoAAAAA", b64(PNG) + "é", "A", b64(PNG)[:33], "=AAA"]
)
def test_what_is_not_base64_is_an_error_that_shows_its_beginning(text: str) -> None:
    with pytest.raises(ContentError, match=r"the data of 'x.png' is not"):
        load_base64(text, name="x.png")


def test_bad_base64_of_a_text_is_an_error() -> None:
    with pytest.raises(ContentError, match="is not base64"):
        load_base64("Hi there!!!!", media_type="text/plain")


def test_a_data_url_where_base64_was_expected() -> None:
    expected = Media("image", "image/png", data=b64(PNG), name="a.png")
    assert load_base64(f"data:image/png;base64,{b64(PNG)}", name="a.png") == expected


def test_only_the_beginning_of_a_large_image_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    real = base64.b64decode

    def counted(data: str, **options: Any) -> bytes:
        decoded.append(len(data))
        return real(data, **options)

    text = b64(PNG + b"\x00" * 5_000_000)
    monkeypatch.setattr("base64.b64decode", counted)
    monkeypatch.setattr("base64.b64encode", pytest.fail)
    assert load_base64(text).data is text
    assert load_url(f"data:image/png;base64,{text}").data == text
    assert decoded == [32, 32]


@given(st.binary(max_size=60), st.integers(0, 20))
def test_any_bytes_after_a_magic_number_come_back(tail: bytes, width: int) -> None:
    data = PNG + tail
    text = b64(data)
    wrapped = text[:width] + "\n" + text[width:]
    assert base64.b64decode(load_base64(wrapped).data) == data
    assert load_bytes(data) == load_base64(text)


# --- paths ------------------------------------------------------------------------------------------------------------


def test_a_file_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "plan.bin"
    path.write_bytes(PDF)
    assert (
        load_path(path) == load_path(str(path)) == Media("document", "application/pdf", data=b64(PDF), name="plan.bin")
    )


def test_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Grüße", encoding="utf-8")
    assert load_path(path) == Media("document", "text/plain", data="Grüße", name="notes.txt")


def test_a_text_file_whose_name_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "README"
    path.write_text("Hi", encoding="utf-8")
    assert load_path(path, media_type="text/plain") == Media("document", "text/plain", data="Hi", name="README")


def test_data_without_a_name_is_that_of_a_content_block() -> None:
    with pytest.raises(ContentError, match=r"^the data of a content block is not base64: '%%%=?'"):
        load_base64("%%%")
    with pytest.raises(ContentError, match=r"^the data of 'a\.bin' \(starts with b'x'\) is no image"):
        load_bytes(b"x", name="a.bin")
    with pytest.raises(ContentError, match=r"^the text of a content block is not UTF-8"):
        load_bytes(b"\xff", media_type="text/plain")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"missing.png' cannot be read: No such file"):
        load_path(tmp_path / "missing.png")
    with pytest.raises(ContentError, match="cannot be read: Is a directory"):
        load_path(tmp_path)


def test_a_file_that_nobody_can_send(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(ContentError, match=r"'data.zip' .*declared as application/zip"):
        load_path(path)


# --- URLs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["image/png;base64", "image/png;charset=utf-8;base64", "image/png;name=a.png;base64", ";base64"]
)
def test_parameters_of_a_data_url_are_left_out(header: str) -> None:
    # The gateway drops an image whose data URL has more than one of them.
    assert load_url(f"data:{header},{b64(PNG)}").data_url == f"data:image/png;base64,{b64(PNG)}"


@pytest.mark.parametrize(("data", "media_type"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
def test_a_data_url_may_stay_as_it_was_given(data: bytes, media_type: str) -> None:
    data += b"\x00" * (-len(data) % 3)
    url = f"data:{media_type};base64,{b64(data)}"
    kept = load_url(url, as_given=True)
    assert kept == Media("image", media_type, given=url)
    assert kept.data_url is url
    assert media_block(kept)["source"] == {"type": "data_url", "media_type": media_type, "url": url}
    assert load_url(url) == Media("image", media_type, data=b64(data))


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/jpg;base64,{b64(JPEG)}",
        f"data:image/jpeg;base64,{b64(PNG)}",
        f"data:image/png;x=1;base64,{b64(PNG)}",
        f"data:image/PNG;base64,{b64(PNG)}",
        f"data:;base64,{b64(PNG)}",
        f"data:image/png;base64,{b64(PNG)}\n",
        f"data:image/png;base64,{b64(PNG)[:40]} {b64(PNG)[40:]}",
        f"data:image/png;base64,{b64(PNG + bytes(3 - len(PNG) % 3) + b'x').rstrip('=')}",
        f"data:application/pdf;base64,{b64(PDF)}",
        f"data:image/bmp;base64,{b64(FORMATS[0][0])}",
    ],
)
def test_a_data_url_that_says_anything_else_is_read_and_written_anew(url: str) -> None:
    assert load_url(url, as_given=True) == load_url(url)
    assert not load_url(url, as_given=True).given


@pytest.mark.parametrize("url", ["data:image/png;base64,é", "data:image/png;base64,!!!!", "data:image/png;base64,"])
def test_a_data_url_of_no_image_is_an_error_also_where_it_may_stay(url: str) -> None:
    with pytest.raises(ContentError):
        load_url(url, as_given=True)


def test_a_data_url_of_text() -> None:
    assert load_url("data:text/plain;charset=utf-8;base64,SGk=") == Media("document", "text/plain", data="Hi")
    assert load_url("data:;base64,SGk=", media_type="text/plain").data == "Hi"


@pytest.mark.parametrize("url", ["data:image/png,abc", "data:image/png;base64", "data:text/plain,Hi", "data:"])
def test_a_data_url_without_base64_is_an_error(url: str) -> None:
    with pytest.raises(ContentError, match="must hold base64"):
        load_url(url)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "/tmp/a.png", "a.png", "", "ftp://example.com/a.png"])  # noqa: S108 an example
def test_other_urls_are_an_error(url: str) -> None:
    with pytest.raises(ContentError, match=r"is neither a data: URL nor an http\(s\) URL; for a file, read it"):
        load_url(url)


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("https://a/b.png?x=1", {}, Media("image", "image/png", url="https://a/b.png?x=1")),
        ("HTTPS://A/b.PNG", {}, Media("image", "image/png", url="https://A/b.PNG")),
        ("http://a/b", {}, Media("image", "", url="http://a/b")),
        ("http://a/b", {"kind": "document"}, Media("document", "application/pdf", url="http://a/b")),
        ("http://a/b.txt", {"kind": "document"}, Media("document", "text/plain", url="http://a/b.txt")),
        ("http://a/b", {"media_type": "image/webp"}, Media("image", "image/webp", url="http://a/b")),
    ],
)
def test_http_urls_are_passed_on(url: str, options: dict[str, Any], expected: Media) -> None:
    assert load_url(url, **options) == expected


# --- blocks -----------------------------------------------------------------------------------------------------------

IMAGE = load_bytes(PNG)
DOCUMENT = load_bytes(PDF, name="plan.pdf")
TEXT = Media("document", "text/plain", data="Grüße", name="a.txt")
REMOTE_IMAGE = load_url("https://a/b.png")
REMOTE_DOCUMENT = load_url("https://a/b.pdf", kind="document")


def test_text_blocks() -> None:
    assert text_block("Hi") == {"type": "text", "text": "Hi"}
    assert text_block("Hi", MARK) == {"type": "text", "text": "Hi", "cache_control": MARK}


@pytest.mark.parametrize(
    ("media", "block"),
    [
        (
            IMAGE,
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE.data}},
        ),
        (REMOTE_IMAGE, {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}),
        (REMOTE_DOCUMENT, {"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}}),
        (
            DOCUMENT,
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": DOCUMENT.data},
                "title": "plan.pdf",
            },
        ),
        (
            TEXT,
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"},
                "title": "a.txt",
            },
        ),
    ],
)
def test_media_blocks(media: Media, block: dict[str, Any]) -> None:
    assert media_block(media) == block
    assert media_block(media, MARK) == {**block, "cache_control": MARK}


@pytest.mark.parametrize("media_type", [None, "image/png", "text/plain"])
def test_base64_of_nothing_is_no_medium(media_type: str | None) -> None:
    declared = f", declared as {media_type}" if media_type else ""
    with pytest.raises(ContentError) as caught:
        load_base64("", media_type=media_type, name="a.bin")
    assert caught.value.message == (
        f"the data of 'a.bin' (starts with b''{declared}) is no image, no PDF, no sound and no video that can be told "
        "by its beginning, nor a text with a text/… media type; name its type, or convert it first"
    )


def test_base64_keeps_its_name_whatever_it_is() -> None:
    assert load_base64(b64(PDF), name="a.pdf") == Media("document", "application/pdf", data=b64(PDF), name="a.pdf")
    assert load_base64(b64(b"Hi"), media_type="text/csv", name="a") == Media("document", "text/plain", "Hi", name="a")
    url = f"data:application/pdf;base64,{b64(PDF)}"
    assert load_base64(url, name="a.pdf") == Media("document", "application/pdf", data=b64(PDF), name="a.pdf")


@pytest.mark.parametrize(
    ("start", "media_type"),
    [
        (b"\0\0\0\x18ftypheix", "image/heic"),
        (b"\0\0\0\x18ftypmif1", "image/heif"),
        (b"\0\0\0\x18ftypavif", "image/avif"),
        (b"\0\0\0\x18ftyp3gp4", "video/3gpp"),
        (b"\0\0\0\x18ftyp3gp5", "video/3gpp"),
        (b"\0\0\0\x18ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x18ftypnone", "video/mp4"),
        (b"RIFF....WEBP", "image/webp"),
        (b"RIFF....none", None),
        (b"MM\0*", "image/tiff"),
        (b"\xff\xf1", "audio/aac"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"FLV\1", "video/x-flv"),
        (b"", None),
    ],
)
def test_a_file_is_told_by_its_beginning(start: bytes, media_type: str | None) -> None:
    assert sniff_media_type(start) == media_type
    assert sniff_media_type(start + b"more") == media_type
