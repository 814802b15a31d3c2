"""How many of their tests must pass, and which are known not to and why: the one place that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.conformance.peers.results import Results, Way

RECORDED_TESTS: Final = 41
"""How many recorded tests langchain-anthropic has; one that did not run has not passed."""

FLOOR: Final = 41
"""How many must pass over `messages`."""

_SOURCE: Final = "an error before anything is sent: the gateway would drop a document made of content blocks"
_CONTAINER: Final = "the gateway drops `container` of requests and of answers"
_CALLER: Final = "the gateway drops, of a tool call, all but its id, name and arguments"
_STREAMED_CALLER: Final = f"{_CALLER}; arguments that come whole in a stream are lost there too"

KNOWN_FAILURES: Final[Mapping[Way, Mapping[str, str]]] = {
    "anthropic": {},
    "messages": {},
    "chat_completions": {
        "test_system_tool_addition": "an error before anything is sent: the gateway takes text only from the system",
        "test_citations[v0-False]": _SOURCE,
        "test_citations[v1-False]": _SOURCE,
        "test_citations[v1-True]": _SOURCE,
        "test_skills[v0]": _CONTAINER,
        "test_skills[v1]": _CONTAINER,
        "test_context_management": "the gateway drops `context_management` of requests and of answers",
        "test_programmatic_tool_use[v0]": _CALLER,
        "test_programmatic_tool_use[v1]": _CALLER,
        "test_programmatic_tool_use_streaming[v0]": _STREAMED_CALLER,
        "test_programmatic_tool_use_streaming[v1]": _STREAMED_CALLER,
    },
}
"""By way and test: why it fails. Those of chat completions are all what the open-source gateway drops there."""


@dataclass(frozen=True)
class Judgement:
    """How the results of one way stand to what is expected."""

    way: Way
    passed: int
    failed: tuple[str, ...]
    unknown: tuple[str, ...]
    """Failures that the list does not have."""
    mended: tuple[str, ...]
    """Tests that the list still has, but that pass, or are no longer there."""

    @property
    def required(self) -> int:
        """How many must pass; nothing is required of chat completions, and all of the control."""
        return {"anthropic": RECORDED_TESTS, "messages": FLOOR, "chat_completions": 0}[self.way]

    @property
    def is_enough(self) -> bool:
        """Whether as many pass as must."""
        return self.passed >= self.required


def judge(way: Way, results: Results, known: Mapping[str, str] | None = None) -> Judgement:
    """Hold the results of a way against what is expected.

    Args:
        way: which.
        results: by test.
        known: the failures that are known; by default those kept here.
    """
    listed = KNOWN_FAILURES[way] if known is None else known
    failed = tuple(name for name, result in results.items() if not result["passed"])
    return Judgement(
        way=way,
        passed=len(results) - len(failed),
        failed=failed,
        unknown=tuple(name for name in failed if name not in listed),
        mended=tuple(name for name in listed if name not in failed),
    )
