"""Option names that nobody knows are errors that tell what was probably meant."""

import pytest

from portkey_gateway.names import check_names, meant_provider

KNOWN = dict.fromkeys(
    [
        "api_key",
        "provider_api_key",
        "base_url",
        "model",
        "max_tokens",
        "thinking",
        "virtual_key",
        "trace_id",
        "reasoning_effort",
        "response_format",
        "timeout",
        "default_headers",
    ]
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("portkey_api_key", "api_key"),
        ("portkeyApiKey", "api_key"),
        ("anthropic_api_key", "provider_api_key"),
        ("openai_api_key", "provider_api_key"),
        ("api_base", "base_url"),
        ("portkey_base_url", "base_url"),
        ("baseURL", "base_url"),
        ("model_name", "model"),
        ("model_id", "model"),
        ("max_tokens_to_sample", "max_tokens"),
        ("max_completion_tokens", "max_tokens"),
        ("thinking_dict", "thinking"),
        ("effort", "reasoning_effort"),
        ("output_format", "response_format"),
        ("default_request_timeout", "timeout"),
        ("anthropic_api_url", "base_url"),
        ("extra_headers", "default_headers"),
        ("virtualKey", "virtual_key"),
        ("traceId", "trace_id"),
    ],
)
def test_a_name_from_elsewhere_is_told_as_it_is_here(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"^unknown option '{name}': here it is '{meant}'$"):
        check_names({name: 1}, KNOWN)


@pytest.mark.parametrize("field", ["model_kwargs", "additional_kwargs"])
@pytest.mark.parametrize("name", ["seed", "output_config", "tools", "tool_choice", "user"])
def test_a_parameter_of_the_body_is_told_its_place(field: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"parameter of the request body: put it into {field}={{'{name}': …}}"):
        check_names({name: 1}, {**KNOWN, field: None})
    with pytest.raises(ValueError, match=f"unknown option '{name}': (did you mean|known are)"):
        check_names({name: 1}, KNOWN)


def test_a_name_from_elsewhere_that_has_no_counterpart_is_compared_as_any_other() -> None:
    with pytest.raises(ValueError, match="unknown option 'model_name': did you mean 'model_names'"):
        check_names({"model_name": 1}, {"model_names": None})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("stream_usage", "every stream tells its usage"),
        ("use_responses_api", "calls are chat completions"),
        *((name, "a proxy is the environment's.*http_client=httpx") for name in ("openai_proxy", "anthropic_proxy")),
        ("organization", "say gateway_headers={'openai_organization': …}"),
        ("http_socket_options", "give a client of yours"),
    ],
)
def test_what_is_so_in_any_case_or_said_otherwise_is_told_as_that(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"unknown option '{name}': {why}"):
        check_names({name: True}, {**KNOWN, "stream_usages": None})


@pytest.mark.parametrize(
    ("slug", "meant"),
    [
        ("antropic", "anthropic"),
        ("Anthropic", "anthropic"),
        ("mistral", "mistral-ai"),
        ("claude", "anthropic"),
        ("azure", "azure-openai"),
        ("vertex_ai", "vertex-ai"),
        ("openai", None),
        ("vertex-ai", None),
        ("@opnai", None),
        ("my-own-models", None),
    ],
)
def test_a_provider_that_there_is_not_is_compared(slug: str, meant: str | None) -> None:
    assert meant_provider(slug) == meant
