"""Errors of pydantic without what was given, which may be a key: ``hide_input_in_errors`` hides it in texts alone."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

_HIDDEN: Final = "**********"
# Their names are keys of a mapping, and a key may have been given in the place of a name.
_NAMED_BY_USERS: Final = frozenset({"default_headers", "gateway_headers"})


def validate_hidden(value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
    """Validate, and raise an error without what was given."""
    try:
        return handler(value)
    except ValidationError as given:
        error = _hidden(given)
    # Not from within: the error behind it still holds what was given.
    raise error


def _hidden(error: ValidationError) -> ValidationError:
    lines = [_hidden_line(line) for line in error.errors(include_url=False)]  # type: ignore[arg-type]
    return ValidationError.from_exception_data(error.title, lines, hide_input=True)


def _hidden_line(line: dict[str, Any]) -> InitErrorDetails:
    kind: Any = line["type"]
    loc = line["loc"][:1] if line["loc"][:1] and line["loc"][0] in _NAMED_BY_USERS else line["loc"]
    context = line.get("ctx", {})
    try:
        details = InitErrorDetails(type=kind, loc=loc, input=_HIDDEN, ctx=context)
        ValidationError.from_exception_data("", [details])
    except (KeyError, TypeError, ValueError):  # no kind of pydantic's own
        details = InitErrorDetails(type=PydanticCustomError(kind, line["msg"]), loc=loc, input=_HIDDEN)
    return details


class HidesInput(BaseModel):
    """A model whose ``ValidationError`` holds nothing that was given: not in its text, its ``errors()``, its JSON."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """Wrap all validators of the class, those of its subclasses, too."""
        schema = handler(source)
        return core_schema.no_info_wrap_validator_function(validate_hidden, schema)
