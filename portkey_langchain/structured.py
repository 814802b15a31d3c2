"""Answers as objects of a schema: what ``ChatPortkey.with_structured_output`` returns.

The gateway drops ``response_format`` for Claude without a word, and the answer would be free text. So a schema travels
as a tool, which the gateway carries to every provider; JSON mode is an instruction in the system message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, TypeGuard, cast, get_args

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolCall
from langchain_core.output_parsers import (
    BaseCumulativeTransformOutputParser,
    JsonOutputKeyToolsParser,
    JsonOutputParser,
    PydanticOutputParser,
    PydanticToolsParser,
)
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import (
    Runnable,
    RunnableConfig,
    RunnableLambda,
    RunnableMap,
    RunnablePassthrough,
    RunnableWithFallbacks,
)
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import TBaseModel, is_basemodel_subclass
from pydantic import BaseModel
from typing_extensions import override

from portkey_gateway.conversation.answer import BROKEN_OFF
from portkey_gateway.conversation.response_format import schema_in_words
from portkey_langchain.object_form import OBJECT_ALONE, UNFORCED_FORM, Method, Schema, Structured
from portkey_langchain.refusal import MODEL_REFUSAL_ERROR, refusal_block, refused_error
from portkey_langchain.response_format import as_response_format
from portkey_langchain.whole_schema import convert_tool

# Since LangChain knows of refusals, its own parsers raise the second.
_NO_OBJECT: Final = (OutputParserException, *([MODEL_REFUSAL_ERROR] if MODEL_REFUSAL_ERROR else []))


def structured_output(
    model: BaseChatModel,
    schema: Schema,
    *,
    method: Method,
    include_raw: bool,
    strict: bool | None,
    tools: Sequence[Mapping[str, Any]] = (),
    may_force: bool,
    knows_json_mode: bool,
) -> Structured:
    """Build the chain from a model to objects of a schema.

    Args:
        model: the model to ask.
        schema: a pydantic class, a TypedDict, a JSON schema with a title, or a tool dict.
        method: how to ask.
        include_raw: whether to return ``{"raw", "parsed", "parsing_error"}`` instead of raising.
        strict: asks OpenAI to hold the model to the schema.
        tools: encoded; the model may call one of them in the place of an object, which is ``None`` then.
        may_force: whether the model takes a forced tool choice. Claude does not while it thinks, and its newest models
            never: they are asked for the schema as ``response_format``.
        knows_json_mode: whether ``response_format`` of type ``json_object`` means something to the model.

    Raises:
        ValueError: if the method is none of the three, or cannot have tools.
    """
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {', '.join(get_args(Method))}; got {method!r}")
    if tools and method != "json_schema":
        raise ValueError(f"tools go with method='json_schema' only; got {method!r}")
    told = {"kwargs": {"method": method}, "schema": schema}
    if method == "json_mode":
        instructed = _instructed(model, schema_in_words(_in_json_schema(schema)))
        native = {"response_format": {"type": "json_object"}} if knows_json_mode else {}
        alone = {OBJECT_ALONE: True, **native}
        asked: Structured = instructed | model.bind(**alone, ls_structured_output_format=told)
        return _parsed(asked, _json_parser(schema), include_raw=include_raw)
    if method == "json_schema" or not may_force:
        asked = model.bind(response_format=as_response_format(schema, strict=strict), ls_structured_output_format=told)
        if not tools:
            alone = {OBJECT_ALONE: True}
            return _parsed(asked.bind(**alone), _json_parser(schema), include_raw=include_raw)
        parser: Runnable[Any, Any] = _SaidUnlessCalledParser(said=_json_parser(schema))
        return _parsed(asked.bind(tools=[*tools]), parser, include_raw=include_raw)
    form = {UNFORCED_FORM: as_response_format(schema, strict=strict)}
    asked = model.bind_tools([schema], tool_choice="any", strict=strict, ls_structured_output_format=told, **form)
    parser = _CalledOrSaidParser(called=_tool_call_parser(schema), said=_json_parser(schema))
    return _parsed(asked, parser, include_raw=include_raw)


def _parsed(asked: Structured, parser: Runnable[Any, Any], *, include_raw: bool) -> Structured:
    if not include_raw:
        return asked | parser
    parse = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    give_up = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=asked) | _AtOnce(runnable=parse, fallbacks=[give_up], exception_key="parsing_error")


class _AtOnce(RunnableWithFallbacks[Any, Any]):
    """Falls back also where it is streamed: LangChain's own does not, once it has given something."""

    @override
    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        yield self.invoke(input, config, **kwargs)

    @override
    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        yield await self.ainvoke(input, config, **kwargs)


def _instructed(model: BaseChatModel, text: str) -> Runnable[LanguageModelInput, list[BaseMessage]]:
    """Put the instruction behind the system messages, so that a cached prompt before it stays as it was."""
    instruction = SystemMessage(text)

    def instruct(given: LanguageModelInput) -> list[BaseMessage]:
        messages = model._convert_input(given).to_messages()  # noqa: SLF001 LangChain's one reader of every input
        rest = (index for index, message in enumerate(messages) if not isinstance(message, SystemMessage))
        position = next(rest, len(messages))
        return [*messages[:position], instruction, *messages[position:]]

    return RunnableLambda(instruct)


