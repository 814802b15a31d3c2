"""Finds a text that a regular expression matches."""

import re
import string
from collections.abc import Iterable
from re import _parser as parser  # type: ignore[attr-defined]  # the standard library's own reading of patterns
from typing import Any, Final

_CATEGORIES: Final = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_SPACE": " ",
    "CATEGORY_WORD": string.ascii_lowercase,
    "CATEGORY_NOT_DIGIT": string.ascii_lowercase,
    "CATEGORY_NOT_SPACE": string.ascii_lowercase,
    "CATEGORY_NOT_WORD": " ",
}
_PRINTABLE: Final = string.ascii_lowercase + string.ascii_uppercase + string.digits + "-_ " + string.punctuation


def example_of(pattern: str) -> str:
    """Return the shortest text that a pattern asks for, or nothing where it looks around itself."""
    found = "".join(map(_example, parser.parse(pattern)))
    return found if re.search(pattern, found) else ""


def _example(item: tuple[Any, Any]) -> str:
    operation, argument = item
    inner: Iterable[tuple[Any, Any]] = ()
    own, times = "", 1
    match str(operation):
        case "LITERAL":
            own = chr(argument)
        case "NOT_LITERAL":
            own = next(each for each in _PRINTABLE if each != chr(argument))
        case "ANY":
            own = "a"
        case "IN":
            own = _member(argument)
        case "BRANCH":
            inner = argument[1][0]
        case "SUBPATTERN":
            inner = argument[-1]
        case "MAX_REPEAT" | "MIN_REPEAT":
            times, _, inner = argument
    return own + "".join(map(_example, inner)) * times


def _member(choices: Iterable[tuple[Any, Any]]) -> str:
    first, *rest = choices
    if str(first[0]) == "NEGATE":
        refused = {each for choice in rest for each in _characters(choice)}
        return next(each for each in _PRINTABLE if each not in refused)
    return next(iter(_characters(first)))


def _characters(choice: tuple[Any, Any]) -> Iterable[str]:
    operation, argument = choice
    match str(operation):
        case "LITERAL":
            return chr(argument)
        case "RANGE":
            return map(chr, range(argument[0], argument[1] + 1))
        case _:
            return _CATEGORIES[str(argument)]
