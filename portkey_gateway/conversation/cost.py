"""What an answer costs, of its usage and the model's prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypedDict

from portkey_gateway.conversation.usage import Usage
from portkey_gateway.info import GatewayInfo
from portkey_gateway.prices import Prices


class Cost(TypedDict):
    """What an answer costs, in the currency that stands beside the figures."""

    total: float
    """Input, output and what the provider's own tools cost by use (web searches)."""
    input: float
    """All input: what was read from the prompt cache and written to it at its own price."""
    output: float
    """All output, reasoning included."""
    currency: Literal["USD"]


def price_call(usage: Usage | None, info: GatewayInfo, prices: Prices | None) -> Cost | None:
    """What a call costs: nothing if it was answered out of the gateway's response cache; ``None`` if it is not known.

    Args:
        usage: what the provider counted, if it did.
        info: what the gateway says of the call.
        prices: what the model costs, if that is known.
    """
    if usage is None:
        return None
    if info.is_cached:
        return {"total": 0.0, "input": 0.0, "output": 0.0, "currency": "USD"}
    return price_answer(usage, prices) if prices else None


def price_input(usage: Usage, prices: Prices) -> Decimal:
    """What the input costs, in US dollars."""
    size = usage.input_tokens
    return (
        usage.uncached_tokens * prices.input.at(size)
        + usage.cache_read_tokens * prices.cache_read.at(size)
        + usage.cache_write_5m_tokens * prices.cache_write.at(size)
        + usage.cache_write_1h_tokens * prices.cache_write_1h.at(size)
    )


def price_answer(usage: Usage, prices: Prices) -> Cost:
    """What an answer costs that a provider gave."""
    size = usage.input_tokens
    said, read = usage.output_tokens * prices.output.at(size), price_input(usage, prices)
    total = read + said + usage.web_searches * prices.web_search.at(size)
    return {"total": float(total), "input": float(read), "output": float(said), "currency": "USD"}
