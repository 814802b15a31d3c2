"""What the library tells of a template beside rendering it: its variables, and whose model it asks. Pure.

The template is Mustache: ``{{name}}`` is a variable; what stands in a section ``{{#name}}…{{/name}}`` is needed only
where the section is shown (Portkey's docs, "Prompt Playground").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from portkey_gateway.prompts.reference import PromptReference

_TAG: Final = re.compile(r"\{\{\{\s*([^{}]+?)\s*\}\}\}|\{\{\s*([#^/&!>]?>?)\s*([^{}]*?)\s*\}\}")


class PromptTemplate(NamedTuple):
    """A template as the library tells of it; of one that cannot be read nothing is known."""

    variables: tuple[str, ...] | None = None
    """What has to be given; ``None`` where that is not known."""
    optional: tuple[str, ...] = ()
    """What may be given: sections, and what stands in them."""
    model: str = ""
    """The model that it asks."""
    provider: str = ""
    """The provider of the model catalog by which it asks: a slug, without ``@``."""
    text: str = ""
    """The template itself: messages in JSON, or a text."""
    parameters: Mapping[str, Any] = {}
    """What else it asks for, tools among it; the hosted service keeps test values of variables there too."""
    unknown_because: str = ""
    """Why the variables are not known."""


def decode_template(told: Mapping[str, Any], reference: PromptReference) -> PromptTemplate:
    """Decode a template as ``GET /prompts/{id}`` tells of it.

    Args:
        told: the answer: ``string``, ``model``, ``virtual_key``, ``prompt_version`` (Portkey's OpenAPI, ``Prompt``),
            and ``variable_components``, which the hosted service adds.
        reference: which one was asked for; that route knows no labels, and may tell of another version.
    """
    model, provider, text = (str(told.get(name) or "") for name in ("model", "virtual_key", "string"))
    if not _is_of_version(told, reference):
        return PromptTemplate(unknown_because=f"the library tells of another version than {reference.version!r}")
    components = told.get("variable_components")
    if isinstance(components, Mapping):
        required, optional = _read_components(components)
    else:
        required, optional = read_variables(text)
    parameters = {name: told[name] for name in ("tools", "tool_choice") if told.get(name)}
    saved = told.get("parameters")
    parameters |= saved if isinstance(saved, Mapping) else {}
    return PromptTemplate(required, optional, model, provider, text, parameters)


def read_variables(template: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the variables of a Mustache template: those that have to be given, and those that may.

    Of partials, which stand elsewhere, nothing is known here; a partial of one's own (``{{>>name}}``) is a variable.
    """
    required: dict[str, None] = {}
    optional: dict[str, None] = {}
    depth = 0
    for tag in _TAG.finditer(template):
        sign, name = tag[2] or "", tag[1] or tag[3]
        if sign in {"#", "^"}:
            optional[name] = None
            depth += 1
        elif sign == "/":
            depth -= 1
        elif sign not in {"!", ">"} and name not in {".", ""}:
            (optional if depth else required)[name] = None
    return tuple(required), tuple(name for name in optional if name not in required)


def _is_of_version(told: Mapping[str, Any], reference: PromptReference) -> bool:
    if reference.version in {"", "latest"}:
        return True
    if reference.version.isdecimal():
        return str(told.get("prompt_version")) == reference.version
    labels = told.get("prompt_version_labels")
    named = [label.get("name") if isinstance(label, Mapping) else label for label in labels or ()]
    return reference.version in [*named, told.get("prompt_version_label_name")]


def _read_components(components: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read ``{"variables": […], "sections": […], "sectionVariables": {section: […]}, "variablePartials": […]}``."""
    inner = components.get("sectionVariables")
    inside = [name for names in (inner.values() if isinstance(inner, Mapping) else ()) for name in _texts(names)]
    sections = _texts(components.get("sections"))
    given = [*_texts(components.get("variables")), *_texts(components.get("variablePartials"))]
    required = dict.fromkeys(name for name in given if name not in {*sections, *inside})
    return tuple(required), tuple(dict.fromkeys([*sections, *inside]))


def _texts(names: Any) -> list[str]:
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
