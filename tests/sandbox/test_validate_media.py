"""Images and documents: what is declared must be what is there."""

import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.validate import validate

Block = dict[str, Any]


def image_data(image_format: str, size: tuple[int, int] = (4, 3)) -> str:
    buffer = BytesIO()
    Image.new("RGB", size, "red").save(buffer, image_format)
    return base64.b64encode(buffer.getvalue()).decode()


def pdf_data(pages: int = 1) -> str:
    kids = " ".join(f"{number} 0 R" for number in range(3, 3 + pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        *["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>"] * pages,
    ]
    body, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    count = len(objects) + 1
    body += f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\n"
    body += f"startxref\n{body.index('xref')}\n%%EOF\n"
    return base64.b64encode(body.encode()).decode()


def image(source: Block, **more: Any) -> Block:
    return {"type": "image", "source": source, **more}


def document(source: Block, **more: Any) -> Block:
    return {"type": "document", "source": source, **more}


def inline(media_type: str, data: str) -> Block:
    return {"type": "base64", "media_type": media_type, "data": data}


def request(*blocks: Block) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": list(blocks)}],
    }


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(image(inline("image/png", image_data("PNG"))), id="png"),
        pytest.param(image(inline("image/jpeg", image_data("JPEG"))), id="jpeg"),
        pytest.param(image(inline("image/gif", image_data("GIF"))), id="gif"),
        pytest.param(image(inline("image/webp", image_data("WEBP"))), id="webp"),
        pytest.param(image({"type": "url", "url": "https://example.com/a.png"}), id="image-url"),
        pytest.param(image({"type": "file", "file_id": "file_1"}), id="image-file"),
        pytest.param(image(inline("image/png", image_data("PNG")), cache_control={"type": "ephemeral"}), id="cached"),
        pytest.param(document(inline("application/pdf", pdf_data())), id="pdf"),
        pytest.param(document({"type": "text", "media_type": "text/plain", "data": "Once"}), id="plain"),
        pytest.param(document({"type": "url", "url": "https://example.com/a.pdf"}), id="pdf-url"),
        pytest.param(document({"type": "content", "content": "Once"}), id="content-text"),
        pytest.param(
            document({"type": "content", "content": [{"type": "text", "text": "Once"}]}, title="T", context="C"),
            id="content-blocks",
        ),
        pytest.param(
            document({"type": "text", "media_type": "text/plain", "data": "Once"}, citations={"enabled": True}),
            id="citations",
        ),
    ],
)
def test_good_media_pass(block: Block) -> None:
    body = request(block)
    before = repr(body)

    validate(body)

    assert repr(body) == before


IMAGE_DATA = "messages.0.content.0.image.source.base64.data"
PDF_DATA = "messages.0.content.0.document.source.base64.data"
MAX_BYTES = 5 * 1024 * 1024


@pytest.mark.parametrize(
    ("block", "message"),
    [
        pytest.param(
            image(inline("image/png", image_data("JPEG"))),
            f"{IMAGE_DATA}: Image does not match the provided media type image/png",
            id="jpeg-as-png",
        ),
        pytest.param(
            image(inline("image/bmp", image_data("BMP"))),
            "messages.0.content.0.image.source.base64.media_type: "
            "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
            id="bmp",
        ),
        pytest.param(
            image(inline("image/png", image_data("BMP"))), f"{IMAGE_DATA}: Could not process image", id="bmp-as-png"
        ),
        pytest.param(
            image(inline("image/png", base64.b64encode(b"words").decode())),
            f"{IMAGE_DATA}: Could not process image",
            id="no-image",
        ),
        pytest.param(image(inline("image/png", "not base64!")), f"{IMAGE_DATA}: invalid base64 data", id="no-base64"),
        pytest.param(image(inline("image/png", "abc")), f"{IMAGE_DATA}: invalid base64 data", id="bad-padding"),
        pytest.param(
            image(inline("image/png", f"data:image/png;base64,{image_data('PNG')}")),
            f"{IMAGE_DATA}: invalid base64 data",
            id="data-url",
        ),
        pytest.param(
            image(inline("image/png", "")), f"{IMAGE_DATA}: String should have at least 1 character", id="empty"
        ),
        pytest.param(
            image(inline("image/png", "A" * (MAX_BYTES + 4))),
            "messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: "
            f"{MAX_BYTES + 4} bytes > {MAX_BYTES} bytes",
            id="too-large",
        ),
        pytest.param(
            image(inline("image/png", image_data("PNG", (8001, 1)))),
            f"{IMAGE_DATA}: At least one of the image dimensions exceed max allowed size: 8000 pixels",
            id="too-wide",
        ),
        pytest.param(
            image({"type": "url", "url": "data:image/png;base64,AAAA"}),
            "messages.0.content.0.image.source.url.url: Only HTTP(S) URLs are supported.",
            id="data-as-url",
        ),
        pytest.param(
            image({"type": "url", "url": "https://a/b.png", "detail": "low"}),
            "messages.0.content.0.image.source.url.detail: Extra inputs are not permitted",
            id="openai-detail",
        ),
        pytest.param(
            document(inline("application/pdf", base64.b64encode(b"words").decode())),
            f"{PDF_DATA}: The PDF specified was not valid.",
            id="no-pdf",
        ),
        pytest.param(
            document(inline("application/pdf", f"data:application/pdf;base64,{pdf_data()}")),
            f"{PDF_DATA}: invalid base64 data",
            id="pdf-data-url",
        ),
        pytest.param(
            document(inline("text/plain", "T25jZQ==")),
            "messages.0.content.0.document.source.base64.media_type: Input should be 'application/pdf'",
            id="text-as-base64",
        ),
        pytest.param(
            document({"type": "text", "media_type": "text/csv", "data": "a,b"}),
            "messages.0.content.0.document.source.text.media_type: Input should be 'text/plain'",
            id="csv",
        ),
        pytest.param(
            document({"type": "text", "media_type": "text/plain", "data": ""}),
            "messages.0.content.0.document.source.text.data: String should have at least 1 character",
            id="empty-text",
        ),
        pytest.param(
            document({"type": "url", "url": "file:///etc/hosts"}),
            "messages.0.content.0.document.source.url.url: Only HTTP(S) URLs are supported.",
            id="file-url",
        ),
        pytest.param(
            document(inline("application/pdf", pdf_data(pages=101))),
            "A maximum of 100 PDF pages may be provided.",
            id="too-many-pages",
        ),
        pytest.param(
            document({"type": "content", "content": [image(inline("image/gif", image_data("PNG")))]}),
            "messages.0.content.0.document.source.content.content.0.image.source.base64.data: "
            "Image does not match the provided media type image/gif",
            id="image-in-document",
        ),
    ],
)
def test_bad_media_are_refused(block: Block, message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        validate(request(block))

    assert (caught.value.status, caught.value.message) == (400, message)


def test_the_image_in_a_tool_result_is_looked_at_too() -> None:
    body = request({"type": "text", "text": "Look"})
    body["messages"] += [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "shot", "input": {}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [image(inline("image/png", image_data("GIF")))],
                }
            ],
        },
    ]

    with pytest.raises(ClaudeError) as caught:
        validate(body)

    assert caught.value.message == (
        "messages.2.content.0.tool_result.content.0.image.source.base64.data: "
        "Image does not match the provided media type image/png"
    )
