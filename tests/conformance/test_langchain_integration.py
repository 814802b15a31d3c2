"""LangChain's own integration suite for chat models, over both API formats, through the real gateway to the sandbox.

What Claude does is declared supported. Audio and video are not: Claude takes neither. The suite's timing test needs
recorded answers (VCR) and skips itself without; benchmarks measure our time instead.

The suite looks at answers only, and a gateway that drops a block still answers. So the tests at the end run some of its
tests again and look at what reached Claude.
"""

from __future__ import annotations

import base64
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from portkey_gateway import PortkeyWarning
from portkey_gateway.sandbox.claude.signatures import is_genuine
from portkey_langchain import ChatPortkey
from tests.conformance.media import IMAGE_URL, PDF_URL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.messages import AIMessageChunk

    from portkey_gateway.sandbox import Sandbox

CACHEABLE_TOKENS = 1024
"""Claude caches no shorter prompt (Anthropic's documentation, "Prompt caching")."""

LONG_PROMPT = "You answer questions about the harbour of a small town by the sea. " * 120

REPLIES: dict[str, str | dict[str, Any]] = {
    "reasoning": {"type": "thinking", "thinking": "The user greets me."},
    "non_standard": {"type": "redacted_thinking", "text": "Nothing to see."},
    "text": "Hello, I look that up.",
    "tool_call": {"type": "tool_use", "name": "get_weather", "input": {"city": "Lisbon"}},
}
"""What Claude says, by the type of the standard content block that it becomes."""

ORDERS = [
    ("text",),
    ("tool_call", "tool_call"),
    ("text", "tool_call"),
    ("reasoning", "text"),
    ("reasoning", "tool_call", "tool_call"),
    ("reasoning", "text", "tool_call"),
    ("non_standard", "reasoning", "text"),
    ("text", "reasoning", "text", "tool_call"),
]

