"""A batch as a receiver of spans sees it: the job, and the call of each row in it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from portkey_langchain import ChatPortkey, PortkeyTracer
from portkey_langchain.batch import BatchModel
from tests.support.batches import WAYS, Running
from tests.support.receiver import roots_of, spans_of
from tests.support.recording import RecordingServer

ROWS = [{"id": number, "prompt": f"Say hello {number}."} for number in range(12)]


@pytest.mark.parametrize("run", WAYS.values(), ids=WAYS)
def test_the_job_and_its_rows_are_one_tree(
    run: Running, receiver: RecordingServer, model: ChatPortkey, tmp_path: Path
) -> None:
    with closing(PortkeyTracer(endpoint=f"{receiver.base_url}/v1/traces", calls=True)) as tracer:
        job = BatchModel(model, config={"callbacks": [tracer]})
        first = run(job, ROWS[:8], tmp_path / "out.jsonl")
        second = run(job, ROWS, tmp_path / "out.jsonl")
    spans = spans_of(receiver)
    assert {span.trace_id for span in spans} == {first.trace_id} == {second.trace_id}
    assert len(roots_of(spans)) == 2
    jobs = [span for span in spans if span.name == "batch"]
    assert [sum(span.parent_id == job.span_id for span in spans) for job in jobs] == [8, 4]
