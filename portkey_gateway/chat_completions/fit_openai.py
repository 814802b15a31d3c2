"""What OpenAI's models refuse by their generation: left out where others may answer too, or no fallback is one. Pure.

Sources: OpenAI's API reference ("Create chat completion") and its guides "Reasoning models" and "Using GPT-5.2". Where
one model alone may answer, OpenAI's own error says more; but for a temperature, which ``ChatOpenAI`` leaves out, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from portkey_gateway.conversation.claude import refusing
from portkey_gateway.errors import warn
from portkey_gateway.models.facts import ModelFacts, find_facts
from portkey_gateway.models.names import own_name

_NO_EFFORT: Final = "none"
# What a model that reasons takes with its default only.
_SAMPLING: Final[dict[str, Any]] = {
    "temperature": 1, "presence_penalty": 0, "frequency_penalty": 0, "top_p": 1, "logprobs": False, "top_logprobs": 0,
    "logit_bias": {},
}  # fmt: skip
_O_SERIES: Final = re.compile(r"o\d")


def fit_temperature(told: dict[str, Any], models: Sequence[str], where: str = "") -> None:
    """Leave out a temperature that OpenAI's models refuse as long as they reason, as ``ChatOpenAI`` does.

    Args:
        told: the request, which is changed.
        models: those that may answer, but for Claudes.
        where: what a warning begins with, if the request is not where it is said.

    Warns:
        PortkeyWarning: if it is left out.
    """
    if told.get("temperature") in {None, 1} or told.get("reasoning_effort") == _NO_EFFORT:
        return
    if model := refusing(models, lambda model: find_facts(model).takes_temperature is not False):
        warn(f"{where}temperature is left out: the call may go to {model}, which takes none")
        del told["temperature"]


def fit_to_openai(
    told: dict[str, Any], models: Sequence[str], where: str = "", kept: frozenset[str] = frozenset()
) -> None:
    """Leave out what one of OpenAI's models among these refuses.

    Args:
        told: parameters under our names, which are changed.
        models: those that may answer; of what is none of OpenAI's, or not known, nothing is said.
        where: what a warning begins with, if the request is not where it is said.
        kept: what is not left out, since a condition of the config reads it.

    Warns:
        PortkeyWarning: for each parameter that is left out, naming the model.
    """
    for name, refuses in _RULES.items():
        value = told.get(name)
        if value is None or name in kept:
            continue
        if model := next((each for each in models if _is_refused(refuses, each, told)), None):
            said = f" {value!r}" if isinstance(value, str) else ""
            warn(f"{where}{name}{said} is left out: the call may go to {model}, which takes none")
            del told[name]


def _is_refused(refuses: Callable[[str, ModelFacts, dict[str, Any]], bool], model: str, told: dict[str, Any]) -> bool:
    facts = find_facts(model)
    return facts.family == "openai" and refuses(model, facts, told)


def _refuses_effort(_: str, facts: ModelFacts, told: dict[str, Any]) -> bool:
    levels = facts.effort_levels
    return facts.thinks is False or bool(facts.thinks and levels and told["reasoning_effort"] not in levels)


def _refuses_verbosity(model: str, facts: ModelFacts, told: dict[str, Any]) -> bool:
    return told["verbosity"] != "medium" and (facts.thinks is False or _is_of_o_series(model))


def _refuses_stop(_: str, facts: ModelFacts, told: dict[str, Any]) -> bool:
    return bool(facts.thinks and told["stop"])


def _refuses_one_call(model: str, _: ModelFacts, __: dict[str, Any]) -> bool:
    return _is_of_o_series(model)


def _refuses_sampling(name: str) -> Callable[[str, ModelFacts, dict[str, Any]], bool]:
    def refuses(_: str, facts: ModelFacts, told: dict[str, Any]) -> bool:
        effort = told.get("reasoning_effort")
        # The newest reason only if they are asked to, and take a temperature as long as they are not.
        reasons = bool(facts.thinks) and (effort != _NO_EFFORT if effort else facts.takes_temperature is False)
        return reasons and told[name] != _SAMPLING[name]

    return refuses


def _is_of_o_series(model: str) -> bool:
    return bool(_O_SERIES.match(own_name(model)))


# The effort first: what else is refused depends on it.
_RULES: Final[dict[str, Callable[[str, ModelFacts, dict[str, Any]], bool]]] = {
    "reasoning_effort": _refuses_effort,
    "verbosity": _refuses_verbosity,
    "stop": _refuses_stop,
    "parallel_tool_calls": _refuses_one_call,
    **{name: _refuses_sampling(name) for name in _SAMPLING},
}
FITTED: Final = tuple(_RULES)
"""The parameters that may be left out."""
