"""No key in anything that shows, stores or describes an object that holds it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter
from langchain_core.load import dumpd, dumps
from pydantic import ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from portkey_gateway import GatewayConfig, GatewayOptions
from portkey_gateway.tracing.excerpt import excerpt
from portkey_langchain import ChatPortkey, PortkeyEmbeddings, PortkeyPrompt
from portkey_llamaindex import Portkey, PortkeyEmbedding, PortkeyPromptTemplate
from tests.security.canaries import KEYS, canary, found, model_options, options

Show = Callable[[Any], Any]
_NOTEBOOK: Any = DisplayFormatter()
MODELS: dict[str, Callable[[], Any]] = {
    "ChatPortkey": lambda: ChatPortkey(**model_options()),
    "Portkey": lambda: Portkey(**model_options()),
    "PortkeyEmbeddings": lambda: PortkeyEmbeddings(model="text-embedding-3-small", **options()),
    "PortkeyEmbedding": lambda: PortkeyEmbedding(model="text-embedding-3-small", **options()),
    "PortkeyPrompt": lambda: PortkeyPrompt(prompt_id="pp-a", **options()),
    "PortkeyPromptTemplate": lambda: PortkeyPromptTemplate(prompt_id="pp-a", **options()),
    "GatewayOptions": lambda: GatewayOptions(**options()),
    "GatewayConfig": lambda: GatewayConfig(**options()["config"]),
}
SHOWN: dict[str, Show] = {
    "repr": repr,
    "str": str,
    "format": lambda one: f"{one} {one!r:>9}",
    "among others": lambda one: repr([{"model": one}]),
    "model_dump": lambda one: one.model_dump(),
    "model_dump of JSON": lambda one: one.model_dump(mode="json"),
    "model_dump_json": lambda one: one.model_dump_json(),
    "dumps": dumps,
    "dumpd": dumpd,
    "a span's excerpt": excerpt,
    "an excerpt of a chain's inputs": lambda one: excerpt({"model": one, "others": [one]}),
    "repr of the unpickled": lambda one: repr(pickle.loads(pickle.dumps(one))),
    "copy": lambda one: repr(one.model_copy()),
    "a notebook": lambda one: [_NOTEBOOK.format(each) for each in (one, [one], {"model": one})],
}
LANGCHAIN: dict[str, Show] = {
    "_get_ls_params": lambda model: model._get_ls_params(),
    "_identifying_params": lambda model: model._identifying_params,
    "_get_invocation_params": lambda model: model._get_invocation_params(),
    "_get_llm_string": lambda model: model._get_llm_string(),
    "_serialized": lambda model: model._serialized,
    "lc_secrets": lambda model: model.lc_secrets,
    "with_config": lambda model: repr(model.with_config(tags=["x"])),
    "bind_tools": lambda model: dumps(model.bind_tools([{"name": "a", "description": "b", "parameters": {}}])),
    "with_options": lambda model: repr(model.with_options(provider_api_key=KEYS[0])),
}
LLAMAINDEX: dict[str, Show] = {
    "to_dict": lambda model: model.to_dict(),
    "to_json": lambda model: model.to_json(),
    "metadata": lambda model: model.metadata,
    "with_options": lambda model: repr(model.with_options(provider_api_key=KEYS[0])),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_no_key_is_shown(make: Callable[[], Any], show: Show) -> None:
    shown = str(show(make()))
    assert shown
    assert found(shown) == []


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_no_key_of_the_environment_is_in_a_json_schema(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(make())
    for name, key in zip(("PORTKEY_API_KEY", "PORTKEY_PROVIDER_API_KEY", "PORTKEY_VIRTUAL_KEY"), KEYS, strict=False):
        monkeypatch.setenv(name, key)
    try:
        shown = str(kind.model_json_schema())
    except PydanticInvalidForJsonSchema as error:  # of clients and functions, as LangChain's own models have them
        shown = str(error)
    assert shown
    assert found(shown) == []


@pytest.mark.parametrize("show", LANGCHAIN.values(), ids=LANGCHAIN)
def test_no_key_is_told_to_langchain_or_langsmith(show: Show) -> None:
    assert found(str(show(ChatPortkey(**model_options())))) == []


@pytest.mark.parametrize("show", LLAMAINDEX.values(), ids=LLAMAINDEX)
def test_no_key_is_told_to_llamaindex(show: Show) -> None:
    assert found(str(show(Portkey(**model_options())))) == []


@pytest.mark.parametrize("name", ["api_key", "provider_api_key", "virtual_key"])
@pytest.mark.parametrize(
    "make", [make for name, make in MODELS.items() if name not in {"GatewayOptions", "GatewayConfig"}]
)
def test_a_key_that_is_set_later_is_hidden_and_holds(make: Callable[[], Any], name: str) -> None:
    model, key = make(), canary("target")
    setattr(model, name, key)
    assert found(f"{model!r} {model} {model.model_dump()} {model.model_dump_json()}") == []
    assert getattr(model, name).get_secret_value() == key


def test_the_id_of_a_config_and_a_host_without_a_query_are_shown() -> None:
    model = ChatPortkey(model="m", base_url="http://127.0.0.1:1/v1", config="pc-a", custom_host="https://a.example/v1")
    dumped = model.model_dump()
    assert (dumped["config"], dumped["custom_host"]) == ("pc-a", "https://a.example/v1")
    assert "custom_host='https://a.example/v1'" in repr(model)


def test_a_host_with_a_query_is_called_as_it_was_given() -> None:
    headers = ChatPortkey(**model_options()).render_headers()
    assert headers["x-portkey-custom-host"] == options()["custom_host"]


KEY = canary("target")
WRONG: list[dict[str, Any]] = [
    {"api_key": {"a": KEY}},
    {"provider_api_key": [KEY]},
    {"default_headers": {KEY: "x"}},
    {"default_headers": {KEY: "ü"}},
    {"default_headers": {KEY: 5}},
    {"default_headers": {f"authorization: {KEY}\r\n": "x"}},
    {"gateway_headers": {KEY: "x\n"}},
    {"gateway_headers": KEY},
    {"forward_headers": [KEY]},
    {"forward_headers": f"Authorization: Bearer {KEY}"},
    {"sensitive_headers": [KEY]},
    {"custom_host": f"https://user:{KEY}@host.example"},
    {"custom_host": f"ftp://host.example?key={KEY}"},
    {"unknown": KEY},
    {"provider": f"{KEY}\n"},
    {"request_timeout": {"a": KEY}},
    {"config": [KEY]},
    {"config": f'{{"api_key": "{KEY}"'},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("make", [ChatPortkey, Portkey, PortkeyEmbeddings, PortkeyEmbedding, GatewayOptions])
def test_an_error_of_validation_holds_no_key(make: Callable[..., Any], wrong: dict[str, Any]) -> None:
    given = {**options(), **wrong} | ({} if make is GatewayOptions else {"model": "claude-sonnet-4-5"})
    with pytest.raises(ValidationError) as caught:
        make(**given)
    error = caught.value
    told = f"{error} {error!r} {error.errors()} {error.json()} {error.args} {error.__cause__} {error.__context__}"
    assert found(told) == []


WRONG_CONFIGS: list[dict[str, Any]] = [
    {"api_key": {"a": KEY}},
    {"custom_host": f"https://user:{KEY}@host.example"},
    {"targets": f'[{{"api_key": "{KEY}"}}]'},
    {"retry": {"attempts": 9, "api_key": KEY}},
    {"cache": {"mode": "simple", "max_age": "x", "api_key": KEY}},
    {"strategy": {"mode": "falback"}, "targets": [{"provider": "openai", "api_key": KEY, "wieght": 1}]},
    {"strategy": {"mode": "loadbalance"}, "targets": [{"provider": "openai", "api_key": KEY, "weight": 0}]},
    {"targets": [{"provider": "openai", "api_key": KEY}]},
]


@pytest.mark.parametrize("wrong", WRONG_CONFIGS, ids=str)
def test_an_error_of_a_config_holds_no_key(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        GatewayConfig(**{"provider": "openai", **wrong})
    error = caught.value
    assert found(f"{error} {error!r} {error.errors()} {error.json()} {error.__cause__} {error.__context__}") == []
