"""What was submitted to Message Batches, kept beside a results file: JSON lines, one before and one after each step."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from portkey_gateway.batch.rows import RowId


class Submissions:
    """The submissions for one results file, which is open meanwhile, so that no other run writes here.

    A submission is written down before it is sent, and again when it was taken: one that has no second line was lost.

    Args:
        results: the results file; this one has ``.submitted`` behind its name.
    """

    def __init__(self, results: Path) -> None:
        self._path = results.with_name(f"{results.name}.submitted")
        self.batches: dict[str, list[RowId]] = {}
        """By the ids of the batches whose results were not fetched yet, the ids of their rows."""
        self.trace_id: str | None = None
        """The trace of the calls."""
        self._begun: dict[int, list[RowId]] = {}
        self._count = 0
        if self._path.exists():
            written = self._path.read_bytes()
            whole = written[: written.rfind(b"\n") + 1]
            if whole != written:
                # Half a line is a step that was not taken, or one of which the answer is not known.
                os.truncate(self._path, len(whole))
            for line in whole.splitlines():
                self._note(json.loads(line))

    @property
    def lost(self) -> set[RowId]:
        """Rows of submissions of which nobody knows whether they were taken."""
        return {row_id for ids in self._begun.values() for row_id in ids}

    @property
    def under_way(self) -> set[RowId]:
        """Rows of batches whose results were not fetched yet."""
        return {row_id for ids in self.batches.values() for row_id in ids}

    def begin(self, ids: Sequence[RowId], trace_id: str) -> int:
        """Note that rows are about to be submitted; returns the number of the submission."""
        number = self._count
        self._add({"begun": number, "rows": list(ids), "trace_id": trace_id})
        return number

    def taken(self, number: int, batch: str) -> None:
        """Note that a submission was taken."""
        self._add({"taken": number, "batch": batch})

    def refused(self, number: int) -> None:
        """Note that a submission was surely not taken."""
        self._add({"refused": number})

    def collected(self, batch: str) -> None:
        """Note that all results of a batch are written."""
        self._add({"collected": batch})

    def _add(self, line: Mapping[str, Any]) -> None:
        with self._path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._note(line)

    def _note(self, line: Mapping[str, Any]) -> None:
        if "begun" in line:
            self._begun[line["begun"]] = line["rows"]
            self._count = line["begun"] + 1
            self.trace_id = line["trace_id"]
        elif "taken" in line:
            self.batches[line["batch"]] = self._begun.pop(line["taken"])
        elif "refused" in line:
            self._begun.pop(line["refused"], None)
        else:
            self.batches.pop(line["collected"], None)
