"""Models by their names, as LangChain's own functions make them."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.chat_models.base import _BUILTIN_PROVIDERS
from langchain_core.tools import tool
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey, PortkeyEmbeddings, init_chat_model, init_embeddings
from portkey_langchain.init import _ELSEWHERE, _PROVIDERS

NAMES = pytest.mark.parametrize(
    ("name", "model", "provider"),
    [
        ("anthropic:claude-opus-5-5", "claude-opus-5-5", "anthropic"),
        ("google_genai:gemini-2.5-pro", "gemini-2.5-pro", "google"),
        ("bedrock_converse:us.anthropic.claude-opus-5-v1:0", "us.anthropic.claude-opus-5-v1:0", "bedrock"),
        ("portkey:@openai-prod/gpt-5", "@openai-prod/gpt-5", None),
        ("@openai-prod/meta/llama:free", "@openai-prod/meta/llama:free", None),
        ("google-genai:gemini-2.5-pro", "gemini-2.5-pro", "google"),
        ("google:gemini-2.5-pro", "gemini-2.5-pro", "google"),
        ("mistral-ai:codestral-latest", "codestral-latest", "mistral-ai"),
        # Models whose names have a colon.
        ("gpt-oss:20b", "gpt-oss:20b", None),
        ("codellama:7b", "codellama:7b", None),
        ("phi3:mini", "phi3:mini", None),
        ("mistral:7b-instruct", "mistral:7b-instruct", None),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.x-v1:0",) * 2 + (None,),
        ("ft:gpt-4o-2024-08-06:acme::7p", "ft:gpt-4o-2024-08-06:acme::7p", None),
    ],
)


@NAMES
def test_a_name_says_model_and_provider(name: str, model: str, provider: str | None) -> None:
    for made in (init_chat_model(name, api_key="pk"), init_embeddings(name, api_key="pk")):
        assert isinstance(made, ChatPortkey | PortkeyEmbeddings)
        assert (made.model, made.provider) == (model, provider)


@pytest.mark.parametrize(
    ("said", "provider"), [("mistralai", "mistral-ai"), ("mistral-ai", "mistral-ai"), ("google-genai", "google"),
                           ("together-ai", "together-ai"), ("portkey", None)],
)  # fmt: skip
def test_the_provider_may_be_said_apart_in_either_words(said: str, provider: str | None) -> None:
    made = init_chat_model("a:model", model_provider=said, api_key="pk", temperature=0.5)
    assert isinstance(made, ChatPortkey)
    assert (made.model, made.provider, made.temperature) == ("a:model", provider, 0.5)
    assert init_embeddings("m", provider=said, api_key="pk").provider == provider


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("anthropc:claude-opus-5-5", "no provider of LangChain's: did you mean 'anthropic'?"),
        ("antropic:prod-7", "no provider of LangChain's: did you mean 'anthropic'?"),
        ("acme:gpt-5", "no provider of LangChain's: say it as provider="),
        ("acme:acme/large-1", "no provider of LangChain's: say it as provider="),
        ("ibm:ibm/granite-3-8b", "'ibm', a provider that the gateway does not have"),
        ("nvidia:nv-embed", "'nvidia', a provider that the gateway does not have"),
    ],
)
def test_a_provider_that_nobody_knows_is_named(name: str, hint: str) -> None:
    for init in (init_chat_model, init_embeddings):
        with pytest.raises(ValueError, match="begins with") as raised:
            init(name, api_key="pk")
        assert hint in str(raised.value)


def test_every_provider_of_langchains_is_known_or_known_not_to_be_there() -> None:
    assert _PROVIDERS.keys() | _ELSEWHERE == _BUILTIN_PROVIDERS.keys()
    assert not _PROVIDERS.keys() & _ELSEWHERE


def test_it_answers_through_the_gateway(sandbox: Sandbox) -> None:
    options: dict[str, Any] = {name: value for name, value in sandbox.options().items() if name != "provider"}
    assert init_chat_model(f"anthropic:{sandbox.model}", **options).invoke("Say hello.").text


def test_a_call_may_change_what_is_configurable(sandbox: Sandbox) -> None:
    options: dict[str, Any] = {name: value for name, value in sandbox.options().items() if name != "provider"}
    configurable = init_chat_model(
        f"anthropic:{sandbox.model}", configurable_fields=("model", "max_tokens"), config_prefix="my", **options
    )
    configurable.invoke("Hello!", config={"configurable": {"my_model": "claude-haiku-4-5", "my_max_tokens": 9}})
    configurable.invoke("Hello!")

    asked = [(request.body["model"], request.body["max_tokens"]) for request in sandbox.claude.requests]
    assert asked == [("claude-haiku-4-5", 9), (sandbox.model, 128_000)]


def test_what_a_call_says_of_the_model_is_read_as_the_name_is(sandbox: Sandbox) -> None:
    options: dict[str, Any] = {name: value for name, value in sandbox.options().items() if name != "provider"}
    configurable = init_chat_model(f"openai:{sandbox.model}", configurable_fields=("model",), **options)
    said: Any = {"configurable": {"model": "anthropic:claude-haiku-4-5"}}
    assert configurable.invoke("Hello!", config=said).response_metadata["provider"] == "anthropic"
    assert configurable.with_config(said).invoke("Hello!").response_metadata["provider"] == "anthropic"
    with pytest.raises(ValueError, match="did you mean 'anthropic'"):
        configurable.invoke("Hello!", config={"configurable": {"model": "antropic:prod-7"}})


@pytest.mark.parametrize(
    ("said", "model", "provider"),
    [
        ({"model": "anthropic:claude-opus-5-5"}, "claude-opus-5-5", "anthropic"),
        ({"model": "gemini-2.5-pro", "model_provider": "google_genai"}, "gemini-2.5-pro", "google"),
        ({"model_provider": "azure_openai"}, "gpt-5", "azure-openai"),
        ({"model": "portkey:@prod/claude-opus-5-5"}, "@prod/claude-opus-5-5", None),
        ({"model": None}, "gpt-5", "openai"),
        # A name alone goes where the model goes that was named first.
        ({"model": "gpt-4o"}, "gpt-4o", "openai"),
        ({}, "gpt-5", "openai"),
    ],
)
@pytest.mark.parametrize("fields", ["any", ("model", "model_provider")])
def test_model_and_provider_of_a_call(fields: Any, said: dict[str, Any], model: str, provider: str | None) -> None:
    made: Any = init_chat_model("openai:gpt-5", configurable_fields=fields, config_prefix="my", api_key="pk")
    chosen, _ = made.prepare({"configurable": {f"my_{name}": value for name, value in said.items()}})
    assert (chosen.model, chosen.provider) == (model, provider)
    assert chosen.profile == ChatPortkey(model=model, api_key="pk").profile


def test_a_model_that_is_no_name_is_refused() -> None:
    made: Any = init_chat_model("openai:gpt-5", configurable_fields=("model",), api_key="pk")
    with pytest.raises(ValueError, match="configurable 'model' must be a model's name, not 5"):
        made.prepare({"configurable": {"model": 5}})


def test_anything_may_be_configurable() -> None:
    made: Any = init_chat_model("anthropic:claude-opus-5", configurable_fields="any", api_key="pk")
    assert {"model", "temperature", "provider"} < {each.id for each in made.config_specs}
    said: Any = init_chat_model("openai:gpt-5", configurable_fields=["model_provider"], api_key="pk")
    assert [each.id for each in said.config_specs if each.id == "model_provider"]


def test_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="temprature"):
        init_chat_model("anthropic:claude-opus-5", configurable_fields=["temprature"], api_key="pk")


def test_what_is_bound_asks_the_model_that_a_call_names(sandbox: Sandbox) -> None:
    options: Any = {"max_retries": 0, **sandbox.options()}
    configurable: Any = init_chat_model(sandbox.model, configurable_fields=("model",), **options)
    said: Any = {"configurable": {"model": "claude-haiku-4-5"}}

    class City(BaseModel):
        """A city."""

        name: str

    configurable.bind_tools([City]).invoke("Hello!", config=said)
    configurable.with_structured_output(City).invoke("Name a city: Kiel", config=said)
    agent: Any = create_agent(configurable, [tool(city_of)])
    agent.invoke({"messages": [("user", "Hello!")]}, config=said)
    asked = [request.body for request in sandbox.claude.requests]
    assert [body["model"] for body in asked] == ["claude-haiku-4-5"] * 3
    assert all(body["tools"] or body["output_config"] for body in asked)


def city_of(country: str) -> str:
    """Name a city of a country."""
    return country
