"""Parameters that OpenAI and Anthropic name differently, under the one name that the conversation knows: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_NAMES: Final = {"max_tokens": ("max_completion_tokens", "max_tokens"), "stop": ("stop", "stop_sequences")}


def with_one_name(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with ``max_completion_tokens`` as ``max_tokens`` and ``stop_sequences`` as ``stop``.

    Where both are said, OpenAI's newest name wins. One text to stop at becomes a list of one.
    """
    named = dict(parameters)
    for ours, names in _NAMES.items():
        said = [value for name in names if (value := named.pop(name, None)) is not None]
        if said:
            named[ours] = said[0]
    if isinstance(named.get("stop"), str):
        named["stop"] = [named["stop"]]
    return named
