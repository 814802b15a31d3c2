"""`override_params` of the only target of a config, or of one of several: said as its provider takes them."""

from __future__ import annotations

from typing import Any, Final

import pytest

from portkey_gateway.errors import PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from tests.providers.behind import NAMES, target
from tests.providers.emulated import EmulatedProvider
from tests.providers.frameworks import FRAMEWORKS, Framework, Way, whole_or_streamed

SCHEMA: Final = {"type": "object", "properties": {"size": {"const": 1}}, "required": ["size"]}
FORM: Final = {"type": "json_schema", "json_schema": {"name": "order", "schema": SCHEMA}}
NOW: Final = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(params=FRAMEWORKS)
def routed(request: pytest.FixtureRequest, sandbox: Sandbox, provider: EmulatedProvider, row: str) -> Any:
    """A model whose config has one target with these parameters of its own, alone or before another."""

    def built(own: dict[str, Any], *, alone: bool) -> Framework:
        config = target(row, provider.base_url.removesuffix("/v1"))
        config["override_params"] = {**config["override_params"], **own}
        if not alone:
            other = target("azure-openai", provider.base_url.removesuffix("/v1"))
            config = {"strategy": {"mode": "fallback", "on_status_codes": [503]}, "targets": [config, other]}
        options = {"model": NAMES[row], "base_url": sandbox.base_url, "config": config, "max_retries": 0}
        return FRAMEWORKS[request.param]({**options, "api_format": "chat_completions"})

    return built


alone_or_not = pytest.mark.parametrize("alone", [True, False], ids=["alone", "before another"])


@pytest.mark.parametrize(
    ("row", "own"),
    [
        ("google", {"frequency_penalty": 0.5}),
        ("vertex-ai", {"verbosity": "low"}),
        ("cohere", {"parallel_tool_calls": False}),
        ("deepseek", {"seed": 7}),
        ("mistral-ai", {"stop": ["a"]}),
        ("azure-openai", {"service_tier": "flex"}),
    ],
    indirect=["row"],
)
@alone_or_not
@whole_or_streamed
def test_what_the_gateway_drops_of_it_is_named(
    routed: Any, provider: EmulatedProvider, way: Way, own: dict[str, Any], alone: bool
) -> None:
    [name] = own
    model = routed(own, alone=alone)
    where = r"override_params of config(\.targets\[0\])?: "
    tools = [NOW] if name == "parallel_tool_calls" else []
    with pytest.warns(PortkeyWarning, match=f"{where}{name} does not reach"):
        assert model.ask(way, [model.user("Hi")], tools=tools).text == "Hello."
    assert not provider.refused


@pytest.mark.parametrize(
    ("row", "own"),
    [
        ("google", {"response_format": FORM}),
        ("google", {"tools": [NOW]}),
        ("google", {"reasoning_effort": "low"}),
        ("cohere", {"response_format": FORM}),
        ("bedrock/anthropic", {"tools": [NOW]}),
        ("groq", {"verbosity": "low"}),
    ],
    indirect=["row"],
)
@alone_or_not
@pytest.mark.filterwarnings("ignore::portkey_gateway.errors.PortkeyWarning")
@whole_or_streamed
def test_it_is_said_as_the_provider_takes_it(
    routed: Any, provider: EmulatedProvider, way: Way, own: dict[str, Any], alone: bool
) -> None:
    model = routed(own, alone=alone)
    assert model.ask(way, [model.user("Hi JSON")]).text == "Hello."
    assert not provider.refused
