"""The process of one contender: ``python -m benchmarks.worker MODULE BASE_URL full|quick``.

Says when it is ready; then reads the names of measures, one a line, and answers each with a figure, until its standard
input ends. In between it sleeps, so that several contenders can take turns.
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from benchmarks.contenders.base import ContenderModule


def main(module_name: str, base_url: str, effort_name: str) -> None:
    """Import a contender by the clock, then serve measures."""
    start_s = time.process_time()
    module = cast("ContenderModule", importlib.import_module(f"benchmarks.contenders.{module_name}"))
    import_s = time.process_time() - start_s

    # Not earlier: what these import, the contender would find imported.
    import asyncio  # noqa: PLC0415

    from benchmarks import measures  # noqa: PLC0415
    from benchmarks.mock_gateway import BURST  # noqa: PLC0415
    from benchmarks.prompts import short_prompt  # noqa: PLC0415

    effort = measures.QUICK if effort_name == "quick" else measures.FULL
    start_s = time.process_time()
    short = module.make(base_url, measures.SHORT_TOKENS)
    short.invoke(short.prepare(short_prompt()))
    first_answer_s = import_s + time.process_time() - start_s

    by_name = {measure.name: measure for measure in measures.MEASURES}
    with asyncio.Runner() as runner:
        bench = measures.Bench(
            short=short,
            long=module.make(base_url, effort.stream_tokens),
            burst=module.make(base_url.replace("/v1", f"{BURST}/v1"), effort.stream_tokens),
            effort=effort,
            runner=runner,
            import_s=import_s,
            first_answer_s=first_answer_s,
        )
        print("ready", flush=True)
        for line in sys.stdin:
            print(by_name[line.strip()].run(bench), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
