"""What an error says to do: of keys and models that a provider refuses, and of what a gateway does not have."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from portkey_gateway import AuthenticationError, BadRequestError, NotFoundError, PortkeyError
from portkey_gateway.error_bodies import decode_error
from portkey_gateway.info import GatewayInfo
from portkey_langchain import ChatPortkey, PortkeyEmbeddings
from portkey_llamaindex import Portkey, PortkeyEmbedding

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

KEY = {"authorization": "Bearer sk-x"}
CALLS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "invoke": lambda options: ChatPortkey(**options).invoke("Hi"),
    "stream": lambda options: list(ChatPortkey(**options).stream("Hi")),
    "complete": lambda options: Portkey(**options).complete("Hi"),
    "stream_complete": lambda options: list(Portkey(**options).stream_complete("Hi")),
}
any_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
each_provider = pytest.mark.parametrize(
    ("provider", "model"), [("anthropic", "claude-sonnet-4-6"), ("openai", "gpt-5")], ids=["anthropic", "openai"]
)


def said(status: int, message: str, *, sent: dict[str, str] | None = None, target: str | None = "config") -> str:
    content = json.dumps({"error": {"message": message, "type": "t"}}).encode()
    info = GatewayInfo(status, provider="them", target_index=target)
    return decode_error(content, info, sent=KEY if sent is None else sent).message.partition(message)[2]


@any_call
@each_provider
def test_a_key_that_the_provider_refuses(both: Sandbox, call: Any, provider: Any, model: str) -> None:
    options = {"model": model, **both.options(provider), "provider_api_key": "a-wrong-key"}
    with pytest.raises(AuthenticationError, match=f"mind provider_api_key=: {provider} has to know it"):
        call(options)


@any_call
@each_provider
def test_a_model_that_the_provider_does_not_have(both: Sandbox, call: Any, provider: Any, model: str) -> None:
    options = {"model": f"no-such-{model[:3]}", "family": None, **both.options(provider)}
    with pytest.raises(NotFoundError, match=rf"mind model= \(and provider=\): .* that {provider} itself has"):
        call(options)


@pytest.mark.parametrize("kind", [PortkeyEmbeddings, PortkeyEmbedding])
def test_embeddings_say_it_too(both: Sandbox, kind: Any) -> None:
    options: Any = {"model": "text-embedding-3-small", **both.options("openai")}

    def embed(**more: Any) -> Any:
        embeddings = kind(**{**options, **more})
        return embeddings.embed_query("Hi") if kind is PortkeyEmbeddings else embeddings.get_query_embedding("Hi")

    with pytest.raises(AuthenticationError, match="mind provider_api_key="):
        embed(provider_api_key="a-wrong-key")
    with pytest.raises(NotFoundError, match="mind model="):
        embed(model="no-such-model")


@any_call
def test_of_a_target_it_is_the_target_s(both: Sandbox, call: Any) -> None:
    first, second = both.target("openai"), both.target("anthropic")
    config = {"strategy": {"mode": "single"}, "targets": [{**first, "api_key": "a-wrong-key"}]}
    options = {"model": "gpt-5", "base_url": both.base_url, "max_retries": 0}
    with pytest.raises(AuthenticationError, match=r"mind the api_key of config\.targets\[0\]: openai has to know it"):
        call({**options, "config": config})
    named = {**second, "override_params": {"model": "no-such-claude"}}
    with pytest.raises(NotFoundError, match=r"the model in override_params of config\.targets\[0\]"):
        call({**options, "config": {**config, "targets": [named]}})


@any_call
@pytest.mark.parametrize("provider", [{}, {"provider": "anthropic"}])
def test_a_virtual_key_before_a_gateway_that_knows_none(both: Sandbox, call: Any, provider: Any) -> None:
    host = both.options("anthropic").get("custom_host")
    options = {"model": "claude-sonnet-4-6", "base_url": both.base_url, "virtual_key": "anthropic-virtual-key"}
    with pytest.raises(PortkeyError, match="knows no virtual keys, and drops this one: pass") as caught:
        call({**options, **provider, **({"custom_host": host} if provider else {})})
    assert isinstance(caught.value, AuthenticationError if provider else BadRequestError)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "model: gpt-5"),
        (404, "anthropic error: model: gpt-5"),
        (404, "The model `x` does not exist or you do not have access to it."),
        (404, "models/gemini-9 is not found for API version v1beta, or is not supported for generateContent"),
        (404, "model 'x' not found, try pulling it first"),
        (400, "Invalid model: x"),
        (400, "Model Not Exist"),
        (400, "The provided model identifier is invalid."),
        (404, "The API deployment for this resource does not exist."),
    ],
)
def test_every_provider_s_words_for_a_model_that_it_has_not(status: int, message: str) -> None:
    assert "mind model= (and provider=)" in said(status, message)
    assert not said(500, message)


@pytest.mark.parametrize(("status", "message"), [(401, "invalid x-api-key"), (400, "API key not valid. Please pass")])
def test_every_provider_s_words_for_a_key_that_it_does_not_know(status: int, message: str) -> None:
    assert "mind provider_api_key=: them has to know it" in said(status, message)
    assert "virtual keys" in said(status, message, sent={"x-portkey-virtual-key": "vk"})
    assert "mind the api_key of config.targets[1]" in said(status, message, target="config.targets[1]")


def test_portkey_s_own_key_is_told_from_a_provider_s() -> None:
    content = b'{"success": false, "data": {"message": "Invalid API Key. Error Code: 03", "errorCode": "AB03"}}'
    assert "api_key= is Portkey's own key" in decode_error(content, GatewayInfo(401)).message


@pytest.mark.parametrize("message", ["temperature: must be at most 1", "messages: the model may not be addressed so"])
def test_of_other_errors_nothing_is_said_of_the_model(message: str) -> None:
    assert not said(400, message)
