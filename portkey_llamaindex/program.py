"""A program of LlamaIndex's that asks for an object of a class: by a tool, by a schema, or in words.

LlamaIndex's own programs force no tool when they stream, let half of an answer that broke off pass for a whole object,
and forget the model's ``system_prompt`` in async (0.14.25). This one raises where the answer is no whole object,
streamed too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any, Final, Literal

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.program.function_program import get_function_tool
from llama_index.core.program.utils import create_flexible_model
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import BasePydanticProgram
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from portkey_gateway.conversation.response_format import schema_in_words
from portkey_llamaindex.tools import broken_off

Way = Literal["tool", "strict tool", "schema", "words"]

_IN_TEXT: Final = frozenset({"schema", "words"})
_SYSTEM: Final = frozenset({MessageRole.SYSTEM, MessageRole.DEVELOPER})
# A program's own matter; LlamaIndex's programs leave them out too.
_NOT_PASSED: Final = frozenset({"tool_required", "tool_choice", "allow_parallel_tool_calls"})


def asked_in_words(messages: Sequence[ChatMessage], schema: Mapping[str, Any]) -> list[ChatMessage]:
    """Return the messages with the wish for an object, behind those of the system, so that a cached prompt stays.

    Args:
        messages: the conversation.
        schema: the JSON schema of the object.
    """
    instruction = ChatMessage(role=MessageRole.SYSTEM, content=schema_in_words(schema))
    others = (index for index, message in enumerate(messages) if message.role not in _SYSTEM)
    place = next(others, len(messages))
    return [*messages[:place], instruction, *messages[place:]]


class ObjectProgram(BasePydanticProgram[BaseModel]):
    """Asks a model for an object.

    Args:
        llm: the model.
        output_cls: the class of the object.
        prompt: what to ask.
        way: ``tool``, to force a call of a tool whose arguments are the object; ``strict tool``, to bind them to its
            schema, too; ``schema``, to bind the answer to it by ``response_format``; ``words``, to ask for JSON.
    """

    def __init__(
        self, llm: FunctionCallingLLM, output_cls: type[BaseModel], prompt: BasePromptTemplate, way: Way
    ) -> None:
        self._llm = llm
        self._output_cls = output_cls
        self._prompt = prompt
        self._way = way

    @property
    def output_cls(self) -> type[BaseModel]:
        """The class of the object."""
        return self._output_cls

    def __call__(self, *_: Any, llm_kwargs: dict[str, Any] | None = None, **prompt_args: Any) -> BaseModel:
        """Ask, and return the object.

        Args:
            llm_kwargs: parameters and gateway options of the call.
            prompt_args: what fills the prompt's variables.

        Raises:
            ValueError: if the answer is no object of the class, or was cut off.
            PortkeyError: if the call fails; the class says how.
        """
        return self._read(self._llm.chat(**self._asked(llm_kwargs, prompt_args)))

    async def acall(self, *_: Any, llm_kwargs: dict[str, Any] | None = None, **prompt_args: Any) -> BaseModel:
        """Async twin of a call."""
        return self._read(await self._llm.achat(**self._asked(llm_kwargs, prompt_args)))

    def stream_call(
        self, *_: Any, llm_kwargs: dict[str, Any] | None = None, **prompt_args: Any
    ) -> Generator[Any, None, None]:
        """Ask, and yield the object as it grows; raises what a call raises, after the last part of the object.

        As long as fields are missing it is a ``FlexibleModel`` in which they are ``None``.
        """
        responses: Any = self._llm.stream_chat(**self._asked(llm_kwargs, prompt_args))
        with closing(responses):
            for response in responses:
                yield from self._grown(response)

    async def astream_call(
        self, *_: Any, llm_kwargs: dict[str, Any] | None = None, **prompt_args: Any
    ) -> AsyncGenerator[Any, None]:
        """Async twin of ``stream_call``."""
        responses: Any = await self._llm.astream_chat(**self._asked(llm_kwargs, prompt_args))

        async def objects() -> AsyncGenerator[Any, None]:
            async with aclosing(responses):
                async for response in responses:
                    for grown in self._grown(response):
                        yield grown

        return objects()

    def _asked(self, llm_kwargs: Mapping[str, Any] | None, prompt_args: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of ``chat``."""
        llm = self._llm
        kwargs = {name: value for name, value in (llm_kwargs or {}).items() if name not in _NOT_PASSED}
        messages = llm._extend_messages(self._prompt.format_messages(llm=llm, **prompt_args))  # noqa: SLF001 as LlamaIndex's programs
        # Tools that the model has of its own stay, since an earlier call of theirs may stand in the conversation.
        own = getattr(llm, "additional_kwargs", None) or {}
        alone = {"tool_choice": "none"} if own.get("tools") and "tools" not in kwargs else {}
        if self._way == "words":
            in_words = asked_in_words(messages, self._output_cls.model_json_schema())
            return {"messages": in_words, "response_format": None, **alone, **kwargs}
        if self._way == "schema":
            return {"messages": messages, "response_format": self._response_format(), **alone, **kwargs}
        tool = get_function_tool(self._output_cls)
        asked = llm._prepare_chat_with_tools([tool], chat_history=messages, tool_required=True, **kwargs)  # noqa: SLF001 as LlamaIndex's programs
        if self._way == "strict tool":
            asked["tools"] = [{**offered, "strict": True} for offered in asked["tools"]]
        return asked

    def _response_format(self) -> dict[str, Any]:
        # OpenAI's word for it, whose names are as those of tools.
        name = get_function_tool(self._output_cls).metadata.to_openai_tool(skip_length_check=True)["function"]["name"]
        return {
            "type": "json_schema",
            "json_schema": {"name": name, "schema": self._output_cls.model_json_schema()},
        }

    def _read(self, response: ChatResponse) -> BaseModel:
        """Read the object of an answer that has ended."""
        name = self._output_cls.__name__
        if how := broken_off(response):
            raise ValueError(f"the answer is no whole {name}: it {how}")
        try:
            if self._way in _IN_TEXT:
                read: BaseModel = PydanticOutputParser(self._output_cls).parse(response.message.content or "")
                return read
            call = self._llm.get_tool_calls_from_response(response)[0]
            return self._output_cls.model_validate(call.tool_kwargs)
        except ValueError as error:
            raise ValueError(f"the answer is no {name}: {error}") from error

    def _grown(self, response: ChatResponse) -> Generator[BaseModel, None, None]:
        """What a streamed response shows of the object: nothing yet, a part of it, or at the end the whole."""
        if response.raw is not None:
            yield self._read(response)
        elif arguments := self._arguments(response):
            partial = create_flexible_model(self._output_cls).model_validate(arguments)
            try:
                yield self._output_cls.model_validate(partial.model_dump(exclude_unset=True))
            except ValidationError:
                yield partial

    def _arguments(self, response: ChatResponse) -> dict[str, Any]:
        """The object's fields, as far as they are told."""
        if self._way not in _IN_TEXT:
            calls = self._llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
            return calls[0].tool_kwargs if calls else {}
        text = response.message.content or ""
        try:
            told = from_json(text[max(text.find("{"), 0) :], allow_partial="trailing-strings")
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}
