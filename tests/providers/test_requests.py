"""What reaches each provider of a request: system messages, images, documents, and what it refuses of them."""

from __future__ import annotations

import base64
import json
from typing import Final

import pytest

from docs.provider_tables import COLUMNS
from portkey_gateway.errors import ContentError
from tests.llamaindex.media import PDF, PNG
from tests.providers.converse import Converse
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
def test_two_answers_in_a_row_arrive(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    said = [framework.assistant("It is one."), framework.assistant("It is two.")]
    assert framework.ask(way, [framework.user("Hi"), *said, framework.user("Go on.")]).text == "Hello."
    assert not provider.refused
    received = json.dumps(provider.received)
    assert [text for text in ("It is one.", "It is two.") if text in received] == ["It is one.", "It is two."]


@whole_or_streamed
def test_the_model_may_speak_first(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    assert framework.ask(way, [framework.assistant("How can I help?"), framework.user("Hi")]).text == "Hello."
    assert not provider.refused
    assert "How can I help?" in json.dumps(provider.received)


class AnyConverse(Converse):
    """Other models on Bedrock have the same rules as its Claudes."""

    models = r"meta\.[\w.:-]+"


@pytest.mark.parametrize("row", ["bedrock/anthropic"], indirect=True)
@whole_or_streamed
def test_turns_of_other_models_on_bedrock(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    provider.wire = AnyConverse()
    framework.model = framework.model.with_options(model="meta.llama3-70b-instruct-v1:0")
    said = [framework.assistant("One."), framework.assistant("Two."), framework.user("Hi")]
    assert framework.ask(way, said).text == "Hello."
    assert not provider.refused


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
