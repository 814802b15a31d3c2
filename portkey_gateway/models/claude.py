"""What a Claude of which generation takes, by its name with or without catalog slug, cloud prefix and date. Pure.

Sources: ``langchain-anthropic`` 1.7.10 (``_supports_forced_tool_choice``, ``_assert_valid_model_configuration``, its
model profiles) and Anthropic's documentation ("Models overview", "Migration guide", "Structured outputs", "Effort").
A name that tells no generation is taken for a model that can do what all could.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from portkey_gateway.models.names import own_name

Generation = tuple[int, int]

_NAME: Final = re.compile(r"claude-(?:[a-z]+-)*(?P<major>\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?(?!\d)")
_UNKNOWN: Final[Generation] = (0, 0)
_FIRST_AFTER_ITS_LINE: Final = 4


_LINE: Final = re.compile(r"claude-(?:\d[\d.-]*-)?(?P<line>[a-z]+)")


@lru_cache(maxsize=256)
def plain_name(model: str) -> str:
    """The name of a model itself, ``claude-sonnet-4-5``, without what clouds and dates add and in today's order.

    A name that tells no generation stays as it is.
    """
    name = own_name(model)
    line, (major, minor) = _LINE.search(name), generation(model)
    if not line or not major:
        return name
    number = f"{major}-{minor}" if minor else f"{major}"
    return f"claude-{line['line']}-{number}" if major >= _FIRST_AFTER_ITS_LINE else f"claude-{number}-{line['line']}"


@lru_cache(maxsize=256)
def generation(model: str) -> Generation:
    """Read ``(4, 5)`` off ``claude-sonnet-4-5-20250929``; ``(0, 0)`` where the name tells none."""
    match = _NAME.search(own_name(model))
    return (int(match["major"]), int(match["minor"] or 0)) if match else _UNKNOWN


def tells_generation(model: str) -> bool:
    """Tell whether the name tells a generation, so that the rules say something of the model."""
    return generation(model) != _UNKNOWN


def takes_schemas(model: str) -> bool:
    """Tell whether answers and strict tools can be bound to a schema: since 4.5, and Opus 4.1."""
    return generation(model) >= ((4, 1) if "opus" in own_name(model) else (4, 5))


def takes_forced_choice(model: str) -> bool:
    """Tell whether a ``tool_choice`` may force a tool: not for Fable 5.1, Opus 5.5, Sonnet 5.5 and later."""
    name = own_name(model)
    last = (5, 1) if "fable" in name or "mythos" in name else (5, 5)
    return "haiku" in name or generation(model) < last


def samples_freely(model: str) -> bool:
    """Tell whether ``temperature``, ``top_p`` and ``top_k`` are taken: until Opus 4.7 and generation 5."""
    return generation(model) < ((4, 7) if "opus" in own_name(model) else (5, 0))


def thinks_by_budget(model: str) -> bool:
    """Tell whether thinking takes a budget of tokens: as long as sampling is free; later models think adaptively."""
    return samples_freely(model)


def thinks_adaptively(model: str) -> bool:
    """Tell whether thinking may be ``adaptive``: since 4.6. A model of no known generation is taken to know both."""
    return generation(model) >= (4, 6) or generation(model) == _UNKNOWN


def thinks_unasked(model: str) -> bool:
    """Tell whether thinking is on where a request says nothing: since generation 5."""
    return generation(model) >= (5, 0)


def thinks_always(model: str) -> bool:
    """Tell whether thinking cannot be switched off: Fable, Mythos, and Opus and Sonnet since 5.5."""
    name = own_name(model)
    return "fable" in name or "mythos" in name or ("haiku" not in name and generation(model) >= (5, 5))


def idles_below(model: str) -> tuple[str, ...]:
    """List the levels of effort that are refused where thinking is switched off: the highest two of Opus 5."""
    is_opus_5 = "opus" in own_name(model) and (5, 0) <= generation(model) < (5, 5)
    return ("xhigh", "max") if is_opus_5 else ()


def samples_by_one(model: str) -> bool:
    """Tell whether ``temperature`` and ``top_p`` exclude each other: since 4.1."""
    return generation(model) >= (4, 1)


def continues_answers(model: str) -> bool:
    """Tell whether a conversation may end with the beginning of Claude's answer: before generation 4.6."""
    return generation(model) < (4, 6)


def effort_levels(model: str) -> tuple[str, ...]:
    """List the levels of effort from the least to the most; none for a model that takes none.

    Opus 4.5 was the first to take it, 4.6 added ``max`` and 4.7 ``xhigh``. A model of no known generation takes all.
    """
    known = generation(model)
    if known >= (4, 7) or known == _UNKNOWN:
        return ("low", "medium", "high", "xhigh", "max")
    if known >= (4, 6):
        return ("low", "medium", "high", "max")
    return ("low", "medium", "high") if "opus-4-5" in own_name(model).replace(".", "-") else ()


def takes_system_amid(model: str) -> bool:
    """Tell whether system messages may stand amid a conversation: since Opus 4.8 and generation 5."""
    return generation(model) >= ((4, 8) if "opus" in own_name(model) else (5, 0))


def has_every_effort(model: str) -> bool:
    """Tell whether ``xhigh`` is a level of effort: since 4.7, whose models hide their thoughts unless asked to show."""
    return generation(model) >= (4, 7)
