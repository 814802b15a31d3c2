"""langchain-openai's own integration tests of its chat model, with ``ChatPortkey`` in ``ChatOpenAI``'s place.

They ask the real OpenAI; here the emulated one answers, straight to ``ChatOpenAI`` and through the real gateway to
``ChatPortkey``. What fails for both fails for what the emulation is. Nothing of theirs is kept in this project.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from portkey_gateway.sandbox.install import install_gateway
from tests.conformance.openai_peer.expected import KNOWN, judge
from tests.conformance.openai_peer.run import WAYS, Outcome, Way, outcomes_file
from tests.conformance.peers.results import BUILD
from tests.conformance.peers.sdist import OPENAI, SdistError

_RUN_LIMIT_S: Final = 900


def main() -> None:
    """Run both, say what each passes, and exit with an error if something fails for ours alone that is not known."""
    try:
        OPENAI.unpack(OPENAI.download(_tell))
    except SdistError as error:
        sys.exit(str(error))
    install_gateway()
    theirs, ours = (_run(way) for way in WAYS)
    judgement = judge(theirs, ours)
    passed = f"ChatOpenAI passes {judgement.theirs} of {len(theirs)}, ChatPortkey {judgement.ours}"
    lines = [
        f"langchain-openai's own tests on the emulated OpenAI: {passed}; {len(judgement.both)} fail for both.",
        *(f"  both    {name}: {theirs[name]['reason'][:160]}" for name in judgement.both),
        *(f"  ours    {name}: {KNOWN[name]}" for name in judgement.known),
        *(f"  OURS    {name}, not among the known ones: {ours[name]['reason'][:200]}" for name in judgement.unknown),
        *(f"  MENDED  {name} passes, or fails for both: take it out of the known ones" for name in judgement.mended),
    ]
    sys.stdout.write("\n".join(lines) + f"\n\nLogs: {BUILD}\n")
    sys.exit(bool(judgement.unknown or judgement.mended or not theirs or len(ours) < len(theirs)))


def _run(way: Way) -> dict[str, Outcome]:
    """Run one way in a process of its own, since it changes what a package's name means."""
    outcomes_file(way).unlink(missing_ok=True)
    with (BUILD / f"openai-{way}.log").open("wb") as log:
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "tests.conformance.openai_peer.run", way],
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=_RUN_LIMIT_S,
            check=False,
        )
    if not outcomes_file(way).exists():
        return {}
    outcomes: dict[str, Outcome] = json.loads(outcomes_file(way).read_text(encoding="utf-8"))
    return outcomes


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
