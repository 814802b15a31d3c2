"""The results file of a batch: JSON lines, one of each row as it is done; the next run goes on from it.

Each line is written at once and by itself, so that a process that is killed leaves whole lines, and at the most the
beginning of one, which the next run takes away. Of several lines of a row the
last one counts, and an answer before a failure, whichever file of a folder it stands in.
"""

from __future__ import annotations

import fcntl
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from portkey_gateway.batch.errors import ResultsDamagedError, ResultsInUseError
from portkey_gateway.batch.records import Record, decode_record
from portkey_gateway.batch.rows import RowId
from portkey_gateway.errors import warn


class ResultsFile:
    """A results file that is open for one run; no other run can open it meanwhile. Safe to use from many threads.

    Args:
        path: where it is; made, with its folders, if it is not there.

    Raises:
        ResultsInUseError: if another run has it open.
        ResultsDamagedError: if a line of it is none of a batch's; its last one may be half written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answered: set[RowId] = set()
        """The rows that are answered."""
        self.failed: set[RowId] = set()
        """The rows whose latest try failed."""
        self.trace_id: str | None = None
        """The trace of what was written last."""
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: io.FileIO | None = path.open("a+b", buffering=0)
        try:
            _lock(self._file, path)
            self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, line: bytes) -> bool:
        """Write the line of a row.

        Args:
            line: as ``encode_record`` writes it.

        Returns:
            Whether it was written: once the file is closed, nothing is.

        Raises:
            OSError: if it cannot be written, as on a full disk.
        """
        with self._lock:
            if self._file is None:
                return False
            unwritten = memoryview(line)
            while unwritten:
                unwritten = unwritten[self._file.write(unwritten) :]
            return True

    def close(self) -> None:
        """Close the file, with everything on the disk; further lines are not written."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                os.fsync(file.fileno())
                file.close()

    def _read(self) -> None:
        assert self._file is not None  # noqa: S101 it was opened just now
        whole, line = 0, b"\n"
        with self.path.open("rb") as lines:
            for line, record in _read_lines(lines, self.path):
                if record is None:
                    warn(
                        f"the last line of {self.path} is half written, as by a process that was killed: it is taken "
                        "away, and its row is asked again"
                    )
                    self._file.truncate(whole)
                    return
                whole += len(line)
                self._note(record)
        if not line.endswith(b"\n"):
            self._file.write(b"\n")

    def _note(self, record: Record) -> None:
        answered = record["status"] == "answered"
        here, there = (self.answered, self.failed) if answered else (self.failed, self.answered)
        here.add(record["id"])
        there.discard(record["id"])
        self.trace_id = record.get("trace_id") or self.trace_id


def read_results(path: str | os.PathLike[str]) -> Iterator[Record]:
    """Read a results file: what counts of each row, in the order in which it was written.

    Holds no more than the ids. A last line that is half written is left out, so that a file may be read while it is
    written.

    Args:
        path: of the file, or of a folder of such files (as a batch on Ray writes them).

    Raises:
        ResultsDamagedError: if a line in the middle is none of a batch's.
    """
    given = Path(path)
    files = sorted(given.glob("*.jsonl")) if given.is_dir() else [given]
    counting: dict[RowId, tuple[bool, int, int]] = {}
    for number, file in enumerate(files):
        for at, record in _records(file):
            found = (record["status"] == "answered", number, at)
            counting[record["id"]] = max(found, counting.get(record["id"], found))
    for number, file in enumerate(files):
        for at, record in _records(file):
            # What was written since is left out.
            if (place := counting.get(record["id"])) and place[1:] == (number, at):
                yield record


def _records(path: Path) -> Iterator[tuple[int, Record]]:
    with path.open("rb") as lines:
        for at, (_, record) in enumerate(_read_lines(lines, path)):
            if record is not None:
                yield at, record


def _read_lines(lines: IO[bytes], path: Path) -> Iterator[tuple[bytes, Record | None]]:
    """Each line with its record; ``None`` for a last one that is half written."""
    for number, line in enumerate(lines, 1):
        record = decode_record(line)
        # Only a line without its end can be half of one.
        if record is None and line.endswith(b"\n"):
            raise ResultsDamagedError(f"line {number} of {path} is no result of a batch: name another file, or mend it")
        yield line, record


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keep a folder of results for one run.

    Raises:
        ResultsInUseError: if another run has it.
    """
    with (folder / ".lock").open("a+b", buffering=0) as file:
        _lock(file, folder)
        yield


def _lock(file: io.FileIO, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ResultsInUseError(f"another run writes to {path}: wait for it, or name another file") from None
