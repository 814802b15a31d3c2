"""What reaches each provider of a request: system messages, images, documents, and what it refuses of them."""

from __future__ import annotations

import base64
import json
from typing import Final

import pytest

from docs.provider_tables import COLUMNS
from portkey_gateway.errors import ContentError
from tests.llamaindex.media import PDF, PNG
from tests.providers.emulated import EmulatedProvider
from tests.providers.frameworks import Framework, Way, whole_or_streamed

_PNG_DATA: Final = base64.b64encode(PNG).decode()
_PDF_DATA: Final = base64.b64encode(PDF).decode()


@whole_or_streamed
def test_every_system_message_arrives(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    said = [framework.system("Be brief."), framework.system("Be kind.", "Be exact."), framework.user("Hi")]
    assert framework.ask(way, said).text == "Hello."
    assert not provider.refused
    received = json.dumps(provider.received)
    assert [text for text in ("Be brief.", "Be kind.", "Be exact.") if text in received] == [
        "Be brief.",
        "Be kind.",
        "Be exact.",
    ]


@whole_or_streamed
def test_a_system_message_amid_the_conversation_arrives(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    heard = framework.ask(way, [framework.user("Hi")])
    said = [framework.user("Hi"), heard.message, framework.system("Be brief."), framework.user("Who are you?")]
    assert framework.ask(way, said).text == "Hello."
    assert not provider.refused
    assert "Be brief." in json.dumps(provider.received)


@whole_or_streamed
def test_an_image_arrives(framework: Framework, provider: EmulatedProvider, row: str, way: Way) -> None:
    asked = [framework.user("What is this?", PNG)]
    if "image" not in COLUMNS[row].media:
        with pytest.raises(ContentError, match=r"image/png, which does not reach DeepSeek"):
            framework.ask(way, asked)
        assert not provider.requests
        return
    assert framework.ask(way, asked).text == "Hello."
    assert not provider.refused
    assert _PNG_DATA in json.dumps(provider.received)


@whole_or_streamed
def test_a_pdf_arrives_or_is_refused_by_name(
    framework: Framework, provider: EmulatedProvider, row: str, way: Way
) -> None:
    asked = [framework.user("What is this?", PDF)]
    if "pdf" not in COLUMNS[row].media:
        with pytest.raises(ContentError, match=r"application/pdf, which does not reach"):
            framework.ask(way, asked)
        assert not provider.requests
        return
    assert framework.ask(way, asked).text == "Hello."
    assert not provider.refused
    assert _PDF_DATA in json.dumps(provider.received)
