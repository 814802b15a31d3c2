"""``PortkeyPrompt.completion``: the prompt's own model, asked with the values of the prompt's variables.

To LangChain it is a chat model, with all that comes with one: streams, batches, callbacks, usage and traces. What it
takes is a mapping of variables, which stands in the run as the one message of a user's, in JSON.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.prompt_values import ChatPromptValue, PromptValue
from pydantic_core import from_json, to_json
from typing_extensions import override

from portkey_gateway.conversation.claude import may_force_tools
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.errors import EncodingError
from portkey_gateway.prompts.template import PromptTemplate
from portkey_gateway.prompts.variables import encode_variables
from portkey_gateway.routing import find_route
from portkey_langchain.call import Call, call_labels
from portkey_langchain.callbacks import RunLabels
from portkey_langchain.calling import CallingModel
from portkey_langchain.confidential import route_digest
from portkey_langchain.content_form import is_told_in_blocks
from portkey_langchain.errors import as_langchain_errors
from portkey_langchain.marks import PROMPT_MARK
from portkey_langchain.object_form import MARKS, Method, Schema, Structured, take_form
from portkey_langchain.prompt import PortkeyPrompt
from portkey_langchain.stream_usage import STREAM_USAGE, take_stream_usage
from portkey_langchain.structured import structured_output


class PortkeyPromptCompletion(CallingModel, defer_build=False):
    """Answers to the variables of a prompt; taken from ``PortkeyPrompt.completion``.

    ``invoke``, ``stream``, ``batch`` and their async twins take the variables as a mapping (or the value itself, where
    the prompt has one variable). Keyword arguments of a call are options of the gateway, or parameters in the place of
    the prompt's own.
    """

    prompt: PortkeyPrompt
    """The prompt, whose options hold for its completions."""

    # --- what LangChain asks of a model -----------------------------------------------------------------------------

    @property
    def _llm_type(self) -> str:
        return "portkey-prompt-completion"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"prompt_id": self.prompt.prompt_id, "base_url": self.prompt.base_url, **self.prompt.overrides}

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        prompt = self.prompt.prompt_id
        told: dict[str, Any] = {**params, "ls_provider": "portkey", "ls_model_name": prompt, PROMPT_MARK: prompt}
        return cast("LangSmithParams", told)

    @override
    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        prompt, overrides = self.prompt.for_call(kwargs)
        return f"{self._llm_type}---{route_digest(prompt, {'prompt': prompt.prompt_id, 'stop': stop, **overrides})}"

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        return True

    @property
    @override
    def InputType(self) -> Any:
        """The values of the prompt's variables."""
        return dict[str, Any]

    @override
    def _convert_input(self, model_input: LanguageModelInput | Mapping[str, Any]) -> PromptValue:
        is_list = isinstance(model_input, Sequence) and not isinstance(model_input, str)
        with as_langchain_errors():
            if is_list or isinstance(model_input, PromptValue):
                raise EncodingError(
                    "a prompt's completion takes the values of the prompt's variables as a mapping, and no messages: "
                    "those stand in the prompt"
                )
            values = self.prompt._validate_input(model_input)  # noqa: SLF001 our own class
            encoded = encode_variables(self.prompt.prompt_id, values, None)
        return ChatPromptValue(messages=[HumanMessage(to_json(encoded).decode())])

    # --- structured output --------------------------------------------------------------------------------------

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
        """Return a runnable that takes the prompt's variables and answers with objects of a schema.

        The tool or the form of the answer goes along in the place of the prompt's own; with a form, the prompt's own
        tools go along too, and may not be called (``tool_choice="none"``).

        Args:
            schema: a pydantic class, a TypedDict, a JSON schema with a title, or a tool dict.
            include_raw: return ``{"raw", "parsed", "parsing_error"}`` instead of raising.
            method: ``"function_calling"`` makes the model call a tool of the schema; where a Claude cannot be made to,
                it is ``"json_schema"``, which binds the answer to it.
            strict: asks OpenAI to hold the model to the schema.
            kwargs: none; a name here is an error.

        Raises:
            ValueError: if the method or a name is not known; ``"json_mode"`` needs an instruction, which only the
                prompt itself can give.
            OutputParserException: (from a call) if the answer holds no object of the schema.
        """
        if kwargs:
            raise ValueError(f"with_structured_output does not know {', '.join(map(repr, kwargs))}")
        if method == "json_mode":
            raise ValueError(
                "method='json_mode' tells the model what to write, which a prompt of the library has to do itself: "
                "take another method, or `prompt | prompt.model().with_structured_output(schema, method='json_mode')`"
            )
        return structured_output(
            self,
            schema,
            method=method,
            include_raw=include_raw,
            strict=strict,
            # Whose model it asks, only the library tells: each call asks for the form where no tool can be forced.
            may_force=True,
            knows_json_mode=False,
        )

    # --- calls ------------------------------------------------------------------------------------------------------

    @override
    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        with as_langchain_errors():
            await self.prompt.atemplate()  # so that _call, which knows no async, need not ask for it
        return await super()._agenerate(messages, *args, **kwargs)

    @override
    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        with as_langchain_errors():
            await self.prompt.atemplate()
        told = cast("AsyncGenerator[ChatGenerationChunk]", super()._astream(messages, *args, **kwargs))
        async with aclosing(told) as chunks:
            async for chunk in chunks:
                yield chunk

    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], run: RunLabels | None = None
    ) -> Call:
        prompt, overrides = self.prompt.for_call({name: value for name, value in kwargs.items() if name != "stream"})
        if stop is not None:
            overrides["stop"] = stop
        overrides, tells_usage = take_stream_usage(overrides, overrides.get(STREAM_USAGE))
        client = prompt.gateway_client()
        values, required = prompt.given(from_json(str(messages[-1].content)))
        library, template = prompt.library(client), prompt.template()
        if required is not None:
            template = template._replace(variables=tuple(required))
        if MARKS & overrides.keys():
            has_tools = bool(template.parameters.get("tools"))
            may_force = _may_force(prompt, template, overrides)
            overrides = take_form(overrides, may_force=may_force, has_tools=has_tools)
        request = library.completion_request(prompt.prompt_id, values, template, overrides)
        asked = cast("ChatRequest", {"model": template.model, "messages": [], **template.parameters, **overrides})
        labels = call_labels(prompt, prompt.metadata, run)
        return Call(client, request, labels, in_blocks=is_told_in_blocks(asked), tells_usage=tells_usage)


def _may_force(prompt: PortkeyPrompt, template: PromptTemplate, overrides: Mapping[str, Any]) -> bool:
    """Whether a ``tool_choice`` makes the prompt's model use the tool."""
    model = str(overrides.get("model") or template.model)
    claudes = find_route(prompt, model, prompt.render_headers()).claudes(model)
    parameters: dict[str, Any] = {**template.parameters, **overrides}
    return not claudes or may_force_tools(claudes, parameters.get("thinking"))
