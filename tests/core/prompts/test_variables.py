"""The values of a prompt's variables, and a prompt that is filled in."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway import EncodingError, MissingVariablesError
from portkey_gateway.prompts.rendered import RenderedPrompt
from portkey_gateway.prompts.variables import encode_variables


def test_missing_variables_are_named() -> None:
    with pytest.raises(MissingVariablesError, match=r"'pp-1' needs 'b', 'c' too: it takes 'a', 'b', 'c'") as caught:
        encode_variables("pp-1", {"a": 1}, ["a", "b", "c"], ["d"])

    assert caught.value.missing == ("b", "c")
    assert isinstance(caught.value, KeyError | ValueError)


def test_further_variables_do_no_harm() -> None:
    assert encode_variables("pp-1", {"a": "x", "z": True, "n": None}, ["a"]) == {"a": "x", "z": True, "n": None}


def test_what_is_no_text_becomes_one_where_a_text_is_wanted() -> None:
    values = {"user": {"name": "Ann"}, "items": [{"name": "ü"}], "n": 3}

    assert encode_variables("pp-1", values, ["user"], ["items"]) == {**values, "user": '{"name":"Ann"}'}


def test_what_json_does_not_know_is_named() -> None:
    with pytest.raises(EncodingError, match="the variable 'question' of the prompt 'pp-1' is a object"):
        encode_variables("pp-1", {"question": object()}, None)


@pytest.mark.parametrize(
    ("data", "parameters"),
    [
        ({"n": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0, "stream": True, "user": None}, {}),
        ({"n": 2, "top_p": 0.5, "temperature": 0}, {"n": 2, "top_p": 0.5, "temperature": 0}),
        ({"max_completion_tokens": 9, "stop_sequences": "END"}, {"max_tokens": 9, "stop": ["END"]}),
    ],
)
def test_the_parameters_of_a_prompt(data: dict[str, Any], parameters: dict[str, Any]) -> None:
    rendered = RenderedPrompt({"messages": [], "model": "m", **data})

    assert rendered.parameters == parameters
    assert rendered.model == "m"


def test_a_text_prompt_is_one_message() -> None:
    assert RenderedPrompt({"prompt": "Hello"}).messages == [{"role": "user", "content": "Hello"}]
