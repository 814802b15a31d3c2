"""Where calls go and how they are labelled: every way to authenticate, options of one call, copies, bad input."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langchain_core.runnables import ConfigurableField, Runnable
from pydantic import ValidationError

from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.support.recording import RecordingServer, answer, deltas, events, whole

Headers = Callable[[], dict[str, str]]
SONNET = "claude-sonnet-4-5"
SECRET = "sk-very-secret-1234"
HOSTED = {"model": SONNET, "api_key": SECRET}


def make(**options: Any) -> ChatPortkey:
    """A model from options as users write them: keys are plain text."""
    return ChatPortkey(**options)


def sent_headers(**options: Any) -> httpx.Headers:
    """The headers of a call under these options; nothing leaves this process."""
    seen: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=answer())

    with httpx.Client(transport=httpx.MockTransport(reply)) as client:
        make(http_client=client, api_format="chat_completions", **options).invoke("Hi")
    [request] = seen
    assert request.url.path.endswith("/v1/chat/completions")
    assert SECRET not in str(request.url)
    return request.headers


def portkey_headers(headers: httpx.Headers) -> dict[str, str]:
    """What of ours goes out beside what always does."""
    kept = {name: value for name, value in headers.items() if name.startswith("x-portkey-") or name == "authorization"}
    assert kept.pop("x-portkey-strict-open-ai-compliance") == "false"
    # What the run adds of itself is test_callbacks' matter.
    assert kept.pop("x-portkey-span-id")
    if re.fullmatch("[0-9a-f]{32}", kept["x-portkey-trace-id"]):
        del kept["x-portkey-trace-id"]
    if kept["x-portkey-span-name"] == "ChatPortkey":
        del kept["x-portkey-span-name"]
    return kept


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            {"model": "@anthropic-prod/claude-sonnet-4-5", "api_key": "pk"},
            {"x-portkey-api-key": "pk"},
            id="model catalog",
        ),
        pytest.param(
            {"model": SONNET, "api_key": "pk", "provider": "@anthropic-prod"},
            {"x-portkey-api-key": "pk", "x-portkey-provider": "@anthropic-prod"},
            id="provider of the catalog",
        ),
        pytest.param(
            {"model": SONNET, "api_key": "pk", "provider": "anthropic", "provider_api_key": "sk-ant"},
            {"x-portkey-api-key": "pk", "x-portkey-provider": "anthropic", "authorization": "Bearer sk-ant"},
            id="provider and its key",
        ),
        pytest.param(
            {"model": SONNET, "api_key": "pk", "virtual_key": "vk"},
            {"x-portkey-api-key": "pk", "x-portkey-virtual-key": "vk"},
            id="virtual key",
        ),
        pytest.param(
            {"model": SONNET, "api_key": "pk", "config": "pc-main-1a2b"},
            {"x-portkey-api-key": "pk", "x-portkey-config": "pc-main-1a2b"},
            id="config id",
        ),
        pytest.param(
            {"model": SONNET, "api_key": "pk", "config": {"retry": {"attempts": 3}}},
            {"x-portkey-api-key": "pk", "x-portkey-config": '{"retry":{"attempts":3}}'},
            id="config",
        ),
        pytest.param(
            {"model": SONNET, "api_key": "pk", "config": ' {"retry": {"attempts": 3}} '},
            {"x-portkey-api-key": "pk", "x-portkey-config": '{"retry":{"attempts":3}}'},
            id="config as JSON",
        ),
        pytest.param(
            {
                "model": SONNET,
                "provider": "anthropic",
                "provider_api_key": "sk-ant",
                "base_url": "http://localhost:8787/v1/",
                "custom_host": "http://localhost:9000/v1",
            },
            {
                "x-portkey-provider": "anthropic",
                "authorization": "Bearer sk-ant",
                "x-portkey-custom-host": "http://localhost:9000/v1",
            },
            id="self-hosted",
        ),
        pytest.param(
            {"model": SONNET, "api_key": "pk", "gateway_headers": {"azure_resource_name": "res", "debug": "false"}},
            {"x-portkey-api-key": "pk", "x-portkey-azure-resource-name": "res", "x-portkey-debug": "false"},
            id="cloud headers",
        ),
    ],
)
def test_every_way_to_authenticate(options: dict[str, Any], expected: dict[str, str]) -> None:
    assert portkey_headers(sent_headers(**options)) == expected


def test_the_environment_authenticates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-env")
    monkeypatch.setenv("PORTKEY_BASE_URL", "http://gateway.local/v1")
    assert portkey_headers(sent_headers(model="@a/claude-sonnet-4-5")) == {"x-portkey-api-key": "pk-env"}
    assert make(model=SONNET).base_url == "http://gateway.local/v1"


def test_every_label_goes_out() -> None:
    headers = portkey_headers(
        sent_headers(
            **HOSTED,
            trace_id="t-1",
            span_name="step",
            cache_namespace="tenant",
            cache_force_refresh=True,
            request_timeout=5000,
            forward_headers=["x-a", "x-b"],
            sensitive_headers="x-c, x-d",
            anthropic_beta="beta-1",
            anthropic_version="2023-06-01",
            metadata={"team": "search", "_user": "ann", "n": 3},
            default_headers={"x-a": "1"},
        )
    )
    assert json.loads(headers.pop("x-portkey-metadata")) == {"team": "search", "_user": "ann", "n": "3"}
    assert headers == {
        "x-portkey-api-key": SECRET,
        "x-portkey-trace-id": "t-1",
        "x-portkey-span-name": "step",
        "x-portkey-cache-namespace": "tenant",
        "x-portkey-cache-force-refresh": "true",
        "x-portkey-request-timeout": "5000",
        "x-portkey-forward-headers": "x-a,x-b",
        "x-portkey-sensitive-headers": "x-c,x-d",
        "x-portkey-anthropic-beta": "beta-1",
        "x-portkey-anthropic-version": "2023-06-01",
    }


@pytest.fixture
def local(server: RecordingServer) -> ChatPortkey:
    return make(
        model=SONNET,
        base_url=server.base_url,
        provider="anthropic",
        api_format="chat_completions",
        metadata={"team": "search"},
    )


def replying(server: RecordingServer, ask: Ask) -> None:
    server.reply(events(*deltas("Hi")) if "stream" in getattr(ask, "__name__", "") else whole(answer()))


@any_call
def test_gateway_options_hold_for_one_call(local: ChatPortkey, server: RecordingServer, ask: Ask) -> None:
    replying(server, ask)
    ask(local, "Hi", trace_id="t-1", model="claude-haiku-4-5")
    ask(local.bind(cache_namespace="tenant", timeout=9), "Hi")
    ask(local, "Hi")
    first, second, third = server.requests
    assert first.header("x-portkey-trace-id") == "t-1"
    assert first.json["model"] == "claude-haiku-4-5"
    assert second.header("x-portkey-cache-namespace") == "tenant"
    assert third.json["model"] == SONNET
    assert third.header("x-portkey-trace-id") != "t-1"
    assert "x-portkey-cache-namespace" not in third.headers
    for request in server.requests:
        assert not {"trace_id", "cache_namespace", "timeout"} & request.json.keys()


def test_an_option_of_one_call_is_checked_too(local: ChatPortkey) -> None:
    with pytest.raises(ValidationError, match="request_timeout"):
        local.invoke("Hi", request_timeout=-1)


def test_parameters_of_the_model_reach_the_body(local: ChatPortkey, server: RecordingServer) -> None:
    older = "claude-3-7-sonnet-20250219"  # which takes temperature and top_p together
    tuned = local.with_options(
        model=older,
        temperature=0.2,
        top_p=0.9,
        top_k=5,
        max_tokens=9,
        stop_sequences=["END"],
        model_kwargs={"user": "ann"},
    )
    tuned.invoke("Hi", top_k=7)
    body = server.requests[-1].json
    assert body.pop("messages")
    assert body == {
        "model": older,
        "temperature": 0.2,
        "top_p": 0.9,
        "top_k": 7,
        "max_tokens": 9,
        "stop": ["END"],
        "user": "ann",
    }
    tuned.invoke("Hi", stop=["STOP"])
    assert server.requests[-1].json["stop"] == ["STOP"]
    tuned.invoke("Hi", stop=[])
    assert "stop" not in server.requests[-1].json


def test_with_options_leaves_the_original_untouched_and_merges_mappings(local: ChatPortkey) -> None:
    before = local.model_dump()
    changed = local.with_options(
        metadata={"step": "one"}, trace_id="t-1", default_headers={"x-a": "1"}, config="pc-1", temperature=0.5
    )
    again = changed.with_options(default_headers={"x-b": "2"}, metadata={"team": "ads"})
    assert local.model_dump() == before
    assert {"team": "search", "step": "one"}.items() <= (changed.metadata or {}).items()
    assert {"team": "ads", "step": "one"}.items() <= (again.metadata or {}).items()
    assert again.default_headers == {"x-a": "1", "x-b": "2"}
    assert (again.trace_id, again.config, again.temperature) == ("t-1", "pc-1", 0.5)
    assert again.base_url == local.base_url


def test_with_options_shares_the_connections(local: ChatPortkey, server: RecordingServer) -> None:
    for index in range(3):
        local.with_options(trace_id=f"t-{index}").invoke("Hi")
    assert len(server.requests) == 3
    assert server.accepted == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"model": SONNET}, "api_key is missing: the hosted gateway needs", id="no key"),
        pytest.param({**HOSTED, "cache_namespac": "x"}, "did you mean 'cache_namespace'", id="typo"),
        pytest.param({**HOSTED, "zzzz": "x"}, "unknown option 'zzzz': known are", id="unknown"),
        pytest.param({**HOSTED, "reasoning_effort": "hgih"}, "did you mean 'high'", id="an effort"),
        pytest.param({**HOSTED, "thinking": {"type": "on"}}, "is 'on': Known are enabled", id="thinking"),
        pytest.param(
            {**HOSTED, "virtual_key": SECRET, "provider_api_key": SECRET}, "exclude each other", id="two keys"
        ),
        pytest.param({**HOSTED, "config": "not a config"}, "config must be a config id", id="neither JSON nor id"),
        pytest.param({**HOSTED, "config": f'{{"api_key": "{SECRET}",'}, "looks like JSON but is not", id="half JSON"),
        pytest.param({**HOSTED, "config": "[1]"}, "must be an object", id="JSON list"),
        pytest.param({**HOSTED, "metadata": ["a"]}, "metadata must be a mapping", id="metadata list"),
        pytest.param({**HOSTED, "metadata": "team"}, "got str", id="metadata text"),
        pytest.param({**HOSTED, "metadata": {1: "a"}}, "metadata keys must be text", id="metadata key"),
        pytest.param({**HOSTED, "trace_id": "a\nb"}, "trace_id goes into an HTTP header", id="header text"),
        pytest.param({**HOSTED, "max_tokens": 0}, "max_tokens", id="max_tokens"),
        pytest.param({**HOSTED, "timeout": -1}, "timeout", id="timeout"),
        pytest.param({**HOSTED, "request_timeout": 0}, "request_timeout", id="request_timeout"),
        pytest.param({**HOSTED, "model": ""}, "model", id="model"),
        pytest.param({**HOSTED, "max_retries": -1}, "max_retries", id="max_retries"),
        pytest.param({**HOSTED, "gateway_headers": {"x": "é"}}, "printable ASCII", id="gateway header"),
    ],
)
def test_bad_input_names_the_option_and_keeps_the_secret(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match="ChatPortkey") as caught:
        make(**options)
    assert says in str(caught.value)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


def test_with_options_refuses_what_the_constructor_refuses() -> None:
    model = make(**HOSTED)
    with pytest.raises(ValueError, match=r"unknown option 'cache_namespac'.*did you mean 'cache_namespace'"):
        model.with_options(cache_namespac="x")
    with pytest.raises(ValueError, match="metadata must be a mapping"):
        model.with_options(metadata=["a"])


def test_too_many_headers_are_refused_before_the_gateway_does() -> None:
    config = {"targets": [{"override_params": {"model": "m" * 20_000}}]}
    with pytest.raises(ValueError, match=r"the longest is x-portkey-config"):
        make(**HOSTED, config=config).invoke("Hi")


def test_configurable_fields_and_config_work(local: ChatPortkey, server: RecordingServer) -> None:
    configurable: Runnable[Any, Any] = local.configurable_fields(
        temperature=ConfigurableField(id="temperature"), cache_namespace=ConfigurableField(id="tenant")
    )
    configurable.with_config(configurable={"temperature": 0.7, "tenant": "ann"}).invoke("Hi")
    request = server.requests[-1]
    assert request.json["temperature"] == 0.7
    assert request.header("x-portkey-cache-namespace") == "ann"
    local.with_config(tags=["a"]).invoke("Hi")
    assert "temperature" not in server.requests[-1].json


def test_what_is_no_mapping_of_options_is_refused() -> None:
    with pytest.raises(ValidationError):
        ChatPortkey.model_validate("claude")


def test_configurable_alternatives_work(local: ChatPortkey, server: RecordingServer) -> None:
    alternatives = local.configurable_alternatives(
        ConfigurableField(id="llm"), default_key="sonnet", haiku=local.with_options(model="claude-haiku-4-5")
    )
    alternatives.invoke("Hi", {"configurable": {"llm": "haiku"}})
    assert server.requests[-1].json["model"] == "claude-haiku-4-5"


def test_a_parameter_that_claude_never_sees_is_warned_of(local: ChatPortkey) -> None:
    with pytest.warns(PortkeyWarning, match="seed does not reach Claude"):
        local.invoke("Hi", seed=1)


def test_another_provider_of_one_call_takes_no_key_of_the_environment(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTKEY_PROVIDER", "anthropic")
    monkeypatch.setenv("PORTKEY_PROVIDER_API_KEY", "sk-environment")
    server.reply(whole(answer()))
    here = ChatPortkey(model=SONNET, base_url=server.base_url, api_format="chat_completions")
    here.invoke("Hi")
    here.invoke("Hi", model="@openai-prod/gpt-5")
    own, other = server.requests
    assert own.header("authorization") == "Bearer sk-environment"
    assert "authorization" not in other.headers
    assert "x-portkey-provider" not in other.headers
    assert other.json["model"] == "@openai-prod/gpt-5"


@any_call
def test_a_value_that_nobody_knows_is_told_at_the_call(model: ChatPortkey, sandbox: Sandbox, ask: Ask) -> None:
    with pytest.raises(EncodingError, match=r"reasoning_effort is 'hgih': did you mean 'high'\?"):
        ask(model, "Hi", reasoning_effort="hgih")
    assert not sandbox.claude.requests


@pytest.mark.parametrize("n", [2, 5])
def test_a_stream_tells_one_answer(n: int) -> None:
    with pytest.raises(ValidationError, match=f"n={n} in model_kwargs and streaming exclude each other"):
        ChatPortkey(model="gpt-5", streaming=True, model_kwargs={"n": n}, base_url="http://127.0.0.1:1/v1")
    assert ChatPortkey(model="gpt-5", streaming=True, model_kwargs={"n": 1}, base_url="http://127.0.0.1:1/v1").streaming
