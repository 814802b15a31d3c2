"""The models that a provider or a catalog lists, through the real gateway and in each form of a list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from portkey_gateway import (
    APITimeoutError,
    AuthenticationError,
    GatewayClient,
    GatewayOptions,
    InvalidResponseError,
    ListedModel,
    NotFoundError,
)
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.catalog import NAMES
from tests.support.recording import RecordingServer, whole

Ask = Callable[[GatewayClient], list[ListedModel]]
both_ways = pytest.mark.parametrize("ask", [GatewayClient.models, lambda client: asyncio.run(client.amodels())])


def client(**options: Any) -> GatewayClient:
    return GatewayClient(GatewayOptions(**options), timeout_s=5, max_retries=0)


@both_ways
def test_claudes_models_are_listed(sandbox: Sandbox, ask: Ask) -> None:
    listed = ask(client(**sandbox.options()))

    assert [model.id for model in listed] == list(NAMES)
    [opus] = [model for model in listed if model.id == "claude-opus-4-5"]
    assert opus.raw["max_tokens"] == opus.facts.max_output_tokens == 64_000
    assert "lifecycle" not in repr(opus)


@both_ways
def test_openais_models_are_listed(portkey_sandbox_with_openai: Sandbox, ask: Ask) -> None:
    listed = ask(client(**portkey_sandbox_with_openai.options("openai")))

    assert {"gpt-5", "text-embedding-3-small"} < {model.id for model in listed}
    assert {model.facts.family for model in listed if model.id.startswith("gpt-5")} == {"openai"}


@both_ways
def test_a_config_is_asked_too(portkey_sandbox_with_openai: Sandbox, ask: Ask) -> None:
    sandbox = portkey_sandbox_with_openai
    listed = ask(client(base_url=sandbox.base_url, config=sandbox.config("openai", "anthropic")))

    assert "gpt-5" in {model.id for model in listed}


@both_ways
def test_a_wrong_key_is_told(sandbox: Sandbox, ask: Ask) -> None:
    with pytest.raises(AuthenticationError):
        ask(client(**{**sandbox.options(), "provider_api_key": "no-key"}))


GOOGLE = {"models": [{"name": "models/gemini-2.5-pro", "inputTokenLimit": 1_048_576}], "nextPageToken": "next one"}
COHERE = {"models": [{"name": "command-a", "context_length": 256_000}], "next_page_token": ""}
CATALOG = {"object": "list", "data": [{"id": "@openai-prod/gpt-5", "slug": "gpt-5"}, {"no": "name"}, "no model"]}


@both_ways
@pytest.mark.parametrize(
    ("provider", "pages", "names", "paths"),
    [
        ("google", [GOOGLE, {"models": []}], ["gemini-2.5-pro"], ["", "?limit=1000&pageToken=next+one"]),
        ("cohere", [COHERE], ["command-a"], [""]),
        (None, [CATALOG], ["@openai-prod/gpt-5"], [""]),
        ("anthropic", [{"data": [{"id": "a"}], "has_more": False, "last_id": "a"}], ["a"], ["?limit=1000"]),
        (
            "anthropic",
            [{"data": [{"id": "a"}], "has_more": True, "last_id": "a"}, {"data": [{"id": "b"}], "has_more": False}],
            ["a", "b"],
            ["?limit=1000", "?limit=1000&after_id=a"],
        ),
    ],
)
def test_every_form_of_a_list_is_read(
    server: RecordingServer, ask: Ask, *, provider: str | None, pages: list[Any], names: list[str], paths: list[str]
) -> None:
    server.reply(*map(whole, pages))

    listed = ask(client(base_url=server.base_url, provider=provider, api_key="pk"))
    assert [model.id for model in listed] == names
    assert [request.path for request in server.requests] == [f"/v1/models{path}" for path in paths]


@both_ways
@pytest.mark.parametrize("body", [b"{}", b"[]", b"no", b'{"data": {}}', b'{"error": {"message": "none"}}'])
def test_what_is_no_list_is_an_error(server: RecordingServer, ask: Ask, body: bytes) -> None:
    server.reply(whole(body))

    with pytest.raises(InvalidResponseError):
        ask(client(base_url=server.base_url, provider="openai"))


@both_ways
@pytest.mark.parametrize(("provider", "who"), [("ollama", "ollama"), (None, "the gateway")])
def test_where_there_is_no_list_the_error_says_so(
    server: RecordingServer, ask: Ask, provider: str | None, who: str
) -> None:
    server.reply(whole({"error": {"message": "Not Found"}}, status=404))

    with pytest.raises(NotFoundError, match=f"Not Found.*; {who} lists no models at this base_url"):
        ask(client(base_url=server.base_url, provider=provider, api_key="pk"))


@both_ways
def test_a_list_that_leads_back_to_where_it_was_read_has_an_end(server: RecordingServer, ask: Ask) -> None:
    server.reply(whole({"data": [{"id": "a"}], "has_more": True, "last_id": "a"}))

    with pytest.raises(InvalidResponseError, match="anthropic lists the same models again and again"):
        ask(client(base_url=server.base_url, provider="anthropic"))
    assert len(server.requests) == 2


@both_ways
def test_a_list_without_end_ends_with_the_whole_time(server: RecordingServer, ask: Ask) -> None:
    server.reply(
        *(whole({"data": [{"id": "a"}], "has_more": True, "last_id": f"{page}"}, wait_s=0.1) for page in range(99))
    )
    asking = GatewayClient(
        GatewayOptions(base_url=server.base_url, provider="anthropic"), total_timeout_s=0.5, max_retries=0
    )

    with pytest.raises(APITimeoutError, match=r"total_timeout=0\.5 s"):
        ask(asking)
    assert len(server.requests) < 9
