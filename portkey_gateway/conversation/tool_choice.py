"""How a model shall choose among its tools, read from every way in which people write it: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.errors import EncodingError

_WORDS: Final = {"any": "required", "required": "required", "auto": "auto", "none": "none"}
ONE_CALL: Final = "disable_parallel_tool_use"


def encode_tool_choice(choice: str | Mapping[str, Any] | bool | None) -> str | dict[str, Any] | None:
    """Encode any common way to choose a tool as one.

    Args:
        choice: ``"auto"``, ``"none"``, ``"any"`` or ``"required"`` (or ``True``), a tool's name, OpenAI's
            ``{"type": "function", "function": {"name": …}}`` or Anthropic's ``{"type": "auto" | "any" | "tool", …}``.

    Returns:
        ``"auto"``, ``"required"``, ``"none"`` or OpenAI's mapping of a function. Where ``disable_parallel_tool_use``
        is said, a mapping of one of these types that says it too.

    Raises:
        EncodingError: if it is none of these.
    """
    if choice is None or choice is False:
        return None
    if choice is True:
        return "required"
    if isinstance(choice, str):
        return _WORDS.get(choice) or {"type": "function", "function": {"name": choice}}
    if isinstance(choice, Mapping):
        one_call = {ONE_CALL: True} if choice.get(ONE_CALL) else {}
        kind = choice.get("type")
        if kind == "function" and isinstance(choice.get("function"), Mapping):
            return dict(choice)
        if kind == "tool" and choice.get("name"):
            return {"type": "function", "function": {"name": choice["name"]}, **one_call}
        if kind in _WORDS:
            return {"type": _WORDS[str(kind)], **one_call} if one_call else _WORDS[str(kind)]
    raise EncodingError(f"tool_choice {choice!r} is not understood: give 'auto', 'any', 'none' or a tool's name")
