"""The results file: what a crash leaves, who may write, what counts of a row."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from portkey_gateway.batch import ResultsDamagedError, ResultsInUseError, read_results, run_batch
from portkey_gateway.batch.results import ResultsFile
from portkey_gateway.errors import PortkeyWarning
from tests.support.batches import Model

ROWS = [{"id": f"r{number}", "prompt": f"say {number}"} for number in range(5)]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The results of a whole run, in the order of the rows."""
    run_batch(Model(), ROWS, tmp_path / "out.jsonl", max_concurrency=1)
    return tmp_path / "out.jsonl"


@pytest.mark.parametrize("kept", range(1, 30))
def test_half_a_last_line_is_taken_away_and_its_row_asked_again(written: Path, kept: int) -> None:
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[:4]) + lines[4][:kept])
    model = Model()
    with pytest.warns(PortkeyWarning, match="half written"):
        run_batch(model, ROWS, written)
    assert model.asked == ["r4"]
    assert written.read_bytes().splitlines(keepends=True)[:4] == lines[:4]
    assert [record["id"] for record in read_results(written)] == ["r0", "r1", "r2", "r3", "r4"]


def test_a_last_line_that_misses_only_its_end_counts(written: Path) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole[:-1])
    model = Model()
    run_batch(model, [*ROWS, {"id": "new", "prompt": "more"}], written)
    assert model.asked == ["new"]
    assert written.read_bytes().startswith(whole)
    assert len(list(read_results(written))) == 6


def test_half_a_line_may_end_inside_a_character(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    run_batch(Model(), [{"id": 1, "prompt": "ü" * 50}], path)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index("ü".encode()) + 1])
    with pytest.warns(PortkeyWarning, match="half written"):
        assert run_batch(Model(), [{"id": 1, "prompt": "ü" * 50}], path).answered == 1
    assert json.loads(path.read_text())["output"] == "ü" * 50


@pytest.mark.parametrize("line", [b"not JSON\n", b'{"id": 1}\n', b"[]\n", b"\n", b'{"status": "answered"}\n'])
def test_a_line_in_the_middle_that_no_batch_wrote_is_an_error_and_left(written: Path, line: bytes) -> None:
    whole = written.read_bytes()
    written.write_bytes(line + whole)
    with pytest.raises(ResultsDamagedError, match=r"line 1 of .*out\.jsonl"):
        run_batch(Model(), ROWS, written)
    assert written.read_bytes() == line + whole
    with pytest.raises(ResultsDamagedError):
        list(read_results(written))


def test_two_runs_do_not_write_to_one_file(written: Path) -> None:
    with ResultsFile(written), pytest.raises(ResultsInUseError, match="another run"):
        run_batch(Model(), ROWS, written)
    run_batch(Model(), ROWS, written)  # the first one is over


def test_another_process_does_not_either(written: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from portkey_gateway.batch.errors import ResultsInUseError\n"
        "from portkey_gateway.batch.results import ResultsFile\n"
        "try:\n    ResultsFile(Path(sys.argv[1]))\n"
        "except ResultsInUseError:\n    print('in use')\n"
    )
    with ResultsFile(written):
        told = subprocess.run([sys.executable, "-c", code, str(written)], capture_output=True, text=True, check=True)  # noqa: S603
    assert told.stdout == "in use\n"


def test_nothing_is_written_once_it_is_closed(tmp_path: Path) -> None:
    file = ResultsFile(tmp_path / "out.jsonl")
    file.close()
    assert not file.add(b"{}\n")
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_a_file_that_is_being_written_can_be_read(written: Path) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole + b'{"id": "r9", "sta')
    assert [record["id"] for record in read_results(written)] == [row["id"] for row in ROWS]


def test_what_is_written_while_a_file_is_read_waits_for_the_next_reading(written: Path) -> None:
    reading = read_results(written)
    assert next(reading)["id"] == "r0"
    run_batch(Model(), [*ROWS, {"id": "new", "prompt": "more"}], written)
    assert [record["id"] for record in reading] == ["r1", "r2", "r3", "r4"]


def test_an_answer_counts_before_a_failure_whichever_file_it_stands_in(tmp_path: Path) -> None:
    for name, status in (("a", "answered"), ("b", "failed")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"id": 1, "status": status}) + "\n")
    [record] = read_results(tmp_path)
    assert record["status"] == "answered"


def test_a_folder_of_results_is_read_as_one(tmp_path: Path) -> None:
    run_batch(Model(), ROWS[:3], tmp_path / "a.jsonl")
    run_batch(Model(), ROWS[2:], tmp_path / "b.jsonl")
    assert sorted(str(record["id"]) for record in read_results(tmp_path)) == [row["id"] for row in ROWS]
