"""The rules of images and documents: what is declared must be what is there.

Source: Anthropic's documentation, "Vision" and "PDF support", and the API's answers its users have published.
"""

import base64
import binascii
from typing import Final

from portkey_gateway.sandbox.claude.blocks import Located, Wire, message_blocks
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.media import inspect_image, inspect_pdf

# The API measures the base64 text, not the picture in it.
_IMAGE_BASE64_BYTES: Final = 5 * 1024 * 1024
_PDF_PAGES: Final = 100


def validate_media(messages: list[Wire]) -> None:
    """Check every image and every document of the messages, those inside tool results too.

    Raises:
        ClaudeError: Data is no base64, not what it is declared as, or too large; or a URL is none.
    """
    pages = 0
    for located in message_blocks(messages):
        if located.type == "image":
            _check_image(located)
        elif located.type == "document":
            pages += _check_document(located)
    if pages > _PDF_PAGES:
        raise invalid(f"A maximum of {_PDF_PAGES} PDF pages may be provided.")


def _check_image(located: Located) -> None:
    source, path = located.block["source"], f"{located.tagged_path}.source"
    if source["type"] == "url":
        _check_url(source["url"], path)
    if source["type"] != "base64":
        return
    size = len(source["data"])
    if size > _IMAGE_BASE64_BYTES:
        raise invalid(f"{path}.base64: image exceeds 5 MB maximum: {size} bytes > {_IMAGE_BASE64_BYTES} bytes")
    data = _decode(source["data"], path)
    try:
        facts = inspect_image(data)
    except ValueError as error:
        raise invalid(f"{path}.base64.data: {error}") from error
    if facts.media_type != source["media_type"]:
        raise invalid(f"{path}.base64.data: Image does not match the provided media type {source['media_type']}")


def _check_document(located: Located) -> int:
    """Check a document and return how many pages of PDF it holds."""
    source, path = located.block["source"], f"{located.tagged_path}.source"
    if source["type"] == "url":
        _check_url(source["url"], path)
    if source["type"] == "text" and not source["data"]:
        raise invalid(f"{path}.text.data: String should have at least 1 character")
    if source["type"] != "base64":
        return 0
    data = _decode(source["data"], path)
    try:
        return inspect_pdf(data).pages
    except ValueError as error:
        raise invalid(f"{path}.base64.data: {error}") from error


def _decode(data: str, path: str) -> bytes:
    if not data:
        raise invalid(f"{path}.base64.data: String should have at least 1 character")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"{path}.base64.data: invalid base64 data") from error


def _check_url(url: str, path: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise invalid(f"{path}.url.url: Only HTTP(S) URLs are supported.")
