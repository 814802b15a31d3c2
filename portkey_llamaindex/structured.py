"""Structured output: how a model is asked for an object, and the methods of LlamaIndex's that ask for one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from typing import Any, Final, cast

from llama_index.core.base.llms.types import ChatMessage, ChatResponseAsyncGen, ChatResponseGen
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.program.utils import get_program_for_llm
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import BasePydanticProgram, PydanticProgramMode
from llama_index_instrumentation import get_dispatcher
from pydantic import BaseModel, Field

from portkey_gateway.calls import binds_answers
from portkey_gateway.model import GatewayModel
from portkey_llamaindex.instrumentation import akept_in_place, kept_in_place
from portkey_llamaindex.program import ObjectProgram, Way

_OWN_MODES: Final = frozenset({PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION, PydanticProgramMode.LLM})
_dispatcher = get_dispatcher(__name__)


class PredictingLLM(GatewayModel, FunctionCallingLLM):
    """An LLM behind the gateway that answers with objects."""

    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of the request body, sent as they are."""

    def structured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> BaseModel:
        """Ask for an object of a class.

        A tool of its shape is forced where the model can be made to call one, and bound to its schema where Claude can
        be; where it cannot, the answer itself is bound to the schema, and where nothing binds, asked for in words.

        Args:
            output_cls: the class.
            prompt: what to ask.
            llm_kwargs: parameters and gateway options of the call.
            prompt_args: what fills the prompt's variables.

        Raises:
            ValueError: if the answer is no object of the class, or was cut off.
            PortkeyError: if the call fails; the class says how.
        """
        _announce_start(output_cls, prompt, prompt_args)
        result: Any = self._program(output_cls, prompt, llm_kwargs)(llm_kwargs=llm_kwargs, **prompt_args)
        return _announced(result)

    async def astructured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> BaseModel:
        """Async twin of ``structured_predict``."""
        _announce_start(output_cls, prompt, prompt_args)
        result: Any = await self._program(output_cls, prompt, llm_kwargs).acall(llm_kwargs=llm_kwargs, **prompt_args)
        return _announced(result)

    def stream_structured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        """Ask for an object of a class, and yield it as it grows; takes and raises what ``structured_predict`` does."""
        asked: Any = super().stream_structured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
        return kept_in_place(asked)

    async def astream_structured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        """Async twin of ``stream_structured_predict``."""
        asked: Any = await super().astream_structured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
        return akept_in_place(asked)

    def as_structured_llm(self, output_cls: type[BaseModel], **kwargs: Any) -> StructuredLLM:
        """The model as one whose answers are objects of a class."""
        return StructuredPortkey(llm=self, output_cls=output_cls, **kwargs)

    def _structured_stream_call(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        return self._program(output_cls, prompt, llm_kwargs).stream_call(llm_kwargs=llm_kwargs, **prompt_args)

    async def _structured_astream_call(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        return await self._program(output_cls, prompt, llm_kwargs).astream_call(llm_kwargs=llm_kwargs, **prompt_args)

    def _program(
        self, output_cls: type[BaseModel], prompt: BasePromptTemplate, llm_kwargs: Mapping[str, Any] | None
    ) -> BasePydanticProgram[Any]:
        mode = self.pydantic_program_mode
        if mode not in _OWN_MODES:
            return get_program_for_llm(output_cls, prompt, self, pydantic_program_mode=mode)
        return ObjectProgram(self, output_cls, prompt, self._way(output_cls, llm_kwargs or {}))

    def _way(self, output_cls: type[BaseModel], llm_kwargs: Mapping[str, Any]) -> Way:
        """How to ask for an object: Claude takes no forced tool while it thinks, and the newest never do."""
        by_default = self.pydantic_program_mode is PydanticProgramMode.DEFAULT
        if self.pydantic_program_mode is PydanticProgramMode.LLM or (
            by_default and not self.metadata.is_function_calling_model
        ):
            return "words"
        called, parameters = self.for_call({**self.additional_kwargs, **llm_kwargs})
        model = str(parameters.get("model") or called.model)
        route = called.route(model)
        has_tools = bool(parameters.get("tools"))
        may_bind = binds_answers(route, model, output_cls.model_json_schema(), has_tools=has_tools)
        if called.may_force_tools(parameters):
            # Chat completions lose the wish for a strict tool, and OpenAI's are strict with schemas of another kind.
            is_bound = may_bind and route.is_claude and route.api_format == "messages"
            return "strict tool" if is_bound else "tool"
        return "schema" if may_bind else "words"


class StructuredPortkey(StructuredLLM):
    """LlamaIndex's own; what its streams ask when they are read stands where they were asked for."""

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Ask for an object, and yield it as it grows."""
        asked: Any = super().stream_chat(messages, **kwargs)
        return kept_in_place(asked)

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Async twin of ``stream_chat``."""
        asked: Any = await super().astream_chat(messages, **kwargs)
        return akept_in_place(asked)


def _announce_start(output_cls: type[BaseModel], prompt: BasePromptTemplate, prompt_args: dict[str, Any]) -> None:
    _dispatcher.event(LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args))


def _announced(result: Any) -> BaseModel:
    _dispatcher.event(LLMStructuredPredictEndEvent(output=result))
    return cast("BaseModel", result)
