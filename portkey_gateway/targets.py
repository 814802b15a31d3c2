"""The targets of a gateway config that is known: who may answer, and what each is asked with in its own words. Pure.

What a target inherits of the config around it: the open-source gateway 1.15.2 (``tryTargetsRecursively``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_OVERRIDE: Final = ("override_params", "overrideParams")
_INDEX: Final = re.compile(r"\.targets\[(\d+)\]")
_FALLBACK: Final = "fallback"
_PARAMS: Final = "params."


@dataclass(frozen=True, slots=True)
class ConfigTarget:
    """A target that may answer, with what it has of the configs around it."""

    path: str
    """As the gateway names it: ``config.targets[1].targets[0]``, or ``config`` of a config without targets."""
    provider: str | None
    """``None`` where a key decides."""
    model: str
    """The model that it is asked for."""
    override: Mapping[str, Any] = field(default_factory=dict)
    """Its ``override_params``, which win over the parameters of the request."""


def read_config(text: str) -> dict[str, Any] | None:
    """The config itself; ``None`` for the id of a saved one, which only the hosted gateway knows."""
    try:
        config = json.loads(text)
    except ValueError:
        return None
    return config if isinstance(config, dict) else None


def render_config(config: Mapping[str, Any]) -> str:
    """A config as the value of ``x-portkey-config``."""
    # The encoder writes everything beyond ASCII as \uXXXX; DEL is ASCII, yet no header may hold it.
    return json.dumps(config, separators=(",", ":")).replace("\x7f", "\\u007f")


def list_targets(config: Mapping[str, Any], provider: str | None, model: str) -> Iterator[ConfigTarget]:
    """List every target of a config that may answer.

    Args:
        config: which.
        provider: the one that the request names.
        model: the one that the request names.
    """
    yield from _leaves(config, ConfigTarget("config", provider, model))


def with_overrides(
    config: dict[str, Any], provider: str | None, model: str, fit: Callable[[ConfigTarget], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a config whose targets have other ``override_params``; the same one if none of them changed.

    Args:
        config: which.
        provider: the one that the request names.
        model: the one that the request names.
        fit: gives the ``override_params`` of a target, those of the configs around it included.
    """
    fitted = {target.path: fit(target) for target in list_targets(config, provider, model)}
    if all(target.override == fitted[target.path] for target in list_targets(config, provider, model)):
        return config
    return _with_own(config, "config", fitted)


def conditions_renamed(config: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a config whose conditions read parameters under the names by which they are sent.

    Args:
        config: which.
        names: the names of parameters, and by which of them each is sent.
    """
    keys = {f"params.{name}": f"params.{sent}" for name, sent in names.items()}
    strategy, targets = config.get("strategy"), config.get("targets")
    renamed = dict(config)
    if isinstance(strategy, dict) and isinstance(strategy.get("conditions"), list):
        renamed["strategy"] = {**strategy, "conditions": _with_keys(strategy["conditions"], keys)}
    if isinstance(targets, list):
        renamed["targets"] = [conditions_renamed(each, names) if isinstance(each, dict) else each for each in targets]
    return renamed


def read_by_conditions(config: Mapping[str, Any]) -> frozenset[str]:
    """Name the parameters of a request that decide who answers it: a gateway reads them before any target is asked."""
    strategy, targets = config.get("strategy"), config.get("targets")
    conditions = strategy.get("conditions") if isinstance(strategy, Mapping) else None
    own = frozenset(key.split(".")[1] for key in _keys(conditions) if key.startswith(_PARAMS))
    nested = [each for each in targets if isinstance(each, Mapping)] if isinstance(targets, list) else []
    return own.union(*map(read_by_conditions, nested))


def _keys(query: Any) -> Iterator[str]:
    if isinstance(query, list):
        for each in query:
            yield from _keys(each)
    elif isinstance(query, Mapping):
        for name, value in query.items():
            yield str(name)
            yield from _keys(value)


def failed_before(config: Mapping[str, Any], path: str) -> Iterator[str]:
    """Name the targets that failed before the one that answered: a fallback asks one after the other.

    Args:
        config: which.
        path: of the target that answered, as the gateway gives it.
    """
    inner, at = config, "config"
    for index in map(int, _INDEX.findall(path)):
        strategy, targets = inner.get("strategy"), inner.get("targets")
        if not isinstance(targets, list) or index >= len(targets):
            return
        if isinstance(strategy, Mapping) and strategy.get("mode") == _FALLBACK:
            for place, failed in enumerate(targets[:index]):
                provider = failed.get("provider") if isinstance(failed, dict) else None
                yield f"{at}.targets[{place}] ({provider})" if provider else f"{at}.targets[{place}]"
        inner, at = targets[index] if isinstance(targets[index], dict) else {}, f"{at}.targets[{index}]"


def _leaves(config: Mapping[str, Any], around: ConfigTarget) -> Iterator[ConfigTarget]:
    own: Mapping[str, Any] = next((config[name] for name in _OVERRIDE if isinstance(config.get(name), dict)), {})
    named = config.get("provider")
    has_key_of_its_own = config.get("virtual_key") or config.get("virtualKey")
    provider = str(named) if named else (None if has_key_of_its_own else around.provider)
    here = ConfigTarget(around.path, provider, str(own.get("model") or around.model), {**around.override, **own})
    targets = config.get("targets")
    if not isinstance(targets, list) or not targets:
        yield here
        return
    for index, target in enumerate(targets):
        inner = ConfigTarget(f"{here.path}.targets[{index}]", here.provider, here.model, here.override)
        yield from _leaves(target if isinstance(target, dict) else {}, inner)


def _with_own(config: dict[str, Any], path: str, overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every target with its own ``override_params``, none of which stand around it any more."""
    bare = {name: value for name, value in config.items() if name not in _OVERRIDE}
    if path in overrides:
        key = next((name for name in _OVERRIDE if name in config), _OVERRIDE[0])
        return {**bare, **({key: dict(overrides[path])} if overrides[path] else {})}
    inner = [
        _with_own(target, f"{path}.targets[{index}]", overrides) if isinstance(target, dict) else target
        for index, target in enumerate(config["targets"])
    ]
    return {**bare, "targets": inner}


def _with_keys(value: Any, keys: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {keys.get(name, name): _with_keys(inner, keys) for name, inner in value.items()}
    return [_with_keys(each, keys) for each in value] if isinstance(value, list) else value
