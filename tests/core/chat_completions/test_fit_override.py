"""``override_params`` of a target that is no Claude, as its provider takes them, and what is said of the rest."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from portkey_gateway import EncodingError
from portkey_gateway.chat_completions.fit_parameters import fit_override
from portkey_gateway.chat_completions.providers import PROVIDERS
from portkey_gateway.routing import Gateway, Route
from tests.core.warned import warned

OF = "override_params of config.targets[0]: "
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
LAX = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
IN_JSON_OBJECT = {"type": "json_object", "json_schema": SCHEMA}
UNSAYABLE = {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}}}
EMPTY = {"type": "object", "properties": {}}
OPENAI, GEMINI, COHERE = ("openai", "gpt-5"), ("google", "gemini-2.5-flash"), ("cohere", "command-a-03-2025")


def tool(name: str = "look", **function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **function}}


def fit(
    own: dict[str, Any],
    provider: str,
    *targets: Any,
    gateway: Gateway = "oss-1",
    asked: dict[str, Any] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """What the target is told, and all that is warned of."""
    before = copy.deepcopy((own, asked))
    with warned() as texts:
        fitted = fit_override(own, asked or {}, PROVIDERS[provider], Route(gateway, targets=targets), OF)
    assert (own, asked) == before
    return fitted, texts


# --- parameters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "own", "left", "lost"),
    [
        ("groq", {"verbosity": "low", "n": 2, "seed": 7}, {"seed": 7}, ["n", "verbosity"]),
        ("groq", {"n": 1}, {}, []),  # what is so by itself
        ("openai", {"n": 2}, {"n": 2}, []),
    ],
)
def test_what_the_provider_refuses_is_left_out_by_name(
    provider: str, own: dict[str, Any], left: dict[str, Any], lost: list[str]
) -> None:
    assert fit(own, provider) == (left, [f"{OF}{name} is left out: Groq refuses it" for name in lost])


@pytest.mark.parametrize(
    ("provider", "own", "name"),
    [
        ("deepseek", {"seed": 7, "stop": ["a"]}, "DeepSeek"),
        ("mistral-ai", {"stop": ["a"]}, "Mistral"),
        ("azure-openai", {"parallel_tool_calls": False}, "Azure OpenAI"),
        ("openai", {"top_k": 3}, "OpenAI"),
        ("google", {"n": 2}, "Gemini"),
        ("bedrock", {"tool_choice": "auto", "seed": 7}, "other models on Bedrock"),
    ],
)
def test_what_the_gateway_drops_stays_and_is_named(provider: str, own: dict[str, Any], name: str) -> None:
    [lost] = own.keys() - PROVIDERS[provider].parameters
    told = f"{OF}{lost} does not reach {name}: the gateway has no word for it there"
    assert fit(own, provider) == (own, [told])
    assert fit(own, provider, gateway="hosted") == (own, [])
    assert fit(own, provider, gateway="oss-2") == (own, [])


@pytest.mark.parametrize(
    ("provider", "own"),
    [
        ("azure-openai", {"parallel_tool_calls": True}),
        ("mistral-ai", {"n": 1, "logprobs": False, "store": False, "response_format": {"type": "text"}}),
        ("deepseek", {"tool_choice": "auto", "seed": None}),
        ("cohere", {"top_k": 3}),  # under its own word
        (
            "deepseek",
            {"model": "a", "messages": [], "stream": True, "stream_options": {}, "max_tokens": 9,
             "max_completion_tokens": 9, "anthropic_beta": "b", "anthropic_version": "c"},
        ),
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_every_provider_has_or_is_so_by_itself(provider: str, own: dict[str, Any]) -> None:
    assert fit(own, provider) == (own, [])


@pytest.mark.parametrize(("temperature", "is_told"), [(1.5, True), (1.01, True), (1, False), (0, False), (None, False)])
def test_a_temperature_that_the_gateway_clamps_is_named(temperature: float | None, *, is_told: bool) -> None:
    told = f"{OF}temperature {temperature} is sent to Mistral as 1: the gateway tells it no more"
    own = {"temperature": temperature}
    assert fit(own, "mistral-ai") == (own, [told] if is_told else [])
    assert fit(own, "openai") == (own, [])


@pytest.mark.parametrize(
    ("provider", "own", "asked", "told"),
    [
        ("deepseek", True, {}, "DeepSeek: the gateway tells none of its answers"),
        ("deepseek", True, {"stream": True}, "DeepSeek: the gateway tells none of its answers"),
        ("google", True, {"stream": True}, "Gemini: the gateway tells none of its streamed answers"),
        ("google", True, {"stream": False}, ""),
        ("google", False, {"stream": True}, ""),
        ("openai", True, {"stream": True}, ""),
    ],
)
def test_logprobs_that_are_never_told_are_named(provider: str, own: bool, asked: dict[str, Any], told: str) -> None:
    expected = [f"{OF}logprobs come to nothing at {told}"] if told else []
    assert fit({"logprobs": own}, provider, asked=asked) == ({"logprobs": own}, expected)


# --- tools ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "given", "sent"),
    [
        ("google", tool(parameters=EMPTY, strict=True), tool()),
        ("bedrock", tool(description=""), tool(parameters=EMPTY)),
        ("openai", tool(description="", strict=True), tool(description="", strict=True)),
        ("google", {"type": "web_search"}, {"type": "web_search"}),
    ],
)
def test_its_tools_are_said_as_its_provider_takes_them(provider: str, given: Any, sent: Any) -> None:
    assert fit({"tools": [given, given]}, provider) == ({"tools": [sent, sent]}, [])


@pytest.mark.parametrize(
    ("provider", "given", "told"),
    [
        ("cohere", tool(strict=True), "strict of tool 'look' is left out: Cohere refuses it"),
        (
            "google",
            tool(parameters=SCHEMA, strict=True),
            "strict of tool 'look' does not reach Gemini: the gateway has no place for it",
        ),
        (
            "google",
            tool("googleMaps", parameters=SCHEMA),
            "tool 'googleMaps' is taken for Google's own of that name: call yours otherwise",
        ),
    ],
)
def test_what_is_said_of_a_tool_names_the_target_that_has_it(provider: str, given: Any, told: str) -> None:
    assert fit({"tools": [given]}, provider)[1] == [OF + told]


def test_a_tool_that_gemini_cannot_be_told_is_an_error_that_names_the_target() -> None:
    with pytest.raises(EncodingError) as caught:
        fit({"tools": [tool(parameters=UNSAYABLE)]}, "google")
    assert caught.value.message == (
        f"{OF}the parameters of tool 'look': a is an object that does not name its fields, and Gemini has no words for "
        "that: name them, or make it a list of objects with a key and a value"
    )


# --- schemas of answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("provider", "sent"), [("openai", FORMAT), ("google", FORMAT), ("cohere", IN_JSON_OBJECT)])
def test_its_form_of_an_answer_is_its_provider_s(provider: str, sent: Any) -> None:
    assert fit({"response_format": FORMAT}, provider) == ({"response_format": sent}, [])


def test_whoever_takes_a_schema_in_words_only_is_not_told_its_own() -> None:
    told = f"{OF}the schema of response_format does not reach DeepSeek: ask for it in the request"
    assert fit({"response_format": FORMAT}, "deepseek") == ({"response_format": {"type": "json_object"}}, [told])


@pytest.mark.parametrize(
    ("provider", "targets", "asked", "sent"),
    [
        ("cohere", (OPENAI, COHERE), FORMAT, IN_JSON_OBJECT),
        ("deepseek", (OPENAI,), FORMAT, {"type": "json_object"}),  # its schema stands in the request, in words
        ("openai", (OPENAI, GEMINI), FORMAT, FORMAT),  # the gateway takes out what strict wants to see
        ("openai", (OPENAI, GEMINI), LAX, None),
        ("openai", (OPENAI, COHERE), FORMAT, None),
        ("google", (OPENAI, GEMINI), FORMAT, None),
        ("openai", (OPENAI, GEMINI), None, None),
        ("cohere", (OPENAI, COHERE), None, None),
        ("cohere", (OPENAI, COHERE), {"type": "json_object"}, None),
    ],
)
def test_the_form_of_the_request_is_said_apart_where_the_target_takes_another(
    provider: str, targets: Any, asked: Any, sent: Any
) -> None:
    fitted = {} if sent is None else {"response_format": sent}
    assert fit({}, provider, *targets, asked={"response_format": asked}) == (fitted, [])


@pytest.mark.parametrize("form", [{"type": "json_object"}, {"type": "text"}, "json_schema"])
def test_a_form_without_a_schema_is_left_alone(form: Any) -> None:
    assert fit({"response_format": form}, "openai") == ({"response_format": form}, [])


@pytest.mark.parametrize("more", [{}, {"json_schema": None}, {"json_schema": {"schema": None}}])
def test_a_schema_that_is_not_given_is_any_object(more: dict[str, Any]) -> None:
    fitted, texts = fit({"response_format": {"type": "json_schema", **more}}, "cohere")
    assert fitted == {"response_format": {"type": "json_object", "json_schema": {"type": "object"}}}
    assert texts == []


def test_a_schema_is_said_in_gemini_s_words() -> None:
    bound = {**SCHEMA, "properties": {"a": {"type": "integer", "exclusiveMinimum": 0}}, "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": bound}}
    said = {**SCHEMA, "properties": {"a": {"type": "integer", "description": "More than 0."}}}
    assert fit({"response_format": form}, "google") == (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": said}}},
        [],
    )


def test_what_gemini_has_no_word_for_is_named_with_its_target() -> None:
    no = {"type": "object", "properties": {"a": {"type": "string", "not": {"enum": ["x"]}}}}
    _, texts = fit({"response_format": {"type": "json_schema", "json_schema": {"schema": no}}}, "google")
    assert texts == [
        f"not in {OF}the schema, at a, does not reach Gemini, which has no word for it: say it in the description"
    ]


def test_a_schema_that_gemini_cannot_be_told_is_an_error() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": UNSAYABLE}}
    with pytest.raises(EncodingError) as caught:
        fit({"response_format": form}, "google")
    assert caught.value.message == (
        f"{OF}the schema: a is an object that does not name its fields, and Gemini has no words for that: name them, "
        "or make it a list of objects with a key and a value"
    )
