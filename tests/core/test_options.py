"""Options: every header, every mistake, and no secret where one can read it."""

import json
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from portkey_gateway.names import check_names
from portkey_gateway.options import HOSTED_BASE_URL, GatewayOptions, check_metadata

LOCAL = "http://localhost:8787/v1"
API_KEY = "pk-secret-1"
PROVIDER_KEY = "sk-ant-secret-2"
VIRTUAL_KEY = "vk-secret-3"
CONFIG_KEY = "sk-secret-4"
HEADER_KEY = "aws-secret-5"
SECRETS = (API_KEY, PROVIDER_KEY, VIRTUAL_KEY, CONFIG_KEY, HEADER_KEY)
VARIABLES = ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


def local(**options: Any) -> GatewayOptions:
    return GatewayOptions(base_url=LOCAL, **options)


def headers(**options: Any) -> dict[str, str]:
    """The headers that these options add to those of every call."""
    every = {"content-type": "application/json", "x-portkey-strict-open-ai-compliance": "false"}
    rendered = local(**options).render_headers()
    return {name: value for name, value in rendered.items() if every.get(name) != value}


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"api_key": "pk"}, {"x-portkey-api-key": "pk"}),
        ({"virtual_key": "vk"}, {"x-portkey-virtual-key": "vk"}),
        ({"provider": "@anthropic-prod"}, {"x-portkey-provider": "@anthropic-prod"}),
        (
            {"provider": "anthropic", "provider_api_key": "sk"},
            {"x-portkey-provider": "anthropic", "authorization": "Bearer sk"},
        ),
        ({"config": "pc-main-1a2b"}, {"x-portkey-config": "pc-main-1a2b"}),
        ({"config": {"retry": {"attempts": 3}}}, {"x-portkey-config": '{"retry":{"attempts":3}}'}),
        ({"config": ' {"retry": {"attempts": 3}}\n'}, {"x-portkey-config": '{"retry":{"attempts":3}}'}),
        ({"custom_host": "http://127.0.0.1:9/v1"}, {"x-portkey-custom-host": "http://127.0.0.1:9/v1"}),
        ({"trace_id": "t-1"}, {"x-portkey-trace-id": "t-1"}),
        ({"span_name": "plan trip"}, {"x-portkey-span-name": "plan trip"}),
        ({"cache_namespace": "team"}, {"x-portkey-cache-namespace": "team"}),
        ({"cache_force_refresh": True}, {"x-portkey-cache-force-refresh": "true"}),
        ({"cache_force_refresh": False}, {"x-portkey-cache-force-refresh": "false"}),
        ({"request_timeout": 3000}, {"x-portkey-request-timeout": "3000"}),
        ({"forward_headers": ["x-a", "x-b"]}, {"x-portkey-forward-headers": "x-a,x-b"}),
        ({"forward_headers": "x-a, x-b,"}, {"x-portkey-forward-headers": "x-a,x-b"}),
        ({"sensitive_headers": ("x-a",)}, {"x-portkey-sensitive-headers": "x-a"}),
        ({"strict_open_ai_compliance": True}, {"x-portkey-strict-open-ai-compliance": "true"}),
        ({"anthropic_beta": "context-1m"}, {"x-portkey-anthropic-beta": "context-1m"}),
        ({"anthropic_version": "2023-06-01"}, {"x-portkey-anthropic-version": "2023-06-01"}),
        ({"default_headers": {"X-Team": "search"}}, {"x-team": "search"}),
        ({"gateway_headers": {"azure_resource_name": "res"}}, {"x-portkey-azure-resource-name": "res"}),
        ({"gateway_headers": {"AWS-Region": "eu"}}, {"x-portkey-aws-region": "eu"}),
        ({"gateway_headers": {"x-portkey-vertex-region": "eu"}}, {"x-portkey-vertex-region": "eu"}),
        ({"metadata": {"team": "search"}}, {}),
        ({"api_format": "messages", "gateway": "oss-2"}, {}),
    ],
)
def test_each_option_has_its_header(options: dict[str, Any], expected: dict[str, str]) -> None:
    assert headers(**options) == expected


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "provider",
        "config",
        "custom_host",
        "trace_id",
        "forward_headers",
        "cache_force_refresh",
        "request_timeout",
    ],
)
def test_none_counts_as_not_given(name: str) -> None:
    assert headers(**{name: None}) == {}


