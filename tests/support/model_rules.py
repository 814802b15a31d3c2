"""What some Claudes refuse, and what they are asked in its place: model, parameters, warning, what arrives."""

from __future__ import annotations

from typing import Any, Final

_BUDGET: Final = {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 4000}
_LOOK: Final = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
}

RULES: Final[list[tuple[str, dict[str, Any], str, dict[str, Any]]]] = [
    ("claude-opus-4-7", _BUDGET, "thinking is sent as {'type': 'adaptive'}", {"thinking": {"type": "adaptive"}}),
    ("claude-sonnet-5", _BUDGET, "thinking is sent as {'type': 'adaptive'}", {"thinking": {"type": "adaptive"}}),
    (
        "claude-sonnet-5-5",
        {"tools": [_LOOK], "tool_choice": "any"},
        "tool_choice is sent as 'auto'",
        {"tool_choice": {"type": "auto"}},
    ),
    ("claude-fable-5-1", {"temperature": 0.2}, "temperature is left out", {"temperature": None}),
    ("claude-sonnet-4-5", {**_BUDGET, "temperature": 0.2}, "temperature is left out", {"temperature": None}),
]
