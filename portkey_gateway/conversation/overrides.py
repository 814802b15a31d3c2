"""What a config's targets change of a request (``override_params``), so that each of them takes it: pure.

A gateway lays them over the request as they stand, behind all that was made to fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.conversation.claude import AS_IF_UNSAID, default_max_tokens, fit_models, thinks
from portkey_gateway.conversation.parameters import with_one_name
from portkey_gateway.conversation.tool_choice import encode_tool_choice
from portkey_gateway.errors import warn
from portkey_gateway.targets import ConfigTarget

_FITTED: Final = ("thinking", "temperature", "top_p", "top_k", "tool_choice")
_OF_TOOLS: Final = ("tool_choice", "parallel_tool_calls")


def said_of(target: ConfigTarget) -> str:
    """What a warning about a target's ``override_params`` begins with."""
    return f"override_params of {target.path}: "


def in_our_words(target: ConfigTarget, *, has_tools: bool) -> dict[str, Any]:
    """The ``override_params`` of a target under the names and in the forms that the conversation knows.

    Args:
        target: whose.
        has_tools: whether the request has tools; what is said of them goes along with them only.

    Raises:
        EncodingError: if a choice of a tool is none.

    Warns:
        PortkeyWarning: if they say whether to stream, which is the call's own matter.
    """
    own = with_one_name(target.override)
    if "stream" in own:
        warn(f"{said_of(target)}stream is left out: each call says by itself whether its answer is streamed")
        del own["stream"]
    if "tools" not in own and not has_tools:
        own = {name: value for name, value in own.items() if name not in _OF_TOOLS}
    if "tool_choice" in own:
        own["tool_choice"] = encode_tool_choice(own["tool_choice"])
    return own


def fit_to_claude(
    own: dict[str, Any], body: dict[str, Any], limit: int | None, target: ConfigTarget, kept: frozenset[str]
) -> dict[str, Any]:
    """Return the ``override_params`` of a Claude without what it refuses, beside the request and by themselves.

    Args:
        own: in our words.
        body: the request as it is sent; what a Claude refuses beside ``own`` is taken out of it, for all targets.
        limit: ``max_tokens`` of the request, where it says one.
        target: whose they are.
        kept: what stays in the request, since a condition of the config reads it; the target itself is told what is as
            if it were unsaid, where there is such a word.

    Warns:
        PortkeyWarning: if something is changed or left out, naming the target and the model.
    """
    asked: dict[str, Any] = {name: body[name] for name in _FITTED if body.get(name) is not None}
    undone: dict[str, Any] = {}
    while True:
        both = {**asked, **own}
        fitted = dict(both)
        fit_models(fitted, (target.model,), said_of(target))
        _fit_budget(fitted, own, limit, target)
        if fitted == both:
            break
        for name in both.keys() - fitted.keys():
            if name in own:
                del own[name]
                continue
            del asked[name]
            if name in kept and name in AS_IF_UNSAID and (name, "temperature" in both) != ("top_p", True):
                undone[name] = AS_IF_UNSAID[name]
            else:
                del body[name]
        own |= {name: value for name, value in fitted.items() if value != both[name]}
    own |= undone
    needed = default_max_tokens(both.get("thinking"), (target.model,))
    if limit is None and "max_tokens" not in own and body.get("max_tokens") != needed:
        own["max_tokens"] = needed
    return own


def _fit_budget(fitted: dict[str, Any], own: Mapping[str, Any], limit: int | None, target: ConfigTarget) -> None:
    """Switch thinking off where a limit of tokens cannot hold its budget, which Anthropic refuses."""
    thinking, most = fitted.get("thinking"), own.get("max_tokens", limit)
    if most is None or not thinks(thinking) or not {"max_tokens", "thinking"} & own.keys():
        return
    budget = (thinking or {}).get("budget_tokens") or 0
    if budget >= most:
        warn(f"{said_of(target)}thinking is switched off: max_tokens {most} cannot hold its budget_tokens {budget}")
        fitted["thinking"] = {"type": "disabled"}
