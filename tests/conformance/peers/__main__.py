"""``make peers``: langchain-anthropic's own recorded tests, with ChatPortkey in ChatAnthropic's place.

Forty-one of its integration tests come with answers that were recorded from the real Anthropic. They run three ways:
with ChatAnthropic, straight to a server that gives those answers (does the replay work at all?), and with ChatPortkey
through the real gateway to the same server, once in each API format. Nothing of theirs is kept in this project.
"""

import subprocess
import sys
from typing import Final

from portkey_gateway.sandbox.install import install_gateway
from tests.conformance.peers.compare import compare
from tests.conformance.peers.expected import judge
from tests.conformance.peers.report import TITLES, render
from tests.conformance.peers.results import BUILD, WAYS, Results, Way, load, results_file
from tests.conformance.peers.sdist import ANTHROPIC, SdistError

_RUN_LIMIT_S: Final = 900


def main() -> None:
    """Run all ways, print the table, and exit with an error if too few tests pass."""
    try:
        ANTHROPIC.unpack(ANTHROPIC.download(_tell))
    except SdistError as error:
        sys.exit(str(error))
    install_gateway()
    results: dict[Way, Results] = {way: _run(way) for way in WAYS}
    for way in WAYS[1:]:
        requests = BUILD / f"{way}.requests.txt"
        requests.write_text(compare(results[way], results["anthropic"]), encoding="utf-8")
    judgements = [judge(way, results[way]) for way in WAYS]
    _say(f"\n{render(judgements, results)}\n\nRequests beside ChatAnthropic's, logs and results: {BUILD}")
    sys.exit(not all(judgement.is_enough for judgement in judgements))


def _run(way: Way) -> Results:
    """Run one way in a process of its own, since it changes what a package's name means."""
    _tell(f"{TITLES[way]} ...")
    results_file(way).unlink(missing_ok=True)
    with (BUILD / f"{way}.log").open("wb") as log:
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "tests.conformance.peers.run", way],
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=_RUN_LIMIT_S,
            check=False,
        )
    return load(way)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
