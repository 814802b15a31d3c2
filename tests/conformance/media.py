"""What LangChain's suite fetches, and a real PNG, a real PDF and a real sound in its place."""

from io import BytesIO

from PIL import Image, ImageDraw
from pypdf import PdfWriter
from pypdf.generic import ContentStream, DictionaryObject, NameObject

IMAGE_URL = (
    "https://raw.githubusercontent.com/langchain-ai/docs/4d11d08b6b0e210bd456943f7a22febbd168b543"
    "/src/images/agentic-rag-output.png"
)
AUDIO_URL = "https://upload.wikimedia.org/wikipedia/commons/6/6a/Northern_Flicker_202280456.wav"
PDF_URL = "https://www.w3.org/WAI/ER/tests/xhtml/testfiles/resources/pdf/dummy.pdf"


def draw_png() -> bytes:
    """Draw two boxes and a line between them on white."""
    image = Image.new("RGB", (320, 160), "white")
    draw = ImageDraw.Draw(image)
    draw.line((120, 80, 200, 80), fill="black", width=4)
    draw.rectangle((20, 50, 120, 110), fill="navy")
    draw.rectangle((200, 50, 300, 110), fill="purple")
    png = BytesIO()
    image.save(png, "PNG")
    return png.getvalue()


def write_pdf(text: str) -> bytes:
    """Write one page with one line of text."""
    writer = PdfWriter()
    page = writer.add_blank_page(width=300, height=144)
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    named = DictionaryObject({NameObject(key): NameObject(value) for key, value in font.items()})
    fonts = DictionaryObject({NameObject("/F1"): named})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    drawing = ContentStream(None, writer)
    drawing.set_data(f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode())
    page.replace_contents(drawing)
    pdf = BytesIO()
    writer.write(pdf)
    return pdf.getvalue()
