"""``Portkey``: the gateway as a LlamaIndex LLM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
    ToolCallBlock,
)
from llama_index.core.constants import DEFAULT_CONTEXT_WINDOW, DEFAULT_NUM_OUTPUTS
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic import (
    ConfigDict,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)
from pydantic_core import from_json

from portkey_gateway.client import GatewayClient
from portkey_gateway.model import GatewayModel
from portkey_gateway.options import check_metadata
from portkey_gateway.request import DEFAULT_MAX_TOKENS
from portkey_gateway.wire import ChatRequest
from portkey_llamaindex.decode import decode_completion, decode_partial_response, decode_response
from portkey_llamaindex.encode import encode_messages, encode_tool

CLAUDE_CONTEXT_WINDOW = 200_000
"""Tokens (Anthropic, "Models overview")."""

# These may hold keys and never leave in a dump; to_dict is for storing and showing a model.
_SECRET_FIELDS = ("api_key", "provider_api_key", "virtual_key", "default_headers", "gateway_headers", "config")


class Portkey(GatewayModel, FunctionCallingLLM):
    """An LLM behind the Portkey AI gateway: Claude, or any other.

    Takes every option of the gateway (``GatewayFields``) beside the model's own parameters. Safe to use from many
    threads and event loops; all instances share their connections.

    Example:
        ```python
        from portkey_llamaindex import Portkey

        llm = Portkey(model="@anthropic-prod/claude-sonnet-4-5")  # PORTKEY_API_KEY from the environment
        llm.complete("Hello").text
        ```

    Raises:
        pydantic.ValidationError: (a ``ValueError``) at construction, naming the option and what to do.
        PortkeyError: from a call; the class says what failed.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True, populate_by_name=True)

    request_metadata: dict[str, Any] = Field(default_factory=dict)
    """Labels of every call in Portkey's logs, and what conditional routing reads."""
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of the request body, sent as they are."""
    context_window: int | None = Field(default=None, gt=0)
    """Tokens the model takes in all; by default 200,000 for a Claude, and LlamaIndex's default for any other."""
    is_function_calling_model: bool = True
    """Whether the model calls tools."""

    @field_validator("request_metadata", mode="before")
    @classmethod
    def _check_metadata(cls, metadata: Any) -> Any:
        return check_metadata(metadata)

    @model_serializer(mode="wrap")
    def custom_model_dump(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """Dump without what may hold a secret."""
        data = super().custom_model_dump(handler, info)
        return {name: value for name, value in data.items() if name not in _SECRET_FIELDS}

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex stores the class."""
        return "Portkey"

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex needs to know of the model."""
        claude = self.targets_claude()
        return LLMMetadata(
            context_window=self.context_window or (CLAUDE_CONTEXT_WINDOW if claude else DEFAULT_CONTEXT_WINDOW),
            num_output=self.max_tokens or (DEFAULT_MAX_TOKENS if claude else DEFAULT_NUM_OUTPUTS),
            is_chat_model=True,
            is_function_calling_model=self.is_function_calling_model,
            model_name=self.model,
        )

    # --- calls ------------------------------------------------------------------------------------------------------

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask for a whole answer to a conversation."""
        return self._chat(messages, kwargs)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Async twin of ``chat``."""
        return await self._achat(messages, kwargs)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Ask for a streamed answer to a conversation."""
        return self._stream(messages, kwargs)

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Async twin of ``stream_chat``."""
        return self._astream(messages, kwargs)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002 as LLM
        """Ask for a whole answer to a prompt."""
        return decode_completion(self._chat(_as_messages(prompt), kwargs))

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002 as LLM
        """Async twin of ``complete``."""
        return decode_completion(await self._achat(_as_messages(prompt), kwargs))

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:  # noqa: ARG002 as LLM
        """Ask for a streamed answer to a prompt."""
        responses = self._stream(_as_messages(prompt), kwargs)
        return (decode_completion(response) for response in responses)

    @llm_completion_callback()
    async def astream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 as LLM
        **kwargs: Any,
    ) -> CompletionResponseAsyncGen:
        """Async twin of ``stream_complete``."""
        responses = self._astream(_as_messages(prompt), kwargs)
        return (decode_completion(response) async for response in responses)

    def _chat(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        client, request = self._call(messages, kwargs)
        answer = client.chat(request, metadata=self.request_metadata, inline_images=self.inline_images)
        return decode_response(answer)

    async def _achat(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        client, request = self._call(messages, kwargs)
        answer = await client.achat(request, metadata=self.request_metadata, inline_images=self.inline_images)
        return decode_response(answer)

    def _stream(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseGen:
        client, request = self._call(messages, kwargs)

        def responses() -> ChatResponseGen:
            with client.stream(request, metadata=self.request_metadata, inline_images=self.inline_images) as stream:
                for delta in stream:
                    if delta.blocks or delta.tool_calls:
                        yield decode_partial_response(stream.answer, delta)
                yield decode_response(stream.answer, delta="")

        return responses()

    def _astream(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseAsyncGen:
        client, request = self._call(messages, kwargs)

        async def responses() -> ChatResponseAsyncGen:
            metadata, inline_images = self.request_metadata, self.inline_images
            async with client.astream(request, metadata=metadata, inline_images=inline_images) as stream:
                async for delta in stream:
                    if delta.blocks or delta.tool_calls:
                        yield decode_partial_response(stream.answer, delta)
                yield decode_response(stream.answer, delta="")

        return responses()

    def _call(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> tuple[GatewayClient, ChatRequest]:
        target, parameters = self.for_call(kwargs)
        encoded = encode_messages(messages, for_claude=target.targets_claude(parameters.get("model")))
        return target.gateway_client(), target.request(encoded, {**self.additional_kwargs, **parameters})

    # --- tools ------------------------------------------------------------------------------------------------------

    def _prepare_chat_with_tools(  # noqa: PLR0917 LlamaIndex's signature
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,  # noqa: ARG002 LlamaIndex's signature
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The arguments of ``chat`` that offer tools; the gateway cannot tell Claude to call only one at a time."""
        messages = list(chat_history or [])
        if user_msg is not None:
            messages.append(
                ChatMessage(role=MessageRole.USER, content=user_msg) if isinstance(user_msg, str) else user_msg
            )
        prepared: dict[str, Any] = {"messages": messages, **kwargs}
        if tools:
            prepared["tools"] = [encode_tool(tool) for tool in tools]
            prepared.setdefault("tool_choice", "required" if tool_required else "auto")
            if not self.targets_claude():
                prepared.setdefault("parallel_tool_calls", allow_parallel_tool_calls)
        return prepared

    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],  # noqa: ARG002 LlamaIndex's signature
        allow_parallel_tool_calls: bool = False,
        **kwargs: Any,  # noqa: ARG002 LlamaIndex's signature
    ) -> ChatResponse:
        """Where one call at a time is asked for, keep the first: Claude cannot be told through the gateway."""
        if allow_parallel_tool_calls:
            return response
        calls = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        if len(calls) > 1:
            message = response.message
            message.blocks = [block for block in message.blocks if block not in calls[1:]]
            message.additional_kwargs["tool_calls"] = message.additional_kwargs["tool_calls"][:1]
        return response

    def get_tool_calls_from_response(
        self,
        response: ChatResponse,
        error_on_no_tool_call: bool = True,
        **kwargs: Any,  # noqa: ARG002 LlamaIndex's signature
    ) -> list[ToolSelection]:
        """List the tool calls of a response, whole or so far streamed.

        Raises:
            ValueError: if there is none and ``error_on_no_tool_call``.
        """
        calls = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        if not calls and error_on_no_tool_call:
            raise ValueError(f"the model called no tool; it said: {response.message.content!r}")
        return [
            ToolSelection(
                tool_id=call.tool_call_id or "", tool_name=call.tool_name, tool_kwargs=_arguments(call.tool_kwargs)
            )
            for call in calls
        ]


def _as_messages(prompt: str) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=prompt)]


def _arguments(kwargs: dict[str, Any] | str) -> dict[str, Any]:
    """The arguments, as far as a stream has told them."""
    if isinstance(kwargs, dict):
        return kwargs
    try:
        parsed = from_json(kwargs or "{}", allow_partial="trailing-strings")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
