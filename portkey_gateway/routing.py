"""Where a call goes: through which gateway, in which API format, and whether surely to a Claude. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from portkey_gateway.models.names import Family, family_of
from portkey_gateway.options import HOSTED_BASE_URL, GatewayFields, GatewayName
from portkey_gateway.targets import list_targets, read_config

Gateway: TypeAlias = Literal["hosted", "oss-1", "oss-2"]
"""Portkey's own, the open-source gateway 1.x (tried: 1.15.2), and its branch 2.0.0 (read, not tried)."""
WireFormat: TypeAlias = Literal["chat_completions", "messages"]

SERVES_MESSAGES: Final = frozenset({"anthropic", "bedrock", "vertex-ai", "azure-ai"})
"""Providers that the open-source gateway 1.15.2 serves ``/messages`` for; any other is its 500."""
LIMITED_BY_MAX_TOKENS: Final = frozenset({"302ai", "bytez", "cohere", "lepton", "zhipu"})
"""Providers to which the open-source gateway 1.15.2 tells ``max_tokens``, but not ``max_completion_tokens``."""
# Of the others, Bedrock's answers are translated, with losses of their own, and Vertex serves only some names.
_CHOSEN_BY_ITSELF: Final = "anthropic"
# However they are spelt: the gateway takes the keys of a config in snake case and in camel case.
_HOOK_WORDS: Final = ("hook", "guardrail", "mutator")
# What a request says beside the gateway's own headers without any wish of the user's.
_PUBLIC_HEADERS: Final = frozenset({"content-type", "traceparent", "anthropic-beta", "anthropic-version"})


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes, as far as its options say it."""

    gateway: Gateway = "oss-1"
    api_format: WireFormat = "chat_completions"
    is_claude: bool = False
    """Whether a Claude answers: by the targets of a config that is known and not mixed, else by the names given."""
    is_surely_claude: bool = False
    """Whether everyone who may answer is known, and a Claude."""
    is_gemini: bool = False
    """Whether everyone who may answer is a Gemini, as far as that is known."""
    may_be_gemini: bool = False
    """Whether somebody who may answer is a Gemini."""
    provider: str | None = None
    """The provider's slug where the options name one; ``None`` if a config, a key or the model catalog decides."""
    only_anthropic: bool = False
    """Whether nobody but Anthropic itself can answer."""
    is_guarded: bool = False
    """Whether a config may hold guardrails."""
    has_private_headers: bool = False
    """Whether headers are sent that are meant for the gateway, and not for the provider."""
    falls_on_claude: bool = False
    """Whether a config that is known sends some calls to a Claude although the request names another model."""
    is_mixed: bool = False
    """Whether a config that is known may send a call to a Claude as well as to another model."""
    targets: tuple[tuple[str | None, str], ...] = ()
    """Provider and model of everyone who may answer; of a config that is not known only what the request names."""
    is_told: bool = False
    """Whether those are told of a config that is saved (``config_targets``), and stand in none that is known."""
    claude_models: tuple[str, ...] = ()
    """The Claudes that a config that is known may ask: its ``override_params`` win over the name of the request."""

    def claudes(self, model: str) -> tuple[str, ...]:
        """Name every Claude that may answer a request; none if surely none does.

        Args:
            model: the name that the request gives.
        """
        return self.claude_models or ((model,) if self.is_claude else ())


_HOSTS_OF_CLAUDES: Final = frozenset({"bedrock", "vertex-ai"})
_MAKER: Final = "anthropic."
"""What their names of Claudes begin with, and by which the gateway tells them from other models."""


def is_claude(model: str, provider: str | None = None) -> bool:
    """Tell whether a request goes to a Claude, as far as the names say it."""
    return family_of(model, provider) == "claude"


def read_gateway(options: GatewayFields) -> Gateway:
    """Tell which gateway the options mean: the one they name, else by ``base_url``."""
    name: GatewayName = options.gateway
    if name != "auto":
        return name
    return "hosted" if options.base_url == HOSTED_BASE_URL else "oss-1"


