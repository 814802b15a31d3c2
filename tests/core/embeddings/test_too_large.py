"""How providers refuse what is too large, in the words that users met; what they refuse otherwise is not halved."""

from __future__ import annotations

import pytest

from portkey_gateway.embeddings.too_large import TooLarge, too_large
from portkey_gateway.errors import BadRequestError, RequestTooLargeError
from portkey_gateway.info import GatewayInfo

# What was said, what there is too much of, and where a user met it, on GitHub.
SAID = [
    (
        "Too many inputs. The max number of inputs is 16.  We hope to increase the number of inputs per request soon.",
        TooLarge.TEXTS,
        "Mintplex-Labs/anything-llm#184, of Azure OpenAI",
    ),
    (
        "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch",
        TooLarge.TEXTS,
        "geldata/gel#9032, of Gemini",
    ),
    ("250 instance(s) is allowed per prediction. Actual: 512", TooLarge.TEXTS, "onyx-dot-app/onyx#2343, of Vertex AI"),
    (
        "Unable to submit request because it included too many instances.",
        TooLarge.TEXTS,
        "topoteretes/cognee#4856, of Vertex AI",
    ),
    (
        "InvalidParameter: Value error, batch size is invalid, it should not be larger than 10.: input.contents",
        TooLarge.TEXTS,
        "memodb-io/memobase#142, of Dashscope",
    ),
    ("input length is larger than the largest allowed size 2048", TooLarge.TEXTS, "refly-ai/refly#831, of Jina"),
    ("Requested 375703 tokens, max 300000 tokens per request", TooLarge.SIZE, "vercel-labs/lat.md#74, of OpenAI"),
    ("Too many tokens in batch. Max is 16384 got 17555", TooLarge.SIZE, "aurelio-labs/semantic-router#297, of Mistral"),
    ("Too many tokens overall, split into more batches.", TooLarge.SIZE, "chroma-core/chroma#5597, of Mistral"),
    (
        "The max allowed tokens per submitted batch is 120000. Your batch has 121138 tokens after truncation.",
        TooLarge.SIZE,
        "sigoden/aichat#825, of Voyage",
    ),
    ("Request payload size exceeds the limit: 4194304 bytes.", TooLarge.SIZE, "quarkiverse/quarkus-langchain4j#1705"),
    # These two were not found in an issue.
    (
        "Unable to submit request because the input token count is 25000 but the model supports up to 20000.",
        TooLarge.SIZE,
        "Vertex AI",
    ),
    ("invalid request: total number of texts must be at most 96 - received 100", TooLarge.TEXTS, "Cohere"),
    ("batch size 64 > maximum allowed batch size 32", TooLarge.TEXTS, "huggingface/text-embeddings-inference"),
]


@pytest.mark.parametrize(("said", "kind", "where"), SAID)
@pytest.mark.parametrize("status", [400, 422])
def test_what_a_provider_says_tells_what_there_is_too_much_of(
    said: str, kind: TooLarge, where: str, status: int
) -> None:
    assert too_large(BadRequestError(said, info=GatewayInfo(status=status))) is kind, where


def test_a_body_that_is_too_large_is_told_by_its_status() -> None:
    assert too_large(RequestTooLargeError("no", info=GatewayInfo(status=413))) is TooLarge.SIZE


@pytest.mark.parametrize(
    ("said", "status"), [("Too many tokens in batch", 429), ("dimensions is not valid", 400), ("too many inputs", 500)]
)
def test_other_failures_are_none_of_size(said: str, status: int) -> None:
    assert too_large(BadRequestError(said, info=GatewayInfo(status=status))) is None
    assert too_large(RuntimeError(said)) is None
