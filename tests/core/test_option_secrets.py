"""No secret stands where one can read it: not in a repr, a log, an error or a pickle of options."""

import json
import logging
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from portkey_gateway.options import GatewayOptions
from portkey_gateway.secret_names import find_secrets

LOCAL = "http://localhost:8787/v1"
API_KEY = "pk-secret-1"
PROVIDER_KEY = "sk-ant-secret-2"
VIRTUAL_KEY = "vk-secret-3"
CONFIG_KEY = "sk-secret-4"
HEADER_KEY = "aws-secret-5"
SECRETS = (API_KEY, PROVIDER_KEY, VIRTUAL_KEY, CONFIG_KEY, HEADER_KEY)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "PROVIDER_API_KEY"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


def local(**options: Any) -> GatewayOptions:
    return GatewayOptions(base_url=LOCAL, **options)


def full() -> GatewayOptions:
    return local(
        api_key=API_KEY,
        provider="anthropic",
        provider_api_key=PROVIDER_KEY,
        config={"targets": [{"api_key": CONFIG_KEY}]},
        default_headers={"x-key": HEADER_KEY},
        gateway_headers={"aws_secret_access_key": HEADER_KEY},
        metadata={"team": "search"},
    )


def assert_no_secret(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []


def test_no_secret_in_any_way_to_print_options(caplog: pytest.LogCaptureFixture) -> None:
    options = full()
    copy = pickle.loads(pickle.dumps(options))
    assert copy == options
    assert_no_secret(repr(options) + str(options) + repr(copy) + f"{options!r:>9}" + repr([options, {"o": options}]))
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("calling with %s", options)
    assert_no_secret(caplog.text)
    dumped = repr(options.model_dump()) + options.model_dump_json()
    assert [key for key in (API_KEY, PROVIDER_KEY) if key in dumped] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"virtual_key": VIRTUAL_KEY},
        {"trase_id": "x"},
        {"api_key": API_KEY + "\r\n"},
        {"provider_api_key": PROVIDER_KEY + "ü"},
        {"virtual_key": VIRTUAL_KEY + "\x00"},
        {"config": f'{{"api_key": "{CONFIG_KEY}"'},
        {"config": f"targets: [api_key: {CONFIG_KEY}]"},
        {"config": [CONFIG_KEY]},
        {"config": {"api_key": CONFIG_KEY, "bad": {CONFIG_KEY}}},
        {"default_headers": {"authorization": f"Bearer {HEADER_KEY}\n"}},
        {"gateway_headers": {"aws_secret_access_key": HEADER_KEY + "\n"}},
        {"gateway_headers": HEADER_KEY},
        {"request_timeout": HEADER_KEY},
    ],
)
def test_no_secret_in_the_text_of_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        local(**({"api_key": API_KEY, "provider_api_key": PROVIDER_KEY} | wrong))
    assert_no_secret(f"{caught.value} {caught.value!r}")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("option", ["base_url", "custom_host"])
@pytest.mark.parametrize(
    "url", ["http://{}@host/v1", "https://user:{}@host:8787/v1", "HTTP://{}@host", "http://a:{}/b@c"]
)
def test_a_url_with_credentials_is_an_error_that_does_not_show_them(option: str, url: str) -> None:
    given = {"base_url": LOCAL, option: url.format(HEADER_KEY)}
    with pytest.raises(ValidationError, match=f"{option} must hold no user, password") as caught:
        GatewayOptions.model_validate(given)
    assert_no_secret(f"{caught.value} {caught.value!r}")


def test_secrets_names_the_keys_to_blot_out() -> None:
    assert set(full().secrets()) == {API_KEY, PROVIDER_KEY, CONFIG_KEY, HEADER_KEY}
    assert local(virtual_key=VIRTUAL_KEY, api_key="").secrets() == (VIRTUAL_KEY,)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic"])
def test_the_scheme_of_a_header_is_no_part_of_its_secret(scheme: str) -> None:
    assert local(default_headers={"Authorization": f"{scheme} {HEADER_KEY}"}).secrets() == (HEADER_KEY,)


@pytest.mark.parametrize(
    "name",
    ["key", "x-api-key", "X-Amz-Security-Token", "aws_secret_access_key", "apiKey", "apikey", "awsSessionToken",
     "x-portkey-azure-api-key", "Cookie", "proxy-authorization", "vertexCredentials", "password"],
)  # fmt: skip
def test_a_name_of_a_secret(name: str) -> None:
    assert local(default_headers={name: HEADER_KEY}).secrets() == (HEADER_KEY,)
    assert local(config={"targets": [{"of_a_cloud": {name: HEADER_KEY}}]}).secrets() == (HEADER_KEY,)


@pytest.mark.parametrize(
    "name", ["x-portkey-debug", "tokenizer", "x-monkey", "keyboard", "x-authorizations-of", "secretary"]
)
def test_a_name_of_no_secret(name: str) -> None:
    assert local(default_headers={name: "application"}).secrets() == ()


def test_what_is_too_short_to_be_a_key_is_not_blotted_out() -> None:
    options = local(api_key="12345", provider_api_key="123456", default_headers={"x-key": "a"})
    assert options.secrets() == ("123456",)


def test_what_is_no_key_is_not_blotted_out() -> None:
    config = {"targets": [{"override_params": {"max_tokens": 5}, "api_key": "Bearer ", "aws_secret_access_key": ""}]}
    options = local(config=config, gateway_headers={"aws_region": "eu"})
    assert options.secrets() == ()


def test_a_config_that_is_written_into_a_header_is_read_too() -> None:
    text = json.dumps({"targets": [{"api_key": CONFIG_KEY}]})
    assert local(gateway_headers={"config": text}).secrets() == (CONFIG_KEY,)
    assert local(gateway_headers={"config": "{no JSON"}).secrets() == ()


def test_keys_are_found_wherever_they_stand() -> None:
    servers = [{"name": "files", "authorization_token": HEADER_KEY}, {"authorization_token": None}]
    assert find_secrets(servers) == (HEADER_KEY,)
    assert find_secrets(None) == ()
