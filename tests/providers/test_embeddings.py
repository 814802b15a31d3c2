"""The table of embedding providers beside the real gateway: what reaches each, and what comes back in its own shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from portkey_gateway import GatewayClient, GatewayFailureError, GatewayOptions, InvalidResponseError
from portkey_gateway.embeddings.answer import Embeddings
from portkey_gateway.embeddings.providers import PROVIDERS, find_provider
from portkey_gateway.sandbox import Sandbox
from tests.support.recording import RecordingServer, Reply, whole

MODELS: Final = {
    "openai": "text-embedding-3-small",
    "azure-openai": "text-embedding-3-small",
    "azure-ai": "text-embedding-3-small",
    "google": "gemini-embedding-001",
    "vertex-ai": "text-embedding-005",
    "vertex-ai/gemini": "gemini-embedding-001",
    "cohere": "embed-v4.0",
    "bedrock/cohere": "eu.cohere.embed-english-v3",
    "bedrock/amazon": "amazon.titan-embed-text-v2:0",
    "ollama": "nomic-embed-text",
    "mistral-ai": "mistral-embed",
    "voyage": "voyage-3.5",
    "jina": "jina-embeddings-v3",
    "nomic": "nomic-embed-text-v1.5",
    "together-ai": "BAAI/bge-large-en-v1.5",
    "fireworks-ai": "nomic-ai/nomic-embed-text-v1.5",
    "workers-ai": "@cf/baai/bge-base-en-v1.5",
    "zhipu": "embedding-3",
    "dashscope": "text-embedding-v4",
    "siliconflow": "BAAI/bge-large-zh-v1.5",
}
HEADERS: Final[dict[str, dict[str, str]]] = {
    "azure-openai": {"azure-resource-name": "house", "azure-deployment-id": "main", "azure-api-version": "2024-10-21"},
    "azure-ai": {"azure-foundry-url": "http://127.0.0.1:1", "azure-api-version": "2024-10-21"},
    "bedrock": {"aws-access-key-id": "AKIA", "aws-secret-access-key": "secret", "aws-region": "eu-west-1"},
    "vertex-ai": {"vertex-project-id": "project", "vertex-region": "europe-west1"},
    "workers-ai": {"workers-ai-account-id": "account"},
}


def openai_shape(vectors: list[list[float]]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return {"object": "list", "data": data, "model": "m", "usage": usage}


def vertex_shape(vectors: list[list[float]]) -> dict[str, Any]:
    counted = {"statistics": {"token_count": 4}}
    return {"predictions": [{"embeddings": {"values": vector, **counted}} for vector in vectors]}


SHAPES: Final[dict[str, Callable[[list[list[float]]], dict[str, Any]]]] = {
    "google": lambda vectors: {"embedding": {"values": vectors[0]}},
    "vertex-ai": vertex_shape,
    "vertex-ai/gemini": vertex_shape,
    "cohere": lambda vectors: {"id": "1", "embeddings": {"float": vectors}, "meta": {"tokens": {"input_tokens": 5}}},
    "bedrock/cohere": lambda vectors: {"id": "1", "embeddings": vectors, "texts": []},
    "bedrock/amazon": lambda vectors: {"embedding": vectors[0], "inputTextTokenCount": 3},
    "ollama": lambda vectors: {"embedding": vectors[0]},
    "nomic": lambda vectors: {"embeddings": vectors, "model": "m", "usage": {"prompt_tokens": 7, "total_tokens": 7}},
    "workers-ai": lambda vectors: {"success": True, "result": {"shape": [2, 2], "data": vectors}},
}
"""What each answers, where it is not OpenAI's schema."""

VECTORS: Final = [[0.5, 1.5], [2.5, 3.5]]
TEXTS: Final = ["one", "two"]


class Behind:
    """A client of the real gateway, with a server of ours in the provider's place."""

    def __init__(self, row: str, sandbox: Sandbox, server: RecordingServer) -> None:
        self.row = row
        self.server = server
        provider = row.partition("/")[0]
        headers = HEADERS.get(provider, {})
        if provider == "azure-ai":
            headers = {**headers, "azure-foundry-url": server.base_url}
        options: dict[str, Any] = {"base_url": sandbox.base_url, "provider": provider, "provider_api_key": "key"}
        self.client = GatewayClient(
            GatewayOptions(**options, custom_host=server.base_url, gateway_headers=headers), max_retries=0
        )

    def reply(self, vectors: list[list[float]]) -> Reply:
        return whole(SHAPES.get(self.row, openai_shape)(vectors))

    def embed(self, **more: Any) -> Embeddings:
        kind = more.pop("kind", "document")
        request: Any = {"model": MODELS[self.row], "input": TEXTS, **more}
        return self.client.embed(request, kind=kind, max_concurrency=1)


