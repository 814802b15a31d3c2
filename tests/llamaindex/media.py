"""A real image, a real PDF and a text, made here."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any, Final

from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import ContentStream, DictionaryObject, NameObject

PNG_SIZE: Final = (8, 6)
PDF_TEXT: Final = "Annual report"
TEXT: Final = "Grüße aus Köln"


def draw_image(image_format: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", PNG_SIZE, (255, 0, 0)).save(buffer, image_format)
    return buffer.getvalue()


def write_pdf() -> bytes:
    writer = PdfWriter()
    page = writer.add_blank_page(width=300, height=144)
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    named = DictionaryObject({NameObject(key): NameObject(value) for key, value in font.items()})
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): named})}
    )
    drawing = ContentStream(None, writer)
    drawing.set_data(f"BT /F1 12 Tf 20 100 Td ({PDF_TEXT}) Tj ET".encode())
    page.replace_contents(drawing)
    pdf = BytesIO()
    writer.write(pdf)
    return pdf.getvalue()


PNG: Final = draw_image()
PDF: Final = write_pdf()


def source(data: bytes, media_type: str) -> dict[str, Any]:
    """What Anthropic receives for these bytes."""
    return {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}


PNG_SOURCE: Final = source(PNG, "image/png")
PDF_SOURCE: Final = source(PDF, "application/pdf")
PNG_URL: Final = f"data:image/png;base64,{PNG_SOURCE['data']}"
PDF_URL: Final = f"data:application/pdf;base64,{PDF_SOURCE['data']}"