def test_headers_of_every_call() -> None:
    assert local().render_headers() == {
        "content-type": "application/json",
        "x-portkey-strict-open-ai-compliance": "false",
    }


def test_a_header_is_sent_once_however_it_is_spelled() -> None:
    rendered = headers(
        provider_api_key="sk",
        default_headers={"Authorization": "Bearer old", "Content-Type": "application/json; charset=utf-8"},
    )
    assert rendered == {"authorization": "Bearer sk", "content-type": "application/json; charset=utf-8"}


def test_a_config_is_ascii_without_control_characters() -> None:
    sent = headers(config={"name": "Zürich\x7f\n"})["x-portkey-config"]
    assert sent.isascii()
    assert sent.isprintable()
    assert json.loads(sent) == {"name": "Zürich\x7f\n"}


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"virtualkey": "vk"}, "unknown option 'virtualkey': did you mean 'virtual_key'?"),
        ({"provder": "anthropic"}, "did you mean 'provider'"),
        ({"zzz": 1}, "unknown option 'zzz': known are anthropic_beta, anthropic_version, api_format, api_key"),
        ({"virtual_key": "vk", "provider_api_key": "sk"}, "virtual_key and provider_api_key exclude each other"),
        ({"config": "my config"}, "config must be a config id such as"),
        ({"config": "pc-größe"}, "config must be a config id such as"),
        ({"config": "  "}, "config must be a config id such as"),
        ({"config": '{"retry": '}, "config looks like JSON but is not"),
        ({"config": '[{"provider": "anthropic"}]'}, "must be an object"),
        ({"config": {"retry": object()}}, "config holds something that JSON does not know"),
        ({"config": {"weight": float("nan")}}, "config holds something that JSON does not know"),
        ({"config": ["pc-1"]}, "config"),
        ({"metadata": "team=search"}, "metadata must be a mapping such as {'team': 'search'}; got str"),
        ({"metadata": [("team", "search")]}, "got list"),
        ({"metadata": None}, "got NoneType"),
        ({"metadata": {1: "a"}}, "metadata keys must be text; got 1"),
        ({"request_timeout": 0}, "request_timeout"),
        ({"api_format": "anthropic"}, "api_format\n  Input should be 'auto', 'chat_completions' or 'messages'"),
        ({"gateway": "oss"}, "gateway\n  Input should be 'auto', 'hosted', 'oss-1' or 'oss-2'"),
        ({"request_timeout": -5}, "request_timeout"),
        ({"provider": "größe"}, "provider goes into an HTTP header"),
        ({"span_name": "a\r\nx-evil: 1"}, "span_name goes into an HTTP header"),
        ({"trace_id": "a\x7f"}, "trace_id goes into an HTTP header"),
        ({"cache_namespace": " a"}, "cache_namespace goes into an HTTP header"),
        ({"custom_host": "http://höst/v1"}, "custom_host goes into an HTTP header"),
        ({"api_key": "pk\n"}, "api_key goes into an HTTP header"),
        ({"provider_api_key": "sk ante \x00"}, "provider_api_key goes into an HTTP header"),
        ({"virtual_key": "vk "}, "virtual_key goes into an HTTP header"),
        ({"forward_headers": ["x-a\r\n"]}, "a name in forward_headers is none that HTTP takes"),
        ({"default_headers": {"x-team": "sökning"}}, "x-team goes into an HTTP header"),
        ({"gateway_headers": {"azure_resource_name": "a\nb"}}, "azure_resource_name goes into an HTTP header"),
    ],
)
def test_a_mistake_is_an_error_that_says_what_to_do(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        local(**options)
    assert message in str(caught.value)


def test_the_hosted_gateway_needs_a_key() -> None:
    with pytest.raises(ValidationError, match=r"api_key is missing: .*PORTKEY_API_KEY"):
        GatewayOptions()
    with pytest.raises(ValidationError, match="api_key is missing"):
        GatewayOptions(base_url=HOSTED_BASE_URL + "/")
    assert GatewayOptions(api_key=SecretStr("pk")).base_url == HOSTED_BASE_URL


def test_without_key_and_url_the_lines_of_the_sandbox_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    hint = "PORTKEY_BASE_URL is not set either: if the sandbox runs, export the lines it printed"
    with pytest.raises(ValidationError, match=hint):
        GatewayOptions()
    monkeypatch.setenv("PORTKEY_BASE_URL", HOSTED_BASE_URL)
    with pytest.raises(ValidationError, match="api_key is missing") as caught:
        GatewayOptions()
    assert "sandbox" not in str(caught.value)


def test_a_gateway_of_ones_own_needs_none() -> None:
    assert GatewayOptions(base_url=LOCAL + "/").base_url == LOCAL


def test_options_are_frozen() -> None:
    options = local(provider="anthropic")
    with pytest.raises(ValidationError, match="frozen"):
        options.provider = "openai"  # type: ignore[misc]  # the mistake is the point


def test_options_come_from_a_mapping_only() -> None:
    with pytest.raises(ValidationError, match="instance of GatewayOptions"):
        GatewayOptions.model_validate([("provider", "anthropic")])


def test_checks_stand_alone_too() -> None:
    check_names({"model": 1}, {"model": None})
    assert check_metadata({"a": 1}) == {"a": 1}


# --- environment ------------------------------------------------------------------------------------------------------


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-env")
    monkeypatch.setenv("PORTKEY_BASE_URL", LOCAL + "/")
    monkeypatch.setenv("PORTKEY_PROVIDER", "anthropic")
    monkeypatch.setenv("PORTKEY_PROVIDER_API_KEY", "sk-env")
    monkeypatch.setenv("PORTKEY_CUSTOM_HOST", "http://127.0.0.1:9/v1")


ROUTE_OF_THE_ENVIRONMENT = {
    "x-portkey-provider": "anthropic",
    "x-portkey-custom-host": "http://127.0.0.1:9/v1",
    "authorization": "Bearer sk-env",
}


def route(options: GatewayOptions) -> dict[str, str]:
    """The headers that say where a call goes."""
    names = {"authorization", *(f"x-portkey-{name}" for name in ("provider", "virtual-key", "config", "custom-host"))}
    return {name: value for name, value in options.render_headers().items() if name in names}


@pytest.mark.usefixtures("environment")
def test_the_environment_fills_what_is_not_given() -> None:
    options = GatewayOptions()
    assert options.base_url == LOCAL
    assert options.render_headers()["x-portkey-api-key"] == "pk-env"
    assert route(options) == ROUTE_OF_THE_ENVIRONMENT


@pytest.mark.usefixtures("environment")
def test_what_is_given_wins() -> None:
    options = GatewayOptions(api_key=SecretStr("pk"), base_url="http://other/v1", trace_id="t")
    assert options.base_url == "http://other/v1"
    assert options.render_headers()["x-portkey-api-key"] == "pk"
    assert route(options) == ROUTE_OF_THE_ENVIRONMENT


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"provider": "openai"}, {"x-portkey-provider": "openai"}),
        ({"virtual_key": "vk"}, {"x-portkey-virtual-key": "vk"}),
        ({"config": "pc-1"}, {"x-portkey-config": "pc-1"}),
        ({"custom_host": "http://a/v1"}, {"x-portkey-custom-host": "http://a/v1"}),
    ],
)
def test_a_route_of_ones_own_takes_nothing_from_the_environment(
    given: dict[str, str], expected: dict[str, str]
) -> None:
    assert route(GatewayOptions.model_validate(given)) == expected
    assert route(GatewayOptions().merge(**given)) == expected


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "")
    monkeypatch.setenv("PORTKEY_BASE_URL", LOCAL)
    monkeypatch.setenv("PORTKEY_PROVIDER", "")
    options = GatewayOptions()
    assert (options.api_key, options.provider) == (None, None)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PORTKEY_API_KEY", API_KEY + "ü"),
        ("PORTKEY_PROVIDER_API_KEY", API_KEY + "\n" + API_KEY),
        ("PORTKEY_PROVIDER", "größe"),
        ("PORTKEY_BASE_URL", "localhost:8787/v1"),
        ("PORTKEY_BASE_URL", f"http://user:{API_KEY}@localhost:8787/v1"),
        ("PORTKEY_CUSTOM_HOST", "localhost:9/v1"),
    ],
)
@pytest.mark.usefixtures("environment")
def test_a_bad_variable_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch, variable: str, text: str) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ValidationError, match=rf"\b{variable} (goes into|must)") as caught:
        GatewayOptions()
    assert API_KEY not in str(caught.value)


