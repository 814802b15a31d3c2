"""One answer in the account of a cache, and the sums of many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from portkey_gateway.conversation.cost import price_answer, price_input
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.prices import Prices

WRITE_5M: Final = 1.25
WRITE_1H: Final = 2.0
READ: Final = 0.1
"""How much of the price of input Claude's cache costs (Anthropic, "Prompt caching")."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Tokens and money of some answers. Money is in US dollars; ``None`` where a price is not known."""

    calls: int = 0
    input_tokens: int = 0
    """All input: what follows but for ``readable_tokens`` adds up to it."""
    read_tokens: int = 0
    written_5m_tokens: int = 0
    written_1h_tokens: int = 0
    uncached_tokens: int = 0
    readable_tokens: int = 0
    """What could have been read: what an earlier request had begun with too, as far as it is known."""
    output_tokens: int = 0
    cost: float | None = 0.0
    saved: float | None = 0.0
    """What the same input would have cost more without a cache; below zero where writing cost more than that."""

    @property
    def share_read(self) -> float | None:
        """How much of what could be read was read, from 0 to 1; ``None`` where nothing could."""
        return self.read_tokens / self.readable_tokens if self.readable_tokens else None

    @property
    def saved_share(self) -> float:
        """How much of the price of all input was saved, by Anthropic's published multipliers; of a Claude's only."""
        paid = (
            self.uncached_tokens
            + WRITE_5M * self.written_5m_tokens
            + WRITE_1H * self.written_1h_tokens
            + READ * self.read_tokens
        )
        return 1 - paid / self.input_tokens if self.input_tokens else 0.0

    def to_dict(self) -> dict[str, Any]:
        """All figures by their names."""
        return {**asdict(self), "share_read": self.share_read, "saved_share": self.saved_share}


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer, in the order in which the report heard of it."""

    model: str
    figures: Figures
    missed: str | None = None
    """Why nothing was read although it could have been, where that is known."""

    def to_dict(self) -> dict[str, Any]:
        """All figures by their names, the model and what was missed."""
        return {"model": self.model, **self.figures.to_dict(), "missed": self.missed}


def count(usage: Usage, readable_tokens: int, prices: Prices | None) -> Figures:
    """Take account of one answer.

    Args:
        usage: its own.
        readable_tokens: what could have been read.
        prices: what the model's tokens cost.
    """
    cost = saved = None
    if prices is not None:
        cost = price_answer(usage, prices)["total"]
        saved = float(usage.input_tokens * prices.input.at(usage.input_tokens) - price_input(usage, prices))
    return Figures(
        calls=1,
        input_tokens=usage.input_tokens,
        read_tokens=usage.cache_read_tokens,
        written_5m_tokens=usage.cache_write_5m_tokens,
        written_1h_tokens=usage.cache_write_1h_tokens,
        uncached_tokens=usage.uncached_tokens,
        readable_tokens=readable_tokens,
        output_tokens=usage.output_tokens,
        cost=cost,
        saved=saved,
    )


def add_up(figures: Iterable[Figures]) -> Figures:
    """Sum figures up; of money there is no sum where one part is not known."""
    total = Figures()
    for each in figures:
        total = Figures(
            **{field.name: _plus(getattr(total, field.name), getattr(each, field.name)) for field in _FIELDS}
        )
    return total


def _plus(one: Any, other: Any) -> Any:
    return None if one is None or other is None else one + other


_FIELDS: Final = fields(Figures)
