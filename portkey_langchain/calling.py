"""The four ways in which LangChain calls a chat model, whole and streamed, sync and async, around what does no I/O."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, TypeVar, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_model_stream import AsyncChatModelStream, ChatModelStream
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from typing_extensions import override

from portkey_gateway.conversation.tool_choice import encode_tool_choice
from portkey_langchain.call import Call
from portkey_langchain.callbacks import RUNS, RunLabels
from portkey_langchain.decode import MODEL_PROVIDER
from portkey_langchain.errors import as_langchain_errors
from portkey_langchain.marks import GATEWAY_MARK
from portkey_langchain.refusal import keep_refusal
from portkey_langchain.response_format import closed_if_strict
from portkey_langchain.run_config import as_run_config
from portkey_langchain.tools import encode_tool

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
else:
    # LangChain asks for what annotations mean (``RunnableWithFallbacks``); its tools are read where there is one.
    BaseTool = Any

MethodT = TypeVar("MethodT", bound=Callable[..., Any])


def _with_signature(method: MethodT) -> MethodT:
    """Keep a method's signature, which LangChain asks for at every call; putting it together takes 40 µs."""
    setattr(method, "__signature__", inspect.signature(method))  # noqa: B010 no function is known to have one
    return method


class CallingModel(BaseChatModel, defer_build=True):
    """A chat model whose calls are made of a ``Call``."""

    @override
    def _get_ls_params_with_defaults(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        # The tracer, too, tells by it whose calls these are.
        params: dict[str, Any] = {**super()._get_ls_params_with_defaults(stop=stop, **kwargs)}
        return cast("LangSmithParams", {**params, GATEWAY_MARK: MODEL_PROVIDER})

    @abstractmethod
    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], run: RunLabels | None = None
    ) -> Call:
        """One call; options of ours among ``kwargs`` hold for it alone."""

    @override
    def invoke(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        return super().invoke(input, as_run_config(config, kwargs), **kwargs)

    @override
    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        return await super().ainvoke(input, as_run_config(config, kwargs), **kwargs)

    @override
    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        return super().stream(input, as_run_config(config, kwargs), **kwargs)

    @override
    def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        return super().astream(input, as_run_config(config, kwargs), **kwargs)

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools to the model.

        Args:
            tools: in any form that LangChain knows, OpenAI's or Anthropic's dict form, or Anthropic server tools.
            tool_choice: ``"auto"``, ``"any"`` (or ``"required"``, ``True``), ``"none"``, a tool's name, or either
                provider's dict form.
            strict: asks OpenAI to hold the model to the schemas.
            kwargs: further parameters of every call.

        Raises:
            EncodingError: if ``tool_choice`` is not understood.
        """
        bound = {"tools": [encode_tool(tool, strict=strict) for tool in tools], **closed_if_strict(kwargs)}
        if (choice := encode_tool_choice(tool_choice)) is not None:
            bound["tool_choice"] = choice
        return self.bind(**bound)

    @override
    def _should_stream(
        self,
        *,
        async_api: bool,
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> bool:
        # LangChain asks every handler whether it streams, which takes long (12 µs with Python 3.11): ours does not.
        asked = None if run_manager and run_manager.handlers == [RUNS] else run_manager
        return super()._should_stream(async_api=async_api, run_manager=asked, **kwargs)

    # Where it streams, LangChain does not tell ``_stream`` for which of several prompts.

    @override
    def _generate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if run_manager:
            RUNS.begin(run_manager.run_id)
        return super()._generate_with_cache(messages, stop, run_manager, **kwargs)

    @override
    async def _agenerate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if run_manager:
            RUNS.begin(run_manager.run_id)
        return await super()._agenerate_with_cache(messages, stop, run_manager, **kwargs)

    # What LangChain puts together of its newest events keeps the kinds of blocks that it lists, and no refusal is among
    # them (`ChatModelStream` of langchain-core 1.8.3).

    @override
    def _iter_v2_events(
        self,
        messages: list[BaseMessage],
        *,
        run_manager: CallbackManagerForLLMRun,
        stream: ChatModelStream,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[Any]:
        events = super()._iter_v2_events(messages, run_manager=run_manager, stream=stream, stop=stop, **kwargs)
        with closing(cast("Generator[Any, None, None]", events)):
            for event in events:
                keep_refusal(stream.output_message)
                yield event

    @override
    async def _aiter_v2_events(
        self,
        messages: list[BaseMessage],
        *,
        run_manager: AsyncCallbackManagerForLLMRun,
        stream: AsyncChatModelStream,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        events = super()._aiter_v2_events(messages, run_manager=run_manager, stream=stream, stop=stop, **kwargs)
        async with aclosing(cast("AsyncGenerator[Any, None]", events)):
            async for event in events:
                keep_refusal(stream.output_message)
                yield event

    @_with_signature
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with as_langchain_errors():
            call = self._call(messages, stop, kwargs, RUNS.take(run_manager.run_id if run_manager else None))
            return call.result(call.client.chat(call.request, **call.labels))

    @_with_signature
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with as_langchain_errors():
            call = self._call(messages, stop, kwargs, RUNS.take(run_manager.run_id if run_manager else None))
            return call.result(await call.client.achat(call.request, **call.labels))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with as_langchain_errors():
            call = self._call(messages, stop, kwargs, RUNS.take(run_manager.run_id if run_manager else None))
            with call.stream() as stream:
                for delta in stream:
                    if chunk := call.chunk(delta):
                        if run_manager:
                            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk
                yield from call.last_chunks(stream.answer)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with as_langchain_errors():
            call = self._call(messages, stop, kwargs, RUNS.take(run_manager.run_id if run_manager else None))
            async with call.astream() as stream:
                async with aclosing(aiter(stream)) as deltas:
                    async for delta in deltas:
                        if chunk := call.chunk(delta):
                            if run_manager:
                                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                            yield chunk
                for chunk in call.last_chunks(stream.answer):
                    yield chunk
