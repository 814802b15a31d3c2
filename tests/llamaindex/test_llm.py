"""`Portkey` as LlamaIndex handles it: stored, copied, pickled, configured, and asked."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from llama_index.core import Settings
from llama_index.core.llms import LLM, ChatMessage
from pydantic import ValidationError

from portkey_gateway import (
    AuthenticationError,
    ContextOverflowError,
    EncodingError,
    OverloadedError,
    PortkeyError,
    PortkeyWarning,
    RateLimitError,
    StreamProviderError,
)
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_llamaindex import Portkey
from tests.llamaindex.received import Received
from tests.llamaindex.ways import ask, chat_way, every_way
from tests.support.recording import RecordingServer, deltas, events, whole

SECRETS = ("pk-portkey-secret", "sk-provider-secret", "cfg-secret", "hdr-secret", "ghdr-secret", "mcp-secret")
HELLO = {"choices": [{"message": {"content": "Hello."}, "finish_reason": "end_turn"}]}


@pytest.fixture
def secretive() -> Portkey:
    """A model with a secret in every place that takes one."""
    return Portkey(
        model="claude-sonnet-4-5",
        api_key=SECRETS[0],
        provider="anthropic",
        provider_api_key=SECRETS[1],
        config={"api_key": SECRETS[2]},
        default_headers={"x-own": SECRETS[3]},
        gateway_headers={"aws_secret_access_key": SECRETS[4]},
        mcp_servers=[{"type": "url", "url": "https://a.org", "name": "a", "authorization_token": SECRETS[5]}],
        http_client=httpx.Client(),
        temperature=0.5,
        forward_headers=("x-own",),
        request_metadata={"team": "search"},
        api_format="chat_completions",
        gateway="oss-2",
    )


@pytest.fixture
def settings() -> Iterator[Any]:
    yield Settings
    Settings._llm = None
    Settings._callback_manager = None


# --- what LlamaIndex is told ----------------------------------------------------------------------------------------


def test_metadata_of_a_claude() -> None:
    metadata = Portkey(model="@anthropic-prod/claude-sonnet-4-5", api_key="pk").metadata
    assert metadata.is_chat_model
    assert metadata.is_function_calling_model
    assert metadata.model_name == "@anthropic-prod/claude-sonnet-4-5"
    assert (metadata.context_window, metadata.num_output) == (200_000, 4096)


def test_metadata_of_another_model(recorded: Portkey) -> None:
    other = recorded.with_options(model="gpt-5", provider="openai")
    assert (other.metadata.context_window, other.metadata.num_output) == (272_000, 4096)
    own = other.with_options(context_window=1000, max_tokens=10, is_function_calling_model=False).metadata
    assert (own.context_window, own.num_output, own.is_function_calling_model) == (1000, 10, False)


def test_settings_take_it(settings: Any, recorded: Portkey, server: RecordingServer) -> None:
    settings.llm = recorded
    assert settings.llm is recorded
    server.reply(whole(HELLO))
    assert settings.llm.complete("Hi").text == "Hello."


def test_importing_without_llamaindex_names_the_extra() -> None:
    code = "import sys; sys.modules['llama_index.core'] = None; import portkey_llamaindex"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 our own code
    assert result.returncode == 1
    assert 'pip install "portkey-frameworks[llamaindex]"' in result.stderr


# --- stored, copied, pickled ----------------------------------------------------------------------------------------


def test_no_dump_and_no_repr_holds_a_secret(secretive: Portkey) -> None:
    shown = [
        repr(secretive),
        str(secretive),
        str(secretive.to_dict()),
        secretive.to_json(),
        str(secretive.to_payload()),
        str(secretive.dict()),
        secretive.model_dump_json(),
        str(secretive.metadata),
        repr(pickle.loads(pickle.dumps(secretive))),
        repr(secretive.gateway_client()),
    ]
    for text in shown:
        assert "claude-sonnet-4-5" in text or "GatewayClient" in text
        assert not [secret for secret in SECRETS if secret in text]


def test_it_is_restored_from_its_dump(recorded: Portkey) -> None:
    llm = recorded.with_options(
        temperature=0.5, stop=["END"], forward_headers=("x-own",), request_metadata={"team": "a"}
    )
    assert llm.class_name() == llm.to_dict()["class_name"] == "Portkey"
    restored = Portkey.from_json(llm.to_json(), provider_api_key="sk-again")
    assert restored.to_dict() == llm.to_dict()
    assert restored.stop == ["END"]
    assert Portkey.from_dict(llm.to_dict()).provider_api_key is None


def test_a_config_by_its_id_is_stored_and_one_that_may_hold_keys_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-of-the-environment")
    stored = Portkey(model="claude-sonnet-4-5", config="pc-main-1a2b3c", provider="@anthropic-prod").to_dict()
    assert (stored["config"], stored["provider"]) == ("pc-main-1a2b3c", "@anthropic-prod")
    restored = Portkey.from_dict(stored)
    assert restored.gateway_client().options.config == "pc-main-1a2b3c"
    assert "pk-of-the-environment" in restored.secrets()
    assert "config" not in Portkey(model="claude-sonnet-4-5", config={"api_key": "sk-secret"}).to_dict()
    assert "config" not in Portkey(model="claude-sonnet-4-5").to_dict()


def test_a_pickle_calls_as_before(
    secretive: Portkey, server: RecordingServer, caplog: pytest.LogCaptureFixture
) -> None:
    travelled = pickle.loads(pickle.dumps(secretive.with_options(base_url=server.base_url, mcp_servers=None)))
    assert not caplog.records
    assert travelled.http_client is None
    assert (travelled.api_format, travelled.gateway) == ("chat_completions", "oss-2")
    server.reply(whole(HELLO))
    travelled.complete("Hi")
    [request] = server.requests
    assert request.header("authorization") == f"Bearer {SECRETS[1]}"
    assert request.header("x-portkey-aws-secret-access-key") == SECRETS[4]


def test_an_object_is_the_same_after_it_was_pickled(secretive: Portkey) -> None:
    client = secretive.http_client
    pickle.dumps(secretive)
    assert secretive.http_client is client


def test_a_pickle_knows_what_only_the_environment_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-env")
    monkeypatch.setenv("PORTKEY_PROVIDER", "anthropic")
    monkeypatch.setenv("PORTKEY_PROVIDER_API_KEY", "sk-env")
    travelled = pickle.loads(pickle.dumps(Portkey(model="claude-sonnet-4-5")))
    assert travelled.provider_api_key.get_secret_value() == "sk-env"
    assert travelled.with_options(provider="openai").provider_api_key is None


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda llm: llm.model_copy(deep=True)])
def test_copies_share_the_borrowed_client(secretive: Portkey, duplicate: Any) -> None:
    copied = duplicate(secretive)
    assert copied.http_client is secretive.http_client
    assert copied.to_dict() == secretive.to_dict()
    assert copied.provider_api_key == secretive.provider_api_key


def test_models_copied_together_share_their_borrowed_client(secretive: Portkey) -> None:
    first, second = copy.deepcopy([secretive, secretive])
    assert first is second
    assert first.http_client is secretive.http_client


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "complaint"), [
    ({}, "api_key is missing: the hosted gateway needs a Portkey API key"),
    ({"api_key": "pk", "temprature": 1}, "unknown option 'temprature': did you mean 'temperature'"),
    ({"api_key": "pk", "metadata": {"a": "b"}}, "unknown option 'metadata': here it is 'request_metadata'"),
    ({"api_key": "pk", "api_base": "http://x"}, "unknown option 'api_base': here it is 'base_url'"),
    ({"api_key": "pk", "thinking_dict": {}}, "unknown option 'thinking_dict': here it is 'thinking'"),
    ({"api_key": "pk", "virtual_key": "vk", "provider_api_key": "sk"}, "virtual_key and provider_api_key exclude"),
    ({"api_key": "pk", "config": '{"retry": '}, "config looks like JSON but is not"),
    ({"api_key": "pk", "config": "[]"}, "config as JSON must be an object"),
    ({"api_key": "pk", "request_metadata": "search"}, "metadata must be a mapping"),
    ({"api_key": "pk", "request_metadata": {1: "a"}}, "metadata keys must be text"),
    ({"api_key": "pk", "model": ""}, "at least 1 character"),
    ({"api_key": "pk", "max_tokens": 0}, "greater than 0"),
    ({"api_key": "pk", "reasoning_effort": "hgih"}, "reasoning_effort is 'hgih': did you mean 'high'"),
    ({"api_key": "pk", "thinking": {"type": "on"}}, "is 'on': Known are enabled"),
    ({"api_key": "sk-\n", "model": "claude"}, "printable ASCII"),
])  # fmt: skip
def test_bad_input_is_an_error_that_says_what_to_do(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint) as raised:
        Portkey(**{"model": "claude-sonnet-4-5", **given})
    assert "sk-" not in str(raised.value)


def test_prompt_and_messages_may_be_named(recorded: Portkey, server: RecordingServer) -> None:
    server.reply(whole(HELLO))
    assert recorded.complete(prompt="Hi", formatted=True).text == "Hello."
    assert recorded.chat(messages=[ChatMessage("Hi")]).message.content == "Hello."
    first, second = server.requests
    assert first.json == second.json


@every_way
def test_options_of_one_call_become_headers(recorded: Portkey, server: RecordingServer, way: str) -> None:
    llm = recorded.with_options(request_metadata={"team": "search"}, trace_id="own")
    server.reply(events(*deltas("Hello.")) if "stream" in way else whole(HELLO))
    ask(llm, way, "Hi", trace_id="t1", cache_namespace="n", request_metadata={"user": "ada"}, timeout=5, max_retries=0)
    ask(llm, way, "Hi")
    first, second = server.requests
    assert first.header("x-portkey-trace-id") == "t1"
    assert first.header("x-portkey-cache-namespace") == "n"
    assert json.loads(first.header("x-portkey-metadata")) == {"team": "search", "user": "ada"}
    assert first.json.keys() == second.json.keys()
    assert second.header("x-portkey-trace-id") == "own"
    assert json.loads(second.header("x-portkey-metadata")) == {"team": "search"}
    assert "x-portkey-cache-namespace" not in second.headers


def test_a_wrong_option_of_one_call_is_an_error(recorded: Portkey) -> None:
    with pytest.raises(ValidationError, match="metadata must be a mapping"):
        recorded.chat([ChatMessage("Hi")], request_metadata="search")


@chat_way
def test_parameters_of_the_model_and_of_one_call(llm: Portkey, received: Received, way: str) -> None:
    own = llm.with_options(stop=["END"], temperature=0.2, max_tokens=50, additional_kwargs={"user": "ada"})
    ask(own, way, "Hi", max_tokens=60, model="claude-haiku-4-5", top_k=5)
    body = received.latest
    assert (body["model"], body["max_tokens"], body["temperature"], body["top_k"]) == ("claude-haiku-4-5", 60, 0.2, 5)
    assert body["stop_sequences"] == ["END"]
    assert body["metadata"] == {"user_id": "ada"}


@chat_way
def test_stop_ends_the_answer(llm: Portkey, way: str) -> None:
    response = ask(llm, way, "Please say: one two three", stop=["two"])
    assert (response.message.content or "").strip() == "one"
    assert response.raw["stop_reason"] == "stop_sequence"


def test_a_parameter_that_does_not_reach_claude_is_a_warning(llm: Portkey) -> None:
    with pytest.warns(PortkeyWarning, match="seed does not reach Claude"):
        llm.complete("Hi", seed=1)


def test_with_options_keeps_the_rest(secretive: Portkey) -> None:
    changed = secretive.with_options(temperature=0.1, request_metadata={"user": "ada"})
    assert (changed.temperature, secretive.temperature) == (0.1, 0.5)
    assert changed.request_metadata == {"team": "search", "user": "ada"}
    assert changed.http_client is secretive.http_client
    assert changed.callback_manager is secretive.callback_manager
    assert isinstance(changed, LLM)


# --- errors ---------------------------------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (429, RateLimitError), (529, OverloadedError)]
)
def test_errors_say_what_failed(
    llm: Portkey, sandbox: Sandbox, way: str, status: int, error: type[PortkeyError]
) -> None:
    sandbox.claude.inject(Fault("status", status=status))
    with pytest.raises(error) as raised:
        ask(llm, way, "Hi")
    assert raised.value.info is not None
    assert raised.value.info.status == status
    assert sandbox.provider_api_key not in f"{raised.value!r}{raised.value}{vars(raised.value)}"


@every_way
def test_a_key_that_a_server_echoes_is_blotted_out(recorded: Portkey, server: RecordingServer, way: str) -> None:
    message = "invalid key sk-ant-of-the-test"
    server.reply(whole({"error": {"message": message, "type": "authentication_error"}}, status=401))
    with pytest.raises(AuthenticationError, match="invalid key") as raised:
        ask(recorded, way, "Hi")
    assert "sk-ant-of-the-test" not in f"{raised.value!r}{raised.value}{raised.value.body}"


@pytest.mark.parametrize("way", ["stream_chat", "astream_chat", "stream_complete", "astream_complete"])
def test_an_error_inside_a_stream_is_raised(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    sandbox.claude.inject(Fault("error_mid_stream", status=529, after=5))
    with pytest.raises(StreamProviderError):
        ask(llm, way, "Tell a story about a dog")


def test_a_prompt_that_is_too_long(recorded: Portkey, server: RecordingServer) -> None:
    server.reply(whole({"error": {"message": "prompt is too long: 250000 tokens > 200000 maximum"}}, status=400))
    with pytest.raises(ContextOverflowError):
        recorded.chat([ChatMessage("Hi")])


def test_empty_messages_are_an_error(recorded: Portkey) -> None:
    with pytest.raises(PortkeyError, match="messages is empty"):
        recorded.chat([])


def test_a_refusal_is_no_error(llm: Portkey, sandbox: Sandbox) -> None:
    sandbox.claude.reply_with(stop_reason="refusal", times=2)
    whole_answer: Any = llm.chat([ChatMessage("Hi")])
    assert whole_answer.message.blocks == []
    assert whole_answer.raw["finish_reason"] == "content_filter"
    streamed: Any = list(llm.stream_chat([ChatMessage("Hi")]))[-1]
    assert streamed.raw["finish_reason"] == "content_filter"


@every_way
def test_a_value_that_nobody_knows_is_told_at_the_call(llm: Portkey, sandbox: Sandbox, way: str) -> None:
    with pytest.raises(EncodingError, match=r"reasoning_effort is 'hgih': did you mean 'high'\?"):
        ask(llm, way, "Hi", reasoning_effort="hgih")
    assert not sandbox.claude.requests


def test_a_stream_asks_once_it_is_read(llm: Portkey, sandbox: Sandbox) -> None:
    responses = llm.stream_chat([ChatMessage("Hi")])
    assert not sandbox.claude.requests
    assert [*responses]
    assert len(sandbox.claude.requests) == 1
