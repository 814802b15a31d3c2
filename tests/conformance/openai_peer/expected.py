"""Which of langchain-openai's own tests fail for ours alone, and why: the one place that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.conformance.openai_peer.run import Outcome

KNOWN: Final[Mapping[str, str]] = {
    "test_callable_api_key_async": (
        "its last step looks for ChatOpenAI's words, `Sync client is not available`: an async key in a sync call is a "
        "ValueError of ours too, which names the key and the async methods"
    ),
    "test_openai_proxy": (
        "looks into the client of OpenAI's SDK, of which there is none: `openai_proxy` is an error that names "
        "HTTPS_PROXY and `http_client`"
    ),
    "test_streaming_tool_call_v1_v2_parity": (
        "compares metadata of two answers, which with ChatOpenAI say nothing of the call; ours hold the trace id and "
        "the request id of each"
    ),
}
"""By test: why it fails."""


@dataclass(frozen=True)
class Judgement:
    """How ours stands beside theirs."""

    theirs: int
    """How many theirs passes."""
    ours: int
    """How many ours passes."""
    both: tuple[str, ...]
    """What fails for both."""
    known: tuple[str, ...]
    """What fails for ours alone, as is known."""
    unknown: tuple[str, ...]
    """What fails for ours alone, and is not known."""
    mended: tuple[str, ...]
    """What is known to fail for ours alone, and does not."""


def judge(theirs: Mapping[str, Outcome], ours: Mapping[str, Outcome], known: Mapping[str, str] = KNOWN) -> Judgement:
    """Hold how the tests ended for ours against how they ended for theirs."""
    failed = [name for name, outcome in ours.items() if not outcome["passed"]]
    alone = [name for name in failed if theirs.get(name, {"passed": True})["passed"]]
    return Judgement(
        theirs=sum(outcome["passed"] for outcome in theirs.values()),
        ours=len(ours) - len(failed),
        both=tuple(name for name in failed if name not in alone),
        known=tuple(name for name in alone if name in known),
        unknown=tuple(name for name in alone if name not in known),
        mended=tuple(name for name in known if name not in alone),
    )
