"""Templates filled in as Portkey fills them: Mustache in each text of the messages, or around the whole of them.

Nothing is escaped in a text, or JSON that is passed as text, as Portkey's docs show it, would not arrive. In a raw
template a value stands inside a JSON text and is escaped as that asks for. A variable that is not given is empty, as
Mustache has it.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pystache  # type: ignore[import-untyped]  # it has no types

from portkey_gateway.sandbox.control_plane.errors import invalid
from portkey_gateway.sandbox.control_plane.folder import PromptVersion

Partials = Callable[[str], str | None]
"""Returns the text of a partial by its reference."""

_TAG: Final = re.compile(r"\{\{\{\s*(?P<raw>[^{}]+?)\s*\}\}\}|\{\{\s*(?P<sign>[#^/&!>]?>?)\s*(?P<name>[^{}]*?)\s*\}\}")


def fill_in(version: PromptVersion, variables: Mapping[str, Any], partials: Partials) -> dict[str, Any]:
    """Return `messages`, or `prompt` of a template for text completions.

    Raises:
        ControlPlaneError: What comes out is not what an API takes.
    """
    if version.is_raw:
        text = _render(version.string, variables, partials, _inside_json)
        try:
            return {"messages": json.loads(text)}
        except ValueError as error:
            raise invalid(f"The rendered template is not JSON: {error}") from error
    try:
        messages = json.loads(version.string)
    except ValueError:
        return {"prompt": _render(version.string, variables, partials, str)}
    return {"messages": _deep(messages, variables, partials)}


def components(template: str, partials: Partials) -> dict[str, Any]:
    """Return the variables of a template as the library tells them, those of its partials included."""
    found: dict[str, Any] = {
        "partials": [], "sections": [], "variables": [], "sectionVariables": {}, "variablePartials": [],
    }  # fmt: skip
    _collect(template, partials, found, [])
    return found


def _collect(template: str, partials: Partials, found: dict[str, Any], outer: list[str]) -> None:
    sections = list(outer)
    for tag in _TAG.finditer(template):
        sign, name = tag["sign"] or "", tag["raw"] or tag["name"]
        if sign in {"#", "^"}:
            sections.append(name)
            _add(found["sections"], name)
        elif sign == "/":
            del sections[-1:]
        elif sign == ">>":
            _add(found["variablePartials"], name)
        elif sign == ">":
            _add(found["partials"], name)
            _collect(partials(name) or "", partials, found, sections)
        elif sign != "!" and name != ".":
            _add(found["sectionVariables"].setdefault(sections[-1], []) if sections else found["variables"], name)


def _add(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)


def _deep(value: Any, variables: Mapping[str, Any], partials: Partials) -> Any:
    if isinstance(value, str):
        return _render(value, variables, partials, str)
    if isinstance(value, list):
        return [_deep(item, variables, partials) for item in value]
    if isinstance(value, dict):
        return {name: _deep(item, variables, partials) for name, item in value.items()}
    return value


class _Renderer(pystache.Renderer):  # type: ignore[misc]  # it has no types
    """Writes values as Mustache does in JavaScript."""

    def str_coerce(self, val: Any) -> str:
        return json.dumps(val) if isinstance(val, bool) else str(val)


class _Partials:
    """Partials as pystache asks for them; one of the caller's own (`{{>>name}}`) is a variable."""

    def __init__(self, variables: Mapping[str, Any], partials: Partials) -> None:
        self._variables = variables
        self._partials = partials

    def get(self, name: str) -> str:
        if name.startswith(">"):
            return str(self._variables.get(name[1:].strip(), ""))
        text = self._partials(name)
        if text is None:
            raise invalid(f"There is no partial {name}")
        return text


def _render(text: str, variables: Mapping[str, Any], partials: Partials, escape: Callable[[str], str]) -> str:
    renderer = _Renderer(escape=escape, partials=_Partials(variables, partials), missing_tags="ignore")
    rendered: str = renderer.render(text, dict(variables))
    return rendered


def _inside_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
