"""What the gateway refuses of a config that is a mapping, or fails at: found before anything is sent. Pure.

A mapping may hold what is newer than this package, so only what cannot be meant so is an error; ``GatewayConfig`` is
stricter. Tried on the open-source gateway 1.15.2: it says *Invalid config passed* of the first two, and *Cannot read
properties of undefined* of the third.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.names import in_snake_case

MODES: Final = ("single", "fallback", "loadbalance", "conditional")
"""The modes of a strategy (``middlewares/requestValidator/schema/config.ts``)."""
_NAMES: Final = (
    "strategy", "targets", "provider", "api_key", "virtual_key", "custom_host", "override_params", "retry", "cache",
    "weight", "request_timeout", "forward_headers",
)  # fmt: skip
_OF_STRATEGY: Final = ("mode", "on_status_codes", "conditions", "default")
_ALIKE: Final = 0.8
_EXAMPLE: Final = "such as {'mode': 'fallback'}"


def check_config(config: Mapping[str, Any], where: str = "config") -> None:
    """Refuse a config that no gateway takes.

    Args:
        config: as a mapping, or a target of one.
        where: how to call it.

    Raises:
        ValueError: naming the field and what is probably meant; of values only the mode is shown.
    """
    _check_names(config, _NAMES, where)
    targets = config.get("targets")
    if "strategy" in config:
        _check_strategy(config["strategy"], targets, f"{where}.strategy")
    for index, target in enumerate(targets if isinstance(targets, list) else ()):
        if isinstance(target, Mapping):
            check_config(target, f"{where}.targets[{index}]")


def _check_strategy(strategy: Any, targets: Any, where: str) -> None:
    if not isinstance(strategy, Mapping):
        raise ValueError(f"{where} is a {type(strategy).__name__}: give a mapping, {_EXAMPLE}")
    _check_names(strategy, _OF_STRATEGY, where)
    mode = strategy.get("mode")
    if mode is None:
        raise ValueError(f"{where} has no mode: say one of {', '.join(MODES)}, {_EXAMPLE}")
    if mode not in MODES:
        near = difflib.get_close_matches(str(mode), MODES, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"{where}.mode is {mode!r}: {meant}Known are {', '.join(MODES)}")
    if not isinstance(targets, list) or not targets:
        raise ValueError(f"{where} of mode {mode!r} needs targets: a list of at least one, beside it")
    if mode == "conditional" and not strategy.get("conditions"):
        raise ValueError(f"{where} of mode 'conditional' needs conditions")


def _check_names(part: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in part:
        snake = in_snake_case(str(name))
        if snake not in known and (near := difflib.get_close_matches(snake, known, n=1, cutoff=_ALIKE)):
            raise ValueError(f"{where} has {name!r}: did you mean {near[0]!r}?")
