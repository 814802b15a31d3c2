"""`inline_images=True`: what lies elsewhere is fetched and travels as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from portkey_gateway.errors import APIConnectionError, ContentError
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.langchain.media import MARK, PDF, PDF_SOURCE, PNG, PNG_SOURCE
from tests.support.recording import RecordingServer, whole

Received = Callable[[], dict[str, Any]]


@pytest.fixture
def inlining(model: ChatPortkey) -> ChatPortkey:
    return model.with_options(inline_images=True, inline_from=["127.0.0.1"])


@any_call
def test_an_image_is_fetched_once_and_sent_as_data(
    inlining: ChatPortkey, server: RecordingServer, received: Received, ask: Ask
) -> None:
    server.reply(whole(PNG, headers={"content-type": "image/png"}))
    block = {"type": "image", "url": f"{server.base_url}/x.png", "extras": {"cache_control": MARK}}
    answer = ask(inlining, [HumanMessage([block, "and", {"type": "image", "url": f"{server.base_url}/x.png"}])])
    first, _, second = received()["messages"][0]["content"]
    assert first == {"type": "image", "source": PNG_SOURCE, "cache_control": MARK}
    assert second == {"type": "image", "source": PNG_SOURCE}
    assert len(server.requests) == 1
    assert "8 x 6 pixels" in answer.text


def test_a_pdf_is_fetched_too(inlining: ChatPortkey, server: RecordingServer, received: Received) -> None:
    server.reply(whole(PDF, headers={"content-type": "application/octet-stream"}))
    inlining.invoke([HumanMessage([{"type": "file", "url": f"{server.base_url}/x.pdf"}, "Read it."])])
    assert received()["messages"][0]["content"][0]["source"] == PDF_SOURCE


def test_no_key_goes_to_the_host_of_an_image(inlining: ChatPortkey, server: RecordingServer) -> None:
    server.reply(whole(PNG, headers={"content-type": "image/png"}))
    inlining.invoke([HumanMessage([{"type": "image", "url": f"{server.base_url}/x.png"}])])
    [request] = server.requests
    assert not [name for name in request.headers if name == "authorization" or name.startswith("x-portkey")]


def test_an_image_that_cannot_be_had_is_an_error_that_names_it(inlining: ChatPortkey, server: RecordingServer) -> None:
    server.reply(whole(b"gone", status=404))
    with pytest.raises(APIConnectionError, match=r"cannot fetch 'http://127\.0\.0\.1:\d+/v1/x\.png'"):
        inlining.invoke([HumanMessage([{"type": "image", "url": f"{server.base_url}/x.png"}])])


def test_a_page_instead_of_an_image_is_an_error_that_names_it(inlining: ChatPortkey, server: RecordingServer) -> None:
    server.reply(whole(b"<svg/>", headers={"content-type": "image/svg+xml"}))
    with pytest.raises(ContentError, match=r"messages\[0\]\.content\[0\] is .*image/svg\+xml, which does not"):
        inlining.invoke([HumanMessage([{"type": "image", "url": f"{server.base_url}/x.png"}])])
