"""The fixtures of this folder."""

import os
from typing import Any

import httpx
import pytest

from portkey_gateway.sandbox import Sandbox
from tests.conformance.beside import Pair
from tests.conformance.media import AUDIO_URL, IMAGE_URL, PDF_URL, draw_png, write_pdf
from tests.support.media import WAV


@pytest.fixture
def offline_media(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Serve the image, the PDF and the sound that LangChain's suite fetches; returns them by URL.

    Tests never leave this machine, and a suite that depends on other people's sites fails when those do. The suite
    calls `httpx.get` itself and nothing else does: the product talks through clients of its own. Any other URL still
    goes to the real function, where the closed sockets refuse it.
    """
    media = {IMAGE_URL: draw_png(), PDF_URL: write_pdf("Dummy PDF file"), AUDIO_URL: WAV}
    fetch = httpx.get

    def get(url: str, **options: Any) -> httpx.Response:
        return httpx.Response(200, content=media[url]) if url in media else fetch(url, **options)

    monkeypatch.setattr(httpx, "get", get)
    # The suite asks who fetches a sound, which nobody does here.
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "none")
    return media


@pytest.fixture(autouse=True)
def _no_gateway_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a developer's shell says of a gateway out of the models and the snapshot."""
    for name in [name for name in os.environ if name.startswith("PORTKEY_")]:
        monkeypatch.delenv(name)


@pytest.fixture(params=["gpt-4o", "gpt-5"])
def pair(both: Sandbox, request: pytest.FixtureRequest) -> Pair:
    """`ChatOpenAI` and `ChatPortkey`, of each kind of model."""
    return Pair(both, request.param)


@pytest.fixture
def gpt_4o(both: Sandbox) -> Pair:
    return Pair(both, "gpt-4o")


@pytest.fixture
def ears(both: Sandbox) -> Pair:
    return Pair(both, "gpt-4o-audio-preview")
