"""What a condition of a config reads, and a Claude refuses without a word for "as if unsaid": said to each apart.

The condition reads it under a word of its own, which the gateway tells no provider (1.15.2: every transform drops what
it does not know, tried), and each target that takes it is told it by its ``override_params``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias, cast

from portkey_gateway.conversation.parameters import with_one_name
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.targets import ConfigTarget, conditions_renamed, list_targets, read_by_conditions, with_overrides

_APART: Final = frozenset({"top_k", "top_p"})
_BESIDE: Final = "temperature"
"""Beside which Claudes refuse ``top_p``, whatever it is; alone, a ``top_p`` of 1 says nothing."""

Word: TypeAlias = Callable[[ConfigTarget, str], str | None]
"""By which word a target is told a parameter; ``None`` where it has none."""


class Apart(NamedTuple):
    """A request and its config, said so that conditions decide by what was asked."""

    request: ChatRequest
    config: dict[str, Any] | None
    read: dict[str, Any]
    """What the body says for the conditions alone."""


def tell_apart(request: ChatRequest, config: dict[str, Any] | None, provider: str | None, word: Word) -> Apart:
    """Say apart to conditions and to targets what stands in the way of a Claude.

    Args:
        request: what to send; it is not changed.
        config: that of the call, with a Claude among its targets.
        provider: the one that the request names.
        word: how each target is told of a parameter.
    """
    kept = read_by_conditions(config) & _APART if config else frozenset[str]()
    if config is None or not kept:
        return Apart(request, config, {})
    asked = with_one_name(request)
    model = str(asked.get("model") or "")
    beside = [asked, *(target.override for target in list_targets(config, provider, model))]
    says_beside = any(each.get(_BESIDE) is not None for each in beside)
    names = [name for name in sorted(kept) if asked.get(name) is not None and (name != "top_p" or says_beside)]
    if not names:
        return Apart(request, config, {})

    def fit(target: ConfigTarget) -> Mapping[str, Any]:
        told = {own: asked[name] for name in names if (own := word(target, name))}
        return {**told, **target.override}

    fitted = conditions_renamed(with_overrides(config, provider, model, fit), {name: _read_as(name) for name in names})
    rest = {name: value for name, value in asked.items() if name not in names}
    return Apart(cast("ChatRequest", rest), fitted, {_read_as(name): asked[name] for name in names})


def _read_as(name: str) -> str:
    return f"portkey_condition_{name}"
