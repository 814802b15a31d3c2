"""How much a Gemini shall think, in the words that its generation takes: pure.

The open-source gateway 1.15.2 sends ``reasoning_effort`` as ``thinkingLevel``, which no Gemini before 3 takes (a 400:
``RooCodeInc/Roo-Code#10700``), and of ``thinking`` its budget alone (``google/transformGenerationConfig.ts``). Budgets
are taken by 3 as well (measured: ``dhyansraj/mcp-mesh#1346``); 0 switches thinking off, -1 leaves it to the model, and
the Pros think at least 128 tokens (Google, "Thinking"). The budgets of efforts are those of Google's "OpenAI
compatibility" and of Portkey's hosted gateway.
"""

from __future__ import annotations

import re
from typing import Any, Final

from portkey_gateway.errors import warn
from portkey_gateway.models.names import own_name

NO_EFFORT: Final = "none"
"""The effort that the gateway takes out of a request to a Gemini."""
_BUDGETS: Final = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
_LEVELS: Final = {"xhigh": "high", "max": "high"}
_OFF, _LEFT_TO_IT, _LEAST_OF_PRO = 0, -1, 128
_BEFORE_LEVELS: Final = re.compile(r"gemini-[12][.-]")
_PRO: Final = re.compile(r"gemini-(?:[\d.]+-)?pro")


def fit_thinking(told: dict[str, Any], model: str, where: str = "") -> None:
    """Say ``thinking`` and ``reasoning_effort`` as this Gemini takes them.

    Args:
        told: parameters of a request, which are changed.
        model: its name.
        where: what a warning begins with, if the request is not where it is said.

    Warns:
        PortkeyWarning: if both are said, which Google refuses.
    """
    thinking, effort = told.get("thinking"), told.get("reasoning_effort")
    if isinstance(thinking, dict):
        told["thinking"] = _as_budget(thinking, model)
        if effort not in (None, NO_EFFORT):
            warn(f"{where}reasoning_effort is left out: {model} takes a budget of thinking or an effort, not both")
        told.pop("reasoning_effort", None)
    elif effort == NO_EFFORT:
        told["thinking"] = _enabled(_least(model))
        del told["reasoning_effort"]
    elif effort is not None and _BEFORE_LEVELS.match(own_name(model)):
        if effort in _BUDGETS:
            told["thinking"] = _enabled(_BUDGETS[effort])
        del told["reasoning_effort"]
    elif effort in _LEVELS:
        told["reasoning_effort"] = _LEVELS[effort]


def _as_budget(thinking: dict[str, Any], model: str) -> dict[str, Any]:
    match thinking.get("type"):
        case "disabled":
            return _enabled(_least(model))
        case "adaptive":
            return _enabled(_LEFT_TO_IT)
        case _:
            return thinking


def _enabled(budget: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": budget}


def _least(model: str) -> int:
    return _LEAST_OF_PRO if _PRO.match(own_name(model)) else _OFF
