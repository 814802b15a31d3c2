"""What a token of a model costs, as ``genai-prices`` lists it (extra ``prices``); its prices are US dollars.

``genai_prices.calc_price`` takes some 100 microseconds, so prices are read once and multiplied here; its own data
(0.2.3, ``types.py``) say what is priced how. It is imported when first asked for, which takes some 0.2 seconds once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final

from portkey_gateway.errors import warn

_MILLION: Final = Decimal(1_000_000)
_THOUSAND: Final = Decimal(1000)
# Portkey's names of providers where genai-prices would not find them, or take them for another.
_PROVIDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "azure-openai": "azure",
        "azure-ai": "azure",
        "fireworks-ai": "fireworks",
        "novita-ai": "novita",
        "perplexity-ai": "perplexity",
        "workers-ai": "cloudflare",
        "zhipu": "zhipuai",
    }
)
_CONTEXT: Final = ("service_tier", "speed")
_NO_FACTS: Final[Mapping[str, Any]] = MappingProxyType({})
# Some prices depend on the hour, and the user may have genai-prices fetch new ones.
_LIFETIME_S: Final = 60


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for one token: those of the highest step below the size of the whole input, or the base."""

    base: Decimal
    steps: tuple[tuple[int, Decimal], ...] = ()
    """From how many tokens of input on another price holds for all of them; the highest first."""

    def at(self, input_tokens: int) -> Decimal:
        """The price of one token of a call.

        Args:
            input_tokens: all input of the call.
        """
        for start, price in self.steps:
            if input_tokens > start:
                return price
        return self.base


@dataclass(frozen=True, slots=True)
class Prices:
    """What a model costs, in US dollars for one token or one search."""

    input: Price
    output: Price
    cache_read: Price
    cache_write: Price
    """What is kept for five minutes, or as long as the provider keeps it."""
    cache_write_1h: Price
    web_search: Price


def has_prices() -> bool:
    """Tell whether ``genai-prices`` is installed."""
    return _is_installed()


def find_prices(provider: str, model: str, facts: Mapping[str, Any] = _NO_FACTS) -> Prices | None:
    """Look up what a model costs now; ``None`` where that is not known, or ``genai-prices`` is not installed.

    Args:
        provider: Portkey's name of who answers, such as ``anthropic`` or ``bedrock``. One that is not known has no
            prices; without a name the model's own decides.
        model: the name under which it answered.
        facts: what the provider says of the answer; ``service_tier`` (OpenAI) and ``speed`` (Anthropic) have prices of
            their own.
    """
    if not model or not _is_installed():
        return None
    name = provider.lower().removeprefix("@")
    context = tuple((key, said) for key in _CONTEXT if isinstance(said := facts.get(key), str))
    return _find(_PROVIDERS.get(name, name), model, context, int(time.time() // _LIFETIME_S))


@cache
def _is_installed() -> bool:
    return find_spec("genai_prices") is not None


@lru_cache(maxsize=256)
def _find(provider: str, model: str, context: tuple[tuple[str, str], ...], minute: int) -> Prices | None:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 an extra, and slow to import

    when = datetime.fromtimestamp(minute * _LIFETIME_S, UTC)
    try:
        seller, found = get_snapshot().find_provider_model(model, None, provider or None, None)
        # Prices of a tier are those of the one provider that has it.
        is_its_own = any(found is own for own in seller.models)
        return _read(found.get_prices(when, dict(context) if is_its_own else None))
    except LookupError:
        return None
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        warn(f"the installed genai-prices is not understood, so answers of {model} have no cost: {error!r}")
        return None


def _read(prices: Any) -> Prices | None:
    known = {name: price for name, price in vars(prices).items() if price is not None}
    if "input_mtok" not in known and "output_mtok" not in known:
        return None
    free = Price(Decimal(0))
    fresh = _price(known.get("input_mtok"), _MILLION) or free
    write = _price(known.get("cache_write_mtok"), _MILLION) or fresh
    return Prices(
        input=fresh,
        output=_price(known.get("output_mtok"), _MILLION) or free,
        cache_read=_price(known.get("cache_read_mtok"), _MILLION) or fresh,
        cache_write=write,
        cache_write_1h=_price(known.get("cache_write_1h_mtok"), _MILLION) or write,
        web_search=_price(known.get("web_searches_kcount"), _THOUSAND) or free,
    )


def _price(said: Any, per: Decimal) -> Price | None:
    """``said``: a decimal, or ``TieredPrices``, whose tiers are sorted from the lowest."""
    if said is None:
        return None
    if isinstance(said, Decimal):
        return Price(said / per)
    return Price(said.base / per, tuple((tier.start, tier.price / per) for tier in reversed(said.tiers)))