def test_white_space_around_a_variable_is_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", " pk-env\r\n")
    monkeypatch.setenv("PORTKEY_BASE_URL", f"{LOCAL}/ \n")
    monkeypatch.setenv("PORTKEY_PROVIDER", " ")
    options = GatewayOptions()
    assert options.render_headers()["x-portkey-api-key"] == "pk-env"
    assert (options.base_url, options.provider) == (LOCAL, None)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("name", ["api_key", "base_url", "provider"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_given_as_nothing_is_not_set(name: str, nothing: str | None) -> None:
    options = GatewayOptions.model_validate({name: nothing})
    assert getattr(options, name)
    assert options.model_fields_set == set()


@pytest.mark.parametrize("url", [LOCAL, LOCAL + "/"])
def test_a_given_base_url_is_set(url: str) -> None:
    options = GatewayOptions(base_url=url)
    assert (options.base_url, options.model_fields_set) == (LOCAL, {"base_url"})


@pytest.mark.parametrize(
    "given",
    [
        {"gateway_headers": {"provider": "openai"}},
        {"gateway_headers": {"x-portkey-config": "pc-1"}},
        {"gateway_headers": {"Virtual_Key": "vk"}},
        {"default_headers": {"X-Portkey-Custom-Host": "http://elsewhere/v1"}},
        {"default_headers": {"Authorization": "Bearer mine"}},
    ],
)
def test_a_route_named_in_headers_takes_no_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    monkeypatch.setenv("PORTKEY_PROVIDER", "anthropic")
    monkeypatch.setenv("PORTKEY_PROVIDER_API_KEY", "sk-environment")
    headers = GatewayOptions(base_url=LOCAL, **given).render_headers()
    assert "sk-environment" not in str(headers)
    assert headers.get("x-portkey-provider") != "anthropic"
    assert "sk-environment" in str(GatewayOptions(base_url=LOCAL, gateway_headers={"debug": "true"}).render_headers())


# --- merge ------------------------------------------------------------------------------------------------------------


def test_merge_changes_a_copy() -> None:
    options = local(provider="anthropic", trace_id="a")
    merged = options.merge(trace_id="b", config="pc-1")
    assert (options.trace_id, options.config) == ("a", None)
    assert (merged.trace_id, merged.config, merged.provider, merged.base_url) == ("b", "pc-1", "anthropic", LOCAL)


def test_merge_merges_mappings_key_by_key() -> None:
    options = local(metadata={"a": "1", "b": "1"}, default_headers={"x-a": "1"}, gateway_headers={"debug": "false"})
    merged = options.merge(metadata={"b": "2"}, default_headers={"x-b": "2"}, gateway_headers={"aws_region": "eu"})
    assert merged.metadata == {"a": "1", "b": "2"}
    assert merged.default_headers == {"x-a": "1", "x-b": "2"}
    assert merged.gateway_headers == {"debug": "false", "aws_region": "eu"}
    assert options.metadata == {"a": "1", "b": "1"}


def test_merge_without_changes_is_equal() -> None:
    options = local(api_key=API_KEY, config={"targets": [{"api_key": CONFIG_KEY}]}, metadata={"team": "search"})
    assert options.merge() == options


@pytest.mark.parametrize("changes", [{"trase_id": "b"}, {"metadata": "no"}, {"provider_api_key": "sk"}])
def test_merge_checks_as_the_constructor_does(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        local(virtual_key="vk").merge(**changes)


# --- URLs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["base_url", "custom_host"])
@pytest.mark.parametrize(
    "url", ["localhost:8787/v1", "api.portkey.ai/v1", "ftp://host/v1", "http:///v1", "//host", "/v1"]
)
def test_a_url_without_scheme_or_host_is_an_error(option: str, url: str) -> None:
    with pytest.raises(ValidationError, match=f"{option} must be a URL that starts with http:// or https://"):
        GatewayOptions.model_validate({"base_url": LOCAL, option: url})


@pytest.mark.parametrize("url", ["HTTPS://Gateway.example/v1", "http://[::1]:8787/v1", "https://host"])
def test_a_url_that_is_one(url: str) -> None:
    options = GatewayOptions(base_url=url, custom_host=url)
    assert (options.base_url, options.custom_host) == (url, url)
