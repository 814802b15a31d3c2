"""Anthropic's Message Batches from both frameworks, through the real gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import portkey_langchain.batch
import portkey_llamaindex.batch
from portkey_gateway.batch import BatchError, MessageBatches, RowError, run_batch
from portkey_gateway.batch.submissions import Submissions
from portkey_gateway.errors import AuthenticationError, EncodingError, PortkeyError
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.support.batches import results

ROWS = [{"id": number, "prompt": f"Say hello {number}."} for number in range(10)]
Made = Callable[..., Any]


def langchain(sandbox: Sandbox, prompt: Any = "prompt", **more: Any) -> Any:
    options: dict[str, Any] = {"model": sandbox.model, "max_retries": 0, **sandbox.options(), **more}
    return portkey_langchain.batch.BatchModel(ChatPortkey(**options), prompt)


def llamaindex(sandbox: Sandbox, prompt: Any = "prompt", **more: Any) -> Any:
    options: dict[str, Any] = {"model": sandbox.model, "max_retries": 0, **sandbox.options(), **more}
    return portkey_llamaindex.batch.BatchModel(Portkey(**options), prompt)


@pytest.fixture(params=[langchain, llamaindex], ids=["langchain", "llamaindex"])
def model(request: pytest.FixtureRequest) -> Made:
    made: Made = request.param
    return made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def wait(batches: MessageBatches) -> None:
    while any(batch.status != "ended" for batch in batches.poll()):
        time.sleep(0.05)


def posted(sandbox: Sandbox) -> list[Any]:
    return [each for each in sandbox.claude.requests if (each.method, each.path) == ("POST", "/v1/messages/batches")]


def test_rows_are_submitted_looked_at_and_written(model: Made, sandbox: Sandbox, out: Path) -> None:
    batches = MessageBatches(model(sandbox), out)
    submitted = batches.submit(iter(ROWS), max_rows=4)
    assert [len(each.body["requests"]) for each in posted(sandbox)] == [4, 4, 2]
    assert [status.id for status in batches.poll()] == submitted
    wait(batches)
    assert [status.counts["succeeded"] for status in batches.poll()] == [4, 4, 2]
    summary = batches.results()
    assert (summary.answered, summary.failed) == (10, 0)
    records = {record["id"]: record for record in results(out)}
    assert all(f"hello {number}" in records[number]["output"] for number in range(10))
    assert {record["trace_id"] for record in records.values()} == {summary.trace_id}
    assert records[3]["finish_reason"] == "stop"
    assert batches.poll() == []


def test_it_costs_half(model: Made, sandbox: Sandbox, out: Path, tmp_path: Path) -> None:
    batches = MessageBatches(model(sandbox), out)
    batches.submit(ROWS)
    wait(batches)
    now = run_batch(model(sandbox), ROWS, tmp_path / "now.jsonl")
    assert now.cost
    assert batches.results().cost == pytest.approx(now.cost / 2)


def test_another_process_goes_on_and_nothing_is_submitted_twice(model: Made, sandbox: Sandbox, out: Path) -> None:
    run_batch(model(sandbox), ROWS[:3], out)
    MessageBatches(model(sandbox), out).submit(ROWS[:8])
    assert MessageBatches(model(sandbox), out).submit(ROWS[:8]) == []
    later = MessageBatches(model(sandbox), out)
    assert len(later.submit(ROWS)) == 1
    assert [len(each.body["requests"]) for each in posted(sandbox)] == [5, 2]
    wait(later)
    assert later.results().answered == 7
    assert len(results(out)) == 10
    assert run_batch(model(sandbox), ROWS, out).skipped == 10


def test_a_batch_that_has_not_ended_waits_for_the_next_time(model: Made, sandbox: Sandbox, out: Path) -> None:
    batches = MessageBatches(model(sandbox), out)
    batches.submit(ROWS)
    assert batches.results().rows == 0
    wait(batches)
    assert batches.results().answered == 10


def test_what_anthropic_refuses_is_a_failed_row(model: Made, sandbox: Sandbox, out: Path) -> None:
    def prompt(row: Any) -> str:
        if row["id"] == 2:
            raise ValueError("no such text")
        return str(row["prompt"])

    batches = MessageBatches(model(sandbox, prompt, max_tokens=10_000_000), out)
    batches.submit(ROWS[:3])
    wait(batches)
    assert batches.results().failed == 2
    failed = {record["id"]: record["error"] for record in results(out)}
    assert failed[2]["message"] == "no such text"
    assert "max_tokens" in failed[0]["message"]
    assert failed[0]["is_retryable"] is False
    mended = MessageBatches(model(sandbox), out)
    assert mended.submit(ROWS[:3]) == []
    assert len(mended.submit(ROWS[:3], retry_failed=True)) == 1
    wait(mended)
    assert mended.results().answered == 3


def test_a_submission_whose_answer_was_lost_is_not_sent_again_unless_one_says_so(
    model: Made, sandbox: Sandbox, out: Path
) -> None:
    Submissions(out).begin([0, 1], "ab" * 16)  # as a process leaves it that was killed meanwhile
    batches = MessageBatches(model(sandbox), out)
    with pytest.raises(BatchError, match="2 rows was lost"):
        batches.submit(ROWS)
    assert not posted(sandbox)
    batches.submit(ROWS, resubmit_lost=True)
    assert [len(each.body["requests"]) for each in posted(sandbox)] == [10]


def test_a_submission_that_was_refused_leaves_nothing_behind(model: Made, sandbox: Sandbox, out: Path) -> None:
    with pytest.raises(AuthenticationError):
        MessageBatches(model(sandbox, provider_api_key="wrong-key-not-a-secret"), out).submit(ROWS)
    assert len(MessageBatches(model(sandbox), out).submit(ROWS)) == 1


def test_half_a_line_of_what_was_submitted_is_taken_away(model: Made, sandbox: Sandbox, out: Path) -> None:
    MessageBatches(model(sandbox), out).submit(ROWS[:5])
    place = out.with_name("out.jsonl.submitted")
    place.write_bytes(place.read_bytes() + b'{"begun": 1, "ro')
    assert len(MessageBatches(model(sandbox), out).submit(ROWS)) == 1
    assert [len(each.body["requests"]) for each in posted(sandbox)] == [5, 5]


@pytest.mark.parametrize("more", [{"api_format": "chat_completions"}, {"model": "gpt-5", "provider": "openai"}])
def test_only_a_claude_has_them(model: Made, sandbox: Sandbox, out: Path, more: dict[str, str]) -> None:
    with pytest.raises(EncodingError, match="Message Batches are Anthropic's"):
        MessageBatches(model(sandbox, **more), out).submit(ROWS)
    assert not sandbox.claude.requests


def test_a_gateway_that_does_not_pass_them_on_is_told_of(model: Made, sandbox: Sandbox, out: Path) -> None:
    sandbox.claude.inject(Fault("html"))
    with pytest.raises(PortkeyError):
        MessageBatches(model(sandbox), out).submit(ROWS)


def test_an_id_that_comes_twice_is_an_error(model: Made, sandbox: Sandbox, out: Path) -> None:
    with pytest.raises(RowError, match="an earlier row has"):
        MessageBatches(model(sandbox), out).submit([*ROWS, ROWS[0]])
    assert not posted(sandbox)


def test_beta_features_stand_in_the_header_and_the_labels_name_the_batch(
    model: Made, sandbox: Sandbox, out: Path
) -> None:
    batches = MessageBatches(model(sandbox, betas=["files-api-2025-04-14"]), out)
    batches.submit(ROWS[:1])
    [request] = posted(sandbox)
    assert "files-api-2025-04-14" in request.headers["anthropic-beta"]
    assert "anthropic_beta" not in json.dumps(request.body)
    wait(batches)
    assert batches.results().answered == 1


def test_for_whom_each_request_is_stands_in_its_body(model: Made, sandbox: Sandbox, out: Path) -> None:
    batches = MessageBatches(model(sandbox, user_profile_id="uprof_1"), out)
    batches.submit(ROWS[:2])
    [sent] = posted(sandbox)
    assert [each["params"]["user_profile_id"] for each in sent.body["requests"]] == ["uprof_1"] * 2
    assert "user-profiles-2026-03-24" in sent.headers["anthropic-beta"]
    wait(batches)
    assert batches.results().answered == 2


def test_a_chain_is_none_that_they_take(sandbox: Sandbox, out: Path) -> None:
    chain = langchain(sandbox).model.bind_tools([])
    with pytest.raises(EncodingError, match="take a ChatPortkey itself"):
        MessageBatches(portkey_langchain.batch.BatchModel(chain), out).submit(ROWS)
