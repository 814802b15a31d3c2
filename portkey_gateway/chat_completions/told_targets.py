"""What is told of the targets of a saved config (``config_targets``), and what a request lacks for them. Pure.

Into a config that is saved nothing can be put, so one request has to do for all who are told of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from portkey_gateway.chat_completions.providers import find_provider
from portkey_gateway.errors import warn
from portkey_gateway.names import meant_provider
from portkey_gateway.routing import LIMITED_BY_MAX_TOKENS, SERVES_MESSAGES, Route

# How the names of models begin that are told with their provider.
_MADE_BY: Final = re.compile(r"(?:[a-z]{2}\.)?[a-z0-9]+\.[a-z]")
# What tells of a slug that someone chose that no Claude stands behind it.
_NO_CLAUDE: Final = re.compile(r"open-?ai|gpt|google|gemini|mistral|cohere|deepseek|llama|groq|grok|x-?ai|perplexity")


def warn_of_told(route: Route, limit: int | None) -> None:
    """Say what may be wrong with what is told.

    Args:
        route: where the call goes.
        limit: ``max_tokens`` of the request, where it says one.

    Warns:
        PortkeyWarning: if a word looks like that of a provider, but is none; if there is no limit, and one of those
            who are told of may be a Claude.
    """
    if not route.is_told:
        return
    for provider, _ in route.targets:
        if provider and (meant := meant_provider(provider)):
            warn(f"config_targets names {provider!r}, which is not known here: did you mean {meant!r}?")
    if limit is None and not (route.is_claude or route.is_mixed) and (unsure := [*_perhaps_claudes(route)]):
        warn(
            f"config_targets names {' and '.join(unsure)}, where a Claude may answer, which needs max_tokens: give "
            f"one, or name the model, too, such as {unsure[0][:-1]}/claude-sonnet-4-5'"
        )


def hears_of_limit(route: Route) -> bool:
    """Tell whether ``max_tokens`` has to keep its older name, since everyone who is told of knows no other."""
    return route.is_told and all(provider in LIMITED_BY_MAX_TOKENS for provider, _ in route.targets)


def warn_of_limit(route: Route) -> None:
    """Say who hears of no limit of tokens that is sent under its newest name.

    Warns:
        PortkeyWarning: if somebody does not.
    """
    deaf = [(provider, model) for provider, model in route.targets if provider in LIMITED_BY_MAX_TOKENS]
    if route.is_told and deaf:
        known = [(find_provider(*each), each[0]) for each in deaf]
        names = " and ".join(provider.name if provider else str(slug) for provider, slug in known)
        warn(
            f"max_tokens does not reach {names}: it is sent as max_completion_tokens, which others of config_targets "
            "want; set it in the saved config"
        )


def _perhaps_claudes(route: Route) -> Iterator[str]:
    """Slugs behind which a Claude may stand: those of several that serve Claudes too, or whose name says nothing."""
    if len(route.targets) > 1:
        for provider, model in route.targets:
            slug = str(provider)
            is_unsaid = slug in SERVES_MESSAGES and not _MADE_BY.match(model)
            if is_unsaid or (slug.startswith("@") and not _NO_CLAUDE.search(slug.lower())):
                yield repr(slug)
