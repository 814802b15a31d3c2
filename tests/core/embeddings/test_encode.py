"""A request for vectors, written so that everyone who may answer takes it."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from portkey_gateway.embeddings.encode import EmbeddingPlan, most_texts, plan_embedding
from portkey_gateway.embeddings.providers import PROVIDERS, find_provider
from portkey_gateway.embeddings.request import EmbeddingRequest, check_texts
from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.options import GatewayOptions
from portkey_gateway.routing import Route, find_route

MODEL = "text-embedding-3-small"


def route_to(provider: str | None, model: str = MODEL, **more: Any) -> Route:
    return Route(targets=((provider, model),), **more)


def plan(route: Route, *, kind: Any = "document", size: int | None = None, **request: Any) -> EmbeddingPlan:
    asked = cast("EmbeddingRequest", {"model": MODEL, "input": ["a", "b"], **request})
    return plan_embedding(asked, route, kind, size)


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("openai", {"encoding_format": "base64"}),
        ("azure-openai", {"encoding_format": "base64"}),
        ("cohere", {"encoding_format": "float", "input_type": "search_document"}),
        ("voyage", {"input_type": "document"}),
        ("nomic", {"task_type": "search_document"}),
        ("vertex-ai", {"task_type": "RETRIEVAL_DOCUMENT"}),
        ("google", {}),
        ("a-new-one", {}),
    ],
)
def test_each_provider_gets_what_it_knows(provider: str, expected: dict[str, str]) -> None:
    assert plan(route_to(provider)).parameters == {"model": MODEL, **expected}


def test_queries_are_told_from_documents() -> None:
    assert plan(route_to("cohere"), kind="query").parameters["input_type"] == "search_query"
    assert plan(route_to("cohere"), kind="query", input_type="clustering").parameters["input_type"] == "clustering"


@pytest.mark.parametrize(
    ("name", "hint"), [("dimenions", "did you mean 'dimensions'"), ("foo", "leaves out what it does not know")]
)
def test_a_parameter_that_nobody_knows_is_warned_of(name: str, hint: str) -> None:
    with pytest.warns(PortkeyWarning, match=f"{name} is no parameter of embeddings that is known here.*{hint}"):
        plan(route_to("openai"), **{name: 12})


def test_input_type_that_does_not_arrive_is_warned_of() -> None:
    with pytest.warns(PortkeyWarning, match="input_type='query' does not reach OpenAI"):
        assert "input_type" not in plan(route_to("openai"), input_type="query").parameters
    assert plan(route_to("a-new-one"), input_type="query").parameters["input_type"] == "query"


@pytest.mark.parametrize(("provider", "expected"), [("openai", "float"), ("a-new-one", "float"), ("google", None)])
def test_the_format_that_was_asked_for_goes_where_it_is_known(provider: str, expected: str | None) -> None:
    assert plan(route_to(provider), encoding_format="float").parameters.get("encoding_format") == expected


def test_dimensions_that_would_be_dropped_are_refused() -> None:
    assert plan(route_to("openai"), dimensions=8).dimensions == 8
    assert plan(route_to("openai"), dimensions=None).parameters == plan(route_to("openai")).parameters
    with pytest.raises(EncodingError, match="dimensions would not reach Cohere"):
        plan(route_to("cohere"), dimensions=8)
    assert plan(route_to("cohere", gateway="hosted"), dimensions=8).dimensions == 8


def test_one_text_is_no_list() -> None:
    route = route_to("ollama", "nomic-embed-text")
    made = plan(route)
    first, second = made.batches.take(), made.batches.take()
    assert first
    assert second
    assert [json.loads(made.encode(batch))["input"] for batch in (first, second)] == ["a", "b"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", ""], "text 1 to embed is empty"),
        (["a", 7], "text 1 to embed is a int"),
        ("a", "must be a list of text; got str"),
        (None, "got NoneType"),
    ],
)
def test_what_is_no_text_is_named(texts: Any, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        plan(route_to("openai"), input=texts)


def test_what_json_does_not_know_is_an_error() -> None:
    made = plan(route_to("openai"), user=object())
    batch = made.batches.take()
    assert batch
    with pytest.raises(EncodingError, match="JSON does not know"):
        made.encode(batch)
    with pytest.raises(EncodingError, match="at least one text; got 0"):
        plan(route_to("openai"), size=0)


def test_a_config_is_read_for_all_who_may_answer() -> None:
    targets = [
        {"provider": "openai", "api_key": "sk-of-the-test"},
        {"provider": "cohere", "api_key": "of-the-test", "override_params": {"model": "embed-v4.0"}},
    ]
    options = GatewayOptions(base_url="http://x/v1", config={"strategy": {"mode": "fallback"}, "targets": targets})
    with pytest.warns(PortkeyWarning, match=f"by {MODEL} or by embed-v4.0: vectors of different models"):
        made = plan(find_route(options, MODEL))
    assert made.parameters == {"model": MODEL, "encoding_format": "float", "input_type": "search_document"}
    assert most_texts(find_route(options, MODEL)) == 96


@pytest.mark.parametrize(
    ("provider", "model", "row"),
    [
        (None, "@openai-prod/text-embedding-3-large", "openai"),
        ("@mine", "embed-english-v3.0", "cohere"),
        (None, "@bedrock/cohere.embed-v4:0", "bedrock/cohere"),
        ("bedrock", "eu.amazon.titan-embed-text-v2:0", "bedrock/amazon"),
        ("bedrock", "cohere.embed-english-v3", "bedrock/cohere"),
        ("vertex-ai", "gemini-embedding-001", "vertex-ai/gemini"),
        ("vertex-ai", "text-embedding-005", "vertex-ai"),
        (None, "@g/gemini-embedding-001", "google"),
        ("ollama", "embed-english", "ollama"),
    ],
)
def test_providers_are_found_by_slug_and_else_by_the_name_of_the_model(
    provider: str | None, model: str, row: str
) -> None:
    assert find_provider(provider, model) is PROVIDERS[row]


@pytest.mark.parametrize(("provider", "model"), [(None, "my-embedder"), ("a-new-one", MODEL), ("@mine", "house/e5")])
def test_of_others_nothing_is_known(provider: str | None, model: str) -> None:
    assert find_provider(provider, model) is None
    assert most_texts(route_to(provider, model)) == 96


@pytest.mark.parametrize(
    ("provider", "model", "row"),
    [
        (None, "@vertex/gemini-embedding-001", "vertex-ai/gemini"),
        (None, "@vertex-prod/text-embedding-005", "vertex-ai"),
        ("@my-vertex-ai", "text-multilingual-embedding-002", "vertex-ai"),
        (None, "@ollama/nomic-embed-text", "ollama"),
        (None, "@bedrock-eu/us.cohere.embed-v4:0", "bedrock/cohere"),
        (None, "@workers-ai/@cf/baai/bge-base-en-v1.5", "workers-ai"),
        (None, "@gemini/models/gemini-embedding-2", "google"),
        # A slug that names no host says nothing: whoever made it named it as they liked.
        (None, "@openai-team/embed-v4.0", "cohere"),
        (None, "@bedrock/text-embedding-3-small", "openai"),
        # Here it is no slug.
        ("workers-ai", "@cf/ollama/x", "workers-ai"),
    ],
)
def test_a_slug_of_the_catalog_tells_the_host(provider: str | None, model: str, row: str) -> None:
    assert find_provider(provider, model) is PROVIDERS[row]


@pytest.mark.parametrize("model", ["@azure/my-embedder", "@bedrock/my-embedder", "@prod/ollama"])
def test_of_other_slugs_nothing_is_known(model: str) -> None:
    assert find_provider(None, model) is None


def test_half_a_character_is_told_with_its_place() -> None:
    with pytest.raises(EncodingError, match=r"text 1 to embed holds half a character, '\\ud800' at its position 3"):
        check_texts(["Ö", "bad\ud800"])
