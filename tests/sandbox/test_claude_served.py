"""What the emulated Claude answers with tools that Anthropic runs: whole and streamed alike, and fit to come back."""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest
from anthropic.types.beta import BetaMessage

from portkey_gateway.sandbox.claude.server import ClaudeServer

KEY = "sk-ant-test"
HEADERS = {
    "x-api-key": KEY,
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "mcp-client-2025-11-20,inline-tools-2026-09-15",
}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
FETCH = {"type": "web_fetch_20250910", "name": "web_fetch", "citations": {"enabled": True}}
CODE = {"type": "code_execution_20250825", "name": "code_execution"}
OLD_CODE = {"type": "code_execution_20250522", "name": "code_execution"}
FINDER = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "wiki"}
SERVERS = {"mcp_servers": [{"type": "url", "url": "https://mcp.example.com", "name": "wiki"}]}
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture(scope="module")
def server() -> Iterator[ClaudeServer]:
    with ClaudeServer() as running:
        yield running


@pytest.fixture
def http(server: ClaudeServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=HEADERS) as client:
        yield client


def request(text: str, *tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "claude-sonnet-4-6", "max_tokens": 2000, "messages": messages, "tools": list(tools), **more}


def ask(http: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    response = http.post("/v1/messages", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def kinds(answer: dict[str, Any]) -> list[str]:
    return [block["type"] for block in answer["content"]]


def goes_on(body: dict[str, Any], answer: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    return {**body, "messages": [*body["messages"], {"role": "assistant", "content": answer["content"]}, *more]}


CALLS = [
    (request("Search the web for news about cats", SEARCH), ["server_tool_use", "web_search_tool_result"]),
    (request("Search for unavailable news", SEARCH), ["server_tool_use", "web_search_tool_result"]),
    (request("Fetch https://example.com/a and analyze it", FETCH), ["server_tool_use", "web_fetch_tool_result"]),
    (request("Calculate the mean of 1, 2 and 6", CODE), ["server_tool_use", "bash_code_execution_tool_result"]),
    (request("Calculate the mean of 1, 2 and 6", OLD_CODE), ["server_tool_use", "code_execution_tool_result"]),
    (request("Create a file with 42", CODE), ["server_tool_use", "text_editor_code_execution_tool_result"]),
    (request("View the file /skills/a.md", CODE), ["server_tool_use", "text_editor_code_execution_tool_result"]),
    (request("Run the unavailable code", CODE), ["server_tool_use", "bash_code_execution_tool_result"]),
    (request("Ask the wiki about cats", TOOLSET, **SERVERS), ["mcp_tool_use", "mcp_tool_result"]),
    (request("Ask the unavailable wiki", TOOLSET, **SERVERS), ["mcp_tool_use", "mcp_tool_result"]),
]


@pytest.mark.parametrize(("body", "expected"), CALLS)
def test_a_tool_is_run_and_its_answer_comes_back(http: httpx.Client, body: dict[str, Any], expected: list[str]) -> None:
    answer = ask(http, body)

    assert kinds(answer)[:3] == ["text", *expected]
    assert set(kinds(answer)[3:]) == {"text"}
    assert answer["stop_reason"] == "end_turn"
    ask(http, goes_on(body, answer, {"role": "user", "content": "Thanks"}))


@pytest.mark.parametrize(("body", "_expected"), CALLS)
def test_a_streamed_answer_gathers_to_the_whole_one(
    server: ClaudeServer, http: httpx.Client, body: dict[str, Any], _expected: list[str]
) -> None:
    with (
        anthropic.Anthropic(base_url=server.url, api_key=KEY, max_retries=0) as client,
        client.beta.messages.stream(**body, betas=["mcp-client-2025-11-20"]) as stream,
    ):
        streamed = stream.get_final_message()

    whole = BetaMessage.model_validate(ask(http, body))
    assert [block.model_dump(exclude_none=True) for block in streamed.content] == [
        block.model_dump(exclude_none=True) for block in whole.content
    ]
    assert streamed.usage.input_tokens == whole.usage.input_tokens
    assert (streamed.container is None) == (whole.container is None)


def test_the_words_call_nothing_without_the_tool(http: httpx.Client) -> None:
    assert kinds(ask(http, request("Search the web for news about cats"))) == ["text"]
    assert kinds(ask(http, request("Sing of cats", SEARCH, CODE))) == ["text"]


def test_found_pages_are_cited(http: httpx.Client) -> None:
    answer = ask(http, request("Search the web for news about cats", SEARCH))
    results = answer["content"][2]["content"]
    citations = [block["citations"][0] for block in answer["content"] if block.get("citations")]

    assert {citation["type"] for citation in citations} == {"web_search_result_location"}
    assert {citation["url"] for citation in citations} <= {result["url"] for result in results}
    assert all(result["encrypted_content"] for result in results)


def test_a_fetched_page_is_cited_where_the_tool_says_so(http: httpx.Client) -> None:
    def citations(tool: dict[str, Any]) -> list[Any]:
        answer = ask(http, request("Fetch the page https://example.com/a", tool))
        return [citation for block in answer["content"] for citation in block.get("citations", ())]

    (citation,) = citations(FETCH)
    assert citation["type"] == "char_location"
    assert citation["cited_text"].startswith("This is the page https://example.com/a")
    assert citations({**FETCH, "citations": {"enabled": False}}) == []


def test_a_stream_begins_with_far_less_input_than_it_ends_with(http: httpx.Client) -> None:
    body = request("Search the web for news about cats", SEARCH, stream=True)
    events = [line for line in http.post("/v1/messages", json=body).text.splitlines() if line.startswith("data: ")]
    told = [httpx.Response(200, text=line.removeprefix("data: ")).json() for line in events]
    start, end = told[0]["message"]["usage"], told[-2]["usage"]

    assert end["input_tokens"] > 5 * start["input_tokens"]
    assert "server_tool_use" not in start
    assert end["server_tool_use"] == {"web_search_requests": 1, "web_fetch_requests": 0}


def test_usage_counts_what_was_run(http: httpx.Client) -> None:
    fetched = ask(http, request("Fetch https://example.com/a", FETCH))["usage"]["server_tool_use"]
    assert fetched == {"web_search_requests": 0, "web_fetch_requests": 1}
    assert "server_tool_use" not in ask(http, request("Hello"))["usage"]


def test_code_runs_in_a_container_that_can_be_named(http: httpx.Client) -> None:
    first = ask(http, request("Run some code", CODE))
    again = ask(http, request("Run some code", CODE, container=first["container"]["id"]))
    skilled = ask(http, request("Run code", CODE, container={"skills": [{"type": "anthropic", "skill_id": "xlsx"}]}))

    assert first["container"].keys() == {"id", "expires_at"}
    assert again["container"]["id"] == first["container"]["id"]
    assert skilled["container"]["skills"] == [{"type": "anthropic", "skill_id": "xlsx", "version": "20260101"}]
    assert "container" not in ask(http, request("Sing", CODE))


def test_a_paused_turn_is_gone_on_with(http: httpx.Client) -> None:
    body = request("Search the web for news about cats and pause", SEARCH)
    paused = ask(http, body)
    assert paused["stop_reason"] == "pause_turn"
    assert kinds(paused) == ["text", "server_tool_use", "web_search_tool_result"]

    rest = ask(http, goes_on(body, paused))
    assert rest["stop_reason"] == "end_turn"
    assert set(kinds(rest)) == {"text"}
    assert any(block.get("citations") for block in rest["content"])


def test_a_deferred_tool_is_searched_for_and_called(http: httpx.Client) -> None:
    deferred = {**WEATHER, "defer_loading": True}
    body = request("What is the weather in Paris?", deferred, FINDER)
    answer = ask(http, body)
    assert kinds(answer) == ["text", "server_tool_use", "tool_search_tool_result", "tool_use"]
    assert answer["content"][2]["content"]["tool_references"] == [
        {"type": "tool_reference", "tool_name": "get_weather"}
    ]
    assert answer["stop_reason"] == "tool_use"

    result = {"type": "tool_result", "tool_use_id": answer["content"][3]["id"], "content": "sunny"}
    told = ask(http, goes_on(body, answer, {"role": "user", "content": [result]}))
    assert "sunny" in told["content"][0]["text"]
    asked_again = goes_on(body, answer, {"role": "user", "content": [result]})
    asked_again["messages"] += [
        {"role": "assistant", "content": told["content"]},
        {"role": "user", "content": "And the weather in Rome?"},
    ]
    assert kinds(ask(http, asked_again)) == ["tool_use"]


def test_a_tool_that_only_code_may_call_is_called_by_code(http: httpx.Client) -> None:
    tools: list[Any] = [{**WEATHER, "allowed_callers": ["code_execution_20250825"]}, CODE]
    body = request("What is the weather in Paris?", *tools)
    answer = ask(http, body)
    code, call = answer["content"]
    assert code["name"] == "code_execution"
    assert call["input"] == {"city": "Paris"}
    assert call["caller"] == {"type": "code_execution_20250825", "tool_id": code["id"]}
    assert answer["stop_reason"] == "tool_use"

    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}
    following = goes_on(body, answer, {"role": "user", "content": [result]})
    refused = http.post("/v1/messages", json=following)
    assert "container_id is required" in refused.json()["error"]["message"]
    told = ask(http, {**following, "container": answer["container"]["id"]})
    assert kinds(told) == ["code_execution_tool_result", "text"]
    assert told["content"][0]["content"]["stdout"] == "sunny\n"


def test_a_call_from_code_comes_whole_in_a_stream(http: httpx.Client) -> None:
    tools: list[Any] = [{**WEATHER, "allowed_callers": ["code_execution_20250825"]}, CODE]
    body = request("What is the weather in Paris?", *tools, stream=True)
    events = http.post("/v1/messages", json=body).text

    assert '"name":"get_weather","input":{"city":"Paris"}' in events


def test_a_tool_comes_and_goes_amid_the_conversation(http: httpx.Client) -> None:
    addition = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": WEATHER}}
    removal = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "get_weather"}}
    asked = {"role": "user", "content": "What is the weather in Paris?"}
    body = request("") | {"model": "claude-opus-5-5", "messages": [asked, {"role": "system", "content": [addition]}]}

    added = ask(http, body)
    assert "tool_use" in kinds(added)
    body["messages"][1]["content"] = [addition, removal]
    assert "tool_use" not in kinds(ask(http, body))
