"""The arguments of tool calls as JSON text that every reader takes: pure."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from portkey_gateway.conversation.unsendable import unsendable


def as_arguments(value: Any) -> str:
    """Write arguments as JSON; ``NaN`` and the infinities, which JSON does not know, as the texts of these names.

    Raises:
        EncodingError: if they hold something else that JSON does not know, or half a character.
    """
    try:
        return to_json(value, inf_nan_mode="strings").decode()
    except PydanticSerializationError as error:
        raise unsendable({"the arguments of a tool call": value}, error) from error


def as_told(value: Any) -> str:
    """Write what came in an answer as JSON, half a surrogate pair among it, which ``read_json`` lets through."""
    try:
        return to_json(value).decode()
    except ValueError:
        return json.dumps(value, separators=(",", ":"))


def with_known_numbers(arguments: str) -> str:
    """Return the JSON text of arguments without the numbers that JSON does not know; most have none, and stay."""
    if "NaN" not in arguments and "Infinity" not in arguments:
        return arguments
    try:
        return as_arguments(from_json(arguments))
    except ValueError:
        return arguments
