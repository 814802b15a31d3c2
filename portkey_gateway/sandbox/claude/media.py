"""Looks into images and PDFs, so that the emulated Claude judges and describes what is really there."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pypdf import PdfReader
from pypdf.errors import PyPdfError

MAX_SIDE_PX: Final = 8000
"""The longest side of an image, in pixels. Source: Anthropic's documentation, "Vision"."""

IMAGE_MEDIA_TYPES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")

_SAMPLE_SIDE_PX: Final = 64
_CHANNEL_STEP: Final = 32

_COLOUR_NAMES: Final = {
    "black": (0, 0, 0),
    "grey": (128, 128, 128),
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "orange": (255, 165, 0),
    "yellow": (255, 255, 0),
    "green": (0, 160, 0),
    "lime": (0, 255, 0),
    "cyan": (0, 255, 255),
    "blue": (0, 0, 255),
    "navy": (0, 0, 128),
    "purple": (128, 0, 128),
    "magenta": (255, 0, 255),
    "pink": (255, 192, 203),
    "brown": (139, 69, 19),
}

_Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image shows at first sight.

    Attributes:
        format: Its format's name: `PNG`, `JPEG`, `GIF` or `WEBP`.
        media_type: The media type of that format.
        width: In pixels.
        height: In pixels.
        dominant_colour_name: The everyday name nearest to the most frequent colour.
        dominant_colour_hex: The most frequent colour as `#rrggbb`.
    """

    format: str
    media_type: str
    width: int
    height: int
    dominant_colour_name: str
    dominant_colour_hex: str


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What a PDF holds.

    Attributes:
        pages: How many pages it has.
        text: The text of all pages, a line break between two of them.
    """

    pages: int
    text: str


def inspect_image(data: bytes) -> ImageFacts:
    """Read an image's facts from its bytes, whatever it was declared as.

    Raises:
        ValueError: The bytes are no readable image of a format Claude takes, or a side is longer than `MAX_SIDE_PX`.
    """
    reader = _image_reader(data)
    if reader is None:
        raise ValueError("Could not process image")
    # The reader is called by name: `Image.open` would warn about large images, which are refused here anyway.
    try:
        with reader(BytesIO(data)) as image:
            if max(image.size) > MAX_SIDE_PX:
                raise ValueError(f"At least one of the image dimensions exceed max allowed size: {MAX_SIDE_PX} pixels")
            colour = _dominant_colour(image)
            width, height = image.size
            name = image.format or ""
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError("Could not process image") from error
    return ImageFacts(
        format=name,
        media_type=f"image/{name.lower()}",
        width=width,
        height=height,
        dominant_colour_name=_colour_name(colour),
        dominant_colour_hex="#{:02x}{:02x}{:02x}".format(*colour),
    )


def inspect_pdf(data: bytes) -> PdfFacts:
    """Read a PDF's facts from its bytes.

    Raises:
        ValueError: The bytes are no readable PDF, or it is locked by a password.
    """
    pages = pdf_pages(data)
    return PdfFacts(pages=len(pages), text="\n".join(pages))


def pdf_pages(data: bytes) -> list[str]:
    """Return the words of each page of a PDF.

    Raises:
        ValueError: The bytes are no readable PDF, or it is locked by a password.
    """
    try:
        reader = PdfReader(BytesIO(data))
        if reader.is_encrypted:
            raise ValueError("The PDF specified is password protected.")
        pages = [page.extract_text() for page in reader.pages]
    except (PyPdfError, OSError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # pypdf lets plain Python errors escape on a damaged file.
        raise ValueError("The PDF specified was not valid.") from error
    if not pages:
        raise ValueError("The PDF specified was not valid.")
    return pages


def _image_reader(data: bytes) -> type[ImageFile] | None:
    """Tell the format by the first bytes, as each format's standard fixes them."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImageFile
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImageFile
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GifImageFile
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImageFile
    return None


def _dominant_colour(image: Image.Image) -> _Colour:
    """Return the mean of the largest group of similar pixels, transparency shown on white."""
    sample = image.convert("RGBA").resize((_SAMPLE_SIDE_PX, _SAMPLE_SIDE_PX), Image.Resampling.NEAREST)
    white = Image.new("RGBA", sample.size, "white")
    flat = Image.alpha_composite(white, sample).convert("RGB")
    groups: dict[_Colour, list[tuple[int, _Colour]]] = {}
    for count, colour in flat.getcolors(_SAMPLE_SIDE_PX**2) or ():
        red, green, blue = colour  # type: ignore[misc]  # an RGB image's colours are triples
        key = (red // _CHANNEL_STEP, green // _CHANNEL_STEP, blue // _CHANNEL_STEP)
        groups.setdefault(key, []).append((count, (red, green, blue)))
    largest = max(groups.values(), key=lambda group: sum(count for count, _ in group))
    total = sum(count for count, _ in largest)
    red, green, blue = (round(sum(count * colour[i] for count, colour in largest) / total) for i in range(3))
    return red, green, blue


def _colour_name(colour: _Colour) -> str:
    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(colour, _COLOUR_NAMES[name], strict=True))

    return min(_COLOUR_NAMES, key=distance)
