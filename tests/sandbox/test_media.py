"""What the emulated Claude sees in images and PDFs."""

from io import BytesIO

import pytest
from PIL import Image

from portkey_gateway.sandbox.claude.media import MAX_SIDE_PX, ImageFacts, PdfFacts, inspect_image, inspect_pdf

RED = (255, 0, 0)


def picture(
    image_format: str, colour: tuple[int, ...] = RED, size: tuple[int, int] = (64, 48), mode: str = "RGB"
) -> bytes:
    return saved(Image.new(mode, size, colour), image_format)


def saved(image: Image.Image, image_format: str = "PNG") -> bytes:
    buffer = BytesIO()
    image.save(buffer, image_format)
    return buffer.getvalue()


def pdf(*texts: str) -> bytes:
    """A PDF by hand, one page for each text."""
    pages = range(4, 4 + 2 * len(texts), 2)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % page for page in pages), len(texts)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for page, text in zip(pages, texts, strict=True):
        drawing = b"BT /F1 12 Tf 20 100 Td (%s) Tj ET" % text.encode()
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 144] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (page + 1),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        ]
    body, table = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, content in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    count = len(objects) + 1
    end = b"xref\n0 %d\n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        count,
        table,
        count,
        len(body),
    )
    return body + end


@pytest.mark.parametrize(
    ("image_format", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
def test_format_and_size_are_read_from_the_bytes(image_format: str, media_type: str) -> None:
    facts = inspect_image(picture(image_format))

    assert (facts.format, facts.media_type, facts.width, facts.height) == (image_format, media_type, 64, 48)
    assert facts.dominant_colour_name == "red"


def test_the_facts_of_a_plain_picture_are_exact() -> None:
    assert inspect_image(picture("PNG")) == ImageFacts("PNG", "image/png", 64, 48, "red", "#ff0000")


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 0, 0), "black"),
        ((250, 250, 250), "white"),
        ((120, 130, 125), "grey"),
        ((10, 20, 240), "blue"),
        ((20, 150, 20), "green"),
        ((240, 230, 20), "yellow"),
        ((250, 160, 10), "orange"),
    ],
)
def test_a_colour_has_its_everyday_name(colour: tuple[int, int, int], name: str) -> None:
    assert inspect_image(picture("PNG", colour)).dominant_colour_name == name


def test_the_dominant_colour_covers_most_of_the_picture() -> None:
    image = Image.new("RGB", (100, 100), (0, 0, 255))
    image.paste(RED, (0, 0, 100, 70))

    facts = inspect_image(saved(image))

    assert (facts.dominant_colour_name, facts.dominant_colour_hex) == ("red", "#ff0000")


def test_what_is_transparent_shows_white() -> None:
    assert inspect_image(picture("PNG", (255, 0, 0, 0), mode="RGBA")).dominant_colour_hex == "#ffffff"


def test_the_longest_side_is_limited() -> None:
    assert inspect_image(picture("PNG", size=(MAX_SIDE_PX, 1))).width == MAX_SIDE_PX
    with pytest.raises(ValueError, match="exceed max allowed size: 8000 pixels"):
        inspect_image(picture("PNG", size=(1, MAX_SIDE_PX + 1)))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"some words", id="words"),
        pytest.param(picture("BMP"), id="bmp"),
        pytest.param(picture("PNG")[:60], id="png-cut"),
        pytest.param(picture("PNG")[:8], id="png-signature-only"),
        pytest.param(picture("JPEG")[:40], id="jpeg-cut"),
        pytest.param(b"GIF89a", id="gif-signature-only"),
        pytest.param(picture("WEBP")[:20], id="webp-cut"),
    ],
)
def test_what_is_no_readable_image_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="Could not process image"):
        inspect_image(data)


def test_pages_and_text_of_a_pdf_are_read() -> None:
    assert inspect_pdf(pdf("First page", "Second page")) == PdfFacts(2, "First page\nSecond page")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"%PDF-1.4\n", id="header-only"),
        pytest.param(b"some words " * 200, id="words"),
        pytest.param(pdf("Cut")[:200], id="cut"),
        pytest.param(pdf(), id="no-pages"),
    ],
)
def test_what_is_no_readable_pdf_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"The PDF specified was not valid\."):
        inspect_pdf(data)


def test_a_locked_pdf_is_refused() -> None:
    # Any standard handler will do: the text is not reached.
    locked = pdf("Secret").replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O (%s) /U (%s) >> /ID [(a) (a)]"
        % (b"o" * 32, b"u" * 32),
    )

    with pytest.raises(ValueError, match=r"The PDF specified is password protected\."):
        inspect_pdf(locked)
