"""Batches of ``ChatPortkey`` and of chains around it, through the real gateway."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel

from portkey_gateway.batch import BatchError
from portkey_gateway.batch import work as work_module
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_langchain import ChatPortkey
from portkey_langchain.batch import BatchModel
from tests.support.batches import WAYS, Running, results
from tests.support.recording import RecordingServer, answer, whole

ROWS = [{"id": f"r{number}", "text": f"Say hello {number}."} for number in range(12)]


@pytest.fixture(params=list(WAYS))
def run(request: pytest.FixtureRequest) -> Running:
    return WAYS[request.param]


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "FIRST_DELAY_S", 0.001)


def asked(sandbox: Sandbox) -> Counter[str]:
    """How often each row's text reached Claude."""
    bodies = [json.dumps(request.body) for request in sandbox.claude.requests if request.path == "/v1/messages"]
    return Counter(row["id"] for row in ROWS for body in bodies if json.dumps(row["text"]) in body)


def test_answers_usage_cost_and_trace_of_each_row(
    run: Running, model: ChatPortkey, sandbox: Sandbox, tmp_path: Path
) -> None:
    summary = run(BatchModel(model, prompt="text"), ROWS, tmp_path / "out.jsonl", max_concurrency=4)
    records = {record["id"]: record for record in results(tmp_path / "out.jsonl")}
    assert asked(sandbox) == Counter(row["id"] for row in ROWS)
    assert summary.answered == 12
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
    model = ChatPortkey(model="gpt-5", provider="openai", base_url=server.base_url, metadata={"team": "search"})
    job = BatchModel(model, prompt="text", config={"metadata": {"night": "yes"}, "tags": ["big"]})
    summary = run(job, ROWS, tmp_path / "greetings.jsonl")
    headers = [{name: value for name, [value] in request.headers.items()} for request in server.requests]
    assert {each["x-portkey-trace-id"] for each in headers} == {summary.trace_id}
    assert len({each["x-portkey-span-id"] for each in headers}) == 12
    assert len({each["x-portkey-parent-span-id"] for each in headers}) == 1
    labels = [json.loads(each["x-portkey-metadata"]) for each in headers]
    assert {label.pop("row") for label in labels} == {row["id"] for row in ROWS}
    told = {"team": "search", "night": "yes", "batch": "greetings", "tags": '["big"]'}
    assert all(label == told for label in labels)


class Greeting(BaseModel):
    """A greeting."""

    word: str
    number: int


def test_a_chain_answers_with_objects(run: Running, model: ChatPortkey, tmp_path: Path) -> None:
    prompt = ChatPromptTemplate.from_messages([("human", "Read this. word: hello, number: {number}")])
    chain = prompt | model.with_structured_output(Greeting)
    run(BatchModel(chain, prompt=dict), [{"id": 1, "number": 5}], tmp_path / "out.jsonl")
    [record] = results(tmp_path / "out.jsonl")
    assert record["output"] == {"word": "hello", "number": 5}
    assert record["usage"]["output_tokens"] > 0


def test_an_answer_that_is_more_than_text_keeps_its_blocks(run: Running, model: ChatPortkey, tmp_path: Path) -> None:
    def get_weather(city: str) -> str:
        """Get the weather in a city."""
        return city

    job = BatchModel(model.bind_tools([get_weather]))
    run(job, [{"id": 1, "prompt": "What is the weather in Paris?"}], tmp_path / "out.jsonl")
    [record] = results(tmp_path / "out.jsonl")
    [call] = [block for block in record["content"] if block["type"] == "tool_call"]
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Paris"})
    assert record["finish_reason"] == "tool_calls"


def test_what_may_pass_is_asked_again_and_other_errors_are_the_rows_own(
    run: Running, model: ChatPortkey, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.claude.inject(Fault("status", status=429, match="hello 2.", headers={"retry-after": "0"}))
    sandbox.claude.inject(Fault("status", status=529, match="hello 3."))
    sandbox.claude.inject(Fault("status", status=400, match="hello 4."))
    summary = run(BatchModel(model, prompt="text"), ROWS, tmp_path / "out.jsonl")
    assert (summary.answered, summary.failed, summary.tries) == (11, 1, 14)
    [failed] = [record for record in results(tmp_path / "out.jsonl") if record["status"] == "failed"]
    assert (failed["id"], failed["error"]["status"]) == ("r4", 400)


def test_a_missing_column_is_the_rows_error(run: Running, model: ChatPortkey, tmp_path: Path) -> None:
    assert run(BatchModel(model), ROWS[:1], tmp_path / "out.jsonl").failed == 1
    [record] = results(tmp_path / "out.jsonl")
    assert "the row has no 'prompt'" in record["error"]["message"]


def test_a_wrong_key_ends_the_batch_before_it_asks_for_all(
    run: Running, model: ChatPortkey, sandbox: Sandbox, tmp_path: Path
) -> None:
    key = "wrong-key-not-a-secret"
    job = BatchModel(model.with_options(provider_api_key=key), prompt="text")
    with pytest.raises(BatchError, match="as every other would") as told:
        run(job, ROWS, tmp_path / "out.jsonl", max_concurrency=2)
    assert len(sandbox.claude.requests) <= 2
    assert key not in f"{told.value!r} {told.value} {told.value.__cause__!r}"
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    assert run(BatchModel(model, prompt="text"), ROWS, tmp_path / "out.jsonl").answered == 12


def test_it_pickles_and_shows_no_key(model: ChatPortkey, sandbox: Sandbox, tmp_path: Path) -> None:
    job = pickle.loads(pickle.dumps(BatchModel(model, prompt="text")))
    assert WAYS["sync"](job, ROWS[:2], tmp_path / "out.jsonl").answered == 2
    assert sandbox.provider_api_key not in repr(job)
    assert sandbox.provider_api_key not in (tmp_path / "out.jsonl").read_text()


KILLED = """
import sys
from portkey_gateway.batch import run_batch
from portkey_langchain import ChatPortkey
from portkey_langchain.batch import BatchModel

rows = ({"id": f"r{number}", "prompt": f"Say hello {number}."} for number in range(400))
run_batch(BatchModel(ChatPortkey(model="claude-sonnet-4-6")), rows, sys.argv[1], max_concurrency=4)
"""


@pytest.mark.filterwarnings("ignore:the last line of:portkey_gateway.errors.PortkeyWarning")
def test_a_killed_run_loses_nothing_and_pays_again_only_for_what_was_under_way(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    command = [sys.executable, "-c", KILLED, str(out)]
    process = subprocess.Popen(command, env={**sandbox.env(), "PATH": ""})  # noqa: S603 our own code
    while not out.exists() or out.read_bytes().count(b"\n") < 100:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(list(results(out)))
    assert 100 <= before < 400
    subprocess.run(command, env={**sandbox.env(), "PATH": ""}, check=True)  # noqa: S603 our own code
    assert sorted(record["id"] for record in results(out)) == sorted(f"r{number}" for number in range(400))
    times = Counter(request.body["messages"][0]["content"] for request in sandbox.claude.requests)
    texts = Counter(json.dumps(text) for text in times.elements())
    assert len(texts) == 400
    assert sum(texts.values()) - 400 <= 4
    assert max(texts.values()) <= 2
