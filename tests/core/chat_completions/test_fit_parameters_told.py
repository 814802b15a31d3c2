"""Every word of what is said where a parameter, a tool or a schema is not for all who may answer."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway import EncodingError, PortkeyWarning
from portkey_gateway.chat_completions.fit_parameters import fit_parameters
from portkey_gateway.routing import Route
from tests.core.chat_completions.test_fit_parameters import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    COHERE,
    DEEPSEEK,
    FORMAT,
    GEMINI,
    LLAMA,
    MISTRAL,
    OPENAI,
    SCHEMA,
    USER,
    VERTEX,
    fit,
    tool,
)
from tests.core.warned import warned

LOST = "the gateway has no word for it there"
GROQ = ("groq", "llama-3.3-70b-versatile")


def said(*targets: Any, **body: Any) -> list[str]:
    with warned() as texts:
        fit(*targets, **body)
    return texts


@pytest.mark.parametrize(
    ("targets", "given", "texts"),
    [
        ((DEEPSEEK, MISTRAL), {"seed": 7}, [f"seed does not reach DeepSeek: {LOST}"]),
        ((DEEPSEEK, MISTRAL), {"user": "a"}, [f"user does not reach DeepSeek and Mistral: {LOST}"]),
        # What only some have is meant for those.
        ((OPENAI, COHERE), {"top_k": 3}, []),
        ((OPENAI, GEMINI), {"thinking": {"type": "adaptive"}}, []),
        ((OPENAI, AZURE), {"top_k": 3}, [f"top_k does not reach OpenAI and Azure OpenAI: {LOST}"]),
        # What nobody has may be an option of ours.
        ((OPENAI,), {"trace_ids": "a"}, ["trace_ids does not reach OpenAI: did you mean 'trace_id'?"]),
        ((OPENAI,), {"qwertz": 1}, [f"qwertz does not reach OpenAI: {LOST}"]),
        ((ANTHROPIC, DEEPSEEK), {"seed": 7}, [f"seed does not reach DeepSeek: {LOST}"]),
        ((ANTHROPIC,), {"seed": 7}, []),  # of Claudes the losses tell
    ],
)
def test_who_is_deaf_is_named_and_why(targets: Any, given: dict[str, Any], texts: list[str]) -> None:
    assert said(*targets, **given) == texts


def test_who_drops_tools_is_named_with_what_to_do() -> None:
    with pytest.raises(EncodingError) as caught:
        fit(DEEPSEEK, tools=[tool()])
    assert caught.value.message == (
        "tools do not reach DeepSeek: the open-source gateway 1.15.2 drops them there; ask without tools, or another "
        "provider that serves the model"
    )


def test_what_a_provider_refuses_is_left_out_for_all() -> None:
    with warned() as texts:
        fitted = fit(OPENAI, GROQ, n=2, verbosity="low", seed=7)
    assert fitted == {"model": "a", "messages": [USER], "seed": 7}
    assert texts == ["n is left out: Groq refuses it", "verbosity is left out: Groq refuses it"]
    assert "n" not in fit(GROQ, n=1)
    assert said(GROQ, n=1) == []


def test_values_that_are_none_are_not_sent_where_somebody_is_known() -> None:
    assert fit(OPENAI, seed=None, stop=None) == {"model": "a", "messages": [USER]}
    assert fit(("our-own", "a"), seed=None) == {"model": "a", "messages": [USER], "seed": None}


def test_a_word_of_cohere_s_own_wins() -> None:
    assert fit(COHERE, top_k=3, k=5)["k"] == 5
    assert "k" not in fit(COHERE)


@pytest.mark.parametrize("who", [(BEDROCK, LLAMA), (BEDROCK,)])
def test_no_tool_is_not_told_beside_calls(who: Any) -> None:
    names = "Claude on Bedrock and other models on Bedrock" if len(who) > 1 else "Claude on Bedrock"
    call = {"role": "assistant", "tool_calls": [{"id": "a"}]}
    look = tool(parameters=SCHEMA)
    with warned() as texts:
        fitted = fit(*who, messages=[USER, call], tools=[look], tool_choice="none")
    assert (fitted["tools"], fitted["tool_choice"]) == ([look], "none")
    assert texts == [f"tool_choice 'none' does not reach {names}, which wants to know the tools of earlier calls"]
    assert fit(*who, tool_choice="none") == {"model": "a", "messages": [USER]}


def test_one_tool_is_told_by_its_name_where_somebody_can_be() -> None:
    choice = {"type": "function", "function": {"name": "look"}}
    fitted = fit(COHERE, OPENAI, tools=[tool(), tool("taste")], tool_choice=choice)
    assert (fitted["tools"], fitted["tool_choice"]) == ([tool(), tool("taste")], choice)


@pytest.mark.parametrize("more", [{}, {"tools": [{"type": "web_search"}]}])
def test_a_tool_that_is_asked_for_has_to_be_there(more: dict[str, Any]) -> None:
    choice = {"type": "function", "function": {"name": "look"}}
    with pytest.raises(EncodingError) as caught:
        fit(COHERE, tool_choice=choice, **more)
    assert caught.value.message == "tool_choice names 'look', which is none of the tools of the request: offer it"


WANTED = (
    "tool 'look' takes no arguments: Gemini refuses the empty schema that Claude on Bedrock and other models on "
    "Bedrock wants; give it one that is optional"
)


@pytest.mark.parametrize(
    ("targets", "given", "text"),
    [
        ((OPENAI, COHERE), tool(strict=True), "strict of tool 'look' is left out: Cohere refuses it"),
        (
            (GEMINI, VERTEX, OPENAI),
            tool(parameters=SCHEMA, strict=True),
            "strict of tool 'look' does not reach Gemini and Gemini on Vertex AI: the gateway has no place for it",
        ),
        (
            (GEMINI, BEDROCK, LLAMA),
            tool(),
            WANTED,
        ),
        (
            (GEMINI,),
            tool("computerUse", parameters=SCHEMA),
            "tool 'computerUse' is taken for Google's own of that name: call yours otherwise",
        ),
        ((GEMINI, OPENAI), tool("computerUse", parameters=SCHEMA), ""),
        ((GEMINI,), tool("computerUse"), ""),
        ((OPENAI, COHERE), tool(strict=None), ""),
    ],
)
def test_what_is_said_of_a_tool(targets: Any, given: Any, text: str) -> None:
    assert said(*targets, tools=[given]) == ([text] if text else [])


@pytest.mark.parametrize("strict", [True, False])
def test_a_tool_is_no_stricter_than_cohere_takes_it(*, strict: bool) -> None:
    with pytest.warns(PortkeyWarning, match="strict of tool 'look' is left out: Cohere refuses it"):
        assert fit(OPENAI, COHERE, tools=[tool(strict=strict)])["tools"] == [tool()]


def test_a_description_is_told_to_bedrock_as_it_is() -> None:
    given = tool(description="Looks.", parameters={"properties": {}})
    sent = tool(description="Looks.", parameters={"type": "object", "properties": {}})
    assert fit(LLAMA, tools=[given])["tools"] == [sent]


@pytest.mark.parametrize("who", [(GEMINI,), (OPENAI, GEMINI)])
def test_a_schema_whose_top_is_a_reference_is_told_as_what_it_means(who: Any) -> None:
    given = {"$ref": "#/$defs/A", "$defs": {"A": SCHEMA}}
    assert fit(*who, tools=[tool(parameters=given)])["tools"] == [tool(parameters=SCHEMA)]
    assert fit(OPENAI, tools=[tool(parameters=given)])["tools"] == [tool(parameters={**SCHEMA, "$defs": {"A": SCHEMA}})]


def test_a_schema_that_gemini_refuses_is_named_with_its_place_and_the_way_out() -> None:
    given = {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}}}
    why = (
        "a is an object that does not name its fields, and Gemini has no words for that: name them, or make it a list "
        "of objects with a key and a value"
    )
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": given}}
    refused = "will be refused by Gemini, where the config may send this call"
    assert said(OPENAI, GEMINI, tools=[tool(parameters=given)], response_format=form) == [
        f"the parameters of tool 'look' {refused}: {why}",
        f"the schema of response_format {refused}: {why}",
    ]


@pytest.mark.parametrize("who", [(GEMINI,), (OPENAI, GEMINI)])
def test_what_gemini_has_no_word_for_is_named_with_what_it_is_of(who: Any) -> None:
    given = {**SCHEMA, "properties": {"a": {"type": "string", "not": {"enum": ["x"]}}}}
    text = "not in the parameters of tool 'look', at a, does not reach Gemini, which has no word for it: say it in the "
    assert said(*who, tools=[tool(parameters=given)]) == [text + "description"]


IN_WORDS = (
    "Answer with one JSON object that fits the JSON schema below, and with nothing else: no explanation, no code "
    'fence.\n\n{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}'
)
TOLD = {"role": "system", "content": IN_WORDS}


@pytest.mark.parametrize(
    ("targets", "has_config", "form", "messages"),
    [
        ((DEEPSEEK,), False, {"type": "json_object"}, [TOLD, USER]),
        ((OPENAI, DEEPSEEK), False, {"type": "json_object"}, [TOLD, USER]),
        ((OPENAI, DEEPSEEK), True, FORMAT, [TOLD, USER]),  # DeepSeek's own form is told to it apart
        ((OPENAI, COHERE), True, FORMAT, [USER]),
        ((COHERE, DEEPSEEK), True, FORMAT, [TOLD, USER]),
        ((OPENAI, AZURE), False, FORMAT, [USER]),
    ],
)
def test_a_schema_is_told_in_words_where_one_hears_no_other(
    targets: Any, form: Any, messages: Any, *, has_config: bool
) -> None:
    body = {"model": "a", "messages": [USER], "response_format": FORMAT}
    fitted = fit_parameters(body, Route("hosted", targets=targets), has_config=has_config)
    assert fitted == {"model": "a", "messages": messages, "response_format": form}


@pytest.mark.parametrize("form", [{"type": "json_object"}, {"type": "text"}])
def test_a_form_without_a_schema_is_told_as_it_is(form: Any) -> None:
    assert fit(OPENAI, DEEPSEEK, response_format=form) == {"model": "a", "messages": [USER], "response_format": form}


@pytest.mark.parametrize(
    ("targets", "streamed", "text"),
    [
        ((DEEPSEEK, GEMINI), False, "logprobs come to nothing at DeepSeek: the gateway tells none of its answers"),
        (
            (DEEPSEEK, GEMINI),
            True,
            "logprobs come to nothing at DeepSeek and Gemini: the gateway tells none of its streamed answers",
        ),
    ],
)
def test_who_tells_no_logprobs_is_named(targets: Any, text: str, *, streamed: bool) -> None:
    assert said(*targets, logprobs=True, stream=streamed) == [text]


@pytest.mark.parametrize(("temperature", "is_clamped"), [(1, False), (1.1, True)])
def test_a_temperature_above_the_highest_is_named(temperature: float, *, is_clamped: bool) -> None:
    text = f"temperature {temperature} is sent to Mistral as 1: the gateway tells it no more"
    assert said(MISTRAL, OPENAI, temperature=temperature) == ([text] if is_clamped else [])
