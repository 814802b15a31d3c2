"""Many texts through the real gateway while the emulated OpenAI fails at one of their batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from portkey_gateway import (
    APIConnectionError,
    GatewayClient,
    GatewayOptions,
    HTMLResponseError,
    NotJSONError,
    PortkeyError,
    RateLimitError,
    ServerError,
)
from portkey_gateway.embeddings import batches
from portkey_gateway.embeddings.answer import Embeddings
from portkey_gateway.sandbox import Fault, Sandbox
from tests.support.embedding import MODEL, Embed, aembed, either_way, embed

TEXTS = [f"The number of this text is {number}" for number in range(10_000)]


@pytest.fixture
def sandbox(portkey_sandbox_with_openai: Sandbox) -> Iterator[Sandbox]:
    portkey_sandbox_with_openai.openai.clear()
    yield portkey_sandbox_with_openai
    portkey_sandbox_with_openai.openai.clear()


def client(sandbox: Sandbox, *, max_retries: int = 2, **options: Any) -> GatewayClient:
    fields: dict[str, Any] = {**sandbox.options("openai"), **options}
    return GatewayClient(GatewayOptions(**fields), max_retries=max_retries)


def short(ask: Embed, client: GatewayClient, texts: list[str], **more: Any) -> Embeddings:
    """Ask for short vectors: the emulated OpenAI computes them number by number."""
    return ask(client, texts, dimensions=8, **more)


def answered(sandbox: Sandbox) -> Counter[str]:
    """How often each text was paid for."""
    bodies: list[Any] = [request.body for request in sandbox.openai.requests if request.status == 200]
    return Counter(text for body in bodies for text in body["input"])


@either_way
def test_ten_thousand_texts_one_batch_of_which_is_refused_at_first(sandbox: Sandbox, ask: Embed) -> None:
    sandbox.openai.inject(Fault("status", status=429, headers={"retry-after-ms": "1"}, match=f'"{TEXTS[4321]}"'))
    told = short(ask, client(sandbox), TEXTS, batch_size=500, max_concurrency=4)
    assert len(told.vectors) == 10_000
    places = [0, 1, 4321, 9999]
    assert [told.vectors[place] for place in places] == short(
        ask, client(sandbox), [TEXTS[place] for place in places]
    ).vectors
    paid = answered(sandbox)
    assert set(paid) == set(TEXTS)
    assert {text for text, times in paid.items() if times > 1} == {TEXTS[place] for place in places}
    assert [request.status for request in sandbox.openai.requests].count(429) == 1


@either_way
@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (Fault("status", status=429, headers={"retry-after-ms": "1"}, times=9), RateLimitError),
        (Fault("status", status=500, headers={"retry-after-ms": "1"}, times=9), ServerError),
        (Fault("cut", times=9), (APIConnectionError, ServerError)),
        (Fault("broken_json", times=9), (NotJSONError, ServerError)),
        (Fault("html", times=9), (HTMLResponseError, ServerError)),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_a_batch_that_fails_for_good_raises_and_the_others_are_kept(
    sandbox: Sandbox, ask: Embed, fault: Fault, kinds: Any
) -> None:
    texts = TEXTS[:40]
    sandbox.openai.inject(Fault(**{**_fields(fault), "match": f'"{texts[25]}"'}))
    with pytest.raises(kinds, match="texts 20 to 29 of 40") as caught:
        short(ask, client(sandbox, max_retries=0), texts, batch_size=10, max_concurrency=1)
    error: PortkeyError = caught.value
    assert sorted(error.embedded) == list(range(20))

    sandbox.openai.clear()
    left = [text for place, text in enumerate(texts) if place not in error.embedded]
    rest = short(ask, client(sandbox), left).vectors
    assert [*error.embedded.values(), *rest] == short(ask, client(sandbox), texts).vectors


def _fields(fault: Fault) -> dict[str, Any]:
    return {name: getattr(fault, name) for name in ("kind", "status", "headers", "times")}


@either_way
def test_more_tokens_than_a_request_may_have_are_parted(
    sandbox: Sandbox, ask: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BYTES_PER_TOKEN", 1000)  # as if we knew nothing of tokens
    texts = [f"{number} " + "a b c d " * 1000 for number in range(160)]
    told = short(ask, client(sandbox), texts)
    assert len(told.vectors) == 160
    assert [request.status for request in sandbox.openai.requests] == [400, 200, 200]
    assert answered(sandbox) == Counter(texts)


def test_a_config_tries_again_and_falls_back(sandbox: Sandbox) -> None:
    config = {**sandbox.config("openai", "openai"), "retry": {"attempts": 1}}
    for target in config["targets"]:
        target["override_params"] = {"model": MODEL}
    sandbox.openai.inject(Fault("status", status=401))
    falling = client(sandbox, config=config, provider=None, provider_api_key=None, custom_host=None)
    told = short(embed, falling, TEXTS[:3])
    assert len(told.vectors) == 3
    assert told.infos[0].target_index == "config.targets[1]"
    assert short(aembed, falling, TEXTS[:3]).vectors == told.vectors