def find_route(
    options: GatewayFields,
    model: str,
    headers: Mapping[str, str] | None = None,
    *,
    api_format: WireFormat | None = None,
) -> Route:
    """Find where a call of a model goes under these options.

    ``api_format="auto"`` is ``messages`` where the call surely goes to a Claude that the gateway serves so, and no
    config may send it elsewhere; else ``chat_completions``.

    Args:
        options: of the call.
        model: the name that the request gives.
        headers: what the options render to, if that is known already.
        api_format: the format, if that is chosen already.
    """
    headers = options.render_headers() if headers is None else headers
    provider = headers.get("x-portkey-provider")
    text = headers.get("x-portkey-config")
    config = read_config(text) if text else None
    gateway = read_gateway(options)
    is_told = text is not None and config is None and bool(options.config_targets)
    is_known = text is None or config is not None or is_told
    targets: list[tuple[str | None, str]]
    if config is not None:
        targets = [(target.provider, target.model) for target in list_targets(config, provider, model)]
    else:
        targets = [_told(name, model) for name in options.config_targets] if is_told else [(provider, model)]
    told = options.family_for(model)
    families = [_family(target, model, told) for target in targets]
    are_claudes = [
        family == "claude" or (is_told and _is_called_after_claude(of))
        for family, (of, _) in zip(families, targets, strict=True)
    ]
    is_mixed = len({*are_claudes}) > 1
    are_geminis = [family == "gemini" or of == "google" for (of, _), family in zip(targets, families, strict=True)]
    family = _family((provider, model), model, told)
    goes_to_claude = family == "claude" if is_mixed else all(are_claudes)
    chosen = api_format or options.api_format
    if chosen == "auto":
        is_strict = headers.get("x-portkey-strict-open-ai-compliance") == "true"
        surely = is_known and not is_strict and all(are_claudes) and all(_is_served(gateway, of) for of, _ in targets)
        chosen = "messages" if surely else "chat_completions"
    return Route(
        gateway=gateway,
        api_format=chosen,
        is_claude=goes_to_claude,
        is_surely_claude=is_known and all(are_claudes),
        is_gemini=all(are_geminis),
        may_be_gemini=any(are_geminis),
        provider=provider,
        only_anthropic=is_known and all(of == "anthropic" for of, _ in targets),
        is_guarded=_names_hooks(headers) or (text is not None and (config is None or _holds_hooks(config))),
        has_private_headers=_holds_private(headers, has_own_key=bool(options.provider_api_key)),
        falls_on_claude=not goes_to_claude and any(are_claudes),
        is_mixed=is_mixed,
        targets=tuple(dict.fromkeys(targets)),
        is_told=is_told,
        claude_models=_names_of(targets, are_claudes) if config is not None else (),
    )


def choose_api_format(own: GatewayFields, own_model: str, called: GatewayFields, called_model: str) -> WireFormat:
    """Choose the format of one call by the model object's own options, so that a conversation keeps its format.

    A call that says by itself where it goes keeps it too, unless it leaves for where the format is not served.

    Args:
        own: the model object's options.
        own_model: its model.
        called: the options of the call.
        called_model: the model of the call.
    """
    if called.api_format != "auto":
        return called.api_format
    chosen = find_route(own, own_model).api_format
    if chosen == "chat_completions" or (called is own and called_model == own_model):
        return chosen
    return find_route(called, called_model).api_format


def _told(provider: str, model: str) -> tuple[str, str]:
    """A target of a config that is not known: the request's model is its own only where it may have such a model.

    What is told as ``bedrock/claude-sonnet-4-5`` or ``@slug/name`` has a model of its own.
    """
    slug, _, own = provider.partition("/")
    if own:
        is_made_by_anthropic = slug in _HOSTS_OF_CLAUDES and is_claude(own) and _MAKER not in own
        return provider if slug.startswith("@") else slug, f"{_MAKER}{own}" if is_made_by_anthropic else own
    has_claudes = provider in SERVES_MESSAGES or provider.startswith("@")
    return provider, model if has_claudes or not is_claude(model) else ""


def _is_called_after_claude(provider: str | None) -> bool:
    """Tell whether a slug of the catalog says so by itself, whatever model the request names."""
    return bool(provider and provider.startswith("@") and re.search("anthropic|claude", provider.lower()))


def _family(target: tuple[str | None, str], model: str, told: Family | None) -> Family | None:
    """The family of a target: the one that is told of the request's model, where that is its own, else by its names."""
    provider, name = target
    return (told if name == model else None) or family_of(name, provider)


def _is_served(gateway: Gateway, provider: str | None) -> bool:
    """Tell whether a target that is surely a Claude is served as ``messages``."""
    return gateway == "hosted" or provider is None or provider.startswith("@") or provider == _CHOSEN_BY_ITSELF


def _names_of(targets: list[tuple[str | None, str]], are_claudes: list[bool]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for (_, name), is_one in zip(targets, are_claudes, strict=True) if is_one))


def _holds_hooks(config: Mapping[str, Any]) -> bool:
    targets = config.get("targets")
    nested = targets if isinstance(targets, list) else []
    return _names_hooks(config) or any(isinstance(each, dict) and _holds_hooks(each) for each in nested)


def _names_hooks(names: Mapping[str, Any]) -> bool:
    return any(word in name.lower() for name in names for word in _HOOK_WORDS)


def _holds_private(headers: Mapping[str, str], *, has_own_key: bool) -> bool:
    public = {*_PUBLIC_HEADERS, "authorization"} if has_own_key else _PUBLIC_HEADERS
    return any(name not in public and not name.startswith("x-portkey-") for name in headers)