Details = Literal["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]


class ChatPortkeyIntegration(ChatModelIntegrationTests):
    """LangChain's suite, over one API format."""

    api_format: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _in_sandbox(self, sandbox: Sandbox, offline_media: dict[str, bytes]) -> None:
        self.sandbox = sandbox
        self.image, self.pdf = (base64.b64encode(offline_media[url]).decode() for url in (IMAGE_URL, PDF_URL))

    @property
    def chat_model_class(self) -> type[ChatPortkey]:
        return ChatPortkey

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": self.sandbox.model, "api_format": self.api_format, **self.sandbox.options()}

    @property
    def has_tool_calling(self) -> bool:
        return True

    @property
    def has_tool_choice(self) -> bool:
        return True

    @property
    def has_structured_output(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def returns_usage_metadata(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[Literal["invoke", "stream"], list[Details]]:
        details: list[Details] = ["cache_read_input", "cache_creation_input"]
        if self.api_format == "messages":
            details.append("reasoning_output")
        return {"invoke": details, "stream": details}

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "claude-haiku-4-5"

    def invoke_with_cache_creation_input(self, *, stream: bool = False) -> AIMessage:
        return self._ask_with_cached_prompt(stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        self._ask_with_cached_prompt(stream=stream)
        return self._ask_with_cached_prompt(stream=stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        thinking = {"type": "enabled", "budget_tokens": 1024}
        model = self.chat_model_class(**self.chat_model_params, thinking=thinking, max_tokens=2000)
        return _sum(model.stream("How deep is it?")) if stream else model.invoke("How deep is it?")

    def _ask_with_cached_prompt(self, *, stream: bool, **control: str) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params)
        prompt = {"type": "text", "text": LONG_PROMPT, "cache_control": {"type": "ephemeral", **control}}
        messages = [SystemMessage([prompt]), HumanMessage("How deep is it?")]
        return _sum(model.stream(messages)) if stream else model.invoke(messages)

    # --- what the suite sends but does not follow ---------------------------------------------------------------------

    def test_anthropic_inputs_arrive(self, model: ChatPortkey) -> None:
        self.test_anthropic_inputs(model)
        with_image, with_thinking = self._arrived()
        mark = {"type": "ephemeral"}
        [tool] = with_image["tools"]
        assert tool["cache_control"] == mark
        text, image = with_image["messages"][0]["content"]
        assert text["cache_control"] == mark
        assert image["source"]["data"] == self.image
        thinking, text = with_thinking["messages"][1]["content"]
        assert thinking["type"] == "thinking"
        assert is_genuine(thinking["thinking"], thinking["signature"])
        assert text == {"type": "text", "text": "Hello, how are you?"}

    def test_image_inputs_arrive(self, model: ChatPortkey) -> None:
        self.test_image_inputs(model)
        inline = {"type": "base64", "media_type": "image/png", "data": self.image}
        linked = {"type": "url", "url": IMAGE_URL}
        sources = [_media_sources(body["messages"][0]["content"]) for body in self._arrived()]
        assert sources == [[inline], [inline], [linked]]

    def test_images_and_pdfs_in_tool_messages_arrive(self, model: ChatPortkey) -> None:
        self.test_image_tool_message(model)
        self.test_pdf_tool_message(model)
        image = {"type": "base64", "media_type": "image/png", "data": self.image}
        pdf = {"type": "base64", "media_type": "application/pdf", "data": self.pdf}
        results = [body["messages"][-1]["content"][0] for body in self._arrived()]
        assert [_media_sources(result["content"]) for result in results] == [[image], [image], [pdf]]

    def test_forced_tool_choices_arrive(self, model: ChatPortkey) -> None:
        self.test_tool_choice(model)
        choices = [body["tool_choice"] for body in self._arrived()]
        assert choices == [{"type": "any"}, {"type": "tool", "name": "magic_function"}]

    def test_stop_sequences_arrive(self, model: ChatPortkey) -> None:
        self.test_stop_sequence(model)
        assert [body["stop_sequences"] for body in self._arrived()] == [["you"], ["you"]]

    @pytest.mark.parametrize("stream", [False, True], ids=["invoke", "stream"])
    def test_a_cached_prompt_is_written_once_and_then_read(self, *, stream: bool) -> None:
        created = _input_details(self.invoke_with_cache_creation_input(stream=stream))
        read = _input_details(self.invoke_with_cache_read_input(stream=stream))
        assert created["cache_read"] == read["cache_creation"] == 0
        assert created["cache_creation"] == read["cache_read"] > CACHEABLE_TOKENS

    @pytest.mark.parametrize("output_version", ["v0", "v1"])
    @pytest.mark.parametrize("kinds", ORDERS, ids=", ".join)
    def test_blocks_of_every_kind_stream_in_order(self, kinds: tuple[str, ...], output_version: str) -> None:
        self.sandbox.claude.reply_with(*(REPLIES[kind] for kind in kinds), times=3)
        model = self.chat_model_class(**self.chat_model_params, output_version=output_version)
        stream = model.stream_events("Hello", version="v3")
        assert_valid_event_stream(list(stream))
        for message in (model.invoke("Hello"), _sum(model.stream("Hello")), stream.output):
            assert tuple(block["type"] for block in message.content_blocks) == kinds

    def _arrived(self) -> list[dict[str, Any]]:
        return [request.body for request in self.sandbox.claude.requests]

    def _arrived_pdfs(self) -> list[dict[str, Any]]:
        """The documents that Claude received, without their source, which is told to be the suite's PDF."""
        inline = {"type": "base64", "media_type": "application/pdf", "data": self.pdf}
        contents = [body["messages"][0]["content"] for body in self._arrived()]
        documents = [block for content in contents for block in content if block["type"] == "document"]
        assert all(document["source"] == inline for document in documents)
        return [{name: value for name, value in document.items() if name != "source"} for document in documents]

    def _arrived_result(self) -> dict[str, Any]:
        """What Claude received of the one tool result."""
        [body] = self._arrived()
        [result] = body["messages"][-1]["content"]
        return cast("dict[str, Any]", result)


# One of the suite's PDFs has a name, and a loss is told.
@pytest.mark.filterwarnings("ignore:the gateway drops title of messages")
class TestOverChatCompletions(ChatPortkeyIntegration):
    """What this format cannot carry through the open-source gateway is said otherwise, or not at all."""

    api_format = "chat_completions"

    def test_pdf_inputs_arrive_without_their_name(self, model: ChatPortkey) -> None:
        with pytest.warns(PortkeyWarning, match=r"drops title of messages\[0\]\.content\[1\]"):
            self.test_pdf_inputs(model)
        assert self._arrived_pdfs() == [{"type": "document"}] * 2

    def test_an_error_of_a_tool_arrives_in_words(self, model: ChatPortkey, my_adder_tool: BaseTool) -> None:
        self.test_tool_message_error_status(model, my_adder_tool)
        result = self._arrived_result()
        assert result["content"] == "Error: Missing required argument 'b'."
        assert "is_error" not in result

    @pytest.mark.parametrize("stream", [False, True], ids=["invoke", "stream"])
    def test_an_hour_in_the_cache_becomes_five_minutes(self, *, stream: bool) -> None:
        written = _input_details(self._ask_with_cached_prompt(stream=stream, ttl="1h"))
        [body] = self._arrived()
        assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
        assert written.keys() == {"cache_read", "cache_creation"}
        assert written["cache_creation"] > CACHEABLE_TOKENS

    @pytest.mark.parametrize("stream", [False, True], ids=["invoke", "stream"])
    def test_thinking_is_not_counted(self, *, stream: bool) -> None:
        message = self.invoke_with_reasoning_output(stream=stream)
        assert [block["type"] for block in message.content_blocks] == ["reasoning", "text"]
        assert _thinking_tokens(message) == 0


class TestOverMessages(ChatPortkeyIntegration):
    """In this format all of it arrives as it was said."""

    api_format = "messages"

    def test_pdf_inputs_arrive_with_their_name(self, model: ChatPortkey) -> None:
        self.test_pdf_inputs(model)
        assert self._arrived_pdfs() == [{"type": "document"}, {"type": "document", "title": "test_file.pdf"}]

    def test_an_error_of_a_tool_arrives_as_one(self, model: ChatPortkey, my_adder_tool: BaseTool) -> None:
        self.test_tool_message_error_status(model, my_adder_tool)
        result = self._arrived_result()
        assert result["content"] == "Error: Missing required argument 'b'."
        assert result["is_error"] is True

    @pytest.mark.parametrize("stream", [False, True], ids=["invoke", "stream"])
    def test_an_hour_in_the_cache_arrives_and_is_counted_apart(self, *, stream: bool) -> None:
        message = self._ask_with_cached_prompt(stream=stream, ttl="1h")
        written = _input_details(message)
        read = _input_details(self._ask_with_cached_prompt(stream=stream, ttl="1h"))
        marks = [body["system"][0]["cache_control"] for body in self._arrived()]
        assert marks == [{"type": "ephemeral", "ttl": "1h"}] * 2
        assert written["ephemeral_1h_input_tokens"] == read["cache_read"] > CACHEABLE_TOKENS
        assert written["cache_creation"] == written["cache_read"] == read["cache_creation"] == 0
        assert message.usage_metadata
        assert message.usage_metadata["input_tokens"] > sum(written.values())

    @pytest.mark.parametrize("stream", [False, True], ids=["invoke", "stream"])
    def test_thinking_is_counted(self, *, stream: bool) -> None:
        message = self.invoke_with_reasoning_output(stream=stream)
        assert message.usage_metadata
        assert 0 < _thinking_tokens(message) < message.usage_metadata["output_tokens"]


def _sum(chunks: Iterator[AIMessageChunk]) -> AIMessage:
    return cast("AIMessage", reduce(add, chunks))


def _media_sources(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [block["source"] for block in content if block["type"] in {"image", "document"}]


def _input_details(message: AIMessage) -> dict[str, int]:
    assert message.usage_metadata
    return cast("dict[str, int]", message.usage_metadata.get("input_token_details"))


def _thinking_tokens(message: AIMessage) -> int:
    assert message.usage_metadata
    return message.usage_metadata.get("output_token_details", {}).get("reasoning", 0)
