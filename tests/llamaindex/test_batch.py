"""Batches of LlamaIndex's ``Portkey``, through the real gateway."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from pydantic import BaseModel

from portkey_gateway.batch import BatchError
from portkey_gateway.batch import work as work_module
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_llamaindex import Portkey, instrument
from portkey_llamaindex.batch import BatchModel
from tests.support.batches import WAYS, Running, results
from tests.support.receiver import roots_of, spans_of
from tests.support.recording import RecordingServer, answer, whole

ROWS = [{"id": f"r{number}", "text": f"Say hello {number}."} for number in range(12)]


@pytest.fixture(params=list(WAYS))
def run(request: pytest.FixtureRequest) -> Running:
    return WAYS[request.param]


@pytest.fixture(params=["chat_completions", "messages"])
def llm(request: pytest.FixtureRequest, sandbox: Sandbox) -> Portkey:
    return Portkey(model=sandbox.model, max_retries=0, api_format=request.param, **sandbox.options())


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "FIRST_DELAY_S", 0.001)


def test_answers_usage_cost_and_trace_of_each_row(run: Running, llm: Portkey, sandbox: Sandbox, tmp_path: Path) -> None:
    summary = run(BatchModel(llm, prompt="text"), ROWS, tmp_path / "out.jsonl", max_concurrency=4)
    records = {record["id"]: record for record in results(tmp_path / "out.jsonl")}
    bodies = Counter(json.dumps(request.body["messages"]) for request in sandbox.claude.requests)
    assert (len(bodies), max(bodies.values())) == (12, 1)
    assert summary.input_tokens == sum(record["usage"]["input_tokens"] for record in records.values()) > 0
    assert summary.cost == pytest.approx(sum(record["cost"] for record in records.values()))
    record = records["r7"]
    assert "hello 7" in record["output"]
    assert (record["finish_reason"], record["model"]) == ("stop", sandbox.model)
    assert record["trace_id"] == summary.trace_id
    assert "content" not in record


def test_all_calls_are_one_trace_below_the_job_and_each_tells_its_row(
    run: Running, server: RecordingServer, tmp_path: Path
) -> None:
    server.reply(*[whole(answer())] * 12)
    llm = Portkey(model="gpt-5", provider="openai", base_url=server.base_url, request_metadata={"team": "search"})
    summary = run(BatchModel(llm, prompt="text"), ROWS, tmp_path / "greetings.jsonl")
    headers = [{name: value for name, [value] in request.headers.items()} for request in server.requests]
    assert {each["x-portkey-trace-id"] for each in headers} == {summary.trace_id}
    assert len({each["x-portkey-span-id"] for each in headers}) == 12
    assert len({each["x-portkey-parent-span-id"] for each in headers}) == 1
    labels = [json.loads(each["x-portkey-metadata"]) for each in headers]
    assert {label.pop("row") for label in labels} == {row["id"] for row in ROWS}
    assert all(label == {"team": "search", "batch": "greetings"} for label in labels)


def test_the_job_and_its_rows_are_one_tree(
    run: Running, receiver: RecordingServer, llm: Portkey, tmp_path: Path
) -> None:
    with instrument(endpoint=f"{receiver.base_url}/v1/traces", calls=True):
        first = run(BatchModel(llm, prompt="text"), ROWS[:8], tmp_path / "out.jsonl")
        run(BatchModel(llm, prompt="text"), ROWS, tmp_path / "out.jsonl")
    spans = spans_of(receiver)
    assert {span.trace_id for span in spans} == {first.trace_id}
    assert len(roots_of(spans)) == 2
    jobs = [span for span in spans if span.name == "batch"]
    assert [sum(span.parent_id == job.span_id for span in spans) for job in jobs] == [8, 4]


class Greeting(BaseModel):
    """A greeting."""

    word: str
    number: int


def test_a_structured_llm_answers_with_objects(run: Running, llm: Portkey, tmp_path: Path) -> None:
    job = BatchModel(llm.as_structured_llm(Greeting), prompt=lambda row: f"word: hello, number: {row['number']}")
    run(job, [{"id": 1, "number": 5}], tmp_path / "out.jsonl")
    [record] = results(tmp_path / "out.jsonl")
    assert record["output"] == {"word": "hello", "number": 5}


def test_messages_and_further_arguments_reach_the_model(
    run: Running, llm: Portkey, sandbox: Sandbox, tmp_path: Path
) -> None:
    def messages(row: Mapping[str, Any]) -> list[ChatMessage]:
        return [ChatMessage(role="system", content="Be brief."), ChatMessage(row["text"])]

    run(BatchModel(llm, prompt=messages, chat_kwargs={"max_tokens": 7}), ROWS[:1], tmp_path / "out.jsonl")
    [request] = sandbox.claude.requests
    assert (request.body["max_tokens"], len(request.body["messages"])) == (7, 1)
    assert "Be brief." in json.dumps(request.body["system"])


def test_an_answer_that_is_more_than_text_keeps_its_blocks(
    run: Running, llm: Portkey, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.claude.reply_with(
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}, stop_reason="tool_use"
    )
    tool = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
    run(BatchModel(llm, "text", chat_kwargs={"tools": [tool]}), ROWS[:1], tmp_path / "out.jsonl")
    [record] = results(tmp_path / "out.jsonl")
    [call] = [block for block in record["content"] if block["block_type"] == "tool_call"]
    assert call["tool_name"] == "get_weather"


def test_what_may_pass_is_asked_again_and_other_errors_are_the_rows_own(
    run: Running, llm: Portkey, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.claude.inject(Fault("status", status=429, match="hello 2.", headers={"retry-after": "0"}))
    sandbox.claude.inject(Fault("status", status=400, match="hello 4."))
    summary = run(BatchModel(llm, prompt="text"), ROWS, tmp_path / "out.jsonl")
    assert (summary.answered, summary.failed, summary.tries) == (11, 1, 13)


def test_a_missing_column_is_the_rows_error(run: Running, llm: Portkey, tmp_path: Path) -> None:
    assert run(BatchModel(llm), ROWS[:1], tmp_path / "out.jsonl").failed == 1
    [record] = results(tmp_path / "out.jsonl")
    assert "the row has no 'prompt'" in record["error"]["message"]


def test_a_wrong_key_ends_the_batch_before_it_asks_for_all(
    run: Running, llm: Portkey, sandbox: Sandbox, tmp_path: Path
) -> None:
    job = BatchModel(llm.with_options(provider_api_key="wrong-key-not-a-secret"), prompt="text")
    with pytest.raises(BatchError, match="as every other would"):
        run(job, ROWS, tmp_path / "out.jsonl", max_concurrency=2)
    assert len(sandbox.claude.requests) <= 2
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_it_pickles_and_shows_no_key(llm: Portkey, sandbox: Sandbox, tmp_path: Path) -> None:
    job = pickle.loads(pickle.dumps(BatchModel(llm, prompt="text")))
    assert WAYS["sync"](job, ROWS[:2], tmp_path / "out.jsonl").answered == 2
    assert sandbox.provider_api_key not in repr(job)
