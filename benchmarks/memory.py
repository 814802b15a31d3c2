"""What calls leave in memory: ``python -m benchmarks.memory``; each contender in a process of its own.

What a process holds after its first calls and after many more, by how much it grows while many streams are open at
once, and how many connections streams take that come one after the other. Linux only: ``/proc`` tells all of it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import os
import resource
import subprocess
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypedDict

import httpx

from benchmarks.answers import expected_answer
from benchmarks.measures import SHORT_TOKENS, WrongAnswerError
from benchmarks.prompts import short_prompt
from benchmarks.registry import ENTRIES, Entry
from benchmarks.report import render_table
from benchmarks.runner import BenchmarkProcess

CALLS: Final = 15_000
STREAMS: Final = 1_000
ONE_BY_ONE: Final = 120
_FIRST_CALLS: Final = 500
_FILES: Final = 8_192


class Kept(TypedDict):
    """What was measured of one contender."""

    begun_mb: float
    """Held after the first calls."""
    ended_mb: float
    """Held after all of them."""
    streams_mb: float
    """Held more while many streams are open."""
    opened: int
    """The connections that are opened for streams that come one after the other."""


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--streams", type=int, default=STREAMS)
    parser.add_argument("--tls", action="store_true", help="over TLS, as the hosted gateway; needs openssl")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="also write the table there")
    parser.add_argument("--child", nargs=2, metavar=("MODULE", "URL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    _allow_files()
    if arguments.child:
        print(json.dumps(measure(*arguments.child, calls=arguments.calls, streams=arguments.streams)), flush=True)
        return
    entries = [each for each in ENTRIES if each.is_installed()]
    with ExitStack() as stack:
        certificate = [_trusted_certificate(stack)] if arguments.tls else []
        gateway = stack.enter_context(BenchmarkProcess("benchmarks.mock_gateway", *certificate))
        asked = [str(arguments.calls), str(arguments.streams)]
        measured = {each.title: _ask(each, gateway.greeting, *asked) for each in entries}
    table = render(measured, calls=arguments.calls, streams=arguments.streams)
    print(table)
    if arguments.markdown:
        arguments.markdown.write_text(table + "\n", encoding="utf-8")


def _trusted_certificate(stack: ExitStack) -> str:
    """The path of a certificate for this machine, and its key, which all contenders trust."""
    path = str(Path(stack.enter_context(TemporaryDirectory())) / "certificate.pem")
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", path + ".crt",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 our own arguments
    made = Path(path)
    made.write_text(made.read_text("ascii") + Path(path + ".crt").read_text("ascii"), "ascii")
    os.environ["SSL_CERT_FILE"] = path  # httpx reads it, and so does whoever asks by it
    return path


def _ask(entry: Entry, base_url: str, calls: str, streams: str) -> Kept:
    given = ("--calls", calls, "--streams", streams, "--child", entry.module, base_url)
    with BenchmarkProcess("benchmarks.memory", *given, folder=entry.folder) as child:
        found: Kept = json.loads(child.greeting)
    return found


def measure(module: str, base_url: str, *, calls: int, streams: int) -> Kept:
    """Measure one contender in this process.

    Args:
        module: of ``benchmarks.contenders``.
        base_url: of the mock gateway.
        calls: how many come one after the other.
        streams: how many are open at once.
    """
    contender = importlib.import_module(f"benchmarks.contenders.{module}").make(base_url, SHORT_TOKENS)
    prompt = short_prompt()
    prepared, expected = contender.prepare(prompt), expected_answer(prompt, SHORT_TOKENS)
    for _ in range(_FIRST_CALLS):
        _check(contender.invoke(prepared), expected)
    begun_mb = held_mb()
    for _ in range(calls - _FIRST_CALLS):
        _check(contender.invoke(prepared), expected)
    ended_mb = held_mb()
    known = _connections(base_url)
    for _ in range(ONE_BY_ONE):
        _check("".join(contender.stream(prepared)), expected)
    opened = _connections(base_url) - known - 1
    return {
        "begun_mb": begun_mb,
        "ended_mb": ended_mb,
        "streams_mb": asyncio.run(_grown_mb(contender, prepared, expected, streams)),
        "opened": opened,
    }


async def _grown_mb(contender: Any, prepared: Any, expected: str, streams: int) -> float:
    """By how much the process grows while so many streams are open, of each of which something was read."""
    _check(await contender.ainvoke(prepared), expected)  # what the first call of a loop makes is there
    before_mb = held_mb()
    begun, grown_mb = 0, 0.0
    all_begun = asyncio.Event()

    async def read() -> None:
        nonlocal begun, grown_mb
        pieces: list[str] = []
        async for text in contender.astream(prepared):
            pieces.append(text)
            if len(pieces) == 1:
                begun += 1
                if begun == streams:
                    grown_mb = held_mb() - before_mb
                    all_begun.set()
                await all_begun.wait()
        _check("".join(pieces), expected)

    await asyncio.gather(*(read() for _ in range(streams)))
    return grown_mb


def render(measured: dict[str, Kept], *, calls: int, streams: int) -> str:
    """The table: a line for each contender."""
    head = ["MB", f"after {_FIRST_CALLS:,} calls", f"after {calls:,}", f"{streams:,} streams open",
            f"connections opened for {ONE_BY_ONE} streams in turn"]  # fmt: skip
    rows = [
        [title, f"{kept['begun_mb']:.1f}", f"{kept['ended_mb']:.1f}", f"+{kept['streams_mb']:.1f}",
         str(kept["opened"])]
        for title, kept in measured.items()
    ]  # fmt: skip
    return render_table(head, rows)


def held_mb() -> float:
    """What this process holds now, garbage left out."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _connections(base_url: str) -> int:
    """How many connections the mock gateway has seen, this question's left out."""
    return int(httpx.get(base_url).text)


def _allow_files() -> None:
    """Let this process and its children open as many sockets as there are streams."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _check(answer: str, expected: str) -> None:
    if answer != expected:
        raise WrongAnswerError(f"got {answer[:100]!r}")


if __name__ == "__main__":
    main()
