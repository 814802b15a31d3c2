"""Many prompts: asked within limits, written as they are answered, and gone on with where a run ended."""

from portkey_gateway.batch.errors import BatchError, ResultsDamagedError, ResultsInUseError, RowError
from portkey_gateway.batch.limits import Limits
from portkey_gateway.batch.message_batches import BatchStatus, MessageBatches
from portkey_gateway.batch.options import BatchOptions
from portkey_gateway.batch.parquet import write_parquet
from portkey_gateway.batch.records import Failure, Record
from portkey_gateway.batch.results import read_results
from portkey_gateway.batch.rows import Reply
from portkey_gateway.batch.run import arun_batch, run_batch
from portkey_gateway.batch.summary import BatchSummary

__all__ = [
    "BatchError",
    "BatchOptions",
    "BatchStatus",
    "BatchSummary",
    "Failure",
    "Limits",
    "MessageBatches",
    "Record",
    "Reply",
    "ResultsDamagedError",
    "ResultsInUseError",
    "RowError",
    "arun_batch",
    "read_results",
    "run_batch",
    "write_parquet",
]
