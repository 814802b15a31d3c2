"""LangChain's own integration suite for chat models, on OpenAI, through the real gateway to the emulated one.

What OpenAI does in chat completions is declared supported; it takes no video, and in a tool's result text alone. The
suite's timing test needs recorded answers and skips itself without.
"""

from __future__ import annotations

import base64
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ChatModelIntegrationTests

from portkey_langchain import ChatPortkey
from tests.conformance.media import IMAGE_URL, PDF_URL
from tests.support.media import WAV64

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portkey_gateway.sandbox import Sandbox

EARS = "gpt-4o-audio-preview"
"""What OpenAI hears and speaks with; it answers nothing that is not spoken or heard."""
THINKER = "gpt-5"
NAMES = ("document.pdf", "test_file.pdf")
"""Of the suite's PDFs: one has none, and OpenAI takes no file without."""
LONG_PROMPT = "You answer questions about the harbour of a small town by the sea. " * 120
"""More than the 1024 tokens that OpenAI caches at least."""

Details = Literal["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]


# The suite marks blocks for Claude's prompt cache, and a loss is told.
@pytest.mark.filterwarnings("ignore:cache_control is left out")
class ChatPortkeyOnOpenAI(ChatModelIntegrationTests):
    """LangChain's suite, with one model."""

    name: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _in_sandbox(self, portkey_sandbox_with_openai: Sandbox, offline_media: dict[str, bytes]) -> Iterator[None]:
        self.sandbox = portkey_sandbox_with_openai
        self.sandbox.openai.clear()
        self.image, self.pdf = (base64.b64encode(offline_media[url]).decode() for url in (IMAGE_URL, PDF_URL))
        yield
        self.sandbox.openai.clear()

    @pytest.fixture
    def model(self, request: pytest.FixtureRequest) -> ChatPortkey:
        name = EARS if "audio" in request.function.__name__ else self.name
        return self._named(name, **self.standard_chat_model_params)

    def _named(self, name: str, **more: Any) -> ChatPortkey:
        return ChatPortkey(**{**self.chat_model_params, "model": name, **more})

    @property
    def chat_model_class(self) -> type[ChatPortkey]:
        return ChatPortkey

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": self.name, **self.sandbox.options("openai")}

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
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def returns_usage_metadata(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[Literal["invoke", "stream"], list[Details]]:
        details: list[Details] = ["audio_input", "audio_output", "reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "gpt-4o-mini"

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        heard = {"type": "audio", "base64": WAV64, "mime_type": "audio/wav"}
        return _ask(self._named(EARS), [HumanMessage([{"type": "text", "text": "What is it?"}, heard])], stream=stream)

    def invoke_with_audio_output(self, *, stream: bool = False) -> AIMessage:
        spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
        return _ask(self._named(EARS, model_kwargs=spoken), "Say exactly: Hello.", stream=stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return _ask(self._named(THINKER, reasoning_effort="high"), "How deep is it?", stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        question = [("system", LONG_PROMPT), ("human", "How deep is it?")]
        _ask(self._named(self.name), question, stream=stream)
        return _ask(self._named(self.name), question, stream=stream)

    # --- what the suite sends but does not follow ---------------------------------------------------------------------

    def test_media_arrive(self, model: ChatPortkey) -> None:
        self.test_image_inputs(model)
        self.test_pdf_inputs(model)
        inline = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{self.image}"}}
        linked = {"type": "image_url", "image_url": {"url": IMAGE_URL}}
        data = f"data:application/pdf;base64,{self.pdf}"
        files = [{"type": "file", "file": {"filename": name, "file_data": data}} for name in NAMES]
        assert [body["messages"][0]["content"][1] for body in self._arrived()] == [inline, inline, linked, *files]

    def test_audio_arrives(self, model: ChatPortkey) -> None:
        self.test_audio_inputs(model)
        heard = [body["messages"][0]["content"][1] for body in self._arrived()]
        assert heard == [{"type": "input_audio", "input_audio": {"data": WAV64, "format": "wav"}}] * 2

    def test_what_was_asked_of_tools_arrives(self, model: ChatPortkey, my_adder_tool: BaseTool) -> None:
        self.test_tool_choice(model)
        self.test_tool_message_error_status(model, my_adder_tool)
        *choices, failed = self._arrived()
        named = {"type": "function", "function": {"name": "magic_function"}}
        assert [body["tool_choice"] for body in choices] == ["required", named]
        assert failed["messages"][-1]["content"] == "Error: Missing required argument 'b'."

    def test_stop_sequences_arrive(self, model: ChatPortkey) -> None:
        self.test_stop_sequence(model)
        assert [body["stop"] for body in self._arrived()] == [["you"], ["you"]]

    @pytest.mark.parametrize("stream", [False, True], ids=["invoke", "stream"])
    def test_details_of_usage_are_counted(self, *, stream: bool) -> None:
        assert _details(self.invoke_with_cache_read_input(stream=stream), "input")["cache_read"] > 0
        assert _details(self.invoke_with_audio_input(stream=stream), "input")["audio"] > 0
        assert _details(self.invoke_with_audio_output(stream=stream), "output")["audio"] > 0
        assert _details(self.invoke_with_reasoning_output(stream=stream), "output")["reasoning"] > 0

    def _arrived(self) -> list[dict[str, Any]]:
        return [request.body for request in self.sandbox.openai.requests]


class TestGpt4o(ChatPortkeyOnOpenAI):
    """A model that takes all parameters."""

    name = "gpt-4o"


class TestGpt41(ChatPortkeyOnOpenAI):
    """A model that takes most of them."""

    name = "gpt-4.1-mini"


def _ask(model: ChatPortkey, question: Any, *, stream: bool) -> AIMessage:
    return cast("AIMessage", reduce(add, model.stream(question))) if stream else model.invoke(question)


def _details(message: AIMessage, side: Literal["input", "output"]) -> dict[str, int]:
    assert message.usage_metadata
    details: Any = message.usage_metadata.get(f"{side}_token_details")
    return cast("dict[str, int]", details)
