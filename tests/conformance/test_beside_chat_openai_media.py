"""``ChatPortkey`` beside ``ChatOpenAI``: images, files and sounds."""

from __future__ import annotations

from typing import Any, Final

import pytest
from langchain_core.messages import HumanMessage

from tests.conformance.beside import Pair, check_says_as_much, once_each
from tests.langchain.ask import Ask, any_call
from tests.langchain.media import PDF64, PNG64, PNG_URL
from tests.support.media import WAV64

TEXT: Final = {"type": "text", "text": "What is it?"}
SOUNDS: Final[list[dict[str, Any]]] = [
    {"type": "audio", "base64": WAV64, "mime_type": "audio/wav"},
    {"type": "audio", "source_type": "base64", "data": WAV64, "mime_type": "audio/wav"},
    {"type": "input_audio", "input_audio": {"data": WAV64, "format": "wav"}},
]
SIGHTS: Final[list[dict[str, Any]]] = [
    {"type": "image", "base64": PNG64, "mime_type": "image/png"},
    {"type": "image", "source_type": "base64", "data": PNG64, "mime_type": "image/png"},
    {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}},
    {"type": "image", "url": "https://example.org/a.png"},
    {"type": "file", "base64": PDF64, "mime_type": "application/pdf", "filename": "report.pdf"},
    {"type": "file", "file": {"filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF64}"}},
    {"type": "file", "file_id": "file-1"},
    {"type": "file", "file": {"file_id": "file-1"}},
]
SPEAKING: Final = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}


@once_each
@pytest.mark.parametrize("block", SIGHTS)
def test_images_and_files(gpt_4o: Pair, ask: Ask, block: dict[str, Any]) -> None:
    check_says_as_much(gpt_4o.ask(lambda model: ask(model, [HumanMessage([TEXT, block])])))


@any_call
@pytest.mark.parametrize("block", SOUNDS)
def test_sounds(ears: Pair, ask: Ask, block: dict[str, Any]) -> None:
    answer = check_says_as_much(ears.ask(lambda model: ask(model, [HumanMessage([TEXT, block])])))
    assert "I hear a WAV recording of 0.5 seconds." in answer.text
    assert answer.usage_metadata["input_token_details"]["audio"] > 0


@any_call
def test_a_spoken_answer_and_its_replay(ears: Pair, ask: Ask) -> None:
    answer = check_says_as_much(ears.ask(lambda model: ask(model, "Say exactly: Hello there.", **SPEAKING)))
    sound = answer.additional_kwargs["audio"]
    assert (answer.content, sound["transcript"]) == ("", "Hello there.")
    assert sound["data"]
    [block] = answer.content_blocks
    assert (block["type"], block["base64"], block["mime_type"]) == ("audio", sound["data"], "audio/pcm")
    assert answer.usage_metadata["output_token_details"]["audio"] > 0
    history = [HumanMessage("Say exactly: Hello there."), answer, HumanMessage("Say exactly: Again.")]
    check_says_as_much(ears.ask(lambda model: ask(model, history, **SPEAKING)))
    assert ears.sent["messages"][1]["audio"] == {"id": sound["id"]}
