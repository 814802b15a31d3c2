"""The names of attributes are those of OpenTelemetry's conventions."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from opentelemetry.semconv._incubating.attributes import error_attributes, exception_attributes, gen_ai_attributes
from packaging.version import Version

from portkey_gateway.tracing import semconv

CONVENTIONS = Version(version("opentelemetry-semantic-conventions"))


@pytest.mark.skipif(Version("0.66b2") > CONVENTIONS, reason="the names are those of a newer package than is installed")
def test_every_standard_name_is_one_of_opentelemetrys() -> None:
    ours = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    standard = {value for value in ours if value.startswith(("gen_ai.", "error.", "exception."))}
    modules = (error_attributes, exception_attributes, gen_ai_attributes)
    theirs = {value for module in modules for value in vars(module).values() if isinstance(value, str)}
    assert len(standard) > 20
    assert standard <= theirs


@pytest.mark.parametrize(
    ("named", "standard"),
    [("azure_openai", "azure.ai.openai"), ("amazon_bedrock", "aws.bedrock"), ("bedrock_converse", "aws.bedrock")],
)
def test_providers_have_the_names_of_the_conventions(named: str, standard: str) -> None:
    assert semconv.provider_name(named) == standard
    assert standard in {value.value for value in gen_ai_attributes.GenAiProviderNameValues}


def test_a_provider_that_the_conventions_do_not_rename_keeps_its_name() -> None:
    assert semconv.provider_name("anthropic") == "anthropic"
