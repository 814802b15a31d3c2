"""The values of a prompt's variables, checked and written for the wire: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from portkey_gateway.errors import EncodingError, MissingVariablesError


def encode_variables(
    prompt_id: str, values: Mapping[str, Any], required: Sequence[str] | None, optional: Collection[str] = ()
) -> dict[str, Any]:
    """Check the values of a prompt's variables and write them as the library takes them.

    Args:
        prompt_id: for the error text.
        values: by the variables' names; further ones do no harm.
        required: the variables that have to be there, where they are known. A mapping or list in the place of one is
            written as JSON text, as Portkey asks for (its docs, "Prompt Completions").
        optional: sections, which take mappings and lists as they are.

    Raises:
        MissingVariablesError: naming what is missing.
        EncodingError: if JSON does not know a value.
    """
    if missing := [name for name in required or () if name not in values]:
        takes = ", ".join(map(repr, required or ()))
        more = f", and may take {', '.join(map(repr, optional))}" if optional else ""
        raise MissingVariablesError(
            f"the prompt {prompt_id!r} needs {', '.join(map(repr, missing))} too: it takes {takes}{more}",
            tuple(missing),
        )
    return {str(name): _encode(prompt_id, name, value, required or ()) for name, value in values.items()}


def _encode(prompt_id: str, name: str, value: Any, plain: Collection[str]) -> Any:
    try:
        if name in plain and isinstance(value, Mapping | list | tuple):
            return to_json(value).decode()
        return to_jsonable_python(value)
    except (PydanticSerializationError, ValueError) as error:
        raise EncodingError(
            f"the variable {name!r} of the prompt {prompt_id!r} is a {type(value).__name__} that JSON does not know: "
            "give text, a number, a truth value, or lists and mappings of these"
        ) from error
