"""The object that an answer holds, where its form was asked for as a class; it stands where `ChatOpenAI` has it."""

from __future__ import annotations

from typing import Any, Final

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from portkey_gateway.conversation.answer import BROKEN_OFF, Answer

PARSED: Final = "parsed"
"""In ``additional_kwargs``: the object, or ``None`` where the model said none, as where it refuses or calls a tool."""


def class_of(form: Any) -> type[BaseModel] | None:
    """The pydantic class as which ``response_format`` was given, or ``None``."""
    return form if isinstance(form, type) and issubclass(form, BaseModel) else None


def add_parsed(message: AIMessage, answer: Answer, form: type[BaseModel] | None) -> None:
    """Put the object that the answer holds into its message; nothing where no class was asked for.

    Args:
        message: of the answer, or the last chunk of it.
        answer: whole.
        form: the class.

    Raises:
        OutputParserException: if the answer was cut off or broken off before its object was whole.
        pydantic.ValidationError: if it does not fit the class. ``ChatOpenAI`` raises it too (langchain-openai 1.7.3);
            either is a ``ValueError``, and what was answered stands in its ``response``: the message, or of a stream
            the last chunk.
    """
    if form is None:
        return
    try:
        message.additional_kwargs[PARSED] = _read(answer, form)
    except ValueError as error:
        vars(error)["response"] = message
        raise


def _read(answer: Answer, form: type[BaseModel]) -> BaseModel | None:
    if answer.refusal or not answer.text or answer.tool_calls:
        return None
    if how := BROKEN_OFF.get(answer.finish_reason or ""):
        raise OutputParserException(f"there is no {form.__name__}: the answer {how}", llm_output=answer.text)
    return form.model_validate_json(answer.text)
