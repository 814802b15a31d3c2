"""The table that a run prints."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.conformance.peers.compare import count_alike
from tests.conformance.peers.expected import KNOWN_FAILURES, RECORDED_TESTS, Judgement
from tests.conformance.peers.results import Results, Way

TITLES: Final[Mapping[Way, str]] = {
    "anthropic": "ChatAnthropic, straight",
    "messages": "ChatPortkey, messages",
    "chat_completions": "ChatPortkey, chat_completions",
}

_REASON_WIDTH: Final = 200


def render(judgements: Sequence[Judgement], results: Mapping[Way, Results]) -> str:
    """Return the figures of all ways, then the failures of each."""
    lines = [f"{'':31}{'passed':>9}{'required':>10}{'asked the same':>16}"]
    for judgement in judgements:
        passed = f"{judgement.passed} of {RECORDED_TESTS}"
        alike = count_alike(results[judgement.way], results["anthropic"])
        lines.append(f"{TITLES[judgement.way]:31}{passed:>9}{judgement.required or '-':>10}{alike:>16}")
    for judgement in judgements:
        lines += _failures(judgement, results[judgement.way])
    return "\n".join(lines)


def _failures(judgement: Judgement, results: Results) -> Iterator[str]:
    if judgement.failed or judgement.mended:
        yield f"\n{TITLES[judgement.way]}:"
    for name in judgement.failed:
        known = KNOWN_FAILURES[judgement.way].get(name)
        if known:
            yield f"  failed  {name}: {known}"
        else:
            result = results[name]
            said = " | ".join(filter(None, (result["reason"][:_REASON_WIDTH], result["line"])))
            yield f"  FAILED  {name}, not among the known ones: {said}"
    for name in judgement.mended:
        yield f"  MENDED  {name} passes, or is gone: take it out of the known ones"
