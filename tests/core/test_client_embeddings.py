"""`GatewayClient.embed` and its async twin: what they send, how many at once, and what becomes of what fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from portkey_gateway import (
    BadRequestError,
    EncodingError,
    GatewayClient,
    InvalidResponseError,
    RateLimitError,
    TraceContext,
    trace_cost,
)
from portkey_gateway.prices import find_prices
from tests.support.embedding import MODEL, Embed, EmbeddingGateway, aembed, answer, either_way, embed, once, vector

TEXTS = [f"text {number}" for number in range(10_000)]
VECTORS = [vector(text) for text in TEXTS]
AT_ONCE = {"retry-after-ms": "0"}


def too_many_requests() -> httpx.Response:
    return httpx.Response(429, json={"error": {"message": "slow down"}}, headers=AT_ONCE)


@either_way
def test_ten_thousand_texts_in_batches_some_at_once_and_in_order(ask: Embed) -> None:
    gateway = EmbeddingGateway(wait_s=0.01)
    told = ask(gateway.client(), TEXTS, batch_size=500, max_concurrency=4)
    assert told.vectors == VECTORS
    assert sorted(map(len, gateway.texts)) == [500] * 20
    assert gateway.most_at_once == 4
    assert told.usage
    assert told.usage.input_tokens == 20_000
    assert len(told.infos) == 20


@either_way
def test_one_batch_is_one_request(ask: Embed) -> None:
    gateway = EmbeddingGateway()
    assert ask(gateway.client(), TEXTS[:3]).vectors == VECTORS[:3]
    assert gateway.bodies == [{"model": MODEL, "input": TEXTS[:3], "encoding_format": "base64"}]
    [request] = gateway.requests
    assert request.url.path == "/v1/embeddings"
    assert request.headers["authorization"] == "Bearer sk-of-the-test"


@either_way
def test_nothing_is_nothing_to_ask(ask: Embed) -> None:
    gateway = EmbeddingGateway()
    assert ask(gateway.client(), []).vectors == []
    assert gateway.requests == []


@either_way
def test_a_batch_that_fails_is_tried_again_alone_and_no_other_is_sent_twice(ask: Embed) -> None:
    gateway = EmbeddingGateway(once(too_many_requests, TEXTS[4500]))
    told = ask(gateway.client(max_retries=1), TEXTS, batch_size=1000)
    assert told.vectors == VECTORS
    firsts = sorted(texts[0] for texts in gateway.texts)
    assert firsts == sorted([*TEXTS[::1000], TEXTS[4000]])


@either_way
def test_what_was_embedded_before_a_failure_is_not_lost(ask: Embed) -> None:
    gateway = EmbeddingGateway(lambda body: too_many_requests() if TEXTS[2] in body["input"] else None, wait_s=0.01)
    with pytest.raises(RateLimitError, match="texts 2 to 3 of 10: slow down") as caught:
        ask(gateway.client(), TEXTS[:10], batch_size=2, max_concurrency=2)
    left = [place for place in range(10) if place not in caught.value.embedded]
    assert {2, 3} <= set(left) < set(range(10))
    assert all(caught.value.embedded[place] == VECTORS[place] for place in caught.value.embedded)
    sent = [text for texts in gateway.texts for text in texts]
    assert len(sent) == len(set(sent)) < 10  # nothing was begun after the failure


@either_way
def test_a_batch_that_is_too_large_is_halved(ask: Embed) -> None:
    def spoil(body: dict[str, Any]) -> httpx.Response | None:
        few = isinstance(body["input"], str) or len(body["input"]) <= 32
        text = "batch size 96 > maximum allowed batch size 32"
        return None if few else httpx.Response(413, json={"error": {"message": text}})

    gateway = EmbeddingGateway(spoil)
    assert ask(gateway.client(provider="a-new-one"), TEXTS[:192]).vectors == VECTORS[:192]


@either_way
@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (lambda body: {**answer(body), "data": answer(body)["data"][:-1]}, "2 texts were sent and 1 vectors"),
        (lambda _: httpx.Response(200, text="not JSON"), "not JSON"),
        (lambda _: httpx.Response(200, json={"error": {"message": "no"}}), "an error although the status is 200"),
    ],
)
def test_what_is_no_answer_is_not_asked_for_again(ask: Embed, spoilt: Any, message: str) -> None:
    gateway = EmbeddingGateway(spoilt)
    with pytest.raises(InvalidResponseError, match=message):
        ask(gateway.client(max_retries=2), TEXTS[:2])
    assert len(gateway.requests) == 1


@either_way
def test_vectors_that_come_in_another_order_go_to_their_texts(ask: Embed) -> None:
    gateway = EmbeddingGateway(lambda body: {**answer(body), "data": answer(body)["data"][::-1]})
    assert ask(gateway.client(), TEXTS[:7], batch_size=3).vectors == VECTORS[:7]


@either_way
def test_each_request_is_a_span_side_by_side(ask: Embed) -> None:
    gateway = EmbeddingGateway()
    trace = TraceContext("a" * 32, "b" * 16, "c" * 16, "embed")
    client = gateway.client(metadata={"team": "search"})
    ask(client, TEXTS[:6], batch_size=2, max_concurrency=1, trace=trace, metadata={"plan": "free"})
    told = [request.headers for request in gateway.requests]
    assert [headers["x-portkey-trace-id"] for headers in told] == ["a" * 32] * 3
    assert [headers["x-portkey-parent-span-id"] for headers in told] == ["c" * 16] * 3
    assert [headers["x-portkey-span-name"] for headers in told] == ["embed"] * 3
    spans = [headers["x-portkey-span-id"] for headers in told]
    assert spans[0] == "b" * 16
    assert len(set(spans)) == 3
    assert [headers["traceparent"] for headers in told] == [f"00-{'a' * 32}-{span}-01" for span in spans]
    assert [json.loads(headers["x-portkey-metadata"]) for headers in told] == [{"team": "search", "plan": "free"}] * 3


@either_way
def test_the_sum_of_a_trace_has_every_request_that_was_answered(ask: Embed) -> None:
    def spoil(body: dict[str, Any]) -> httpx.Response:
        if "text 4" in body["input"]:
            return httpx.Response(400, json={"error": {"message": "no"}})
        return httpx.Response(200, json=answer(body), headers={"x-portkey-provider": "openai"})

    client = EmbeddingGateway(spoil).client()
    trace = TraceContext(uuid4().hex, "b" * 16, None, "embed")
    with pytest.raises(BadRequestError):
        ask(client, TEXTS[:6], batch_size=2, max_concurrency=1, trace=trace)
    prices, sum_ = find_prices("openai", MODEL), trace_cost(trace)
    assert prices
    assert sum_
    assert (sum_.answers, sum_.unpriced, sum_.output) == (2, 0, 0.0)
    assert sum_.total == sum_.input == pytest.approx(float(8 * prices.input.base))


@either_way
def test_without_a_trace_there_are_no_spans(ask: Embed) -> None:
    gateway = EmbeddingGateway()
    ask(gateway.client(trace_id="mine"), TEXTS[:4], batch_size=2)
    assert [request.headers["x-portkey-trace-id"] for request in gateway.requests] == ["mine"] * 2
    assert not any("x-portkey-span-id" in request.headers for request in gateway.requests)


@either_way
def test_keys_do_not_show_in_errors(ask: Embed) -> None:
    def spoil(body: dict[str, Any]) -> httpx.Response:
        return httpx.Response(400, json={"error": {"message": f"bad key sk-of-the-test of {body['model']}"}})

    with pytest.raises(BadRequestError, match=r"bad key \[redacted\]") as caught:
        ask(EmbeddingGateway(spoil).client(), TEXTS[:4], batch_size=2)
    assert "sk-of-the-test" not in repr(caught.value.body)


@either_way
def test_what_cannot_be_embedded_is_told_before_anything_is_sent(ask: Embed) -> None:
    gateway = EmbeddingGateway()
    with pytest.raises(EncodingError, match="text 1 to embed is empty"):
        ask(gateway.client(), ["a", ""])
    assert gateway.requests == []


async def test_a_call_that_is_cancelled_cancels_its_requests() -> None:
    gateway = EmbeddingGateway(wait_s=60)
    task = asyncio.create_task(
        gateway.client().aembed({"model": MODEL, "input": TEXTS[:8]}, batch_size=1, max_concurrency=4)
    )
    for _ in range(100):  # turns of the loop, in which the requests begin
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(gateway.requests) == 4


def test_a_client_embeds_from_many_loops() -> None:
    gateway = EmbeddingGateway()
    client: GatewayClient = gateway.client()
    assert [aembed(client, TEXTS[:4], batch_size=1).vectors for _ in range(3)] == [VECTORS[:4]] * 3
    assert embed(client, TEXTS[:4]).vectors == VECTORS[:4]
