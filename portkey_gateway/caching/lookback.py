"""What a request could have read of those before it, and why it read nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portkey_gateway.caching.minimum import least_cached_tokens
from portkey_gateway.caching.outline import Outline
from portkey_gateway.conversation.usage import Usage

_HOUR_S: Final = 3600.0
_FIVE_MINUTES_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was answered."""

    at_s: float
    usage: Usage
    outline: Outline | None
    """``None`` where only the answer is known."""

    @property
    def lifetime_s(self) -> float:
        """How long what was sent is kept, if it was marked."""
        return _HOUR_S if self.usage.cache_write_1h_tokens else _FIVE_MINUTES_S


def look_back(model: str, sent: Sent, earlier: Sequence[Sent]) -> tuple[int, str | None]:
    """Compare a request with those before it.

    Args:
        model: who answered.
        sent: the request.
        earlier: those of the same model before it, the latest last.

    Returns:
        How many tokens could have been read; and if none were, why, where that is known.
    """
    alive = [each for each in earlier if sent.at_s - each.at_s <= each.lifetime_s]
    shared = max((_shared_tokens(sent, each) for each in alive), default=0)
    readable = shared if shared >= least_cached_tokens(model) else 0
    read = sent.usage.cache_read_tokens
    if read or not earlier:
        return max(readable, read), None
    return readable, _why_not_cached(model, sent, bool(alive)) or _why_not_the_same(sent, earlier[-1], readable)


def _shared_tokens(sent: Sent, earlier: Sent) -> int:
    """Tokens that both begin with; where one is no beginning of the other an estimate, by bytes."""
    size = earlier.usage.input_tokens
    if sent.outline is not None and earlier.outline is not None:
        shared = sent.outline.shared(earlier.outline)
        size = round(size * earlier.outline.sizes[shared - 1] / earlier.outline.sizes[-1]) if shared else 0
    return min(size, sent.usage.input_tokens)


def _why_not_cached(model: str, sent: Sent, was_alive: bool) -> str | None:
    """What stood in the way of any cache."""
    usage, least = sent.usage, least_cached_tokens(model)
    if "claude" not in model:
        return "this provider caches by itself, and did not"
    if usage.input_tokens < least:
        return f"the input is too short: {usage.input_tokens} tokens, where this model caches {least} or more"
    if not was_alive:
        return "what was written is kept for five minutes after it was last read (or an hour), and more went by"
    if not usage.cache_write_tokens:
        return (
            "nothing was written either: no cache mark reached Claude, or what it ends is shorter than the "
            f"{least} tokens that this model caches; prompt_caching='auto' marks by itself"
        )
    return None


def _why_not_the_same(sent: Sent, last: Sent, readable: int) -> str:
    """Why what was written was not what is asked for."""
    if sent.outline is None or last.outline is None:
        return "the beginning of the request has changed, so it was written anew"
    shared = sent.outline.shared(last.outline)
    if shared >= min(len(sent.outline), len(last.outline)):
        return "the beginning is the same, but no mark stood where the last request ended"
    where = sent.outline.places[shared]
    if readable:
        return f"the request differs from the last one from {where} on, and no mark ends what both begin with"
    return f"the beginning of the request has changed at {where}, so what follows was written anew"
