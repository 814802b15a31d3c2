"""Parameters of a request, under the one name that the conversation knows, and with values that are known: pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.errors import EncodingError

_NAMES: Final = {"max_tokens": ("max_completion_tokens", "max_tokens"), "stop": ("stop", "stop_sequences")}
# All of which something is to be done with.
_RENAMED: Final = frozenset(
    {"max_tokens", "max_completion_tokens", "stop", "stop_sequences", "effort", "output_format"}
)

_HOLDING: Final = {"container": "skills", "context_management": "edits"}
_NOTHING_IF_EMPTY: Final = frozenset(
    {"tools", "stop", "betas", "mcp_servers", "fallbacks", "metadata", "thinking", "output_config", *_HOLDING}
)
_TOOLS: Final = frozenset({"tools", "mcp_servers", "functions"})
_NO_CHOICE: Final = ("auto", "none")
_LEFT_OUT: Final = _NOTHING_IF_EMPTY | {"parallel_tool_calls", "tool_choice"}

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "default")
"""Every value of ``reasoning_effort``: Anthropic's and OpenAI's levels, and what Groq says where it has none."""
_THINKING: Final = ("enabled", "disabled", "adaptive", "between_tools")


def check_values(parameters: Mapping[str, Any]) -> None:
    """Refuse what no provider knows, which some would ignore and others refuse after the rest was sent.

    Raises:
        EncodingError: (a ``ValueError``) naming the parameter, what it knows and what is probably meant.
    """
    effort, thinking = parameters.get("reasoning_effort"), parameters.get("thinking")
    if effort is None and thinking is None:
        return
    _check_choice("reasoning_effort", effort, EFFORTS)
    if isinstance(thinking, Mapping):
        _check_choice("thinking['type']", thinking.get("type"), _THINKING)


def _check_choice(name: str, given: Any, known: tuple[str, ...]) -> None:
    if given is None or given in known:
        return
    near = difflib.get_close_matches(str(given), known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise EncodingError(f"{name} is {given!r}: {meant}Known are {', '.join(known)}")


def with_one_name(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with ``max_completion_tokens`` as ``max_tokens`` and ``stop_sequences`` as ``stop``.

    Where both are said, OpenAI's newest name wins. One text to stop at becomes a list of one. ``effort`` of
    ``ChatAnthropic`` is ``reasoning_effort``, and ``output_format`` of Anthropic's SDK ``response_format``.
    """
    named = dict(parameters)
    if _RENAMED.isdisjoint(named):
        return named
    for ours, names in _NAMES.items():
        said = [value for name in names if (value := named.pop(name, None)) is not None]
        if said:
            named[ours] = said[0]
    if isinstance(named.get("stop"), str):
        named["stop"] = [named["stop"]]
    if (effort := named.pop("effort", None)) is not None:
        named.setdefault("reasoning_effort", effort)
    if (form := named.pop("output_format", None)) is not None:
        named.setdefault("response_format", _as_openai_s(form))
    return named


def without_empty(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out lists and mappings that hold nothing, and what is said of calls where there are no tools.

    Programs hand over such lists; Anthropic and OpenAI refuse most of them.

    Args:
        parameters: under their one name each.
    """
    kept: dict[str, Any] = {**parameters}
    if _LEFT_OUT.isdisjoint(kept):
        return kept
    for name, inner in _HOLDING.items():
        value = kept.get(name)
        if isinstance(value, Mapping) and inner in value and not value[inner]:
            kept[name] = {key: each for key, each in value.items() if key != inner}
    kept = {name: value for name, value in kept.items() if value or name not in _NOTHING_IF_EMPTY}
    if _TOOLS.isdisjoint(kept):
        kept.pop("parallel_tool_calls", None)
        choice = kept.get("tool_choice")
        if (choice.get("type") if isinstance(choice, Mapping) else choice) in _NO_CHOICE:
            del kept["tool_choice"]
    return kept


def _as_openai_s(form: Any) -> Any:
    """Anthropic's form of an answer, ``{"type": "json_schema", "schema": …}``, in OpenAI's words."""
    if not isinstance(form, Mapping) or not isinstance(form.get("schema"), Mapping):
        return form
    return {"type": "json_schema", "json_schema": {"name": "output_format", "schema": form["schema"]}}
