"""Claudes of every house: thoughts with their proofs in a tool loop, texts as documents, no tool."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage, DocumentBlock, TextBlock

from portkey_gateway.sandbox.claude.signatures import sign
from tests.providers.emulated import Call, EmulatedProvider, Said
from tests.providers.frameworks import LOOK, Framework, LangChain, Way, any_way, whole_or_streamed

claudes: Final = pytest.mark.parametrize(
    "row", ["anthropic", "messages", "vertex-ai/anthropic", "bedrock/anthropic"], indirect=True
)
THINKING: Final = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4096}


@claudes
@any_way
def test_thoughts_go_back_with_their_proof(
    framework: Framework, provider: EmulatedProvider, row: str, way: Way
) -> None:
    provider.say(
        Said("I look.", thinking="Hm, well.", calls=(Call("look", {"at": "sky"}),), ending="tool_calls"), Said("Blue.")
    )
    heard = framework.ask(way, [framework.user("Look.")], tools=[LOOK], **THINKING)
    said = [framework.user("Look."), heard.message, framework.result(heard.calls[0], "blue")]
    assert framework.ask(way, said, tools=[LOOK], **THINKING).text == "Blue."
    assert not provider.refused
    _, answer, _ = provider.received["messages"]
    thought = answer["content"][0]
    if row == "bedrock/anthropic":
        assert thought == {"reasoningContent": {"reasoningText": {"text": "Hm, well.", "signature": "c2ln"}}}
    else:
        assert thought == {"type": "thinking", "thinking": "Hm, well.", "signature": sign("Hm, well.")}


@claudes
@whole_or_streamed
def test_a_text_as_a_document(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    message: Any
    if isinstance(framework, LangChain):
        document = {"type": "text-plain", "text": "Grüße aus Köln", "mime_type": "text/plain"}
        message = HumanMessage([{"type": "text", "text": "Read."}, document])
    else:
        data = base64.b64encode("Grüße aus Köln".encode())
        message = ChatMessage(
            blocks=[TextBlock(text="Read."), DocumentBlock(data=data, document_mimetype="text/plain")]
        )
    assert framework.ask(way, [message]).text == "Hello."
    assert not provider.refused
    assert "Grüße aus Köln" in json.dumps(provider.received, ensure_ascii=False)
