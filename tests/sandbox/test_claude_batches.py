"""The emulated Claude's message batches, as strict as Anthropic's documentation, asked by Anthropic's own SDK."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from portkey_gateway.sandbox import Sandbox

PARAMS: Any = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 20,
    "messages": [{"role": "user", "content": "Say hello."}],
}


@pytest.fixture
def batches(sandbox: Sandbox) -> Iterator[Any]:
    url, key = sandbox.claude.url, sandbox.provider_api_key
    with anthropic.Anthropic(base_url=url, api_key=key, max_retries=0) as sdk:
        yield sdk.messages.batches


def ended(batches: Any, batch_id: str) -> Any:
    while (batch := batches.retrieve(batch_id)).processing_status != "ended":
        assert batch.results_url is None
        time.sleep(0.05)
    return batch


def test_each_request_has_its_own_outcome(batches: Any) -> None:
    wrong = {**PARAMS, "messages": []}
    created = batches.create(requests=[{"custom_id": "a", "params": PARAMS}, {"custom_id": "b", "params": wrong}])
    assert (created.processing_status, created.request_counts.processing) == ("in_progress", 2)
    batch = ended(batches, created.id)
    counts = batch.request_counts
    assert (counts.processing, counts.succeeded, counts.errored) == (0, 1, 1)
    results = {each.custom_id: each.result for each in batches.results(created.id)}
    assert results["a"].message.content[0].text == "hello."
    assert results["a"].message.usage.service_tier == "batch"
    assert results["b"].error.error.type == "invalid_request_error"


def test_a_cancelled_batch_has_no_answers(batches: Any) -> None:
    created = batches.create(requests=[{"custom_id": "a", "params": PARAMS}])
    assert batches.cancel(created.id).processing_status == "canceling"
    assert ended(batches, created.id).request_counts.canceled == 1
    assert [each.result.type for each in batches.results(created.id)] == ["canceled"]


@pytest.mark.parametrize(
    ("requests", "told"),
    [
        ([], "at least 1 item"),
        ([{"custom_id": "a b", "params": PARAMS}], "custom_id"),
        ([{"custom_id": "x" * 65, "params": PARAMS}], "custom_id"),
        ([{"custom_id": "a", "params": PARAMS}] * 2, "duplicate"),
        ([{"custom_id": "a", "params": {**PARAMS, "stream": True}}], "streaming"),
        ([{"custom_id": "a", "params": PARAMS, "more": 1}], "nothing else"),
    ],
)
def test_what_is_no_batch_is_refused_at_once(batches: Any, requests: Any, told: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=told):
        batches.create(requests=requests)


def test_there_are_no_results_of_what_is_not_there(batches: Any, sandbox: Sandbox) -> None:
    with pytest.raises(anthropic.NotFoundError):
        batches.retrieve("msgbatch_none")
    created = batches.create(requests=[{"custom_id": "a", "params": PARAMS}])
    sandbox.claude.clear()
    with pytest.raises(anthropic.NotFoundError):
        batches.retrieve(created.id)
