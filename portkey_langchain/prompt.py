"""``PortkeyPrompt``: a prompt of Portkey's library as a LangChain prompt."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self, cast

from langchain_core.load.serializable import SerializedConstructor, SerializedNotImplemented
from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue
from langchain_core.prompts.chat import BaseChatPromptTemplate
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field, model_validator
from typing_extensions import override

from portkey_gateway.errors import InvalidResponseError
from portkey_gateway.prompt import GatewayPrompt, PromptModel
from portkey_gateway.prompts.rendered import RenderedPrompt
from portkey_langchain.chat_model import ChatPortkey
from portkey_langchain.confidential import Storable
from portkey_langchain.errors import as_langchain_errors

_ASKED_FOR: Final = frozenset({"input_variables", "optional_variables"})


class PortkeyPrompt(GatewayPrompt, Storable, BaseChatPromptTemplate):
    """A prompt of Portkey's library: ``prompt | model`` fills it in and asks, ``prompt.completion`` does both at once.

    Takes every option of the gateway (``GatewayFields``). The library tells which variables the template has; it is
    asked when that is first needed, never at construction. ``input_variables``, if given, are not asked for. Safe to
    use from many threads and event loops; all instances share their connections.

    Example:
        ```python
        from portkey_langchain import ChatPortkey, PortkeyPrompt

        prompt = PortkeyPrompt("pp-support-4f1b2c")  # PORTKEY_API_KEY from the environment
        chain = prompt | ChatPortkey(model="@anthropic-prod/claude-sonnet-4-6")
        chain.invoke({"question": "Where is my parcel?"})

        prompt.completion.invoke({"question": "Where is my parcel?"})  # by the prompt's own model
        ```

    Args:
        prompt_id: the prompt; ``id@12``, ``id@latest`` or ``id@label`` picks a version other than the published one.
        options: the fields of the class.

    Raises:
        pydantic.ValidationError: (a ``ValueError``) at construction, naming the option and what to do.
        MissingVariablesError: when it is filled in, naming the variables that are missing.
        PortkeyError: from the library; each is also LangChain's own model error of its kind.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True, hide_input_in_errors=True, populate_by_name=True, defer_build=False
    )

    input_variables: list[str] = Field(default_factory=list)
    """The variables that have to be given, beside partial ones; by default the template's, as the library tells them.
    Empty where it does not tell them, in which case nothing is checked."""

    def __init__(self, prompt_id: str, **options: Any) -> None:
        super().__init__(prompt_id=prompt_id, **options)
        # What is not given is not there, so that reading it asks the library (``__getattr__``).
        for name in _ASKED_FOR - self.model_fields_set:
            vars(self).pop(name, None)

    @model_validator(mode="after")
    def validate_variable_names(self) -> Self:
        """In the place of LangChain's check, which reads names that may have to be asked for."""
        if both := sorted(self.partial_variables.keys() & vars(self).get("input_variables", [])):
            raise ValueError(f"{', '.join(map(repr, both))} cannot be both input and partial variables")
        return self

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in _ASKED_FOR:
                return super().__getattr__(name)
            with as_langchain_errors():
                template = self.template()
            names = (template.variables if name == "input_variables" else template.optional) or ()
            return [each for each in names if each not in self.partial_variables]

    # --- what LangChain asks of a prompt ----------------------------------------------------------------------------

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        return cls.__module__.split(".")

    @override
    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """Write it out, as LangChain does for every run: what is not given is not asked for."""
        shown, unknown = copy.copy(self), _ASKED_FOR - self.model_fields_set
        vars(shown).update({name: [] for name in unknown})
        written: Any = super(PortkeyPrompt, shown).to_json()
        written["kwargs"] = {name: value for name, value in written["kwargs"].items() if name not in unknown}
        return cast("SerializedConstructor", written)

    @property
    def _prompt_type(self) -> str:
        return "portkey-prompt"

    @override
    def _validate_input(self, inner_input: Any) -> dict[str, Any]:
        # Of a mapping the library's own check tells what is missing, in sync and in async.
        return dict(inner_input) if isinstance(inner_input, Mapping) else super()._validate_input(inner_input)

    @override
    async def _aformat_prompt_with_error_handling(self, inner_input: Any) -> PromptValue:
        if not isinstance(inner_input, Mapping) and "input_variables" not in self.model_fields_set:
            with as_langchain_errors():
                await self.atemplate()
        return await super()._aformat_prompt_with_error_handling(cast("dict[str, Any]", inner_input))

    @override
    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Fill the prompt in.

        Args:
            kwargs: the values of its variables.

        Raises:
            MissingVariablesError: naming the variables that are missing.
            PortkeyError: if the library fails or refuses.
        """
        with as_langchain_errors():
            return _decode_messages(self.rendered(*self.given(kwargs)))

    @override
    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Async twin of ``format_messages``."""
        with as_langchain_errors():
            return _decode_messages(await self.arendered(*self.given(kwargs)))

    @override
    def partial(self, **kwargs: Any) -> PortkeyPrompt:
        """Return a copy with some variables set: each a value, or a function that gives it."""
        changes: dict[str, Any] = {"partial_variables": {**self.partial_variables, **kwargs}}
        if "input_variables" in self.model_fields_set:
            changes["input_variables"] = [name for name in self.input_variables if name not in kwargs]
        return self.with_options(**changes)

    @override
    def pretty_repr(self, html: bool = False) -> str:
        """The prompt's id and its variables."""
        variables = ", ".join(f"{{{{{name}}}}}" for name in self.input_variables)
        return f"Prompt {self.prompt_id} of Portkey's library, with {variables or 'no variables'}"

    # --- the prompt's own model -------------------------------------------------------------------------------------

    def model(self, variables: Mapping[str, Any] | None = None, **options: Any) -> ChatPortkey:
        """The model that the prompt asks, with the prompt's parameters and tools, under the options of the prompt.

        Args:
            variables: values for variables on which model or parameters depend; seldom any.
            options: arguments of ``ChatPortkey`` in the place of the prompt's.

        Raises:
            PortkeyError: if the library fails or refuses.
            pydantic.ValidationError: if the prompt has no model, or an option is not valid.
        """
        with as_langchain_errors():
            values = self._merge_partial_and_user_variables(**(variables or {}))
            return _chat_model(self.prompt_model(values, ChatPortkey.model_fields), options)

    async def amodel(self, variables: Mapping[str, Any] | None = None, **options: Any) -> ChatPortkey:
        """Async twin of ``model``."""
        with as_langchain_errors():
            values = self._merge_partial_and_user_variables(**(variables or {}))
            return _chat_model(await self.aprompt_model(values, ChatPortkey.model_fields), options)

    @property
    def completion(self) -> Runnable[dict[str, Any], AIMessage]:
        """Answers to variables by the prompt's own model, in one call (``POST /prompts/{id}/completions``).

        Whole, streamed and in batches, sync and async; to LangChain it is a chat model. Keyword arguments of a call are
        options of the gateway, or parameters in the place of the prompt's own.
        """
        from portkey_langchain.completion import PortkeyPromptCompletion  # noqa: PLC0415 each knows the other

        return cast("Runnable[dict[str, Any], AIMessage]", PortkeyPromptCompletion(prompt=self))

    def given(self, variables: Mapping[str, Any]) -> tuple[dict[str, Any], list[str] | None]:
        """The values with the partial ones, and the names that have to be among them where the user said so."""
        required = self.input_variables if "input_variables" in self.model_fields_set else None
        return self._merge_partial_and_user_variables(**variables), required


def _decode_messages(rendered: RenderedPrompt) -> list[BaseMessage]:
    """The messages as LangChain's own converter reads OpenAI's form."""
    try:
        # The converter wants a content, which a message of tool calls alone has not.
        return convert_to_messages([{"content": "", **message} for message in rendered.messages])
    except (ValueError, NotImplementedError, KeyError, TypeError) as error:
        raise InvalidResponseError(f"the prompt holds a message that LangChain cannot read: {error}") from error


def _chat_model(found: PromptModel, options: Mapping[str, Any]) -> ChatPortkey:
    further = {**found.further, **options.get("model_kwargs", {})}
    return ChatPortkey(**{**found.arguments, **options, "model_kwargs": further})
