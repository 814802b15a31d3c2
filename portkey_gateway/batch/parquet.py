"""Results as a Parquet file (extra ``parquet``): a table that pandas, Polars, DuckDB and Spark read."""

from __future__ import annotations

import json
import os
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

from portkey_gateway.batch.records import Record
from portkey_gateway.batch.results import read_results

PARQUET_SUFFIX: Final = ".parquet"
_ROWS_OF_A_GROUP: Final = 10_000
_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def check_parquet() -> None:
    """Look whether Parquet files can be written.

    Raises:
        ImportError: if pyarrow is not installed, naming the extra.
    """
    _pyarrow()


def write_parquet(results: str | os.PathLike[str], path: str | os.PathLike[str]) -> int:
    """Make a Parquet file of results, with one row for each row of the batch; it is there whole or not at all.

    Its columns are those of ``Record``: ``id`` as text, ``output`` as it is where it is text and else as JSON,
    ``content`` as JSON, the tokens and the error one column each. Holds 10,000 rows at a time, and the ids.

    Args:
        results: a results file, or a folder of them.
        path: the file to write; one that is there is replaced.

    Returns:
        How many rows it has.

    Raises:
        ImportError: if pyarrow is not installed, naming the extra.
    """
    arrow, parquet = _pyarrow()
    text, count = arrow.string(), arrow.int64()
    columns: dict[str, Any] = {
        **dict.fromkeys(("id", "status", "output", "content", "model", "finish_reason"), text),
        **dict.fromkeys(_TOKENS, count),
        "cost": arrow.float64(),
        **dict.fromkeys(("error_type", "error_message"), text),
        "error_status": count,
        "tries": count,
        "trace_id": text,
    }
    schema = arrow.schema(list(columns.items()))
    unfinished = Path(f"{os.fspath(path)}.part")
    records, written = read_results(results), 0
    with parquet.ParquetWriter(unfinished, schema) as writer:
        while rows := [_as_columns(record) for record in islice(records, _ROWS_OF_A_GROUP)]:
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
            written += len(rows)
    unfinished.replace(path)
    return written


def _as_columns(record: Record) -> dict[str, Any]:
    output, content, error, usage = (record.get(name) for name in ("output", "content", "error", "usage"))
    failure: Any = error or {}
    counts: Any = usage or {}
    return {
        **{name: record.get(name) for name in ("status", "model", "finish_reason", "cost", "tries", "trace_id")},
        "id": str(record["id"]),
        "output": output if output is None or isinstance(output, str) else json.dumps(output, ensure_ascii=False),
        "content": json.dumps(content, ensure_ascii=False) if content else None,
        **{name: counts.get(name, 0) if counts else None for name in _TOKENS},
        "error_type": failure.get("type"),
        "error_message": failure.get("message"),
        "error_status": failure.get("status"),
    }


def _pyarrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError("a Parquet file needs pyarrow: pip install 'portkey-frameworks[parquet]'") from error
