"""The bar of a batch, its results as Parquet, what it holds in memory, and what is said of its options."""

from __future__ import annotations

import dataclasses
import json
import sys
import tracemalloc
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from portkey_gateway.batch import BatchOptions, Reply, run_batch, write_parquet
from portkey_gateway.batch.options import Settings
from portkey_gateway.batch.rows import Row
from portkey_gateway.errors import BadRequestError
from tests.support.batches import Model, info

PARQUET: Any = import_module("pyarrow.parquet")
ROWS = [{"id": number, "prompt": f"say {number}"} for number in range(30)]


def answer(row: Row) -> Reply:
    """One row fails, one is an object, the rest are text that costs."""
    if row.id == 3:
        raise BadRequestError("too long", info=info(400))
    if row.id == 4:
        return Reply({"city": "Kiel"}, content=[{"type": "tool_call"}])
    return Reply("ä" * 5, model="claude", finish_reason="stop", usage={"input_tokens": 2, "output_tokens": 1}, cost=0.5)


def test_the_bar_ends_at_all_rows_with_failures_tokens_and_cost(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_batch(Model(), ROWS[:10], tmp_path / "night.jsonl")
    run_batch(Model(answer), ROWS, tmp_path / "night.jsonl", progress=True)
    last = capfd.readouterr().err.split("\r")[-1]
    assert "night: 100%" in last
    assert "30/30" in last
    assert "before=10" in last
    assert "tokens=60" in last
    assert "cost=$10.0000" in last
    assert "failed" not in last


def test_the_bar_counts_rows_whose_number_nobody_knows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_batch(Model(), iter(ROWS), tmp_path / "a.jsonl", progress=True)
    run_batch(Model(), iter(ROWS), tmp_path / "b.jsonl", progress=True, total=60)
    told = capfd.readouterr().err
    assert "30row" in told
    assert "30/60" in told


def test_without_tqdm_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.std", None)
    with pytest.raises(ImportError, match=r"portkey-frameworks\[batch\]"):
        run_batch(Model(), ROWS, tmp_path / "a.jsonl", progress=True)
    assert run_batch(Model(), ROWS, tmp_path / "a.jsonl").answered == 30


def test_parquet_holds_each_row_once_and_is_made_anew_by_each_run(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    run_batch(Model(answer), ROWS, path)
    table = {row["id"]: row for row in PARQUET.read_table(path).to_pylist()}
    assert len(table) == 30
    assert table["0"] | {"trace_id": ""} == {
        "id": "0",
        "status": "answered",
        "output": "äääää",
        "content": None,
        "model": "claude",
        "finish_reason": "stop",
        "input_tokens": 2,
        "output_tokens": 1,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "cost": 0.5,
        "error_type": None,
        "error_message": None,
        "error_status": None,
        "tries": 1,
        "trace_id": "",
    }
    assert (table["3"]["status"], table["3"]["error_status"], table["3"]["output"]) == ("failed", 400, None)
    assert json.loads(table["4"]["output"]) == {"city": "Kiel"}
    model = Model()
    run_batch(model, ROWS, path, retry_failed=True)
    assert model.asked == [3]
    statuses = PARQUET.read_table(path).column("status").to_pylist()
    assert statuses == ["answered"] * 30


def test_parquet_of_many_rows_is_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portkey_gateway.batch.parquet._ROWS_OF_A_GROUP", 7)
    run_batch(Model(), ROWS, tmp_path / "out.jsonl")
    assert write_parquet(tmp_path / "out.jsonl", tmp_path / "out.parquet") == 30
    assert PARQUET.ParquetFile(tmp_path / "out.parquet").num_row_groups == 5
    assert not list(tmp_path.glob("*.part"))


def test_without_pyarrow_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    model = Model()
    with pytest.raises(ImportError, match=r"portkey-frameworks\[parquet\]"):
        run_batch(model, ROWS, tmp_path / "out.parquet")
    assert not model.asked


def test_rows_and_answers_are_not_held(tmp_path: Path) -> None:
    big = "x" * 20_000  # 2,000 rows of 40 kB are 80 MB

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(2000):
            yield {"id": number, "prompt": big + str(number)}

    tracemalloc.start()
    try:
        run_batch(Model(), rows(), tmp_path / "out.jsonl", max_concurrency=8)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out.jsonl").stat().st_size > 2000 * len(big)
    assert most < 10_000_000


def test_every_option_has_its_default() -> None:
    assert set(get_type_hints(BatchOptions)) == {field.name for field in dataclasses.fields(Settings)}
