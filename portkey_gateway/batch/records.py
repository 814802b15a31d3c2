"""What a results file says of a row: one JSON object a line. Pure."""

from __future__ import annotations

import json
from typing import Any, Literal, NotRequired, TypedDict, TypeGuard

from pydantic_core import to_json

from portkey_gateway.batch.rows import Reply, Row, RowId
from portkey_gateway.errors import PortkeyError


class Failure(TypedDict):
    """The error that a row failed with."""

    type: str
    """Its class."""
    message: str
    status: NotRequired[int]
    """The HTTP status, if one came."""
    is_retryable: NotRequired[bool]
    """Whether asking again may succeed."""
    may_be_charged: NotRequired[bool]
    """Whether the answer was lost on the way, so that asking again may be charged a second time."""


class Record(TypedDict):
    """One line of a results file."""

    id: RowId
    status: Literal["answered", "failed"]
    output: NotRequired[Any]
    """The fields up to ``cost`` are those of ``Reply``, where they are known."""
    content: NotRequired[list[Any]]
    model: NotRequired[str]
    finish_reason: NotRequired[str]
    usage: NotRequired[dict[str, int]]
    cost: NotRequired[float]
    error: NotRequired[Failure]
    tries: int
    """How often it was asked in the run that wrote this."""
    trace_id: str
    """The trace of its calls; the row's id is their label ``row``."""


def answered(row: Row, reply: Reply, *, tries: int, trace_id: str) -> Record:
    """The record of a row that was answered."""
    record: Record = {"id": row.id, "status": "answered", "output": reply.output, "tries": tries, "trace_id": trace_id}
    told: dict[str, Any] = {
        "content": reply.content,
        "model": reply.model,
        "finish_reason": reply.finish_reason,
        "usage": {name: count for name, count in reply.usage.items() if count},
        "cost": reply.cost,
    }
    record.update({name: value for name, value in told.items() if value not in (None, {})})  # type: ignore[typeddict-item]
    return record


def failed(row: Row, error: Exception, *, tries: int, trace_id: str) -> Record:
    """The record of a row that failed."""
    failure: Failure = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, PortkeyError):
        failure["is_retryable"], failure["may_be_charged"] = error.is_retryable, error.may_be_charged
        if error.status is not None:
            failure["status"] = error.status
    return {"id": row.id, "status": "failed", "error": failure, "tries": tries, "trace_id": trace_id}


def encode_record(record: Record) -> bytes:
    """Write a record as one line.

    Raises:
        ValueError: if its output is nothing that JSON knows.
    """
    return to_json(record, inf_nan_mode="strings") + b"\n"


def decode_record(line: bytes) -> Record | None:
    """Read a line; ``None`` if it is no whole record."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if _is_record(record) else None


def _is_record(value: Any) -> TypeGuard[Record]:
    return isinstance(value, dict) and "id" in value and value.get("status") in {"answered", "failed"}
