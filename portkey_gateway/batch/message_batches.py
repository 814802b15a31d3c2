"""Anthropic's Message Batches through the gateway: half the price, within 24 hours; the same rows, the same results.

The open-source gateway 1.15.2 passes ``/messages/batches`` on as it is (tried: create, look at, results, cancel).
Source of the rest: Anthropic's guide "Batch processing".
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from pydantic_core import from_json, to_json

from portkey_gateway.batch.errors import BatchError, RowError
from portkey_gateway.batch.models import check_batch_model
from portkey_gateway.batch.records import answered, encode_record, failed
from portkey_gateway.batch.results import ResultsFile
from portkey_gateway.batch.rows import Reply, Row, RowId, read_row
from portkey_gateway.batch.run import active_trace_id
from portkey_gateway.batch.submissions import Submissions
from portkey_gateway.batch.summary import BatchSummary
from portkey_gateway.client import GatewayClient
from portkey_gateway.conversation.answer import Answer
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.error_bodies import decode_not_an_answer
from portkey_gateway.errors import PortkeyError
from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages.stream import DECODING
from portkey_gateway.other_routes import read_object
from portkey_gateway.prompts.library import Question
from portkey_gateway.tracing.context import TraceContext, encode_metadata

PATH: Final = "/messages/batches"
MAX_ROWS: Final = 10_000
"""Rows of one batch. Anthropic takes 100,000, or 256 MB; results are read whole, and may have 256 MB here."""
MAX_BYTES: Final = 100_000_000
"""Bytes that the requests of one batch may have together."""
DISCOUNT: Final = 0.5
"""What a batch costs of the usual price."""

_PASSING: Final = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})


class BatchedModel(Protocol):
    """A model of a framework, as Message Batches take it: ``BatchModel`` around ``ChatPortkey`` or ``Portkey``."""

    def batched(self, row: Row | None) -> tuple[GatewayClient, ChatRequest]:
        """The request for a row, and the client that would send it; without a row only the client matters."""
        ...

    def read(self, answer: Answer) -> Reply:
        """What an answer gives for its row."""
        ...


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far one batch is."""

    id: str
    """Anthropic's name for it."""
    status: Literal["in_progress", "canceling", "ended"]
    counts: Mapping[str, int]
    """Its rows: ``processing``, ``succeeded``, ``errored``, ``canceled``, ``expired``."""


