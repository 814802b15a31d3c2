"""Parameters and tools as whoever may answer takes them, and what is said of those that are dropped."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from portkey_gateway import EncodingError, PortkeyWarning
from portkey_gateway.chat_completions.fit_parameters import carries, fit_parameters
from portkey_gateway.chat_completions.providers import PROVIDERS
from portkey_gateway.routing import Gateway, Route
from tests.providers.behind import NAMES

OPENAI, AZURE = ("openai", "gpt-5"), ("azure-openai", "gpt-5")
GEMINI, VERTEX = ("google", "gemini-2.5-flash"), ("vertex-ai", "gemini-2.5-flash")
MISTRAL, COHERE = ("mistral-ai", "mistral-large-latest"), ("cohere", "command-a-03-2025")
DEEPSEEK, OLLAMA = ("deepseek", "deepseek-chat"), ("ollama", "llama3.2")
BEDROCK = ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")
ANTHROPIC = ("anthropic", "claude-sonnet-4-5")
LLAMA = ("bedrock", "meta.llama3-70b-instruct-v1:0")
USER = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}


def tool(name: str = "look", **function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **function}}


def fit(*targets: Any, gateway: Gateway = "oss-1", **body: Any) -> dict[str, Any]:
    return fit_parameters({"model": "a", "messages": [USER], **body}, Route(gateway, targets=targets))


@pytest.mark.parametrize(
    ("target", "given", "name"),
    [
        (AZURE, {"parallel_tool_calls": False}, "Azure OpenAI"),
        (AZURE, {"service_tier": "flex"}, "Azure OpenAI"),
        (OPENAI, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "OpenAI"),
        (OPENAI, {"top_k": 3}, "OpenAI"),
        (GEMINI, {"parallel_tool_calls": False}, "Gemini"),
        (VERTEX, {"frequency_penalty": 0.1}, "Gemini on Vertex AI"),
        (MISTRAL, {"stop": ["a"]}, "Mistral"),
        (MISTRAL, {"response_format": FORMAT}, "Mistral"),
        (COHERE, {"parallel_tool_calls": False}, "Cohere"),
        (DEEPSEEK, {"seed": 7}, "DeepSeek"),
        (OLLAMA, {"tools": [tool()], "tool_choice": "required"}, "Ollama"),
        (LLAMA, {"seed": 7}, "other models on Bedrock"),
    ],
)
def test_a_parameter_that_is_dropped_is_named(target: Any, given: dict[str, Any], name: str) -> None:
    *_, parameter = given
    with pytest.warns(PortkeyWarning, match=f"{parameter} does not reach {name}: the gateway has no word for it"):
        fitted = fit(target, **given)
    assert fitted[parameter] == given[parameter] or parameter == "response_format"


@pytest.mark.parametrize(
    ("targets", "given", "gateway"),
    [
        ([MISTRAL], {"stop": ["a"]}, "hosted"),  # what another gateway drops is not known
        ([MISTRAL], {"stop": ["a"]}, "oss-2"),
        ([(None, "gpt-5")], {"stop": ["a"]}, "oss-1"),
        ([("@team", "gpt-5")], {"top_k": 3}, "oss-1"),
        ([AZURE], {"parallel_tool_calls": True, "n": 1, "logprobs": False, "tool_choice": "auto"}, "oss-1"),
        ([GEMINI], {"seed": 7, "max_tokens": 9, "stream": True, "user": None}, "oss-1"),
        ([OPENAI, ANTHROPIC], {"thinking": {"type": "adaptive"}}, "oss-1"),  # it is Claude's own
        ([BEDROCK], {"top_k": 3}, "oss-1"),
        ([COHERE], {"top_k": 3}, "oss-1"),
    ],
)
def test_what_is_carried_or_not_known_is_not_named(targets: list[Any], given: Any, gateway: Gateway) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(*targets, gateway=gateway, **given)


def test_cohere_has_its_own_word_for_top_k() -> None:
    assert fit(COHERE, top_k=3)["k"] == 3
    assert "k" not in fit(BEDROCK, top_k=3)


def test_tools_that_reach_nobody_are_an_error() -> None:
    with pytest.raises(EncodingError, match="tools do not reach DeepSeek"):
        fit(DEEPSEEK, tools=[tool()])
    with pytest.warns(PortkeyWarning, match="tools does not reach DeepSeek"):
        fit(OPENAI, DEEPSEEK, tools=[tool()])


# --- tools ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "name"), [(GEMINI, "Gemini"), (VERTEX, "Gemini on Vertex AI")])
def test_a_strict_tool_of_gemini_is_warned_of(target: Any, name: str) -> None:
    strict = tool(parameters=SCHEMA, strict=True)
    with pytest.warns(PortkeyWarning, match=f"strict of tool 'look' does not reach {name}: the gateway has no place"):
        assert fit(target, tools=[strict])["tools"][0]["function"]["strict"] is True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit(OPENAI, tools=[strict])["tools"] == [strict]


def test_bedrock_gets_a_schema_and_no_empty_description() -> None:
    fitted = fit(BEDROCK, tools=[tool(description="")])
    assert fitted["tools"] == [tool(parameters={"type": "object", "properties": {}})]
    assert fit(OPENAI, tools=[tool(description="")])["tools"] == [tool(description="")]


def test_gemini_gets_no_empty_schema() -> None:
    assert fit(GEMINI, tools=[tool(parameters={"type": "object", "properties": {}})])["tools"] == [tool()]


@pytest.mark.parametrize("other", [OPENAI, ANTHROPIC, AZURE])
def test_nor_does_anybody_where_gemini_may_answer(other: Any) -> None:
    empty = {"type": "object", "properties": {}, "additionalProperties": False}
    assert fit(other, GEMINI, tools=[tool(parameters=empty, strict=True)])["tools"] == [tool()]


def test_what_one_wants_and_the_other_refuses_is_said() -> None:
    with pytest.warns(PortkeyWarning, match="tool 'look' takes no arguments: Gemini refuses the empty schema that Cl"):
        assert fit(BEDROCK, GEMINI, tools=[tool()])["tools"][0]["function"]["parameters"]


def test_a_schema_is_said_to_others_as_gemini_takes_it_too() -> None:
    given = {**SCHEMA, "properties": {"a": {"type": "integer", "exclusiveMinimum": 0}}, "additionalProperties": False}
    told = {**given, "properties": {"a": {"type": "integer", "description": "More than 0."}}}
    asked = {**FORMAT, "json_schema": {"name": "answer", "schema": given}}
    fitted = fit(OPENAI, GEMINI, tools=[tool(parameters=given)], response_format=asked)
    assert fitted["tools"] == [tool(parameters=told)]
    assert fitted["response_format"]["json_schema"]["schema"] == told


def test_a_schema_that_gemini_has_no_words_for_is_named() -> None:
    given = {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}}}
    asked = {**FORMAT, "json_schema": {"name": "answer", "schema": given}}
    with pytest.raises(EncodingError, match="the parameters of tool 'look': a is an object that does not name"):
        fit(GEMINI, tools=[tool(parameters=given)])
    with pytest.raises(EncodingError, match="the schema of response_format: a is an object that does not name"):
        fit(GEMINI, response_format=asked)
    with pytest.warns(PortkeyWarning, match="the parameters of tool 'look' will be refused by Gemini, where the con"):
        assert fit(OPENAI, GEMINI, tools=[tool(parameters=given)])["tools"] == [tool(parameters=given)]


def test_a_tool_of_another_kind_is_left_alone() -> None:
    server_tool = {"type": "web_search", "web_search": {"name": "web_search_20250305"}}
    assert fit(BEDROCK, tools=[server_tool])["tools"] == [server_tool]


def test_no_tool_is_said_to_bedrock_by_offering_none() -> None:
    fitted = fit(BEDROCK, tools=[tool(parameters=SCHEMA)], tool_choice="none")
    assert not {"tools", "tool_choice"} & fitted.keys()
    history = [USER, {"role": "tool", "tool_call_id": "a", "content": "b"}]
    with pytest.warns(PortkeyWarning, match="tool_choice 'none' does not reach Claude on Bedrock"):
        assert fit(BEDROCK, messages=history, tools=[tool(parameters=SCHEMA)], tool_choice="none")["tools"]


def test_one_tool_is_said_to_cohere_by_offering_it_alone() -> None:
    choice = {"type": "function", "function": {"name": "look"}}
    fitted = fit(COHERE, tools=[tool(), tool("taste")], tool_choice=choice)
    assert (fitted["tools"], fitted["tool_choice"]) == ([tool()], "required")


# --- schemas of answers ---------------------------------------------------------------------------------------------


def test_each_is_told_the_schema_in_its_own_form() -> None:
    assert fit(OPENAI, response_format=FORMAT)["response_format"] == FORMAT
    assert fit(COHERE, response_format=FORMAT)["response_format"] == {"type": "json_object", "json_schema": SCHEMA}
    told = fit(DEEPSEEK, response_format=FORMAT)
    assert told["response_format"] == {"type": "json_object"}
    assert '"required": ["a"]' in told["messages"][0]["content"]
    assert told["messages"][1:] == [USER]


def test_where_the_forms_differ_json_is_asked_for_and_the_schema_in_words() -> None:
    told = fit(OPENAI, COHERE, response_format=FORMAT)
    assert told["response_format"] == {"type": "json_object"}
    assert "JSON schema below" in told["messages"][0]["content"]


@pytest.mark.parametrize("row", PROVIDERS)
def test_what_is_carried_is_read_off_the_table(row: str) -> None:
    route, provider = Route(targets=((row.partition("/")[0], NAMES[row]),)), PROVIDERS[row]
    for name in ("response_format", "tool_choice", "parallel_tool_calls"):
        assert carries(route, name) is (provider.is_claude or name in provider.parameters)
    both = {"tools", "tool_choice"} <= provider.parameters
    assert carries(route, "tools", "tool_choice") is both
    assert carries(Route("hosted", targets=route.targets), "response_format", "tools")
    assert carries(Route(), "response_format")


@pytest.mark.parametrize(
    ("target", "more", "words"),
    [
        (DEEPSEEK, {}, "at DeepSeek: the gateway tells none of its answers"),
        (DEEPSEEK, {"stream": True}, "at DeepSeek: the gateway tells none of its answers"),
        (GEMINI, {"stream": True}, "at Gemini: the gateway tells none of its streamed answers"),
        (VERTEX, {"stream": True}, "at Gemini on Vertex AI: the gateway tells none of its streamed answers"),
    ],
)
def test_logprobs_that_are_never_told_are_warned_of(target: Any, more: dict[str, Any], words: str) -> None:
    with pytest.warns(PortkeyWarning, match=f"logprobs come to nothing {words}"):
        fit(target, OPENAI, logprobs=True, **more)


def test_nothing_is_said_of_logprobs_that_are_told() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(OPENAI, GEMINI, logprobs=True)
        fit(OPENAI, logprobs=True, stream=True)
        fit(DEEPSEEK, logprobs=False)


@pytest.mark.parametrize("target", [MISTRAL, ("vertex-ai", "mistralai.mistral-large-2411")])
def test_a_temperature_that_the_gateway_clamps_is_warned_of(target: Any) -> None:
    with pytest.warns(
        PortkeyWarning, match=r"temperature 1\.5 is sent to Mistral.* as 1: the gateway tells it no more"
    ):
        fit(target, OPENAI, temperature=1.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(target, temperature=1)
        fit(OPENAI, DEEPSEEK, temperature=1.5)


def test_a_whole_answer_stays_one_at_deepseek() -> None:
    assert "stream" not in fit(DEEPSEEK)


def test_a_choice_of_a_tool_that_is_none_is_an_error() -> None:
    choice = {"type": "function", "function": {"name": "search"}}
    with pytest.raises(EncodingError, match="tool_choice names 'search', which is none of the tools of the request"):
        fit(COHERE, tools=[tool("look")], tool_choice=choice)


@pytest.mark.parametrize("name", ["google_search", "googleMaps", "google_search_retrieval", "computer_use"])
def test_the_options_of_google_s_own_tools_are_no_schema(name: str) -> None:
    tool = {"type": "function", "function": {"name": name, "parameters": {"timeRangeFilter": {"startTime": "x"}}}}
    assert fit(GEMINI, tools=[tool])["tools"] == [tool]


def test_a_tool_of_a_name_of_google_s_is_told() -> None:
    parameters = {"type": "object", "properties": {"q": {"type": "string"}}}
    with pytest.warns(PortkeyWarning, match="'google_search' is taken for Google's own of that name"):
        fit(GEMINI, tools=[{"type": "function", "function": {"name": "google_search", "parameters": parameters}}])
