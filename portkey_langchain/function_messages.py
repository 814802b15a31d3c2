"""Calls as they were told before tools had ids: one ``function_call`` a message, answered by a ``FunctionMessage``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, FunctionMessage, ToolMessage
from langchain_core.output_parsers.openai_tools import parse_tool_call


def as_tool_messages(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Return a conversation in which such calls are those of tools; calls and results find each other by the name."""
    if not any(issubclass(kind, FunctionMessage) for kind in {*map(type, messages)}):
        return messages
    answered = {id(call) for call, result in pairwise(messages) if isinstance(result, FunctionMessage)}
    return [
        ToolMessage(message.content, tool_call_id=message.name)
        if isinstance(message, FunctionMessage)
        else _with_call(message)
        if id(message) in answered
        else message
        for message in messages
    ]


def _with_call(message: BaseMessage) -> BaseMessage:
    told: Any = message.additional_kwargs.get("function_call")
    if not isinstance(message, AIMessage) or message.tool_calls or message.invalid_tool_calls or not told:
        return message
    call = parse_tool_call({"id": told["name"], "function": told}, partial=True, return_id=True)
    return message.model_copy(update={"tool_calls": [call]}) if call else message
