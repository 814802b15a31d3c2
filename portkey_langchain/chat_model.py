"""``ChatPortkey``: the gateway as a LangChain chat model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Self, cast

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, Field, field_validator, model_validator
from typing_extensions import override

from portkey_gateway.answer import Answer
from portkey_gateway.client import DEFAULT_TIMEOUT_S, GatewayClient
from portkey_gateway.content import is_claude
from portkey_gateway.options import check_metadata, check_names
from portkey_gateway.request import encode_tool_choice
from portkey_gateway.wire import ChatRequest
from portkey_langchain import translate as _translate  # noqa: F401 registers the translator of our messages
from portkey_langchain.confidential import ConfidentialModel
from portkey_langchain.decode import ContentState, decode_last_chunk, decode_message
from portkey_langchain.encode import encode_messages
from portkey_langchain.errors import as_langchain_errors
from portkey_langchain.structured import Method, Schema, Structured, structured_output
from portkey_langchain.tools import encode_tool

_PARAMETERS = ("max_tokens", "temperature", "top_p", "top_k", "thinking")
_IN_THE_BODY = frozenset({"model", "stop", *_PARAMETERS})


class ChatPortkey(ConfidentialModel):
    """A chat model behind the Portkey AI gateway: Claude, or any other.

    Takes every option of the gateway (``GatewayFields``) beside the model's own parameters. Safe to use from many
    threads and event loops; all instances share their connections.

    Example:
        ```python
        from portkey_langchain import ChatPortkey

        model = ChatPortkey(model="@anthropic-prod/claude-sonnet-4-5")  # PORTKEY_API_KEY from the environment
        model.invoke("Hello").text
        ```

    Raises:
        pydantic.ValidationError: (a ``ValueError``) at construction, naming the option and what to do.
        PortkeyError: from a call; each is also LangChain's own model error of its kind.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True, populate_by_name=True)

    model: str = Field(min_length=1)
    """The model's name, such as ``claude-sonnet-4-5``, or ``@slug/name`` from Portkey's model catalog."""
    max_tokens: int | None = Field(default=None, gt=0)
    """The most tokens to answer with; a Claude gets 4096 if nothing is said."""
    temperature: float | None = None
    """0 to 1 for Claude."""
    top_p: float | None = None
    """Nucleus sampling."""
    top_k: int | None = None
    """Sampling from the k likeliest tokens."""
    stop: list[str] | None = Field(default=None, alias="stop_sequences")
    """Texts that end the answer."""
    thinking: dict[str, Any] | None = None
    """Claude's extended thinking, such as ``{"type": "enabled", "budget_tokens": 2048}``."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of the request body, sent as they are."""
    streaming: bool = False
    """Stream even where ``invoke`` is called."""
    inline_images: bool = False
    """Fetch images and documents given by URL and send their data: some targets take base64 only."""
    timeout: float | None = Field(default=DEFAULT_TIMEOUT_S, gt=0)
    """Seconds without a byte after which a call fails; ``None`` waits for ever."""
    max_retries: int = Field(default=2, ge=0)
    """How often a call is tried again that failed before its answer began."""
    http_client: httpx.Client | None = Field(default=None, exclude=True, repr=False)
    """A client of yours for sync calls; it is never closed here."""
    http_async_client: httpx.AsyncClient | None = Field(default=None, exclude=True, repr=False)
    """A client of yours for async calls; it is never closed here."""

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            aliases = {field.alias: None for field in cls.model_fields.values() if field.alias}
            check_names(values, {**cls.model_fields, **aliases})
        return values

    @field_validator("metadata", mode="before")
    @classmethod
    def _check_metadata(cls, metadata: Any) -> Any:
        return metadata if metadata is None else check_metadata(metadata)

    def __getstate__(self) -> dict[str, Any]:
        """Leave borrowed clients behind: their connections cannot be pickled."""
        state = super().__getstate__()
        return {**state, "__dict__": {**state["__dict__"], "http_client": None, "http_async_client": None}}

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Share borrowed clients with the copy: their connections cannot be copied."""
        memo = {} if memo is None else memo
        memo.update({id(client): client for client in (self.http_client, self.http_async_client) if client})
        return super().__deepcopy__(memo)

    # --- what LangChain asks of a model -----------------------------------------------------------------------------

    @property
    def _llm_type(self) -> str:
        return "portkey-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        parameters = {name: getattr(self, name) for name in _PARAMETERS}
        return {"model": self.model, "base_url": self.base_url, "provider": self.provider, **parameters}

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "portkey"
        if stops := stop or self.stop:
            params["ls_stop"] = stops
        return params

    # --- options ----------------------------------------------------------------------------------------------------

    def with_options(self, **changes: Any) -> Self:
        """Return a copy with some options changed; it shares the connections.

        Args:
            changes: any argument of the constructor; ``metadata`` and header mappings are merged key by key.

        Raises:
            pydantic.ValidationError: if a name or value is not valid.
        """
        for name in ("metadata", "default_headers", "gateway_headers"):
            if isinstance(changes.get(name), Mapping):
                changes[name] = {**(getattr(self, name) or {}), **changes[name]}
        return type(self)(**{name: getattr(self, name) for name in self.model_fields_set} | changes)

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
        bound = {"tools": [encode_tool(tool, strict=strict) for tool in tools], **kwargs}
        if (choice := encode_tool_choice(tool_choice)) is not None:
            bound["tool_choice"] = choice
        return self.bind(**bound)

    @override
    def with_structured_output(
        self,
        schema: Schema,
        *,
        include_raw: bool = False,
        method: Method = "function_calling",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Structured:
        """Return a runnable that answers with objects of a schema.

        Args:
            schema: a pydantic class, a TypedDict, a JSON schema with a title, or a tool dict.
            include_raw: return ``{"raw", "parsed", "parsing_error"}`` instead of raising.
            method: ``"function_calling"`` and ``"json_schema"`` both send the schema as a tool: the gateway carries
                no ``response_format`` to Claude. ``"json_mode"`` asks for JSON in the system message.
            strict: asks OpenAI to hold the model to the schema.
            kwargs: none; a name here is an error.

        Raises:
            ValueError: if the method or a name is not known.
            OutputParserException: (from a call) if the answer holds no object of the schema. While Claude thinks,
                it cannot be made to answer by the tool, and may answer in words.
        """
        if kwargs:
            raise ValueError(f"with_structured_output does not know {', '.join(map(repr, kwargs))}")
        thinks = (self.thinking or {}).get("type", "disabled") != "disabled"
        return structured_output(
            self, schema, method=method, include_raw=include_raw, strict=strict, may_force=not thinks
        )

    # --- calls ------------------------------------------------------------------------------------------------------

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        with as_langchain_errors():
            client, request = self._call(messages, stop, kwargs)
            answer = client.chat(request, metadata=self.metadata, inline_images=self.inline_images)
        return _result(answer)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        with as_langchain_errors():
            client, request = self._call(messages, stop, kwargs)
            answer = await client.achat(request, metadata=self.metadata, inline_images=self.inline_images)
        return _result(answer)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with as_langchain_errors():
            client, request = self._call(messages, stop, kwargs)
            content = ContentState()
            with client.stream(request, metadata=self.metadata, inline_images=self.inline_images) as stream:
                for delta in stream:
                    if chunk := content.decode_chunk(delta):
                        if run_manager:
                            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk
                yield decode_last_chunk(stream.answer)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with as_langchain_errors():
            client, request = self._call(messages, stop, kwargs)
            content = ContentState()
            async with client.astream(request, metadata=self.metadata, inline_images=self.inline_images) as stream:
                async with aclosing(aiter(stream)) as deltas:
                    async for delta in deltas:
                        if chunk := content.decode_chunk(delta):
                            if run_manager:
                                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                            yield chunk
                yield decode_last_chunk(stream.answer)

    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> tuple[GatewayClient, ChatRequest]:
        """The client and the request of one call; options of ours among ``kwargs`` hold for this call."""
        options = {name: kwargs[name] for name in kwargs.keys() & type(self).model_fields.keys() - _IN_THE_BODY}
        target = self.with_options(**options) if options else self
        parameters = {name: value for name, value in kwargs.items() if name not in options and name != "stream"}
        client = GatewayClient(
            target,
            timeout_s=target.timeout,
            max_retries=target.max_retries,
            http_client=target.http_client,
            http_async_client=target.http_async_client,
        )
        return client, target._request(messages, stop, parameters)  # noqa: SLF001 a copy of ourselves

    def _request(self, messages: list[BaseMessage], stop: list[str] | None, parameters: dict[str, Any]) -> ChatRequest:
        model = parameters.get("model") or self.model
        request: dict[str, Any] = {
            "model": model,
            "messages": encode_messages(
                messages, for_claude=is_claude(model, self.provider), inlined=self.inline_images
            ),
        }
        for name in _PARAMETERS:
            if (value := getattr(self, name)) is not None:
                request[name] = value
        if stops := stop if stop is not None else self.stop:
            request["stop"] = stops
        if "tool_choice" in parameters:
            parameters["tool_choice"] = encode_tool_choice(parameters["tool_choice"])
        return cast("ChatRequest", {**request, **self.model_kwargs, **parameters})


def _result(answer: Answer) -> ChatResult:
    message = decode_message(answer)
    return ChatResult(
        generations=[ChatGeneration(message=message)],
        llm_output={"model_name": answer.model, "id": answer.id},
    )