@pytest.fixture(params=PROVIDERS)
def behind(request: pytest.FixtureRequest, sandbox: Sandbox, server: RecordingServer) -> Behind:
    return Behind(request.param, sandbox, server)


def holds(value: Any, part: Any) -> bool:
    """Whether a body holds a value anywhere."""
    if isinstance(value, dict | list):
        return any(holds(each, part) for each in (value.values() if isinstance(value, dict) else value))
    return bool(value == part)


def test_each_row_is_found(behind: Behind) -> None:
    assert find_provider(behind.row.partition("/")[0], MODELS[behind.row]) is PROVIDERS[behind.row]


def test_every_text_arrives_and_every_vector_comes_back(behind: Behind) -> None:
    one_by_one = PROVIDERS[behind.row].texts == 1
    behind.server.reply(*([behind.reply([vector]) for vector in VECTORS] if one_by_one else [behind.reply(VECTORS)]))
    told = behind.embed()
    assert told.vectors == VECTORS
    bodies = [request.json for request in behind.server.requests]
    assert len(bodies) == (2 if one_by_one else 1)
    assert all(any(holds(body, text) for body in bodies) for text in TEXTS)


def test_dimensions_arrive_where_the_table_says_so(behind: Behind) -> None:
    """Asked for without our own refusal, by a name that nothing is known of."""
    behind.server.reply(behind.reply(VECTORS[:1]))
    known = PROVIDERS[behind.row].dimensions
    request: Any = {"model": MODELS[behind.row], "input": TEXTS[:1], "dimensions": 2}
    unguarded = GatewayClient(
        GatewayOptions.model_validate({**_fields(behind.client), "gateway": "hosted"}), max_retries=0
    )
    unguarded.embed(request)
    [sent] = behind.server.requests
    assert holds(sent.json, 2) is known


def _fields(client: GatewayClient) -> dict[str, Any]:
    return {name: getattr(client.options, name) for name in client.options.model_fields_set}


@pytest.mark.parametrize("kind", ["document", "query"])
def test_documents_and_queries_are_told_apart_where_the_table_says_so(behind: Behind, kind: str) -> None:
    behind.server.reply(behind.reply(VECTORS[:1] if PROVIDERS[behind.row].texts == 1 else VECTORS))
    behind.embed(kind=kind)
    types = PROVIDERS[behind.row].types
    sent = behind.server.requests[0].json
    if types:
        own, other = types if kind == "document" else types[::-1]
        assert holds(sent, own)
        assert not holds(sent, other)
    else:
        assert not any("type" in name and name != "embeddingTypes" for name in sent)


def test_cohere_is_told_the_type_of_its_numbers(sandbox: Sandbox, server: RecordingServer) -> None:
    behind = Behind("cohere", sandbox, server)
    server.reply(behind.reply(VECTORS))
    told = behind.embed()
    assert server.requests[0].json["embedding_types"] == ["float"]
    assert told.usage
    assert told.usage.input_tokens == 5


def test_usage_of_one_by_one_is_summed_and_minus_one_is_none(sandbox: Sandbox, server: RecordingServer) -> None:
    titan = Behind("bedrock/amazon", sandbox, server)
    server.reply(titan.reply(VECTORS[:1]))
    usage = titan.embed().usage
    assert usage
    assert usage.input_tokens == 6
    google = Behind("google", sandbox, server)
    server.reply(google.reply(VECTORS[:1]))
    assert google.embed().usage is None


def test_a_provider_that_makes_one_vector_of_all_is_found_out(sandbox: Sandbox, server: RecordingServer) -> None:
    """As Gemini does where only a saved config knows that it answers."""
    behind = Behind("openai", sandbox, server)
    server.reply(behind.reply(VECTORS[:1]))
    with pytest.raises(InvalidResponseError, match="2 texts were sent and 1 vectors came back"):
        behind.embed()


def test_a_provider_that_does_not_embed_says_so_and_is_not_asked_again(sandbox: Sandbox) -> None:
    options: Any = sandbox.options("anthropic")
    client = GatewayClient(GatewayOptions(**options), max_retries=2)
    with pytest.raises(GatewayFailureError, match="embed is not supported by anthropic") as caught:
        client.embed({"model": "claude-sonnet-4-6", "input": TEXTS})
    assert not caught.value.is_retryable
