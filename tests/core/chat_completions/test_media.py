"""Media of users on their way to each provider: in the form that reaches it, or an error that says why not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from portkey_gateway.chat_completions.blocks import encode_message
from portkey_gateway.conversation.content import Media, load_bytes, load_url, media_block
from portkey_gateway.conversation.request import Message
from portkey_gateway.errors import ContentError, PortkeyWarning
from portkey_gateway.options import GatewayOptions
from portkey_gateway.routing import Route, find_route
from tests.support.media import BMP, MP4, MP464, WAV, WAV64

SOUND = load_bytes(WAV)
OGG = load_bytes(b"OggS" + bytes(40))
VIDEO = load_bytes(MP4)
BITMAP = load_bytes(BMP)
GIF = load_bytes(b"GIF89a" + bytes(40))
HEIC = load_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
PDF = load_bytes(b"%PDF-1.7\n" + bytes(40), name="plan.pdf")
FILM = load_url("https://a.org/film.mp4", kind="video")
STORED = load_url("gs://bucket/film", kind="video", media_type="video/mp4")
SPEECH = load_url("https://a.org/speech", kind="audio", media_type="audio/mp3")
REMOTE_PDF = load_url("https://a.org/plan.pdf", kind="document")
NAMES = {
    "openai": "gpt-4o", "azure-openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash",
    "vertex-ai": "gemini-2.5-flash", "bedrock": "amazon.nova-pro-v1:0", "mistral-ai": "mistral-large-latest",
    "groq": "llama-4", "deepseek": "deepseek-chat", "together-ai": "qwen-omni",
}  # fmt: skip


def route_to(first: str, *others: str, **options: Any) -> Route:
    """The route to a provider, or to those that a config may ask."""
    if others:
        targets = [{"provider": name, "override_params": {"model": NAMES[name]}} for name in (first, *others)]
        options["config"] = {"strategy": {"mode": "fallback"}, "targets": targets}
    else:
        options["provider"] = first
    asked = GatewayOptions(base_url="http://127.0.0.1:9/v1", api_format="chat_completions", **options)
    return find_route(asked, NAMES[first])


def encoded(given: Media | dict[str, Any], route: Route) -> Any:
    block: Any = media_block(given) if isinstance(given, Media) else given
    before = copy.deepcopy(block)
    message: Message = {"role": "user", "content": [{"type": "text", "text": "Look:"}, block]}
    made = encode_message(message, "messages[0]", route)
    assert block == before
    return made["content"][1]  # type: ignore[index]  # it is a list


def as_image(url: str, **more: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


HEARD = {"type": "input_audio", "input_audio": {"data": WAV64, "format": "wav"}}
SEEN = as_image(f"data:video/mp4;base64,{MP464}")


@pytest.mark.parametrize(
    ("provider", "media", "sent"),
    [
        ("openai", SOUND, HEARD),
        ("azure-openai", SOUND, HEARD),
        ("google", SOUND, HEARD),
        ("together-ai", SOUND, HEARD),
        ("google", OGG, {"type": "input_audio", "input_audio": {"data": OGG.data, "format": "opus"}}),
        ("google", SPEECH, as_image("https://a.org/speech", mime_type="audio/mp3")),
        ("google", VIDEO, SEEN),
        ("vertex-ai", VIDEO, SEEN),
        ("bedrock", VIDEO, SEEN),
        ("together-ai", VIDEO, SEEN),
        ("google", FILM, as_image("https://a.org/film.mp4", mime_type="video/mp4")),
        ("vertex-ai", STORED, as_image("gs://bucket/film", mime_type="video/mp4")),
        ("google", HEIC, as_image(HEIC.data_url)),
        ("together-ai", BITMAP, as_image(BITMAP.data_url)),
        ("openai", GIF, as_image(GIF.data_url)),
        ("anthropic", GIF, as_image(GIF.data_url)),
        ("openai", PDF, {"type": "file", "file": {"filename": "plan.pdf", "file_data": PDF.data_url}}),
        ("google", PDF, as_image(PDF.data_url)),
        ("bedrock", PDF, as_image(PDF.data_url)),
        ("mistral-ai", PDF, {"type": "document_url", "document_url": PDF.data_url}),
        ("mistral-ai", REMOTE_PDF, {"type": "document_url", "document_url": "https://a.org/plan.pdf"}),
        ("openai", {"type": "document", "source": {"type": "file", "file_id": "file-1"}},
         {"type": "file", "file": {"file_id": "file-1"}}),
    ],
)  # fmt: skip
def test_media_take_the_form_that_reaches_the_provider(provider: str, media: Any, sent: dict[str, Any]) -> None:
    assert encoded(media, route_to(provider)) == sent


@pytest.mark.parametrize(
    ("provider", "media", "what", "who"),
    [
        ("anthropic", SOUND, "'audio', audio/wav", "Claude"),
        ("anthropic", VIDEO, "'video', video/mp4", "Claude"),
        ("anthropic", BITMAP, "'image', image/bmp", "Claude"),
        ("openai", VIDEO, "'video', video/mp4", "OpenAI"),
        ("openai", FILM, "'video', given by URL", "OpenAI"),
        ("openai", SPEECH, "'audio', given by URL", "OpenAI"),
        ("openai", OGG, "'audio', audio/ogg", "OpenAI"),
        ("openai", BITMAP, "'image', image/bmp", "OpenAI"),
        ("openai", REMOTE_PDF, "'document', given by URL", "OpenAI"),
        ("google", BITMAP, "'image', image/bmp", "Gemini"),
        ("google", {"type": "document", "source": {"type": "file", "file_id": "file-1"}},
         "'document', given by the id of a file", "Gemini"),
        ("bedrock", GIF, "'image', image/gif", "other models on Bedrock"),
        ("bedrock", SOUND, "'audio', audio/wav", "other models on Bedrock"),
        ("groq", PDF, "'document', application/pdf", "Groq"),
        ("deepseek", GIF, "'image', image/gif", "DeepSeek"),
        ("openai", STORED, "'video', given by URL", "OpenAI"),
        ("openai", load_url("gs://bucket/a.png"), "'image', given by URL", "OpenAI"),
    ],
)  # fmt: skip
def test_what_a_provider_does_not_take_is_an_error_that_names_the_block(
    provider: str, media: Any, what: str, who: str
) -> None:
    with pytest.raises(ContentError) as caught:
        encoded(media, route_to(provider))
    said = str(caught.value)
    assert said.startswith(f"messages[0].content[1] is a block of type {what}, which does not reach {who}: ")


def test_the_remedy_is_told() -> None:
    with pytest.raises(ContentError, match="give its data, or fetch it with inline_images=True"):
        encoded(SPEECH, route_to("openai"))
    with pytest.raises(ContentError, match="convert it to what the model takes"):
        encoded(OGG, route_to("openai"))


@pytest.mark.parametrize("provider", NAMES)
def test_a_data_url_that_was_given_goes_where_its_data_would(provider: str) -> None:
    def outcome(media: Media) -> Any:
        try:
            return encoded(media, route_to(provider))
        except ContentError as error:
            return error.message

    assert outcome(load_url(GIF.data_url, as_given=True)) == outcome(GIF)


def test_a_data_url_that_was_given_is_not_copied() -> None:
    url = GIF.data_url
    assert encoded(load_url(url, as_given=True), route_to("openai"))["image_url"]["url"] is url


def test_the_catalog_s_models_go_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-1")
    assert encoded(VIDEO, find_route(GatewayOptions(), "@google-prod/gemini-2.5-pro")) == SEEN
    with pytest.raises(ContentError, match="does not reach Claude"):
        encoded(VIDEO, find_route(GatewayOptions(api_format="chat_completions"), "@house/claude-sonnet-4-5"))
    assert encoded(SOUND, find_route(GatewayOptions(), "@house/own-model")) == HEARD


def test_where_one_of_several_does_not_take_it_that_is_told() -> None:
    with pytest.warns(PortkeyWarning, match=r"messages\[0\]\.content\[1\] is a block of type 'audio'.* reach Claude,"):
        assert encoded(SOUND, route_to("openai", "anthropic")) == HEARD
    with pytest.warns(PortkeyWarning, match="which will not reach OpenAI, where the config may send the call"):
        assert encoded(VIDEO, route_to("openai", "google")) == SEEN
    with pytest.warns(PortkeyWarning, match="'document', application/pdf, .*: Claude refuses the whole call then"):
        assert encoded(PDF, route_to("openai", "anthropic"))["type"] == "file"
    with pytest.raises(ContentError, match="does not reach OpenAI or Claude"):
        encoded(BITMAP, route_to("openai", "anthropic"))
