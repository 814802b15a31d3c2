"""``Portkey``: the gateway as a LlamaIndex LLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any, ClassVar, NamedTuple, Self

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
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic import ConfigDict, Field, field_validator

from portkey_gateway.calls import binds_answers
from portkey_gateway.chat_completions.fit_parameters import carries
from portkey_gateway.client import GatewayClient
from portkey_gateway.conversation.answer import Answer
from portkey_gateway.conversation.claude import forces_a_tool
from portkey_gateway.conversation.container import with_last_container
from portkey_gateway.conversation.parameters import with_one_name
from portkey_gateway.conversation.plain import Texts
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.conversation.response_format import as_response_format
from portkey_gateway.errors import warn
from portkey_gateway.options import check_metadata
from portkey_gateway.routing import Route
from portkey_llamaindex.announce import announced
from portkey_llamaindex.decode import CONTAINER, GrowingResponse, decode_completion, decode_response
from portkey_llamaindex.encode import citing_roles, encode_messages, warn_of_uncited
from portkey_llamaindex.instrumentation import call_labels
from portkey_llamaindex.program import asked_in_words
from portkey_llamaindex.storing import Storable
from portkey_llamaindex.structured import PredictingLLM
from portkey_llamaindex.tokens import GatewayTokenizer
from portkey_llamaindex.tools import beside_own, encode_tool, select_tools

MODEST_OUTPUT = 4_096
"""Tokens that LlamaIndex keeps free for an answer where no ``max_tokens`` is given; of a small window half of it."""


class Portkey(Storable, PredictingLLM):
    """An LLM behind the Portkey AI gateway: Claude, or any other.

    Takes every option of the gateway (``GatewayFields``) beside the model's own parameters. Safe to use from many
    threads and event loops; all instances share their connections.

    ``to_dict`` and ``to_json`` store the model and its route, a config by its id too. They leave out what may hold a
    secret: the keys, ``virtual_key``, ``default_headers``, ``gateway_headers`` and a config that is a mapping; and
    borrowed HTTP clients. Say these again on loading, as in ``Portkey.from_dict(stored, provider_api_key=…)``; the
    Portkey API key is read from the environment again. ``pickle`` leaves out the clients only.

    Unless ``allow_parallel_tool_calls`` is set, which outside of agents it is not, a response shows one tool call. Over
    ``messages`` Claude is asked for no more; over ``chat_completions`` the gateway cannot ask it, nor some others, so
    of several the first is kept and the others are dropped.

    Example:
        ```python
        from portkey_llamaindex import Portkey

        llm = Portkey(model="@anthropic-prod/claude-sonnet-4-6")  # PORTKEY_API_KEY from the environment
        llm.complete("Hello").text
        ```

    Raises:
        pydantic.ValidationError: (a ``ValueError``) at construction, naming the option and what to do.
        PortkeyError: from a call; the class says what failed.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True, hide_input_in_errors=True, populate_by_name=True, defer_build=False
    )

    request_metadata: dict[str, Any] = Field(default_factory=dict)
    """Labels of every call in Portkey's logs, and what conditional routing reads; they win over ``instrument_tags``."""
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of the request body, sent as they are; its server tools stand beside a call's own tools."""
    context_window: int | None = Field(default=None, gt=0)
    """Tokens that a prompt and its answer may take, by which LlamaIndex cuts what it asks; by default what the model
    takes in, or the least that models of its family do; 32,768 where nothing is known of it."""
    files_from: tuple[str, ...] = ()
    """Folders whose files may be read where a block names one by its ``path``; none by default, since a message that
    was loaded may come from anybody."""
    is_function_calling_model: bool | None = None
    """Whether the model calls tools; by default it does, unless it is known not to."""

    _by_place: ClassVar[tuple[str, ...]] = ("model",)  # as LlamaIndex's own LLMs take it

    @field_validator("request_metadata", mode="before")
    @classmethod
    def _check_metadata(cls, metadata: Any) -> Any:
        return check_metadata(metadata)

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex stores the class."""
        return "Portkey"

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex needs to know of the model."""
        facts = self.facts()
        window = self.context_window or facts.input_limit
        calls_tools = self.is_function_calling_model
        # LlamaIndex takes it off the window: the most that a model gives would leave little or nothing to ask in.
        modest = min(MODEST_OUTPUT, facts.max_output_tokens or MODEST_OUTPUT)
        return LLMMetadata(
            context_window=window,
            num_output=min(self.max_tokens or modest, window // 2),
            is_chat_model=True,
            is_function_calling_model=facts.calls_tools is not False if calls_tools is None else calls_tools,
            model_name=self.model,
        )

    @property
    def tokenizer(self) -> GatewayTokenizer:
        """What counts texts as the model's provider does, where the gateway has a count; for ``Settings.tokenizer``."""
        return GatewayTokenizer(self)

    def count_tokens(self, messages: Sequence[ChatMessage], **kwargs: Any) -> int:
        """Count the input tokens of a conversation as Claude would read it, without charge.

        Args:
            messages: the conversation.
            kwargs: of the call that is meant, such as ``tools``.

        Raises:
            PortkeyError: if the call fails, as it does where the gateway has no count for the provider.
        """
        call = self._call(messages, kwargs)
        return call.client.count_tokens(call.request)

    def with_options(self, **changes: Any) -> Self:
        """Return a copy with some options changed; it shares the connections and the callbacks."""
        return super().with_options(**{"callback_manager": self.callback_manager, **changes})

    # --- calls ------------------------------------------------------------------------------------------------------

    @announced(llm_chat_callback)
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask for a whole answer to a conversation.

        Args:
            messages: the conversation.
            kwargs: parameters and gateway options of this call, under the names that the constructor takes; any other
                is sent as a parameter of the request.

        Raises:
            PortkeyError: if the call fails; the class says how.
        """
        return self._chat(messages, kwargs)

    @announced(llm_chat_callback)
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Async twin of ``chat``."""
        return await self._achat(messages, kwargs)

    @announced(llm_chat_callback)
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Ask for a streamed answer to a conversation; takes and raises what ``chat`` does.

        Every response holds all that was said so far; ``raw`` and the usage are on the last one. Nothing is sent
        before the first response is asked for, so that is where errors are raised.
        """
        return self._stream(messages, kwargs)

    @announced(llm_chat_callback)
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Async twin of ``stream_chat``."""
        return self._astream(messages, kwargs)

    @announced(llm_completion_callback)
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002 as LLM
        """Ask for a whole answer to a prompt; takes and raises what ``chat`` does."""
        return decode_completion(self._chat(_as_messages(prompt), kwargs))

    @announced(llm_completion_callback)
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002 as LLM
        """Async twin of ``complete``."""
        return decode_completion(await self._achat(_as_messages(prompt), kwargs))

    @announced(llm_completion_callback)
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:  # noqa: ARG002 as LLM
        """Ask for a streamed answer to a prompt."""
        responses = self._stream(_as_messages(prompt), kwargs)

        def completions() -> CompletionResponseGen:
            with closing(responses):
                yield from map(decode_completion, responses)

        return completions()

    @announced(llm_completion_callback)
    async def astream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 as LLM
        **kwargs: Any,
    ) -> CompletionResponseAsyncGen:
        """Async twin of ``stream_complete``."""
        responses = self._astream(_as_messages(prompt), kwargs)

        async def completions() -> CompletionResponseAsyncGen:
            async with aclosing(responses):
                async for response in responses:
                    yield decode_completion(response)

        return completions()

    def _chat(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        call = self._call(messages, kwargs)
        return call.told.response(call.client.chat(call.request, **call.labels))

    async def _achat(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        call = self._call(messages, kwargs)
        return call.told.response(await call.client.achat(call.request, **call.labels))

    def _stream(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseGen:
        def responses(call: _Call) -> ChatResponseGen:
            growing, asked, told = call.growing(), call.client.stream(call.request, **call.labels), call.told
            del call  # what was asked is not held as long as the stream is open
            with asked as stream, closing(iter(stream)) as deltas:
                for delta in deltas:
                    if response := growing.add(delta):
                        yield response
                yield told.response(stream.answer, delta="")

        return responses(self._call(messages, kwargs))

    def _astream(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseAsyncGen:
        async def responses(call: _Call) -> ChatResponseAsyncGen:
            growing, asked, told = call.growing(), call.client.astream(call.request, **call.labels), call.told
            del call
            async with asked as stream, aclosing(aiter(stream)) as deltas:
                async for delta in deltas:
                    if response := growing.add(delta):
                        yield response
                yield told.response(stream.answer, delta="")

        return responses(self._call(messages, kwargs))

    def _call(self, messages: Sequence[ChatMessage], parameters: dict[str, Any]) -> _Call:
        own = with_one_name(self.additional_kwargs)
        parameters = {**own, **with_one_name(parameters)}
        if own.get("tools") and parameters.get("tools"):
            parameters["tools"] = beside_own(own["tools"], parameters["tools"])
        if (form := parameters.get("response_format", self.response_format)) is not None:
            parameters["response_format"] = as_response_format(form)
        if self.reuse_last_container:
            containers = (message.additional_kwargs.get(CONTAINER) for message in reversed(messages))
            parameters = with_last_container(containers, {"container": self.container, **parameters})
        route = self.route(parameters.get("model"))
        if schema := self._unbound_schema(parameters, route):
            warn("response_format binds no answer of this model on this way: it is asked for in words")
            messages, parameters["response_format"] = asked_in_words(messages, schema), None
        one_tool_call = parameters.get("parallel_tool_calls") is False
        is_lost = route.is_claude or route.falls_on_claude or not carries(route, "parallel_tool_calls")
        if is_lost and route.api_format == "chat_completions":
            # The gateway does not say it to Claude and some others there, so we keep to it ourselves.
            parameters.pop("parallel_tool_calls", None)
        told = call_labels(self.trace_id, self.span_name, self.request_metadata)
        labels = {**told, "inline_images": self.inline_images}
        # Anthropic cites nothing in an answer that is bound to a schema, and refuses the wish for both.
        citing = frozenset[str]() if parameters.get("response_format") else citing_roles(route)
        encoded = encode_messages(messages, citing=citing, files_from=self.files_from)
        may_cite = "response_format" not in parameters and not forces_a_tool(parameters.get("tool_choice"))
        if may_cite and type(encoded) is not Texts:
            warn_of_uncited(messages, route)
        client, request = self.gateway_client(route=route), self.request(encoded, parameters)
        return _Call(client, request, labels, _Told(one_tool_call, self.include_response_headers))

    def _unbound_schema(self, parameters: Mapping[str, Any], route: Route) -> Mapping[str, Any] | None:
        """The JSON schema that a Claude's answer is to have, where nothing binds it to that."""
        form = parameters.get("response_format")
        named = form.get("json_schema") if isinstance(form, Mapping) else None
        schema = named.get("schema") if isinstance(named, Mapping) else None
        if not isinstance(schema, Mapping) or not route.is_claude or route.is_mixed:
            return None
        model = str(parameters.get("model") or self.model)
        return None if binds_answers(route, model, schema, has_tools=bool(parameters.get("tools"))) else schema

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
        """The arguments of ``chat`` that offer tools."""
        messages = list(chat_history or [])
        if user_msg is not None:
            messages.append(
                ChatMessage(role=MessageRole.USER, content=user_msg) if isinstance(user_msg, str) else user_msg
            )
        if not tools:
            return {"messages": messages, **kwargs}
        # LlamaIndex's programs hand over None where they leave the choice open.
        chosen = kwargs.pop("tool_choice", None)
        called, parameters = self.for_call({**self.additional_kwargs, **kwargs})
        if not chosen and tool_required and called.may_force_tools(parameters):
            # Where the model has tools of its own, Claude might choose one of those.
            alone = len(tools) == 1 and parameters.get("tools")
            chosen = tools[0].metadata.get_name() if alone else "required"
        return {
            "messages": messages,
            "tools": [encode_tool(tool) for tool in tools],
            "tool_choice": chosen or "auto",
            "parallel_tool_calls": allow_parallel_tool_calls,
            **kwargs,
        }

    def get_tool_calls_from_response(
        self,
        response: ChatResponse,
        error_on_no_tool_call: bool = True,
        **kwargs: Any,  # noqa: ARG002 LlamaIndex's signature
    ) -> list[ToolSelection]:
        """List the tool calls of a response, whole or so far streamed.

        Raises:
            ValueError: if there is none and ``error_on_no_tool_call``; or if the answer ended before its tool calls
                were whole, as one does that ``max_tokens`` cut off.
        """
        selections = select_tools(response)
        if not selections and error_on_no_tool_call:
            raise ValueError(f"the model called no tool; it said: {response.message.content!r}")
        return selections


class _Told(NamedTuple):
    """How the answer to a call is told."""

    one_tool_call: bool
    with_headers: bool

    def response(self, answer: Answer, delta: str | None = None) -> ChatResponse:
        """Decode the answer, whole or at the end of a stream."""
        told = answer.with_headers() if self.with_headers else answer
        return decode_response(told, delta=delta, one_tool_call=self.one_tool_call)


class _Call(NamedTuple):
    """One call, ready to be made."""

    client: GatewayClient
    request: ChatRequest
    labels: dict[str, Any]
    """What the client takes beside the request."""
    told: _Told

    def growing(self) -> GrowingResponse:
        """What gathers a streamed answer."""
        return GrowingResponse(one_tool_call=self.told.one_tool_call)


def _as_messages(prompt: str) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=prompt)]
