"""``ChatPortkey``: the gateway as a LangChain chat model."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.prompt_values import ChatPromptValue, PromptValue
from pydantic import ConfigDict, Field, field_validator, model_validator
from typing_extensions import override

from portkey_gateway.conversation.container import with_last_container
from portkey_gateway.conversation.parameters import with_one_name
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.options import check_metadata
from portkey_gateway.other_routes import NO_TOKEN_COUNT
from portkey_langchain import translate as _translate  # noqa: F401 registers the translator of our messages
from portkey_langchain.call import Call
from portkey_langchain.callbacks import RunLabels
from portkey_langchain.calling import CallingModel
from portkey_langchain.confidential import ConfidentialModel
from portkey_langchain.decode import MODEL_PROVIDER
from portkey_langchain.errors import as_langchain_errors
from portkey_langchain.media import with_media_types
from portkey_langchain.object_form import MARKS, Method, Schema, Structured, take_form
from portkey_langchain.profile import model_profile
from portkey_langchain.stream_usage import STREAM_USAGE, take_stream_usage
from portkey_langchain.tools import encode_tool

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
else:
    # LangChain asks for what annotations mean (``RunnableWithFallbacks``); its tools are read where there is one.
    BaseTool = Any


class ChatPortkey(CallingModel, ConfidentialModel):
    """A chat model behind the Portkey AI gateway: Claude, or any other.

    Takes every option of the gateway (``GatewayFields``) beside the model's own parameters. Safe to use from many
    threads and event loops; all instances share their connections.

    Example:
        ```python
        from portkey_langchain import ChatPortkey

        model = ChatPortkey(model="@anthropic-prod/claude-sonnet-4-6")  # PORTKEY_API_KEY from the environment
        model.invoke("Hello").text
        ```

    Raises:
        pydantic.ValidationError: (a ``ValueError``) at construction, naming the option and what to do.
        PortkeyError: from a call; each is also LangChain's own model error of its kind.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True, hide_input_in_errors=True, populate_by_name=True, defer_build=False
    )

    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of the request body, sent as they are."""
    streaming: bool = False
    """Stream even where ``invoke`` is called."""
    stream_usage: bool | None = None
    """Whether a stream tells its usage: ``False`` leaves it out, and does not ask OpenAI for it."""

    @field_validator("metadata", mode="before")
    @classmethod
    def _check_metadata(cls, metadata: Any) -> Any:
        return metadata if metadata is None else check_metadata(metadata)

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        choices = self.model_kwargs.get("n")
        if self.streaming and isinstance(choices, int) and choices > 1:
            raise ValueError(f"n={choices} in model_kwargs and streaming exclude each other: a stream tells one answer")
        return self

    # --- what LangChain asks of a model -----------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """The model's name, as LangChain's other chat models call it too."""
        return self.model

    @property
    def _llm_type(self) -> str:
        # By this name LangChain's middleware knows who takes cache marks (fallbacks keep them), and how to estimate
        # tokens of a Claude.
        return "anthropic-chat" if self.is_surely_claude else "portkey-chat"

    @property
    def _default_config(self) -> dict[str, str]:
        # Where LangChain's tool search looks first for the provider whose tool it shall add.
        return {"model_provider": "anthropic"} if self.is_surely_claude else {}

    @property
    def _identifying_params(self) -> dict[str, Any]:
        parameters = {name: getattr(self, name) for name in ("max_tokens", "temperature", "top_p", "top_k", "thinking")}
        return {"model": self.model, "base_url": self.base_url, "provider": self.provider, **parameters}

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = MODEL_PROVIDER
        if stops := stop or self.stop:
            params["ls_stop"] = stops
        return params

    @override
    def _get_ls_params_with_defaults(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        """What a run tells LangSmith: there a Claude's tokens have a price under Anthropic's and its own name.

        Middleware asks ``_get_ls_params``, and compares its answer with the provider that our messages name.
        """
        params = super()._get_ls_params_with_defaults(stop=stop, **kwargs)
        told: dict[str, Any] = {**params}
        name = str(params.get("ls_model_name") or self.model)
        if self.route(name).is_surely_claude:
            told |= {"ls_provider": "anthropic", "ls_model_name": name.rpartition("/")[2]}
        return cast("LangSmithParams", told)

    @override
    def _resolve_model_profile(self) -> ModelProfile | None:
        return model_profile(self.facts(), self.model)

    @override
    def with_options(self, **changes: Any) -> Self:
        """Return a copy with some options changed; it shares the connections.

        Args:
            changes: any argument of the constructor; metadata and header mappings are merged key by key. A ``profile``
                that was not given is that of the copy's own model.

        Raises:
            pydantic.ValidationError: if a name or value is not valid.
        """
        if self.profile == self._resolve_model_profile():
            # LangChain counts it as given.
            changes.setdefault("profile", None)
        return super().with_options(**changes)

    @override
    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Count the tokens of a conversation, as Claude would read it.

        The gateway asks Anthropic, which counts without charge. Models other than Claude, gateways without the route,
        and parts of a conversation that Claude would refuse (``trim_messages`` counts such) have no such count:
        LangChain's approximation (some four characters a token) is returned for them.

        Args:
            messages: the conversation.
            tools: the tools that would be offered, in any form that ``bind_tools`` takes.

        Raises:
            EncodingError: if a message cannot be sent.
            PortkeyError: if the count fails for another reason.
        """
        offered = [encode_tool(tool) for tool in tools or ()]
        if self.targets_claude():
            with as_langchain_errors():
                call = self._call(messages, None, {"tools": offered} if offered else {})
            with as_langchain_errors(), contextlib.suppress(*NO_TOKEN_COUNT):
                return call.client.count_tokens(cast("ChatRequest", call.request))
        return count_tokens_approximately(messages, tools=[dict(tool) for tool in offered])

    @override
    def get_num_tokens(self, text: str) -> int:
        """Count the tokens of a text said by a user; see ``get_num_tokens_from_messages``."""
        return self.get_num_tokens_from_messages([HumanMessage(text)])

    # --- tools and structured output --------------------------------------------------------------------------------

    @override
    def with_structured_output(
        self,
        schema: Schema,
        *,
        include_raw: bool = False,
        method: Method | None = None,
        strict: bool | None = None,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool] = (),
        **kwargs: Any,
    ) -> Structured:
        """Return a runnable that answers with objects of a schema.

        Args:
            schema: a pydantic class, a TypedDict, a JSON schema with a title, or a tool dict.
            include_raw: return ``{"raw", "parsed", "parsing_error"}`` instead of raising.
            method: ``"function_calling"`` makes the model call a tool of the schema; where a Claude cannot be made to,
                it is ``"json_schema"``. That binds the answer to the schema where the model knows it and the gateway
                carries it, and asks for a tool otherwise. ``"json_mode"`` asks for JSON in the system message, and
                with OpenAI's JSON mode where there is one. By default the first, or with ``tools`` the second.
            strict: asks OpenAI to hold the model to the schema.
            tools: what the model may call in the place of an answer, with ``method="json_schema"``; the object is
                ``None`` then, and the call stands in ``raw`` (``include_raw=True``).
            kwargs: none; a name here is an error.

        Raises:
            ValueError: if the method or a name is not known.
            OutputParserException: (from a call) if the answer holds no object of the schema: a Claude that can
                neither be bound to it nor be made to call a tool may answer in words.
        """
        if kwargs:
            raise ValueError(f"with_structured_output does not know {', '.join(map(repr, kwargs))}")
        from portkey_langchain.structured import structured_output  # noqa: PLC0415 brings parsers that few need

        return structured_output(
            # The schema that is asked for here takes the place of the model's own.
            self if self.response_format is None else self.with_options(response_format=None),
            schema,
            method=method or ("json_schema" if tools else "function_calling"),
            include_raw=include_raw,
            strict=strict,
            tools=[encode_tool(tool, strict=strict) for tool in tools],
            may_force=self.may_force_tools(self.model_kwargs),
            knows_json_mode=self.knows_json_mode(),
        )

    # --- calls ------------------------------------------------------------------------------------------------------

    @override
    def _convert_input(self, model_input: LanguageModelInput) -> PromptValue:
        prompt = super()._convert_input(model_input)
        if not isinstance(prompt, ChatPromptValue):
            return prompt
        with as_langchain_errors():
            typed = with_media_types(prompt.messages)
        return prompt if typed is None else ChatPromptValue(messages=typed)

    @override
    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        """What is told of the answers to several prompts together: the model; usage stands with each answer."""
        first = next(filter(None, llm_outputs), None)
        return {"model_name": first["model_name"] if first else self.model}

    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """The body of the request that ``invoke`` would send, as LangChain's other models show theirs."""
        with as_langchain_errors():
            call = self._call(self._convert_input(input_).to_messages(), stop, kwargs)
            return call.client.request_body(call.request)

    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], run: RunLabels | None = None
    ) -> Call:
        """One call; options of ours among ``kwargs`` hold for it alone."""
        model, given = self.for_call(kwargs)
        given.pop("stream", None)
        if stop is not None:
            given["stop"] = stop
        parameters = {**with_one_name(model.model_kwargs), **with_one_name(given)}
        parameters, tells_usage = take_stream_usage(parameters, kwargs.get(STREAM_USAGE), model.stream_usage)
        if MARKS & parameters.keys():
            has_tools = bool(model.model_kwargs.get("tools"))
            parameters = take_form(parameters, may_force=model.may_force_tools(parameters), has_tools=has_tools)
        if model.response_format is not None:
            parameters.setdefault("response_format", model.response_format)
        if model.reuse_last_container:
            answers = [each.response_metadata for each in reversed(messages) if isinstance(each, AIMessage)]
            told = (metadata.get("container") for metadata in answers)
            parameters = with_last_container(told, {"container": model.container, **parameters})
        route = model.route(parameters.get("model"))
        return Call.of_model(model, route, messages, parameters, run, tells_usage=tells_usage)
