"""What one way through the tests leaves behind, as a file that the next step reads."""

import json
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, get_args

Way = Literal["anthropic", "messages", "chat_completions"]
"""ChatAnthropic itself, or ChatPortkey in one of its two API formats."""

WAYS: Final[tuple[Way, ...]] = get_args(Way)

BUILD: Final = Path(__file__).parents[3] / "build" / "peers"
"""Where everything goes that a run writes; git ignores it."""


class Asked(TypedDict):
    """A request as it reached the provider's side."""

    path: str
    betas: list[str]
    body: dict[str, Any]


class Result(TypedDict):
    """How one test ended."""

    passed: bool
    reason: str
    line: str
    asked: list[Asked]
    recorded: int
    warned: list[str]
    """What a ``PortkeyWarning`` said: mostly what the gateway drops."""


Results = dict[str, Result]
"""By the test's name, with its parameters."""


def results_file(way: Way) -> Path:
    """Return where the results of a way are kept."""
    return BUILD / f"{way}.json"


def save(way: Way, results: Results) -> None:
    """Keep the results of a way."""
    BUILD.mkdir(parents=True, exist_ok=True)
    results_file(way).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def load(way: Way) -> Results:
    """Return the results of a way; none if it ended before it had any."""
    path = results_file(way)
    if not path.exists():
        return {}
    results: Results = json.loads(path.read_text(encoding="utf-8"))
    return results
