"""Agents of many turns read nearly all that Claude's cache could give; `make caching` has longer ones' figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents.middleware import ModelRequest, ModelResponse, wrap_model_call
from langchain_core.messages import SystemMessage

from benchmarks.cached_agents import SCENARIOS, Scenario, run_langchain, run_llamaindex
from benchmarks.caching import options, render
from benchmarks.readable import CacheShare, measure_share
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.llamaindex.tree import agents_warn

TURNS = 7
MARK = {"type": "ephemeral"}
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}

each_scenario = pytest.mark.parametrize(
    "scenario",
    [
        BY_NAME["more results than a breakpoint looks back"],
        BY_NAME["thinking"],
        BY_NAME["summing up"],
        BY_NAME["parallel tools that come and go"],
    ],
    ids=lambda scenario: scenario.name,
)
each_format = pytest.mark.parametrize("api_format", ["chat_completions", "messages"])


def share_of(sandbox: Sandbox) -> CacheShare:
    return measure_share(request.body for request in sandbox.claude.requests)


@each_scenario
@each_format
def test_an_agent_of_langchain_reads_nearly_all_it_could(sandbox: Sandbox, api_format: str, scenario: Scenario) -> None:
    scenario.prepare(sandbox, TURNS)
    run_langchain(scenario, TURNS, ChatPortkey(**options(scenario, sandbox, api_format)))
    share = share_of(sandbox)
    assert share.calls >= 2 * TURNS
    assert share.share >= 0.95, render(share)


@each_scenario
@each_format
@agents_warn
def test_an_agent_of_llamaindex_reads_nearly_all_it_could(
    sandbox: Sandbox, api_format: str, scenario: Scenario
) -> None:
    scenario.prepare(sandbox, TURNS)
    run_llamaindex(scenario, TURNS, Portkey(**options(scenario, sandbox, api_format)))
    share = share_of(sandbox)
    assert share.calls >= 2 * TURNS
    assert share.share >= 0.95, render(share)


@wrap_model_call
def as_langchain_s_own_middleware_marks(
    request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
) -> ModelResponse[Any]:
    """The end of the system message, the last tool, and the end of the request (langchain-anthropic 1.7.10)."""
    assert request.system_message
    system = [{"type": "text", "text": request.system_message.text, "cache_control": MARK}]
    last: Any = request.tools[-1]
    marked = last.model_copy(update={"extras": {"cache_control": MARK}})
    return handler(
        request.override(
            system_message=SystemMessage(system),  # type: ignore[arg-type]
            tools=[*request.tools[:-1], marked],
            model_settings={"cache_control": MARK},
        )
    )


@pytest.mark.parametrize("name", ["summing up", "parallel tools that come and go"])
def test_it_reads_no_less_than_with_the_marks_of_langchain_s_own_middleware(sandbox: Sandbox, name: str) -> None:
    scenario = BY_NAME[name]
    planned: dict[str, Any] = options(scenario, sandbox, "messages")
    shares = []
    for own, middleware in (({}, []), ({"prompt_caching": None}, [as_langchain_s_own_middleware_marks])):
        sandbox.claude.clear()
        scenario.prepare(sandbox, TURNS)
        run_langchain(scenario, TURNS, ChatPortkey(**{**planned, **own}), middleware=middleware)
        shares.append(share_of(sandbox))
    ours, theirs = shares
    assert ours.readable_tokens == theirs.readable_tokens
    assert ours.read_tokens >= theirs.read_tokens > 0
