"""Tokens counted before a call, of a text and of a conversation, are those that the call itself costs."""

from __future__ import annotations

from typing import Any

import llama_index.core
import pytest
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage
from llama_index.core.utils import Tokenizer

from portkey_gateway.errors import AuthenticationError
from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from tests.llamaindex.media import PNG
from tests.support.recording import RecordingServer, whole


def test_a_text_costs_what_was_counted(llm: Portkey) -> None:
    text = "Tell me of the lighthouses of Kiel."
    tokenizer = llm.tokenizer
    assert isinstance(tokenizer, Tokenizer)
    answer: Any = llm.chat([ChatMessage(text)])
    assert len(tokenizer.encode(text)) == answer.raw["usage"]["input_tokens"]
    assert tokenizer.encode(" ") == []


def test_a_conversation_costs_what_was_counted(llm: Portkey) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    image = ChatMessage(
        role="user", blocks=[{"block_type": "image", "image": PNG}, {"block_type": "text", "text": "?"}]
    )
    messages = [ChatMessage("Be brief.", role="system"), image]
    answer: Any = llm.chat(messages)
    assert llm.count_tokens(messages) == answer.raw["usage"]["input_tokens"]
    assert llm.count_tokens(messages, tools=[tool]) > llm.count_tokens(messages)


def test_settings_take_it(llm: Portkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_index.core, "global_tokenizer", None)
    monkeypatch.setattr(Settings, "_tokenizer", None)
    Settings.tokenizer = llm.tokenizer.encode
    assert len(Settings.tokenizer("Hello!")) == len(llm.tokenizer.encode("Hello!")) > 0


def test_another_model_s_are_four_characters_each(sandbox: Sandbox) -> None:
    options: dict[str, Any] = {**sandbox.options(), "provider": "openai"}
    assert len(Portkey(model="gpt-4o", **options).tokenizer.encode("123456789")) == 3


def test_so_are_those_of_a_gateway_without_the_route(server: RecordingServer, recorded: Portkey) -> None:
    server.reply(whole(b'{"status": "failure", "message": "messages is not supported by x"}', status=500))
    assert len(recorded.tokenizer.encode("123456789")) == 3


def test_a_wrong_key_is_told(server: RecordingServer, recorded: Portkey) -> None:
    server.reply(whole(b'{"error": {"message": "no", "type": "x"}}', status=401))
    with pytest.raises(AuthenticationError):
        recorded.tokenizer.encode("Hello!")
