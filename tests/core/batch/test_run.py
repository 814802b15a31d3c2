"""A batch: rows asked once and never held, tries, failures, and what ends it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portkey_gateway.batch import BatchError, Limits, Reply, RowError
from portkey_gateway.batch import work as work_module
from portkey_gateway.batch.rows import Row
from portkey_gateway.errors import (
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    PermissionDeniedError,
    PortkeyError,
    RateLimitError,
    ServerError,
)
from tests.support.batches import WAYS, Model, Running, echo, info, results

ROWS = [{"id": number, "prompt": f"say {number}"} for number in range(40)]


@pytest.fixture(params=list(WAYS))
def run(request: pytest.FixtureRequest) -> Running:
    return WAYS[request.param]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "out.jsonl"


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "FIRST_DELAY_S", 0.001)


def failing(errors: dict[Any, list[Exception]]) -> Model:
    """A model that fails so often, and so, for some rows."""

    def answer(row: Row) -> Reply:
        if errors.get(row.id):
            raise errors[row.id].pop(0)
        return echo(row)

    return Model(answer)


def test_every_row_is_asked_once_and_written(run: Running, out: Path) -> None:
    model = Model()
    summary = run(model, iter(ROWS), out, max_concurrency=4)
    assert Counter(model.asked) == Counter(range(40))
    assert {record["id"]: record["output"] for record in results(out)} == {n: f"say {n}" for n in range(40)}
    assert (summary.answered, summary.failed, summary.skipped, summary.tries) == (40, 0, 0, 40)
    assert (summary.input_tokens, summary.output_tokens, summary.cost) == (80, 40, None)
    assert 1 < model.most_at_once <= 4 or run is WAYS["sync"]
    assert model.most_at_once <= 4


def test_the_next_run_asks_what_is_missing_and_goes_on_in_the_same_trace(run: Running, out: Path) -> None:
    first = run(Model(), ROWS[:25], out)
    model = Model()
    second = run(model, ROWS, out)
    assert sorted(model.asked) == list(range(25, 40))
    assert (second.answered, second.skipped) == (15, 25)
    assert second.trace_id == first.trace_id == model.jobs[0].trace_id
    assert {record["trace_id"] for record in results(out)} == {first.trace_id}
    assert model.jobs[0].name == "out"


def test_rows_are_read_as_they_are_asked(run: Running, out: Path) -> None:
    model, ahead = Model(), []

    def rows() -> Iterator[dict[str, Any]]:
        for row in ROWS:
            ahead.append(row["id"])
            assert len(ahead) - len(model.asked) <= 4  # never more than are under way
            yield row

    assert run(model, rows(), out, max_concurrency=3).answered == 40


def test_what_may_pass_is_asked_again_in_the_same_run(run: Running, out: Path) -> None:
    model = failing({3: [RateLimitError("slow down", info=info(429)), RateLimitError("still", info=info(429))]})
    summary = run(model, ROWS, out)
    assert (summary.answered, summary.failed, summary.tries) == (40, 0, 42)
    assert next(record["tries"] for record in results(out) if record["id"] == 3) == 3


def test_a_rate_limit_holds_all_rows_back_as_long_as_the_provider_says(out: Path) -> None:
    model = failing({0: [RateLimitError("slow down", info=info(429, retry_after="0.3"))]})
    began_s = time.monotonic()
    WAYS["sync"](model, ROWS[:3], out, max_concurrency=1)
    assert time.monotonic() - began_s >= 0.3
    assert model.asked == [0, 0, 1, 2]


def test_what_may_have_been_charged_is_kept_as_failed_and_asked_again_only_if_one_says_so(
    run: Running, out: Path
) -> None:
    lost = APITimeoutError("no answer")
    lost.may_be_charged = True
    model = failing({7: [lost]})
    summary = run(model, ROWS, out)
    assert (summary.answered, summary.failed) == (39, 1)
    [record] = [record for record in results(out) if record["status"] == "failed"]
    assert record["error"] == {
        "type": "APITimeoutError",
        "message": "no answer",
        "is_retryable": True,
        "may_be_charged": True,
    }
    again = Model()
    assert run(again, ROWS, out).skipped == 40
    assert again.asked == []
    assert run(again, ROWS, out, retry_failed=True).answered == 1
    assert again.asked == [7]
    assert all(record["status"] == "answered" for record in results(out))


def test_the_errors_of_one_row_are_its_own(run: Running, out: Path) -> None:
    model = failing({1: [BadRequestError("too long", info=info(400))], 2: [KeyError("text")]})
    summary = run(model, ROWS, out)
    assert (summary.answered, summary.failed, summary.tries) == (38, 2, 40)
    errors = {record["id"]: record["error"] for record in results(out) if record["status"] == "failed"}
    assert errors[1]["status"] == 400
    assert errors[1]["type"] == "BadRequestError"
    assert errors[2] == {"type": "KeyError", "message": "'text'"}


def test_an_answer_that_json_does_not_know_is_a_failed_row(run: Running, out: Path) -> None:
    def answer(row: Row) -> Reply:
        return Reply(object()) if row.id == 5 else echo(row)

    assert run(Model(answer), ROWS, out).failed == 1
    [record] = [record for record in results(out) if record["status"] == "failed"]
    assert "is a object, which JSON does not know" in record["error"]["message"]


@pytest.mark.parametrize("error", [AuthenticationError, PermissionDeniedError, BudgetExceededError])
def test_what_fails_every_row_ends_the_batch_at_once(run: Running, out: Path, error: type[PortkeyError]) -> None:
    def refuse(_: Row) -> Reply:
        raise error("no", info=info(401))

    model = Model(refuse)
    with pytest.raises(BatchError, match="as every other would") as told:
        run(model, ROWS, out, max_concurrency=4)
    assert len(model.asked) <= 4
    assert isinstance(told.value.__cause__, error)
    assert told.value.summary is not None
    assert told.value.summary.failed == 0
    assert run(Model(), ROWS, out).answered == 40  # no row was kept as failed


def test_too_many_failures_in_a_row_end_it_and_what_failed_is_kept(run: Running, out: Path) -> None:
    def refuse(_: Row) -> Reply:
        raise BadRequestError("your credit balance is too low", info=info(400))

    with pytest.raises(BatchError, match=r"5 rows failed one after the other .*credit balance"):
        run(Model(refuse), ROWS, out, stop_after_failures=5, max_concurrency=1)
    assert len(list(results(out))) == 5
    assert run(Model(), ROWS, out, retry_failed=True).answered == 40


def test_failures_with_answers_between_do_not_end_it(run: Running, out: Path) -> None:
    def every_other(row: Row) -> Reply:
        if row.values["prompt"].endswith(("1", "3", "5", "7", "9")):
            raise BadRequestError("no", info=info(400))
        return echo(row)

    assert run(Model(every_other), ROWS, out, stop_after_failures=2, max_concurrency=1).failed == 20


def test_an_id_that_comes_twice_ends_it(run: Running, out: Path) -> None:
    with pytest.raises(RowError, match="row 4 has the id 1, which an earlier row has"):
        run(Model(), [*ROWS[:3], {"id": 1, "prompt": "again"}, *ROWS[3:]], out)
    assert run(Model(), ROWS, out).rows == 40


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"prompt": "no id"}, "row 3 has no id"),
        ({"id": None}, "row 3 has no id"),
        ({"id": True}, "row 3 has no id"),
        ({"id": ""}, "row 3 has no id"),
        ({"id": 1.5}, "row 3 has no id"),
        ("text", "row 3 is a str"),
    ],
)
def test_a_row_without_an_id_ends_it(run: Running, out: Path, row: Any, told: str) -> None:
    with pytest.raises(RowError, match=told):
        run(Model(), [*ROWS[:2], row], out)
    assert len(list(results(out))) == 2


def test_another_column_may_hold_the_id(run: Running, out: Path) -> None:
    assert run(Model(), [{"key": "a", "prompt": "x"}], out, id_column="key").answered == 1


def test_rows_that_cannot_be_read_end_it(run: Running, out: Path) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield ROWS[0]
        raise OSError("the disk is gone")

    with pytest.raises(BatchError, match="row 2 cannot be read: the disk is gone"):
        run(Model(), rows(), out)
    assert len(list(results(out))) == 1


def test_a_result_that_cannot_be_written_ends_it(run: Running, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("portkey_gateway.batch.results.ResultsFile.add", full)
    model = Model()
    with pytest.raises(BatchError, match="No space left"):
        run(model, ROWS, out, max_concurrency=2)
    assert len(model.asked) <= 2


def test_a_row_that_waits_for_its_next_try_is_left_when_the_batch_ends(run: Running, out: Path) -> None:
    waiting = ServerError("busy", info=info(503, retry_after="60"))
    model = failing({0: [waiting], 1: [AuthenticationError("no", info=info(401))]})
    began_s = time.monotonic()
    with pytest.raises(BatchError, match="row 1 failed as every other would"):
        run(model, ROWS, out, max_concurrency=2)
    assert time.monotonic() - began_s < 30
    assert 0 not in {record["id"] for record in results(out)}


def test_limits_are_kept(run: Running, out: Path) -> None:
    began_s = time.monotonic()
    run(Model(), ROWS[:5], out, limits=Limits(requests_per_minute=1200))
    assert time.monotonic() - began_s >= 4 * 0.05


@pytest.mark.parametrize("option", [{"max_concurrency": 0}, {"retries": -1}, {"stop_after_failures": 0}])
def test_options_out_of_range_are_refused_before_anything_is_written(
    run: Running, out: Path, option: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        run(Model(), ROWS, out, **option)
    assert not out.exists()
