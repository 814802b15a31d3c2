"""``python -m benchmarks``: measure all contenders that are installed and print a table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.measures import FULL, MEASURES, QUICK
from benchmarks.registry import ENTRIES
from benchmarks.report import describe_machine, note_load, render_json, render_markdown
from benchmarks.runner import BenchmarkError, run

_FULL_ROUNDS = 5


def main() -> None:
    """Run the benchmark that the command line asks for."""
    arguments = _parse_arguments()
    chosen = [entry for entry in ENTRIES if not arguments.only or entry.module in arguments.only]
    entries = [entry for entry in chosen if entry.is_installed()]
    for entry in chosen:
        if entry not in entries:
            print(
                f"left out, since it is not installed here: {entry.title} ({', '.join(entry.needs)})", file=sys.stderr
            )
    rounds = arguments.rounds or (1 if arguments.quick else _FULL_ROUNDS)
    machine = describe_machine()
    note_load(machine)
    try:
        figures = run(
            entries,
            rounds=rounds,
            is_quick=arguments.quick,
            on_progress=lambda step: print(step, file=sys.stderr),
        )
    except BenchmarkError as error:
        sys.exit(str(error))
    note_load(machine)
    markdown = render_markdown(figures, machine)
    print(markdown)
    for measure in MEASURES:
        print(f"{measure.name} ({measure.unit}): {measure.what}")
    if arguments.markdown:
        arguments.markdown.write_text(markdown, encoding="utf-8")
    if arguments.json:
        told = render_json(figures, machine, QUICK if arguments.quick else FULL)
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round: does it run at all?")
    parser.add_argument("--rounds", type=int, help=f"how often everything is measured (default {_FULL_ROUNDS})")
    modules = [entry.module for entry in ENTRIES]
    parser.add_argument("--only", nargs="+", choices=modules, metavar="CONTENDER", help=f"of {', '.join(modules)}")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write all figures there")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="also write the tables there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