class MessageBatches:
    """Asks for rows by Anthropic's Message Batches, and writes the answers into a results file as ``run_batch`` does.

    Said again in another process, it knows what was submitted: it stands beside the results, in ``….submitted``.
    ``run_batch`` with the same file asks for what is still missing, at once and at the full price.

    Example:
        ```python
        batches = MessageBatches(BatchModel(model), "answers.jsonl")
        batches.submit(rows)
        while any(batch.status != "ended" for batch in batches.poll()):
            time.sleep(60)
        batches.results()
        ```

    Args:
        model: ``BatchModel`` around a ``ChatPortkey`` or a ``Portkey`` that surely asks a Claude of Anthropic's.
        results: the file to write.
        id_column: where a row's id stands.
        name: the label ``batch`` of the calls; by default the name of the results.

    Raises:
        TypeError: if ``model`` is no ``BatchModel``.
    """

    def __init__(
        self, model: BatchedModel, results: str | os.PathLike[str], *, id_column: str = "id", name: str | None = None
    ) -> None:
        check_batch_model(model)
        self._model = model
        self._path = Path(results)
        self._id_column = id_column
        self._name = name or self._path.stem

    def submit(
        self, rows: Iterable[Any], *, retry_failed: bool = False, resubmit_lost: bool = False, max_rows: int = MAX_ROWS
    ) -> list[str]:
        """Submit all rows that have no result yet, and are in no batch under way.

        Args:
            rows: as ``run_batch`` takes them.
            retry_failed: submit again what failed.
            resubmit_lost: submit again what a batch held of which nobody knows whether it was taken: the answer to its
                submission was lost. It may then be charged twice.
            max_rows: the most rows of one batch.

        Returns:
            The ids of the new batches.

        Raises:
            BatchError: if a submission was lost before, and ``resubmit_lost`` does not say what to do.
            RowError: if a row has no id, or that of another.
            EncodingError: if the model is none that Message Batches have. A row that cannot be asked is written as
                failed.
            PortkeyError: if a submission fails.
        """
        with ExitStack() as stack:
            file = stack.enter_context(ResultsFile(self._path))
            known = Submissions(self._path)
            if known.lost and not resubmit_lost:
                raise BatchError(
                    f"the answer to a submission of {len(known.lost)} rows was lost, so that it may be under way: look "
                    "whether Anthropic's console has a batch more than poll() tells, or say resubmit_lost=True, which "
                    "may be charged twice"
                )
            done = file.answered | known.under_way | (set() if retry_failed else file.failed)
            trace_id = known.trace_id or file.trace_id or active_trace_id()
            client, asked = self._model.batched(None)
            client.check_batched(asked)
            waiting, submitted = self._waiting(rows, done, file, trace_id), []
            while part := _part(waiting, max_rows):
                submitted.append(self._submit(part, known, trace_id))
            return submitted

    def poll(self) -> list[BatchStatus]:
        """Ask how far the batches are whose results were not fetched yet.

        Raises:
            PortkeyError: if a call fails.
        """
        return [self._status(batch) for batch in Submissions(self._path).batches]

    def results(self) -> BatchSummary:
        """Fetch the results of all batches that have ended, and write them; the others stay for the next time.

        A row that Anthropic refused, or did not come to within 24 hours, is written as failed.

        Raises:
            PortkeyError: if a call fails; what was fetched before is written.
        """
        with ResultsFile(self._path) as file:
            known = Submissions(self._path)
            summary = BatchSummary(known.trace_id or file.trace_id or active_trace_id())
            for batch, ids in [*known.batches.items()]:
                if self._status(batch).status == "ended":
                    summary = self._collect(batch, ids, file, summary)
                    known.collected(batch)
        return summary

    def _waiting(
        self, rows: Iterable[Any], done: set[RowId], file: ResultsFile, trace_id: str
    ) -> Iterator[tuple[Row, dict[str, Any], tuple[str, ...]]]:
        seen: set[RowId] = set()
        for number, given in enumerate(rows, 1):
            row = read_row(given, number, self._id_column)
            if row.id in seen:
                raise RowError(f"row {number} has the id {row.id!r}, which an earlier row has: each needs its own")
            seen.add(row.id)
            if row.id in done:
                continue
            try:
                client, request = self._model.batched(row)
                params, betas = client.batched_request(request)
            except Exception as error:  # noqa: BLE001 the error of a row is its own, whatever the caller's prompt raises
                file.add(encode_record(failed(row, error, tries=0, trace_id=trace_id)))
            else:
                yield row, params, betas

    def _submit(
        self, part: list[tuple[Row, dict[str, Any], tuple[str, ...]]], known: Submissions, trace_id: str
    ) -> str:
        ids = [row.id for row, _, _ in part]
        requests = [{"custom_id": custom_id(row.id), "params": params} for row, params, _ in part]
        betas = sorted({beta for _, _, each in part for beta in each})
        headers = {**self._labels(trace_id), **({"anthropic-beta": ",".join(betas)} if betas else {})}
        begun = known.begin(ids, trace_id)
        question = Question(PATH, _read_batch, {"requests": requests}, headers, is_free=False)
        try:
            told = self._client().ask(question)
        except PortkeyError as error:
            if not error.may_be_charged:
                known.refused(begun)
            raise
        known.taken(begun, told["id"])
        return str(told["id"])

    def _status(self, batch: str) -> BatchStatus:
        told = self._client().ask(Question(f"{PATH}/{batch}", _read_batch))
        return BatchStatus(batch, told["processing_status"], told["request_counts"])

    def _collect(self, batch: str, ids: list[RowId], file: ResultsFile, summary: BatchSummary) -> BatchSummary:
        rows = {custom_id(row_id): Row(row_id, {}) for row_id in ids}
        outcomes = self._client().ask(Question(f"{PATH}/{batch}/results", _read_results))
        for found, outcome, info in outcomes:
            row = rows.pop(found, None)
            if row is None or row.id in file.answered:
                continue
            summary = self._write(row, outcome, info, file, summary)
        for row in rows.values():
            if row.id not in file.answered:
                summary = self._write(row, {"type": "missing"}, None, file, summary)
        return summary

    def _write(
        self, row: Row, outcome: Mapping[str, Any], info: GatewayInfo | None, file: ResultsFile, summary: BatchSummary
    ) -> BatchSummary:
        trace_id = summary.trace_id
        try:
            if outcome["type"] != "succeeded" or info is None:
                raise _failure(outcome)
            reply = self._model.read(DECODING.decode(to_json(outcome["message"]), info))
            if reply.cost is not None:
                reply = replace(reply, cost=reply.cost * DISCOUNT)
            file.add(encode_record(answered(row, reply, tries=1, trace_id=trace_id)))
        except (PortkeyError, ValueError) as error:
            file.add(encode_record(failed(row, error, tries=1, trace_id=trace_id)))
            return replace(summary, failed=summary.failed + 1, tries=summary.tries + 1)
        return replace(
            summary,
            answered=summary.answered + 1,
            tries=summary.tries + 1,
            input_tokens=summary.input_tokens + reply.usage.get("input_tokens", 0),
            output_tokens=summary.output_tokens + reply.usage.get("output_tokens", 0),
            cost=summary.cost if reply.cost is None else (summary.cost or 0.0) + reply.cost,
        )

    def _client(self) -> GatewayClient:
        return self._model.batched(None)[0]

    def _labels(self, trace_id: str) -> dict[str, str]:
        labels = encode_metadata({"batch": self._name})
        return {**TraceContext(trace_id).render_headers(), **({"x-portkey-metadata": labels} if labels else {})}


