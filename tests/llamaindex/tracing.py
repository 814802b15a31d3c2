"""Fixtures of the tests of ``instrument``: a real receiver, what it got, and models that are not ours."""

# ruff: noqa: ARG002 LlamaIndex's signatures

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import LLM
from typing_extensions import override

from portkey_llamaindex import instrument
from portkey_llamaindex.tracer import Instrumentation
from tests.support.receiver import TAKEN, Received, spans_of
from tests.support.recording import RecordingServer

Sent = Callable[[], list[Received]]


@pytest.fixture(autouse=True)
def no_opentelemetry_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def receiver() -> Iterator[RecordingServer]:
    with RecordingServer() as running:
        running.reply(TAKEN)
        yield running


@pytest.fixture
def instrumentation(receiver: RecordingServer) -> Iterator[Instrumentation]:
    """An instrumentation whose spans all end, and all arrive."""
    with instrument(endpoint=f"{receiver.base_url}/otel/v1/traces") as started:
        yield started
        started.flush()
        assert (started.lost, len(started._tracing.open), len(started._tracing.folded)) == (0, 0, 0)


@pytest.fixture
def sent(instrumentation: Instrumentation, receiver: RecordingServer) -> Sent:
    """Returns the spans that the receiver has got by now."""

    def spans() -> list[Received]:
        instrumentation.flush()
        return spans_of(receiver)

    return spans


@pytest.fixture
def sent_all(receiver: RecordingServer) -> Iterator[Sent]:
    """The same where every span is exported, however little anybody would name it."""
    with instrument(endpoint=f"{receiver.base_url}/otel/v1/traces", detail="all") as started:

        def spans() -> list[Received]:
            started.flush()
            return spans_of(receiver)

        yield spans
        started.flush()
        assert (started.lost, len(started._tracing.open), len(started._tracing.folded)) == (0, 0, 0)


def one(spans: list[Received], name: str) -> Received:
    [found] = [span for span in spans if span.name == name]
    return found


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "parts": [{"type": "text", "content": text}]}


def answered(text: str) -> dict[str, Any]:
    return {**said(text), "finish_reason": "stop"}


RAW: dict[str, Any] = {
    "id": "msg_1",
    "model": "nova-1",
    "choices": [{"finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
}


class Theirs(LLM):
    """A chat model of somebody else's, as their integrations are written."""

    raw: ClassVar[Any] = RAW
    temperature: float = 0.5
    max_tokens: int = 9
    default_headers: dict[str, str] | None = None
    breaks: bool = False
    """Whether it fails, a stream after its first response."""

    @property
    @override
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="nova", is_chat_model=True)

    def _responses(self) -> Iterator[ChatResponse]:
        yield ChatResponse(message=ChatMessage("Hel", role="assistant"), delta="Hel")
        if self.breaks:
            raise OSError("the line is dead")
        yield ChatResponse(message=ChatMessage("Hello.", role="assistant"), delta="lo.", raw=self.raw)

    @llm_chat_callback()
    def chat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        return list(self._responses())[-1]

    @llm_chat_callback()
    async def achat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        return list(self._responses())[-1]

    @llm_chat_callback()
    def stream_chat(self, messages: Any, **kwargs: Any) -> ChatResponseGen:
        def responses() -> ChatResponseGen:
            yield from self._responses()

        return responses()

    @llm_chat_callback()
    async def astream_chat(self, messages: Any, **kwargs: Any) -> ChatResponseAsyncGen:
        async def responses() -> ChatResponseAsyncGen:
            for response in self._responses():
                yield response

        return responses()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text="Hello.", raw=self.raw)

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text="Hello.", raw=self.raw)

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        def responses() -> CompletionResponseGen:
            yield CompletionResponse(text="Hello.", raw=self.raw)

        return responses()

    @llm_completion_callback()
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        async def responses() -> CompletionResponseAsyncGen:
            yield CompletionResponse(text="Hello.", raw=self.raw)

        return responses()


class Bare(CustomLLM):
    """A model of the user's own, without LlamaIndex's decorators, whose chats are completions."""

    @property
    @override
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="bare")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return self._answer()

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        yield self._answer()

    def _answer(self) -> CompletionResponse:
        tokens = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
        return CompletionResponse(text="Hello.", additional_kwargs=tokens)
