"""What answers cost: the prices of ``genai-prices``, read once, give what its own (slow) arithmetic gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import genai_prices
import pytest
from genai_prices import data_snapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
)

from portkey_gateway import Answer, Cost, GatewayInfo, PortkeyWarning, Usage, prices

CLAUDES = ("claude-sonnet-4-5", "claude-opus-4-1", "claude-haiku-4-5", "claude-3-5-haiku-latest", "claude-opus-5-5")
USAGE = Usage(input_tokens=300_000, output_tokens=700, cache_read_tokens=100_000, cache_write_tokens=50_000)


@pytest.fixture
def fresh_prices() -> Iterator[None]:
    prices._find.cache_clear()
    prices._is_installed.cache_clear()
    yield
    data_snapshot.set_custom_snapshot(None)
    prices._find.cache_clear()
    prices._is_installed.cache_clear()


def answered(provider: str, model: str, usage: Usage | None = USAGE, **more: Any) -> Answer:
    return Answer(usage=usage, model=model, info=GatewayInfo(provider=provider), **more)


def theirs(provider: str, model: str, usage: Usage, **context: str) -> float:
    said = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        web_searches=usage.web_searches,
    )
    return float(genai_prices.calc_price(said, model, provider_id=provider, price_context=context).total_price)


@pytest.mark.parametrize("model", CLAUDES)
@pytest.mark.parametrize(("provider", "theirs_is"), [("anthropic", "anthropic"), ("vertex-ai", "google")])
def test_a_claude_costs_what_genai_prices_says(provider: str, theirs_is: str, model: str) -> None:
    chance = random.Random(model)
    for _ in range(40):
        size = chance.choice([900, 199_999, 200_000, 200_001, 900_000])
        read, written = chance.randrange(size // 2), chance.randrange(size // 2)
        usage = Usage(size, chance.randrange(9000), read, written, chance.randrange(written), 0, chance.randrange(3))
        cost = answered(provider, model, usage).cost
        assert cost is not None
        assert cost["total"] == pytest.approx(theirs(theirs_is, model, usage), rel=1e-12)
        assert cost["input"] + cost["output"] <= cost["total"] * (1 + 1e-12)
        assert cost["currency"] == "USD"


@pytest.mark.parametrize(
    ("provider", "model", "theirs_is"),
    [
        ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("openai", "gpt-4o", "openai"),
        ("openai", "gpt-5", "openai"),
        ("azure-openai", "gpt-4o", "azure"),
        ("google", "gemini-2.5-pro", "google"),
        ("mistral-ai", "mistral-large-latest", "mistral"),
        ("groq", "llama-3.3-70b-versatile", "groq"),
    ],
)
def test_so_do_others_under_portkey_s_names(provider: str, model: str, theirs_is: str) -> None:
    usage = Usage(210_000, 700, 100_000)
    cost = answered(provider, model, usage).cost
    assert cost is not None
    assert cost["total"] == pytest.approx(theirs(theirs_is, model, usage), rel=1e-12)


def test_a_model_of_no_known_price_has_none() -> None:
    assert answered("anthropic", "no-such-model").cost is None
    assert answered("ollama", "deepseek-chat").cost is None  # the name alone would be another's
    assert answered("anthropic", "").cost is None
    assert answered("anthropic", "claude-sonnet-4-5", None).cost is None


def test_without_the_provider_s_name_the_model_s_own_decides() -> None:
    assert answered("", "claude-sonnet-4-5").cost == answered("anthropic", "claude-sonnet-4-5").cost is not None


def test_an_answer_out_of_the_response_cache_costs_nothing() -> None:
    for status in ("HIT", "SEMANTIC HIT"):
        answer = Answer(
            usage=USAGE, model="claude-sonnet-4-5", info=GatewayInfo(provider="anthropic", cache_status=status)
        )
        assert answer.cost == Cost(total=0.0, input=0.0, output=0.0, currency="USD")


def test_tiers_and_speed_have_their_own_price() -> None:
    usage = Usage(1000, 1000)
    fast = answered("anthropic", "claude-opus-5", usage, extras={"speed": "fast"}).cost
    flex = answered("openai", "gpt-5", usage, extras={"service_tier": "flex"}).cost
    assert fast is not None
    assert flex is not None
    assert fast["total"] == pytest.approx(theirs("anthropic", "claude-opus-5", usage, speed="fast"))
    assert fast["total"] > theirs("anthropic", "claude-opus-5", usage)
    assert flex["total"] == pytest.approx(theirs("openai", "gpt-5", usage, service_tier="flex"))
    assert flex["total"] < theirs("openai", "gpt-5", usage)


@pytest.mark.parametrize("tier", [["flex"], {"a": 1}, 7])
def test_a_tier_that_is_no_text_is_none(tier: Any) -> None:
    plain = answered("openai", "gpt-4o").cost
    assert answered("openai", "gpt-4o", extras={"service_tier": tier}).cost == plain is not None


def snapshot(price: Any, variants: Any = None) -> None:
    model = ModelInfo(id="m", match=ClauseEquals("m"), prices=price, price_variants=variants)
    seller = Provider(id="acme", name="Acme", api_pattern="acme", models=[model])
    data_snapshot.set_custom_snapshot(data_snapshot.DataSnapshot(providers=[seller], from_auto_update=False))


@pytest.mark.usefixtures("fresh_prices")
def test_what_has_no_price_of_its_own_costs_what_the_rest_does() -> None:
    snapshot(ModelPrice(input_mtok=Decimal(10)))
    assert answered("acme", "m").cost == Cost(total=3.0, input=3.0, output=0.0, currency="USD")


@pytest.mark.usefixtures("fresh_prices")
def test_a_model_that_is_priced_otherwise_has_none() -> None:
    snapshot(ModelPrice(requests_kcount=Decimal(1)))
    assert answered("acme", "m").cost is None


@pytest.mark.usefixtures("fresh_prices")
def test_prices_change_with_time() -> None:
    new = ConditionalPrice(StartDateConstraint(date(2020, 1, 1)), prices=ModelPrice(input_mtok=Decimal(2)))
    snapshot([ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(1))), new])
    cost = answered("acme", "m", Usage(1_000_000)).cost
    assert cost is not None
    assert cost["total"] == 2.0
    variant = PriceVariant({"service_tier": "flex"}, ModelPrice(input_mtok=Decimal(1)))
    snapshot(ModelPrice(input_mtok=Decimal(3)), [variant])
    prices._find.cache_clear()
    cost = answered("acme", "m", Usage(1_000_000), extras={"service_tier": "flex"}).cost
    assert cost is not None
    assert cost["total"] == 1.0


@pytest.mark.usefixtures("fresh_prices")
def test_data_that_nobody_understands_break_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = SimpleNamespace(find_provider_model=lambda *_: (None, None))
    monkeypatch.setattr(data_snapshot, "_custom_snapshot", broken)
    with pytest.warns(PortkeyWarning, match="answers of m have no cost"):
        assert answered("acme", "m").cost is None


@pytest.mark.usefixtures("fresh_prices")
def test_without_prices_installed_nothing_is_said_of_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "find_spec", lambda _: None)
    answer = answered("anthropic", "claude-sonnet-4-5")
    assert answer.cost is None
    assert "cost" not in answer.facts()


def test_with_prices_the_facts_say_so_of_every_usage() -> None:
    assert answered("anthropic", "no-such-model").facts()["cost"] is None
    assert "cost" not in answered("anthropic", "claude-sonnet-4-5", None).facts()
