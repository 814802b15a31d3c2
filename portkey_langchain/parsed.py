"""The object that an answer holds, where its form was asked for as a class; it stands where `ChatOpenAI` has it."""

from __future__ import annotations

from typing import Any, Final

from langchain_core.messages import AIMessage
from pydantic import BaseModel, ValidationError

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
    """
    if form is not None:
        message.additional_kwargs[PARSED] = _read(answer, form)


def _read(answer: Answer, form: type[BaseModel]) -> BaseModel | None:
    if answer.refusal or not answer.text or answer.finish_reason in BROKEN_OFF:
        return None
    try:
        return form.model_validate_json(answer.text)
    except ValidationError:
        return None
