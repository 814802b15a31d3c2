"""Configs through the real gateway, in both frameworks: who answers, and that the answer says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portkey_gateway import Condition, GatewayConfig, Retry, Strategy, Target
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.support.routed import routed

Told = Callable[..., dict[str, Any]]


def langchain(sandbox: Sandbox, config: GatewayConfig, **labels: str) -> dict[str, Any]:
    model: Any = ChatPortkey(**routed(sandbox, config))
    told: dict[str, Any] = model.invoke("Hi", config={"metadata": labels}).response_metadata
    return told


def llamaindex(sandbox: Sandbox, config: GatewayConfig, **labels: str) -> dict[str, Any]:
    llm: Any = Portkey(**routed(sandbox, config, request_metadata=labels))
    told: dict[str, Any] = llm.complete("Hi").raw
    return told


any_framework = pytest.mark.parametrize("told", [langchain, llamaindex])


def target(sandbox: Sandbox, provider: Any, **more: Any) -> Target:
    return Target.model_validate({**sandbox.target(provider), **more})


@any_framework
def test_a_fallback_within_a_fallback(both: Sandbox, told: Told) -> None:
    both.openai.inject(Fault("status", status=500, times=9))
    fallback = Strategy(mode="fallback")
    inner = Target(strategy=fallback, targets=[target(both, "openai"), target(both, "anthropic")])
    facts = told(both, GatewayConfig(strategy=fallback, targets=[target(both, "openai"), inner]))
    assert (facts["provider"], facts["target_index"]) == ("anthropic", "config.targets[1].targets[1]")


@any_framework
def test_a_load_is_balanced_by_weight(both: Sandbox, told: Told) -> None:
    targets = [target(both, "openai", weight=0), target(both, "anthropic", weight=1)]
    config = GatewayConfig(strategy=Strategy(mode="loadbalance"), targets=targets)
    assert {told(both, config)["provider"] for _ in range(5)} == {"anthropic"}


@any_framework
@pytest.mark.parametrize(("plan", "provider"), [("paid", "anthropic"), ("free", "openai"), ("", "openai")])
def test_labels_choose_the_target(both: Sandbox, told: Told, plan: str, provider: str) -> None:
    condition = Condition(query={"metadata.plan": {"$eq": "paid"}}, then="best")
    strategy = Strategy(mode="conditional", conditions=[condition], default="rest")
    targets = [target(both, "anthropic", name="best"), target(both, "openai", name="rest")]
    facts = told(both, GatewayConfig(strategy=strategy, targets=targets), **({"plan": plan} if plan else {}))
    assert facts["provider"] == provider


@any_framework
def test_the_gateway_tries_again(both: Sandbox, told: Told) -> None:
    both.openai.inject(Fault("status", status=503, times=1))
    config = GatewayConfig.model_validate({**both.target("openai"), "retry": Retry(attempts=2).model_dump()})
    facts = told(both, config)
    assert (facts["provider"], facts["retry_count"]) == ("openai", 1)
