"""The emulated Claude lists its models as Anthropic does, in pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest

from portkey_gateway.sandbox.claude import catalog
from portkey_gateway.sandbox.claude.server import ClaudeServer

HEADERS = {"x-api-key": "sk-ant-test", "anthropic-version": "2023-06-01"}


@pytest.fixture(scope="module")
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as running:
        yield running


@pytest.fixture
def http(server: ClaudeServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=HEADERS) as client:
        yield client


def test_the_sdk_reads_it_page_by_page(server: ClaudeServer) -> None:
    with anthropic.Anthropic(base_url=server.url, api_key="sk-ant-test", max_retries=0) as sdk:
        listed = list(sdk.models.list(limit=5))
        assert [model.id for model in listed] == list(catalog.NAMES)
        told = sdk.models.retrieve("claude-opus-4-5")
        assert (told.max_input_tokens, told.max_tokens, told.line) == (200_000, 64_000, "opus")
        assert sdk.models.retrieve("claude-opus-5").lifecycle == "active"
        assert sdk.models.retrieve("claude-sonnet-4-5").lifecycle == "deprecated"
        with pytest.raises(anthropic.NotFoundError):
            sdk.models.retrieve("claude-nobody")


def test_a_page_begins_and_ends_where_it_is_asked(http: httpx.Client) -> None:
    first, second, third, *_ = catalog.NAMES

    def page(**asked: Any) -> Any:
        return http.get("/v1/models", params=asked).json()

    assert [model["id"] for model in page(limit=2)["data"]] == [first, second]
    assert page(limit=2)["has_more"] is True
    assert page(after_id=second, limit=1)["last_id"] == third
    assert page(before_id=second) == {**page(limit=1), "has_more": False}
    assert page(after_id=catalog.NAMES[-1])["data"] == []


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        ("?limit=0", 400, "greater than or equal to 1"),
        ("?limit=1001", 400, "less than or equal to 1000"),
        ("?limit=many", 400, "valid integer"),
        ("?after_id=claude-nobody", 400, "after_id"),
        ("?page=2", 400, "page: Extra inputs"),
        ("/claude-nobody", 404, "claude-nobody"),
    ],
)
def test_what_anthropic_refuses_is_refused(http: httpx.Client, asked: str, status: int, message: str) -> None:
    answer = http.get(f"/v1/models{asked}")
    assert (answer.status_code, message in answer.json()["error"]["message"]) == (status, True)


def test_it_is_asked_with_get_and_a_key(http: httpx.Client) -> None:
    assert http.post("/v1/models").status_code == 405
    assert http.get("/v1/models", headers={"x-api-key": "no-key"}).status_code == 401
    assert http.get("/v1/messages").status_code == 405