def _in_json_schema(schema: Schema) -> dict[str, Any]:
    return convert_to_json_schema(convert_tool(schema))


def _json_parser(schema: Schema) -> BaseCumulativeTransformOutputParser[Any]:
    return _ObjectInWordsParser(pydantic_object=schema) if _is_pydantic(schema) else _MappingInWordsParser()


def _tool_call_parser(schema: Schema) -> BaseCumulativeTransformOutputParser[Any]:
    if _is_pydantic(schema):
        return _ObjectParser(tools=[schema], first_tool_only=True)
    return _MappingParser(key_name=convert_tool(schema)["function"]["name"], first_tool_only=True)


def _is_pydantic(schema: Schema) -> TypeGuard[type[BaseModel]]:
    return isinstance(schema, type) and is_basemodel_subclass(schema)


class _WholeObjects(BaseCumulativeTransformOutputParser[Any]):
    """Lets no answer end without a whole object: not one parsed at once, and not one parsed while it is streamed."""

    @override
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        message = cast("AIMessage", cast("ChatGeneration", result[0]).message)
        has_ended = "finish_reason" in message.response_metadata
        try:
            parsed = super().parse_result(result, partial=partial)
        except _NO_OBJECT as error:
            is_other = message.tool_calls and not self._reads(message.tool_calls)
            if is_other or message.response_metadata.get("finish_reason") in BROKEN_OFF or refusal_block(message):
                raise _no_object(message) from error
            raise
        return _required(parsed, message) if has_ended or not partial else parsed

    def _reads(self, calls: Sequence[ToolCall]) -> bool:  # noqa: ARG002 for those that read calls
        """Whether the object may stand in one of these calls."""
        return False


class _ObjectParser(_WholeObjects, PydanticToolsParser):
    @override
    def _reads(self, calls: Sequence[ToolCall]) -> bool:
        names = {convert_tool(tool)["function"]["name"] for tool in self.tools}
        return any(call["name"] in names for call in calls)


class _MappingParser(_WholeObjects, JsonOutputKeyToolsParser):
    @override
    def _reads(self, calls: Sequence[ToolCall]) -> bool:
        return any(call["name"] == self.key_name for call in calls)


class _ObjectInWordsParser(_WholeObjects, PydanticOutputParser[TBaseModel]):
    pass


class _MappingInWordsParser(_WholeObjects, JsonOutputParser):
    pass


class _CalledOrSaidParser(BaseCumulativeTransformOutputParser[Any]):
    """Reads the call of a tool, or the object that was asked for in its place."""

    called: BaseCumulativeTransformOutputParser[Any]
    said: BaseCumulativeTransformOutputParser[Any]

    @override
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        message = cast("AIMessage", cast("ChatGeneration", result[0]).message)
        is_called = message.tool_calls or message.invalid_tool_calls
        is_said = not is_called and message.text.lstrip().startswith("{")
        return (self.said if is_said else self.called).parse_result(result, partial=partial)

    @override
    def parse(self, text: str) -> Any:
        return self.said.parse(text)


class _SaidUnlessCalledParser(BaseCumulativeTransformOutputParser[Any]):
    """Reads the object that was said; ``None`` where a tool was called instead."""

    said: BaseCumulativeTransformOutputParser[Any]

    @override
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        message = cast("AIMessage", cast("ChatGeneration", result[0]).message)
        return None if message.tool_calls else self.said.parse_result(result, partial=partial)

    @override
    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:
        is_told = False
        for parsed in super()._transform(input):
            is_told = True
            yield parsed
        if not is_told:
            yield None

    @override
    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
        is_told = False
        async for parsed in super()._atransform(input):
            is_told = True
            yield parsed
        if not is_told:
            yield None

    @override
    def parse(self, text: str) -> Any:
        return self.said.parse(text)


def _required(parsed: Any, message: AIMessage) -> Any:
    """Raise where LangChain's parsers return ``None``, or mend JSON that broke off in the middle."""
    is_broken_off = message.response_metadata.get("finish_reason") in BROKEN_OFF
    # A call that was cut is none of the tool_calls: the object stands in one before it.
    if parsed is not None and (not is_broken_off or message.tool_calls):
        return parsed
    raise _no_object(message)


def _called(message: AIMessage) -> str:
    names = ", ".join(dict.fromkeys(repr(call["name"]) for call in message.tool_calls))
    if not names:
        return ""
    return (
        f"; it called {names} instead: a tool that the model or its prompt offers, unless the schema takes its place "
        "(method='function_calling')"
    )


def _no_object(message: AIMessage) -> OutputParserException:
    reason = message.response_metadata.get("finish_reason")
    how = BROKEN_OFF.get(reason or "")
    said = f": the answer {how}" if how else ""
    text = f"the model gave no object of the schema; its finish_reason is {reason!r}{said}{_called(message)}"
    if refused := refusal_block(message):
        why = refused["refusal"]
        return refused_error(f"{text} ({why})" if why else text, message)
    return OutputParserException(text, llm_output=message.text)