def custom_id(row_id: RowId) -> str:
    """What a row is called in a batch: Anthropic takes 64 letters, digits, hyphens and underscores at the most."""
    return hashlib.sha256(repr(row_id).encode()).hexdigest()[:40]


def _part(
    waiting: Iterator[tuple[Row, dict[str, Any], tuple[str, ...]]], max_rows: int
) -> list[tuple[Row, dict[str, Any], tuple[str, ...]]]:
    part, size = [], 0
    for each in islice(waiting, max_rows):
        part.append(each)
        size += len(to_json(each[1]))
        if size >= MAX_BYTES:
            break
    return part


def _read_batch(content: bytes, info: GatewayInfo) -> dict[str, Any]:
    told = read_object(content)
    if told.get("type") != "message_batch":
        raise decode_not_an_answer(content, info, "the gateway answered with no message batch: it may not pass them on")
    return told


def _read_results(content: bytes, info: GatewayInfo) -> list[tuple[str, dict[str, Any], GatewayInfo]]:
    try:
        lines = [from_json(line) for line in content.splitlines() if line]
        return [(line["custom_id"], line["result"], info) for line in lines]
    except (ValueError, LookupError, TypeError):
        raise decode_not_an_answer(content, info, "the gateway answered with no results of a message batch") from None


def _failure(outcome: Mapping[str, Any]) -> PortkeyError:
    """The error of a row that was not answered."""
    kind = outcome["type"]
    told = (outcome.get("error") or {}).get("error") or {}
    error_type = told.get("type") or kind
    error = PortkeyError(f"{error_type}: {told.get('message') or 'the batch ended before it was answered'}")
    error.is_retryable = kind != "errored" or error_type in _PASSING
    return error
