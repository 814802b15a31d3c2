"""Message Batches: created, looked at, cancelled, and their results as JSON lines.

Source: Anthropic's API reference, "Message Batches", the guide "Batch processing", and `anthropic.types.messages`. Each
request is judged by itself and later, so that a wrong one is an `errored` result; the batch itself is judged at once.
"""

import json
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from portkey_gateway.sandbox.claude.errors import ClaudeError, invalid, not_found

MAX_REQUESTS: Final = 100_000
PROCESSING_S: Final = 0.3
"""Seconds until a batch has ended; a real one takes minutes, and 24 hours at the most."""

_CUSTOM_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_OUTCOMES: Final = ("succeeded", "errored", "canceled", "expired")
Result = dict[str, Any]


@dataclass(slots=True)
class MessageBatch:
    """One batch.

    Attributes:
        id: Its name.
        requests: What is asked, by custom id.
        created: When, in seconds since the epoch.
        canceled: When that was asked for, if it was.
        results: The outcomes, by custom id, once it has ended.
    """

    id: str
    requests: dict[str, dict[str, Any]]
    created: float = field(default_factory=time.time)
    canceled: float | None = None
    results: dict[str, Result] | None = None


class MessageBatches:
    """All batches of one emulated Claude; safe to use from any thread."""

    def __init__(self) -> None:
        self._batches: dict[str, MessageBatch] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all batches."""
        with self._lock:
            self._batches.clear()

    def create(self, body: object) -> MessageBatch:
        """Take a batch.

        Raises:
            ClaudeError: 400, it is none.
        """
        batch = MessageBatch(f"msgbatch_{secrets.token_hex(12)}", _read(body))
        with self._lock:
            self._batches[batch.id] = batch
        return batch

    def get(self, batch_id: str, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> MessageBatch:
        """Return a batch; one whose time has come is answered now.

        Args:
            batch_id: Its name.
            answer: Answers one request, or refuses it.

        Raises:
            ClaudeError: 404, there is no such batch.
        """
        with self._lock:
            batch = self._batches.get(batch_id)
            if batch is None:
                raise not_found(f"Message batch {batch_id} not found")
            if batch.results is None and time.time() - batch.created >= PROCESSING_S:
                batch.results = {
                    custom_id: {"type": "canceled"} if batch.canceled else _outcome(params, answer)
                    for custom_id, params in batch.requests.items()
                }
        return batch


def show(batch: MessageBatch, url: str) -> dict[str, Any]:
    """Return what is said of a batch.

    Args:
        batch: The batch.
        url: Where the API is, without `/v1`.
    """
    counts: Counter[str] = Counter(result["type"] for result in (batch.results or {}).values())
    ended = batch.results is not None
    status: Literal["ended", "canceling", "in_progress"] = (
        "ended" if ended else "canceling" if batch.canceled else "in_progress"
    )
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {
            "processing": 0 if ended else len(batch.requests),
            **{outcome: counts[outcome] for outcome in _OUTCOMES},
        },
        "created_at": _at(batch.created),
        "expires_at": _at(batch.created + timedelta(hours=24).total_seconds()),
        "ended_at": _at(batch.created + PROCESSING_S) if ended else None,
        "cancel_initiated_at": _at(batch.canceled) if batch.canceled else None,
        "archived_at": None,
        "results_url": f"{url}/v1/messages/batches/{batch.id}/results" if ended else None,
    }


def result_lines(batch: MessageBatch) -> Iterable[bytes]:
    """Return the results, one line each, not in the order of the requests.

    Raises:
        ClaudeError: 404, it has not ended.
    """
    if batch.results is None:
        raise not_found(f"Message batch {batch.id} has no results yet")
    for custom_id, result in reversed(batch.results.items()):
        yield json.dumps({"custom_id": custom_id, "result": result}, ensure_ascii=False).encode() + b"\n"


def _read(body: object) -> dict[str, dict[str, Any]]:
    """Read the requests of a batch, by custom id."""
    if not isinstance(body, dict) or not isinstance(requests := body.get("requests"), list):
        raise invalid("requests: Field required")
    if extra := body.keys() - {"requests"}:
        raise invalid(f"{min(extra)}: Extra inputs are not permitted")
    if not 1 <= len(requests) <= MAX_REQUESTS:
        raise invalid(f"requests: List should have at least 1 item and at most {MAX_REQUESTS}, not {len(requests)}")
    found: dict[str, dict[str, Any]] = {}
    for number, request in enumerate(requests):
        if not isinstance(request, dict) or request.keys() != {"custom_id", "params"}:
            raise invalid(f"requests.{number}: Input should have custom_id and params, and nothing else")
        custom_id, params = request["custom_id"], request["params"]
        if not isinstance(custom_id, str) or not _CUSTOM_ID.fullmatch(custom_id):
            raise invalid(f"requests.{number}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
        if custom_id in found:
            raise invalid(f"requests.{number}.custom_id: duplicate custom_id {custom_id!r}")
        if not isinstance(params, dict):
            raise invalid(f"requests.{number}.params: Input should be an object")
        if params.get("stream"):
            raise invalid(f"requests.{number}.params.stream: streaming is not supported in batches")
        found[custom_id] = params
    return found


def _outcome(params: dict[str, Any], answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Result:
    try:
        return {"type": "succeeded", "message": answer(params)}
    except ClaudeError as error:
        return {"type": "errored", "error": error.body(f"req_{secrets.token_hex(12)}")}


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
