"""A config that is known, fitted to a request: ``override_params`` of each target, as its provider takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from portkey_gateway.chat_completions.fit_openai import FITTED, fit_temperature, fit_to_openai
from portkey_gateway.chat_completions.fit_parameters import fit_override
from portkey_gateway.chat_completions.gemini_thinking import NO_EFFORT, fit_thinking
from portkey_gateway.chat_completions.losses import PARAMETER_LOSSES
from portkey_gateway.chat_completions.providers import find_provider
from portkey_gateway.chat_completions.warn_losses import warn_about_losses
from portkey_gateway.conversation.claude import fit_effort
from portkey_gateway.conversation.overrides import fit_to_claude, in_our_words, said_of
from portkey_gateway.models.names import family_of
from portkey_gateway.routing import LIMITED_BY_MAX_TOKENS, Route
from portkey_gateway.targets import ConfigTarget, conditions_renamed, read_by_conditions, with_overrides

_LIMITS: Final = ("max_tokens", "max_completion_tokens")
_OF_THINKING: Final = ("thinking", "reasoning_effort")


def fit_config(config: dict[str, Any], body: dict[str, Any], limit: int | None, route: Route) -> dict[str, Any]:
    """Return the config in the words in which the request says the same.

    What a target refuses beside it is taken out of the request.

    Args:
        config: of the call.
        body: of the request, before its limit of tokens has its last name.
        limit: ``max_tokens`` of the request, where it says one.
        route: where the call goes.

    Warns:
        PortkeyWarning: if something that a target is told of itself is changed, or does not reach it.
    """
    limit_name = _LIMITS[0] if route.only_anthropic else _LIMITS[1]
    if route.is_mixed and limit is None:
        body.pop("max_tokens", None)  # each Claude among the targets gets its own, the others need none

    of_claude = _take_claude_s_tools(body) if route.is_mixed else {}
    has_tools = bool(body.get("tools") or of_claude)

    def fit(target: ConfigTarget) -> dict[str, Any]:
        own = in_our_words(target, has_tools=has_tools)
        if _is_claude(target, route):
            own = {**of_claude, **own}
            effort = own.pop("reasoning_effort", None)
            if effort and PARAMETER_LOSSES["reasoning_effort"].is_carried(route.gateway):
                effort = fit_effort(effort, (target.model,))
            own = {**own, **({"reasoning_effort": effort} if effort else {})}
            own = fit_to_claude(own, body, limit, target, kept)
            warn_about_losses(own, route, said_of(target))
        else:
            own = _fit_other(own, body, target, route, kept)
        if target.provider in LIMITED_BY_MAX_TOKENS:
            return {"max_tokens": limit, **own} if limit else own
        return {limit_name if name == _LIMITS[0] else name: value for name, value in own.items()}

    kept = read_by_conditions(config)
    fitted = with_overrides(config, route.provider, str(body.get("model") or ""), fit)
    return conditions_renamed(fitted, dict.fromkeys(_LIMITS, limit_name))


def _take_claude_s_tools(body: dict[str, Any]) -> dict[str, Any]:
    """Take tools that only Claude has, such as its web search, out of a request, and return what its targets are told.

    OpenAI refuses them (*Supported values are: 'function' and 'custom'*), and would hide the first target's error.
    """
    tools = body.get("tools") or []
    if plain := [tool for tool in tools if "function" in tool or tool.get("type") == "custom"]:
        told = {"tools": tools} if len(plain) < len(tools) else {}
        body["tools"] = plain
        return told
    names = [name for name in ("tools", "tool_choice", "parallel_tool_calls") if body.get(name) is not None]
    return {name: body.pop(name) for name in names} if tools else {}


def word_for(target: ConfigTarget, name: str) -> str | None:
    """By which word a target is told a parameter; ``None`` where the gateway has none for its provider."""
    provider = find_provider(target.provider, target.model)
    if provider is None or provider.is_claude or name in provider.parameters:
        return name
    return "k" if name == "top_k" and "k" in provider.parameters else None


def _fit_other(
    own: dict[str, Any], body: dict[str, Any], target: ConfigTarget, route: Route, kept: frozenset[str]
) -> dict[str, Any]:
    """The ``override_params`` of a target that is no Claude, as it takes them."""
    where = said_of(target)
    _fit_beside(own, body, target, fit_to_openai if len(route.targets) > 1 else fit_temperature, kept)
    provider = find_provider(target.provider, target.model)
    if provider is None:
        return own
    if provider.is_gemini:
        asked = {name: body[name] for name in _OF_THINKING if body.get(name) is not None}
        fitted = {**asked, **own}
        fit_thinking(fitted, target.model, where)
        own |= {name: value for name, value in fitted.items() if value != asked.get(name)}
        for name in {*asked, *own} - fitted.keys():
            # What the request says for the others' sake is taken back for this one.
            own[name] = NO_EFFORT
    return fit_override(own, body, provider, route, where)


def _fit_beside(
    own: dict[str, Any],
    body: dict[str, Any],
    target: ConfigTarget,
    fit: Callable[[dict[str, Any], list[str], str], None],
    kept: frozenset[str],
) -> None:
    """Leave out what OpenAI's model of a target refuses: of its ``override_params``, and of the request beside.

    What a condition reads of the request stays there, and the target itself is told that there is none.
    """
    while True:
        asked = {name: body[name] for name in FITTED if body.get(name) is not None}
        both = {name: value for name, value in {**asked, **own}.items() if value is not None}
        fitted = {**both}
        fit(fitted, [target.model], said_of(target))
        if not (refused := both.keys() - fitted.keys()):
            return
        for name in refused:
            if name in own or name not in kept:
                del (own if name in own else body)[name]
            if name in kept:
                own[name] = None


def _is_claude(target: ConfigTarget, route: Route) -> bool:
    family = family_of(target.model, target.provider)
    return family == "claude" or (family is None and target.model in route.claude_models)
