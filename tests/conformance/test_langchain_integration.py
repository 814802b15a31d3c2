"""LangChain's own integration suite for chat models, through the real gateway with the emulated Claude behind it.

What Claude does is declared supported. Audio and video are not: Claude takes neither. The suite's timing test needs
recorded answers (VCR) and skips itself without; benchmarks measure our time instead.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from portkey_langchain import ChatPortkey

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

LONG_PROMPT = "You answer questions about the harbour of a small town by the sea. " * 120
"""More tokens than Claude's least for its prompt cache, 1024."""

Details = Literal["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]


@pytest.mark.usefixtures("offline_media")
class TestChatPortkeyIntegration(ChatModelIntegrationTests):
    @pytest.fixture(autouse=True)
    def _in_sandbox(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @property
    def chat_model_class(self) -> type[ChatPortkey]:
        return ChatPortkey

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": self.sandbox.model, **self.sandbox.options()}

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
        return {
            "invoke": ["cache_read_input", "cache_creation_input"],
            "stream": ["cache_read_input", "cache_creation_input"],
        }

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

    def _ask_with_cached_prompt(self, *, stream: bool) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params)
        prompt = {"type": "text", "text": LONG_PROMPT, "cache_control": {"type": "ephemeral"}}
        messages = [SystemMessage([prompt]), HumanMessage("How deep is it?")]
        return cast("AIMessage", reduce(add, model.stream(messages))) if stream else model.invoke(messages)
