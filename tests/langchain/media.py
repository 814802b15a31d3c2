"""Small real files for the tests: images, a PDF, a text."""

from __future__ import annotations

import base64
import io
from typing import Final

from PIL import Image


def image(image_format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), (255, 0, 0)).save(buffer, image_format)
    return buffer.getvalue()


def _pdf() -> bytes:
    stream = b"BT /F1 12 Tf 20 100 Td (Annual report) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 90 90] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


PNG: Final = image()
PNG64: Final = base64.b64encode(PNG).decode()
PNG_URL: Final = f"data:image/png;base64,{PNG64}"
PDF: Final = _pdf()
PDF64: Final = base64.b64encode(PDF).decode()
PDF_URL: Final = f"data:application/pdf;base64,{PDF64}"
TEXT: Final = "Grüße aus Köln"
TEXT64: Final = base64.b64encode(TEXT.encode()).decode()

PNG_SOURCE: Final = {"type": "base64", "media_type": "image/png", "data": PNG64}
"""What Anthropic receives for the image."""
PDF_SOURCE: Final = {"type": "base64", "media_type": "application/pdf", "data": PDF64}
"""What Anthropic receives for the PDF."""
MARK: Final = {"type": "ephemeral"}
"""A cache breakpoint."""
