"""``python -m benchmarks.caching``: how much of what Claude's cache could give is read by agents of many turns.

Claude is emulated; what it caches is what Anthropic documents ("Prompt caching"). ``ChatAnthropic`` with LangChain's
own middleware asks it directly, ours through the real gateway.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Final

from benchmarks.cached_agents import SCENARIOS, THINKING, Scenario, run_langchain, run_llamaindex
from benchmarks.readable import CacheShare, measure_share
from portkey_gateway.sandbox import Sandbox

_TURNS: Final = 20
_MAX_TOKENS: Final = 4096

Contender = Callable[[Scenario, int, Sandbox], None]


def main() -> None:
    """Measure what the command line asks for and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.caching", description=__doc__)
    parser.add_argument("--turns", type=int, default=_TURNS, help=f"of each agent (default {_TURNS})")
    turns = parser.parse_args().turns
    warnings.simplefilter("ignore")
    contenders = dict(list_contenders())
    print(f"| {turns} turns | {' | '.join(contenders)} |")
    print(f"|---|{'---:|' * len(contenders)}", flush=True)
    with Sandbox() as sandbox:
        for scenario in SCENARIOS:
            shares = [measure(contender, scenario, turns, sandbox) for contender in contenders.values()]
            print(f"| {scenario.name} | {' | '.join(map(render, shares))} |", flush=True)
    print(
        "\nTokens that were read of those that could be (any block that an earlier request had begun with too), and "
        "what the input costs, of what it would cost without a cache."
    )


def measure(contender: Contender, scenario: Scenario, turns: int, sandbox: Sandbox) -> CacheShare:
    """Run an agent and take account of what reached Claude."""
    sandbox.claude.clear()
    scenario.prepare(sandbox, turns)
    contender(scenario, turns, sandbox)
    return measure_share(request.body for request in sandbox.claude.requests)


def render(share: CacheShare) -> str:
    """Render a cell of the table."""
    return f"{share.share:.1%} ({share.read_tokens:,} of {share.readable_tokens:,}), for {share.paid:.0%}"


def list_contenders() -> Iterator[tuple[str, Contender]]:
    """List who is installed here."""
    for api_format in ("chat_completions", "messages"):
        yield f"ChatPortkey, `{api_format}`", _langchain(api_format)
        yield f"Portkey (LlamaIndex), `{api_format}`", _llamaindex(api_format)
    if find_spec("langchain_anthropic"):
        yield f"ChatAnthropic {version('langchain-anthropic')}, its middleware", _anthropic
    else:
        print("left out, since it is not installed here: ChatAnthropic", file=sys.stderr)


def options(scenario: Scenario, sandbox: Sandbox, api_format: str) -> dict[str, Any]:
    """The keyword arguments of our models."""
    thinking = {"thinking": dict(THINKING)} if scenario.thinks else {}
    own = {"model": sandbox.model, "api_format": api_format, "max_tokens": _MAX_TOKENS, "prompt_caching": "auto"}
    return {**own, **thinking, **sandbox.options()}


def _langchain(api_format: str) -> Contender:
    def run(scenario: Scenario, turns: int, sandbox: Sandbox) -> None:
        from portkey_langchain import ChatPortkey  # noqa: PLC0415 each contender imports its own

        run_langchain(scenario, turns, ChatPortkey(**options(scenario, sandbox, api_format)))

    return run


def _llamaindex(api_format: str) -> Contender:
    def run(scenario: Scenario, turns: int, sandbox: Sandbox) -> None:
        from portkey_llamaindex import Portkey  # noqa: PLC0415 each contender imports its own

        run_llamaindex(scenario, turns, Portkey(**options(scenario, sandbox, api_format)))

    return run


def _anthropic(scenario: Scenario, turns: int, sandbox: Sandbox) -> None:
    from langchain_anthropic import ChatAnthropic  # noqa: PLC0415 each contender imports its own
    from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware  # noqa: PLC0415 as above

    theirs: dict[str, Any] = {
        "model": sandbox.model,
        "base_url": sandbox.options()["custom_host"].removesuffix("/v1"),
        "api_key": sandbox.provider_api_key,
        "max_tokens": _MAX_TOKENS,
        "thinking": dict(THINKING) if scenario.thinks else None,
    }
    run_langchain(scenario, turns, ChatAnthropic(**theirs), middleware=[AnthropicPromptCachingMiddleware()])


if __name__ == "__main__":
    main()
