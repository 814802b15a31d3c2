"""``PortkeyPromptTemplate``: a prompt of Portkey's library as a LlamaIndex prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.base.llms.generic_utils import messages_to_prompt as default_messages_to_prompt
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import BasePromptTemplate, PromptType
from llama_index.core.types import BaseOutputParser
from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from portkey_gateway.prompt import GatewayPrompt, PromptModel
from portkey_gateway.prompts.rendered import RenderedPrompt
from portkey_llamaindex.llm import Portkey
from portkey_llamaindex.prompt_messages import decode_messages
from portkey_llamaindex.storing import without_secrets

_ASKED_FOR = "template_vars"


class PortkeyPromptTemplate(GatewayPrompt, BasePromptTemplate):  # type: ignore[no-redef]  # of its field kwargs
    """A prompt of Portkey's library, for query engines, ``structured_predict`` and wherever LlamaIndex takes a prompt.

    Takes every option of the gateway (``GatewayFields``). The library tells which variables the template has; it is
    asked when that is first needed, never at construction. ``template_vars``, if given, are not asked for. What the
    library calls otherwise than LlamaIndex does is said by ``template_var_mappings``.

    LlamaIndex fills prompts in by a sync method, in its async engines too: there an event loop waits for the library,
    unless ``cache_seconds`` keeps what was rendered. ``await template.aformat_messages(…)`` does not block.

    Example:
        ```python
        from portkey_llamaindex import PortkeyPromptTemplate

        template = PortkeyPromptTemplate("pp-answer-4f1b2c", template_var_mappings={"query_str": "question"})
        engine = index.as_query_engine(llm=template.llm(), text_qa_template=template)
        ```

    Args:
        prompt_id: the prompt; ``id@12``, ``id@latest`` or ``id@label`` picks a version other than the published one.
        options: the fields of the class.

    Raises:
        pydantic.ValidationError: (a ``ValueError``) at construction, naming the option and what to do.
        MissingVariablesError: when it is filled in, naming the variables that are missing.
        PortkeyError: from the library; the class says what failed.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True, hide_input_in_errors=True, populate_by_name=True, defer_build=False
    )

    metadata: dict[str, Any] = Field(default_factory=lambda: {"prompt_type": PromptType.CUSTOM})
    template_vars: list[str] = Field(default_factory=list)
    """The variables that have to be given; by default the template's, as the library tells them. Empty where it does
    not tell them, in which case nothing is checked."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """Variables that are set."""
    output_parser: BaseOutputParser | None = None

    def __init__(self, prompt_id: str, **options: Any) -> None:
        super().__init__(prompt_id=prompt_id, **options)
        # What is not given is not there, so that reading it asks the library (``__getattr__``).
        if _ASKED_FOR not in self.model_fields_set:
            vars(self).pop(_ASKED_FOR, None)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            return list(self.template().variables or ()) if name == _ASKED_FOR else super().__getattr__(name)

    @model_serializer(mode="wrap")
    def _dump(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Dump without what may hold a secret: instrumentation shows the prompts of calls."""
        return without_secrets(handler(self))

    # --- what LlamaIndex asks of a prompt ---------------------------------------------------------------------------

    def partial_format(self, **kwargs: Any) -> PortkeyPromptTemplate:
        """Return a copy with some variables set."""
        return self.with_options(kwargs={**self.kwargs, **kwargs})

    def format(
        self,
        llm: BaseLLM | None = None,
        messages_to_prompt: Callable[[list[ChatMessage]], str] | None = None,
        completion_to_prompt: Callable[[str], str] | None = None,  # noqa: ARG002 for texts; these are messages
        **kwargs: Any,
    ) -> str:
        """Fill the prompt in, and write its messages as one text."""
        return (messages_to_prompt or default_messages_to_prompt)(self.format_messages(llm=llm, **kwargs))

    def format_messages(self, llm: BaseLLM | None = None, **kwargs: Any) -> list[ChatMessage]:  # noqa: ARG002 as LlamaIndex
        """Fill the prompt in.

        Args:
            llm: not used.
            kwargs: the values of its variables.

        Raises:
            MissingVariablesError: naming the variables that are missing.
            PortkeyError: if the library fails or refuses.
        """
        return self._decode(self.rendered(*self._given(kwargs)))

    async def aformat_messages(self, llm: BaseLLM | None = None, **kwargs: Any) -> list[ChatMessage]:  # noqa: ARG002 as LlamaIndex
        """Async twin of ``format_messages``, which LlamaIndex itself does not know."""
        return self._decode(await self.arendered(*self._given(kwargs)))

    def get_template(self, llm: BaseLLM | None = None) -> str:  # noqa: ARG002 as LlamaIndex
        """The template itself, in Mustache, as the library tells it; the prompt's id where it does not."""
        return self.template().text or self.prompt_id

    def _given(self, kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], list[str] | None]:
        required = self.template_vars if _ASKED_FOR in self.model_fields_set else None
        return self._map_all_vars({**self.kwargs, **kwargs}), required

    def _decode(self, rendered: RenderedPrompt) -> list[ChatMessage]:
        messages = decode_messages(rendered.messages)
        return self.output_parser.format_messages(messages) if self.output_parser else messages

    # --- the prompt's own model -------------------------------------------------------------------------------------

    def llm(self, variables: Mapping[str, Any] | None = None, **options: Any) -> Portkey:
        """The model that the prompt asks, with the prompt's parameters and tools, under the options of the prompt.

        Args:
            variables: values for variables on which model or parameters depend; seldom any.
            options: arguments of ``Portkey`` in the place of the prompt's.

        Raises:
            PortkeyError: if the library fails or refuses.
            pydantic.ValidationError: if the prompt has no model, or an option is not valid.
        """
        return _llm(self.prompt_model({**self.kwargs, **(variables or {})}, Portkey.model_fields), options)

    async def allm(self, variables: Mapping[str, Any] | None = None, **options: Any) -> Portkey:
        """Async twin of ``llm``."""
        return _llm(await self.aprompt_model({**self.kwargs, **(variables or {})}, Portkey.model_fields), options)


def _llm(found: PromptModel, options: Mapping[str, Any]) -> Portkey:
    further = {**found.further, **options.get("additional_kwargs", {})}
    return Portkey(**{**found.arguments, **options, "additional_kwargs": further})
