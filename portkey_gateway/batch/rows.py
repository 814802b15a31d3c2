"""The rows of a batch: what a row has to be, and what comes of one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from portkey_gateway.batch.errors import RowError

RowId: TypeAlias = str | int
"""Tells a row from all others, in this run and in every later one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, as its caller gave it."""

    id: RowId
    values: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one row."""

    output: Any
    """The answer: its text, or what a chain made of it; something that JSON knows, or pydantic."""
    content: list[Any] | None = None
    """The answer's blocks, where it is more than text: tool calls, citations, thinking."""
    model: str | None = None
    """Who answered."""
    finish_reason: str | None = None
    """Why the answer ended, normalised: ``length`` says that it was cut off."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """Tokens by the names of ``Usage``, of all calls that it took; those that are 0 may be left out."""
    cost: float | None = None
    """What it cost in US dollars, if that is known."""

    @property
    def total_tokens(self) -> int | None:
        """Input and output together; ``None`` if they are not known."""
        return self.usage.get("input_tokens", 0) + self.usage.get("output_tokens", 0) if self.usage else None


@dataclass(frozen=True, slots=True)
class Job:
    """Which job a row belongs to, as its calls tell the gateway."""

    name: str
    """The label ``batch`` of all its calls."""
    trace_id: str
    """The trace of all its calls."""

    def labels(self, row: Row) -> dict[str, str]:
        """The labels by which the gateway's log finds a row: ``batch``, and ``row`` with its id."""
        return {"batch": self.name, "row": str(row.id)}


class Asking(Protocol):
    """Asks a model for the answer to a row, within a job. Called from many threads or tasks at once."""

    def ask(self, row: Row) -> Reply:
        """Ask for the answer to a row; whatever it raises is the row's error."""
        ...

    async def aask(self, row: Row) -> Reply:
        """Async twin of ``ask``."""
        ...


class BatchModel(Protocol):
    """A model of a framework, as batches take it: ``BatchModel`` of ``portkey_langchain`` or ``portkey_llamaindex``."""

    def job(self, job: Job) -> AbstractContextManager[Asking]:
        """Open the framework's own span around a job."""
        ...


def read_row(given: Any, number: int, id_column: str) -> Row:
    """Read a row as it was given.

    Args:
        given: a mapping.
        number: which row it is, from 1.
        id_column: where its id stands.

    Raises:
        RowError: if it is none, or has no id.
    """
    if not isinstance(given, Mapping):
        raise RowError(f"row {number} is a {type(given).__name__}: give mappings, such as {{'id': 'r1', 'prompt': …}}")
    row_id = given.get(id_column)
    if isinstance(row_id, bool) or not isinstance(row_id, (str, int)) or row_id == "":
        raise RowError(
            f"row {number} has no id: its {id_column!r} is {row_id!r}, and has to be a text or a whole number that no "
            "other row has; id_column= names another column"
        )
    return Row(row_id, given)
