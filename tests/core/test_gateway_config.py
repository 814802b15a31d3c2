"""A config as typed objects: what it says reaches the gateway, a typo is an error, and no key shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from portkey_gateway import Cache, Condition, GatewayConfig, GatewayOptions, Retry, Strategy, Target

KEY = "sk-very-secret"
OPENAI = Target(provider="openai", api_key=KEY, retry=Retry(attempts=2, on_status_codes=[429, 529]))
CLAUDE = Target(provider="anthropic", override_params={"model": "claude-sonnet-4-6"}, cache=Cache(max_age=60))
FALLBACK = GatewayConfig(strategy=Strategy(mode="fallback", on_status_codes=[500]), targets=[OPENAI, CLAUDE])


def test_it_is_sent_as_the_gateway_takes_it() -> None:
    options = GatewayOptions(base_url="http://localhost:8787/v1", config=FALLBACK)
    assert json.loads(options.render_headers()["x-portkey-config"]) == {
        "strategy": {"mode": "fallback", "on_status_codes": [500]},
        "targets": [
            {"provider": "openai", "api_key": KEY, "retry": {"attempts": 2, "on_status_codes": [429, 529]}},
            {
                "provider": "anthropic",
                "override_params": {"model": "claude-sonnet-4-6"},
                "cache": {"mode": "simple", "max_age": 60},
            },
        ],
    }
    assert options.secrets() == (KEY,)


def test_what_one_cloud_alone_needs_is_passed_on() -> None:
    config = GatewayConfig.model_validate({"provider": "bedrock", "aws_region": "eu-west-1"})
    assert config.to_config() == {"provider": "bedrock", "aws_region": "eu-west-1"}


def test_no_key_shows() -> None:
    assert KEY not in repr(FALLBACK) + str(FALLBACK)
    with pytest.raises(ValidationError) as caught:
        Target.model_validate({"provider": ["openai"], "api_key": KEY})
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"aws_secret_access_key": KEY},
        {"azure_ad_token": KEY},
        {"vertex_service_account_json": {"private_key": KEY, "project_id": "mine"}},
        {"vertex_service_account_json": json.dumps({"private_key": KEY})},
        {"input_guardrails": [{"default.webhook": {"headers": {"Authorization": f"Bearer {KEY}"}}}]},
        {"override_params": {"metadata": {"apiKey": KEY}}},
        {"api_key": KEY},
        {"virtual_key": KEY},
    ],
)
def test_no_secret_of_a_target_shows_and_the_gateway_gets_it(given: dict[str, Any]) -> None:
    target = Target.model_validate({"provider": "bedrock", "aws_region": "eu-west-1", **given})
    config = GatewayConfig(strategy=Strategy(mode="fallback"), targets=[target])
    for part in (target, config):
        shown = (repr(part), str(part), str(part.model_dump()), part.model_dump_json())
        assert not [text for text in shown if KEY in text]
        assert all("eu-west-1" in text for text in shown)
    assert config.to_config()["targets"] == [{"provider": "bedrock", "aws_region": "eu-west-1", **given}]


def test_a_condition_on_what_is_named_like_a_secret_is_no_secret() -> None:
    condition = Condition(query={"metadata.api_key": "paid"}, then="a")
    strategy = {"mode": "conditional", "conditions": [condition.model_dump()], "default": "a"}
    config = GatewayConfig.model_validate({"strategy": strategy, "targets": [{"name": "a"}]})
    assert config.to_config()["strategy"] == strategy


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"strategi": {"mode": "fallback"}}, "unknown option 'strategi': did you mean 'strategy'"),
        ({"targets": [{"overrideParams": {}}]}, "unknown option 'overrideParams': here it is 'override_params'"),
        ({"targets": [{"provider": "openai", "wieght": 1}]}, "unknown option 'wieght': did you mean 'weight'"),
        ({"strategy": {"mode": "fallbak"}, "targets": [{}]}, "'single', 'fallback', 'loadbalance' or 'conditional'"),
        ({"strategy": {"mode": "fallback"}}, "a strategy of mode 'fallback' needs targets"),
        ({"targets": []}, "at least 1 item"),
        ({"retry": {"attempts": 9}}, "less than or equal to 5"),
        ({"retry": {"attempts": 1, "on_status": [500]}}, "unknown option 'on_status': did you mean 'on_status_codes'"),
        ({"cache": {"mode": "simpel"}}, "'simple' or 'semantic'"),
        ({"strategy": {"mode": "conditional"}, "targets": [{}]}, "a strategy of mode 'conditional' needs conditions"),
        (
            {
                "strategy": {"mode": "conditional", "conditions": [{"query": {}, "then": "fast"}], "default": "slow"},
                "targets": [{"name": "slow"}],
            },
            "conditions speak of fast, and no target has that name",
        ),
        ({"targets": [{"provider": "openai"}]}, "targets need a strategy"),
        ({"strategy": {"mode": "single"}}, "a strategy of mode 'single' needs targets"),
        (
            {"strategy": {"mode": "loadbalance"}, "targets": [{"weight": 0}, {"weight": 0}]},
            "no target has a weight above 0",
        ),
    ],
)
def test_a_typo_is_an_error_that_names_it(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        GatewayConfig.model_validate(given)


def test_conditions_name_their_targets() -> None:
    condition = Condition(query={"metadata.plan": {"$eq": "paid"}}, then="fast")
    strategy = Strategy(mode="conditional", conditions=[condition], default="slow")
    config = GatewayConfig(strategy=strategy, targets=[Target(name="fast"), Target(name="slow")])
    assert config.to_config()["strategy"]["conditions"][0]["then"] == "fast"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"plan": "paid"}, r"reads metadata\.NAME, params\.NAME or url\.pathname; got 'plan'"),
        ({"metadata.user.plan": "paid"}, "got 'metadata.user.plan'"),
        ({"params.thinking.type": "enabled"}, "got 'params.thinking.type'"),
        ({"metadata.plan": {"$eqq": "paid"}}, r"compares by \$eqq; known are \$and, \$eq, \$gt"),
        ({"metadata.age": {"$eq": 5}}, "the condition on metadata.age is never met: metadata are texts; got 5"),
        ({"metadata.paid": True}, "never met: metadata are texts; got True"),
        ({"$or": [{"metadata.plan": "paid"}, {"metadata.age": {"$in": ["5", 6]}}]}, "metadata are texts; got 6"),
        ({"$and": "metadata.plan"}, "a query is a mapping such as"),
    ],
)
def test_a_condition_that_can_never_be_met_is_an_error(query: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Condition(query=query, then="a")


@pytest.mark.parametrize(
    "query",
    [
        {"metadata.plan": "paid"},
        {"metadata.age": {"$gte": 18}},
        {"params.model": {"$regex": "^gpt-5"}, "url.pathname": "/v1/chat/completions"},
        {"$or": [{"metadata.plan": {"$in": ["paid", "trial"]}}, {"params.temperature": {"$lt": 0.5}}]},
        {"params.max_tokens": {"$eq": 5}},
    ],
)
def test_conditions_as_the_gateway_reads_them(query: Any) -> None:
    assert Condition(query=query, then="a").query == query


@pytest.mark.parametrize("host", ["https://user:sk-secret-1@host/v1", "host/v1"])
def test_a_host_that_is_none_or_holds_a_key_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match="custom_host must") as caught:
        GatewayConfig.model_validate({"provider": "openai", "custom_host": host})
    assert "sk-secret-1" not in f"{caught.value}{caught.value!r}"
